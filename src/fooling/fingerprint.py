"""Fingerprint the code that decides a result, equally on every machine and every supported Python.

A fingerprint covers the modules of this package that a command imports, directly or not. Of each it takes the syntax
tree without what cannot change a result: comments, formatting, docstrings, and type annotations that nothing reads at
run time. Code is parsed, never imported. Imports inside functions count, because they run; imports under
``if TYPE_CHECKING`` do not.

What an import statement does not show is declared beside the code that does it, as a module-level tuple of strings:

``DATA_FILES``
    The files beside the module that it reads. Their content counts.
``NAMED_MODULES``
    The modules of this package that it imports by a name known only at run time, as patterns. Pass the one that is used
    to :func:`fingerprint`, after the command.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

PACKAGE = __name__.partition(".")[0]
DIGITS = 20  # of a fingerprint

#: Environment variable that names the file in which parsed modules are kept between processes.
KEPT_VARIABLE = "FOOLING_FINGERPRINTS"

#: The package whose functions keep their annotations: Typer reads those of a command at run time.
COMMANDS = f"{PACKAGE}.cli"

#: Decorators that read no annotation. Any other one may.
INERT_DECORATORS = {
    *("abstractmethod", "cache", "cached_property", "classmethod", "contextmanager"),
    *("lru_cache", "override", "property", "staticmethod"),
}

#: All that `dataclass` reads of the annotation of a field.
DATACLASS_MARKS = ("ClassVar", "InitVar", "KW_ONLY")


@dataclass(frozen=True)
class Module:
    """What a fingerprint needs to know of one module."""

    key: str
    """SHA-256 of its name and content, and of the code that reads them."""
    digest: str
    """SHA-256 of what it executes."""
    imports: tuple[str, ...]
    """Dotted names in this package that it imports; the last part may be a name within a module."""
    data_files: tuple[str, ...]
    named_modules: tuple[str, ...]


class Fingerprints:
    """The fingerprints of one package's commands; each module is parsed once.

    Args:
        folder: Folder of the package. Default: the package that Python imports.
        kept: File in which parsed modules are kept for the next process, checked by their content. A file that cannot
            be read or written is ignored.
    """

    def __init__(self, folder: Path | None = None, *, kept: Path | None = None) -> None:
        self._folder = _package_folder() if folder is None else folder
        self._kept_in = kept
        self._kept = {} if kept is None else _read_kept(kept)
        self._modules: dict[str, Module] = {}
        self._paths: dict[str, Path | None] = {}
        self._taken: dict[tuple[str, ...], str] = {}

    def of(self, command: str, *named: str) -> str:
        """Return the fingerprint of a command, given as the dotted name of its module.

        Args:
            command: Module of the command, such as ``fooling.cli.draw``.
            named: Modules that it imports by name, such as ``fooling.figures.gallery``.

        Raises:
            ModuleNotFoundError: A module has no file.
            ValueError: One of ``named`` is declared in no ``NAMED_MODULES`` of the command's modules.
        """
        if (command, *named) not in self._taken:
            digest = hashlib.sha256()
            for name, module in sorted(self._closure(command, *named).items()):
                digest.update(f"{name} {module.digest}\n".encode())
                for file in module.data_files:
                    content = (self._file_of(name).parent / file).read_bytes()
                    digest.update(f"{name} {file} {hashlib.sha256(content).hexdigest()}\n".encode())
            self._taken[command, *named] = digest.hexdigest()[:DIGITS]
        return self._taken[command, *named]

    def files(self, command: str, *named: str) -> list[Path]:
        """Return the sorted paths of all files that such a fingerprint covers; raise as :meth:`of` does."""
        found: set[Path] = set()
        for name, module in self._closure(command, *named).items():
            path = self._file_of(name)
            found |= {path, *map(path.parent.joinpath, module.data_files)}
        return sorted(found)

    def named_modules(self, command: str) -> list[str]:
        """Return the patterns of the modules that a command imports by name; raise as :meth:`of` does."""
        return _patterns(self._closure(command))

    def _closure(self, *names: str) -> dict[str, Module]:
        """Return all modules that run with these, by name."""
        for name in names:
            if self._path(name) is None:
                raise ModuleNotFoundError(f"no file holds the module {name}", name=name)
        found: dict[str, Module] = {}
        pending = list(names)
        while pending:
            name = pending.pop()
            if name not in found:
                found[name] = self._module(name)
                pending += [part for wanted in (name, *found[name].imports) for part in self._with_packages(wanted)]
        declared = _patterns(found)
        for name in names[1:]:
            if not any(fnmatchcase(name, pattern) for pattern in declared):
                raise ValueError(f"{name} is in no NAMED_MODULES of {names[0]}: {', '.join(declared) or 'none'}")
        self._keep(found)
        return found

    def _module(self, name: str) -> Module:
        if name not in self._modules:
            path = self._file_of(name)
            content = path.read_bytes()
            key = hashlib.sha256(f"{_own_digest()} {name} ".encode() + content).hexdigest()
            kept = self._kept.get(name)
            self._modules[name] = kept if kept and kept.key == key else _parsed(name, path, content, key=key)
        return self._modules[name]

    def _keep(self, modules: dict[str, Module]) -> None:
        if self._kept_in is not None and not modules.items() <= self._kept.items():
            self._kept |= modules
            _write_kept(self._kept_in, self._kept)

    def _with_packages(self, name: str) -> Iterable[str]:
        """Return the module ``name`` and the packages around it, as far as they have files."""
        parts = name.split(".")
        names = (".".join(parts[:length]) for length in range(1, len(parts) + 1))
        return [each for each in names if self._path(each) is not None]

    def _file_of(self, name: str) -> Path:
        path = self._path(name)
        assert path is not None
        return path

    def _path(self, name: str) -> Path | None:
        """Return the file of a module; none for the package's own, which holds only its version."""
        if name not in self._paths:
            root, *parts = name.split(".")
            base = self._folder.joinpath(*parts)
            files = (base.with_suffix(".py"), base / "__init__.py") if root == PACKAGE and parts else ()
            self._paths[name] = next((path for path in files if path.is_file()), None)
        return self._paths[name]


def fingerprint(command: str, *named: str) -> str:
    """Return the fingerprint of a command of the imported package; see :meth:`Fingerprints.of`."""
    return _of_imported_package().of(command, *named)


def canonical(source: str | bytes, *, module: str) -> str:
    """Return what the Python text ``source`` of ``module`` executes, equal in all versions of Python."""
    return _Canon(ast.parse(source), module).text()


def _patterns(modules: dict[str, Module]) -> list[str]:
    return sorted(pattern for module in modules.values() for pattern in module.named_modules)


@cache
def _of_imported_package() -> Fingerprints:
    kept = os.getenv(KEPT_VARIABLE)
    return Fingerprints(kept=Path(kept) if kept else None)


def _package_folder() -> Path:
    specification = importlib.util.find_spec(PACKAGE)
    assert specification is not None and specification.submodule_search_locations
    return Path(specification.submodule_search_locations[0])


@cache
def _own_digest() -> str:
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()


def _read_kept(path: Path) -> dict[str, Module]:
    with suppress(OSError, ValueError, TypeError, AttributeError, KeyError):
        kept: dict[str, dict[str, Any]] = json.loads(path.read_bytes())
        for fields in kept.values():
            fields |= {field: tuple(fields[field]) for field in ("imports", "data_files", "named_modules")}
        return {name: Module(**fields) for name, fields in kept.items()}
    return {}


def _write_kept(path: Path, modules: dict[str, Module]) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps({name: asdict(module) for name, module in modules.items()}), encoding="utf-8")
        temporary.replace(path)


def _parsed(name: str, path: Path, content: bytes, *, key: str) -> Module:
    tree = ast.parse(content, filename=str(path))
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    imports = {found for found in _imports(tree, package) if found.partition(".")[0] == PACKAGE}
    return Module(
        key=key,
        imports=tuple(sorted(imports)),
        data_files=_declared(tree, "DATA_FILES"),
        named_modules=_declared(tree, "NAMED_MODULES"),
        digest=hashlib.sha256(_Canon(tree, name).text().encode()).hexdigest(),
    )


def _imports(tree: ast.Module, package: Sequence[str]) -> Iterator[str]:
    """Yield the dotted names that a module in ``package`` imports."""
    for statement in _executed(tree):
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            base = list(package[: len(package) - statement.level + 1]) if statement.level else []
            base += [statement.module] if statement.module else []
            yield from (".".join([*base, alias.name]) for alias in statement.names)


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """Yield every statement below ``node`` that runs; expressions hold no statements."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and _is_type_checking(child.test):
            for statement in child.orelse:
                yield statement
                yield from _executed(statement)
        elif isinstance(child, ast.stmt | ast.excepthandler | ast.match_case):
            yield child
            yield from _executed(child)


def _declared(tree: ast.Module, name: str) -> tuple[str, ...]:
    """Return the strings that the module assigns to ``name``; none where it assigns nothing."""
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and [_last_name(target) for target in statement.targets] == [name]:
            return tuple(ast.literal_eval(statement.value))
    return ()


def _is_type_checking(test: ast.expr) -> bool:
    return _last_name(test) == "TYPE_CHECKING"


def _does_nothing(statement: ast.stmt) -> bool:
    """Return whether a statement is a docstring, ``...`` or ``pass``."""
    is_constant = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return is_constant or isinstance(statement, ast.Pass)


def _last_name(node: ast.expr) -> str:
    """Return ``c`` of the expressions ``c``, ``b.c`` and ``b.c(…)``."""
    if isinstance(node, ast.Call):
        node = node.func
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


class _Canon:
    """Write down what the tree of a module executes, field by field.

    A name imported with ``from`` that only annotations use is left out: what it imports is in the closure all the same.
    """

    def __init__(self, tree: ast.Module, module: str) -> None:
        self._keeps_annotations = f"{module}.".startswith(f"{COMMANDS}.")
        self._used: set[str] = set()
        self._parts: list[str | tuple[str, str]] = []  # texts, and imported names, each with its text
        self._add(tree.body)

    def text(self) -> str:
        """Return everything as one text."""
        return "".join(
            part if isinstance(part, str) else part[1] if part[0] in self._used else "" for part in self._parts
        )

    def _add(self, value: object) -> None:
        if isinstance(value, ast.AST):
            _WRITERS.get(type(value), _Canon._add_node)(self, value)
        elif isinstance(value, list):
            self._parts.append("[")
            for each in value:
                if not (isinstance(each, ast.stmt) and _does_nothing(each)):
                    self._add(each)
            self._parts.append("]")
        else:
            self._parts.append(f"{value!a};")

    def _add_node(self, node: ast.AST, *, without: frozenset[str] = frozenset()) -> None:
        """Add those fields that hold anything: which others there are depends on the version of Python."""
        self._parts.append(f"({type(node).__name__} ")
        for name in node._fields:
            value = getattr(node, name, None)
            if name not in _LEFT_OUT and name not in without and (value or isinstance(value, ast.AST)):
                self._parts.append(f"{name}=")
                self._add(value)
        self._parts.append(")")

    def _add_name(self, node: ast.Name) -> None:
        self._used.add(node.id)
        self._parts.append(f"{node.id!a};")

    def _add_value(self, node: ast.Constant | ast.MatchSingleton) -> None:
        value = node.value
        text = hex(value) if type(value) is int else ascii(value)  # Python limits the decimal digits of a number
        self._parts.append(f"({type(node).__name__} {type(value).__name__} {text})")

    def _add_formatted(self, node: ast.JoinedStr) -> None:
        """Add a formatted string; versions of Python divide its constant parts differently."""
        parts: list[ast.expr | str] = []
        for value in node.values:
            if not isinstance(value, ast.Constant):
                parts.append(value)
            elif parts and isinstance(parts[-1], str):
                parts[-1] += str(value.value)
            else:
                parts.append(str(value.value))
        self._parts.append("(JoinedStr ")
        self._add([part for part in parts if part != ""])
        self._parts.append(")")

    def _add_if(self, node: ast.If) -> None:
        if _is_type_checking(node.test):
            for statement in node.orelse:
                self._add(statement)
        else:
            self._add_node(node)

    def _add_import(self, node: ast.ImportFrom) -> None:
        for alias in sorted(node.names, key=lambda alias: alias.name):
            bound = alias.asname or alias.name
            text = f"(from {'.' * node.level}{node.module or ''} import {alias.name} as {bound})"
            self._parts.append(text if bound == "*" else (bound, text))

    def _add_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        decorators = {_last_name(decorator) for decorator in node.decorator_list}
        if self._keeps_annotations or not decorators <= INERT_DECORATORS:
            self._add_node(node)
            return
        for argument in ast.walk(node.args):
            if isinstance(argument, ast.arg):
                argument.annotation = None
        self._add_node(node, without=frozenset({"returns"}))

    def _add_class(self, node: ast.ClassDef) -> None:
        """Add a class; the annotated assignments in its body are fields."""
        is_dataclass = "dataclass" in map(_last_name, node.decorator_list)
        self._parts.append(f"(ClassDef {node.name!a} ")
        self._add([*node.bases, *node.keywords])
        self._add([*node.decorator_list, *getattr(node, "type_params", [])])
        for statement in node.body:
            if isinstance(statement, ast.AnnAssign):
                shown = ast.unparse(statement.annotation)
                is_read = not is_dataclass or any(mark in shown for mark in DATACLASS_MARKS)
                self._add_node(statement, without=frozenset() if is_read else frozenset({"annotation"}))
            elif not _does_nothing(statement):
                self._add(statement)
        self._parts.append(")")

    def _add_annotated(self, node: ast.AnnAssign) -> None:
        """Add an annotated assignment outside classes as an assignment."""
        if node.value is not None:
            self._add(ast.Assign(targets=[node.target], value=node.value))


#: Fields of nodes that depend on the place in the text or on the version of Python.
_LEFT_OUT = frozenset({"ctx", "kind", "simple", "type_comment", "type_ignores"})

_WRITERS: dict[type[ast.AST], Callable[..., None]] = {
    ast.AnnAssign: _Canon._add_annotated,
    ast.AsyncFunctionDef: _Canon._add_function,
    ast.ClassDef: _Canon._add_class,
    ast.Constant: _Canon._add_value,
    ast.FunctionDef: _Canon._add_function,
    ast.If: _Canon._add_if,
    ast.ImportFrom: _Canon._add_import,
    ast.JoinedStr: _Canon._add_formatted,
    ast.MatchSingleton: _Canon._add_value,
    ast.Name: _Canon._add_name,
}
