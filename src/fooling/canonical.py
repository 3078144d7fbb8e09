"""Write down what a module executes, equally in every version of Python, and what it imports and declares.

Everything that cannot change a result is left out: comments, formatting, docstrings, ``doc=`` arguments of calls, and
type annotations that nothing reads at run time. Code is parsed, never imported.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

PACKAGE = __name__.partition(".")[0]

#: The package whose functions keep their annotations: Typer reads those of commands at run time.
COMMANDS = f"{PACKAGE}.cli"

#: Decorators that do not read annotations. Any other decorator may.
INERT_DECORATORS = {
    *("abstractmethod", "cache", "cached_property", "classmethod", "contextmanager"),
    *("lru_cache", "override", "property", "staticmethod"),
}

#: Decorators of functions and classes that have no effect beyond the name that they bind.
LOCAL_DECORATORS = INERT_DECORATORS | {"dataclass", "in_style", "inlined", "intrinsic", "no_grad", "inference_mode"}

#: Assignments that declare dependencies (:mod:`fooling.fingerprint`); they count for every function of their module.
DECLARATIONS = frozenset({"DATA_FILES", "NAMED_MODULES"})

#: The parts of a field's annotation that `dataclass` reads.
DATACLASS_MARKS = ("ClassVar", "InitVar", "KW_ONLY")

#: A keyword argument that only documents, in any call.
DOCUMENTATION = "doc"


def canonical(source: str | bytes, *, module: str) -> str:
    """Return the code that the Python text ``source`` of ``module`` executes, equal in all versions of Python.

    Imported names that only annotations use are left out.
    """
    statements = statements_of(ast.parse(source), module=module, package=())
    used = {name for each in statements for name in each.uses}
    return "".join(each.code for each in statements if each.has_effect or not each.is_import or used & set(each.binds))


def imports_of(tree: ast.Module, package: Sequence[str]) -> Iterator[str]:
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


def declared_in(tree: ast.Module, name: str) -> tuple[str, ...]:
    """Return the strings that the module assigns to ``name``; an empty tuple if it assigns none."""
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and [_last_name(target) for target in statement.targets] == [name]:
            return tuple(ast.literal_eval(statement.value))
    return ()


@dataclass(frozen=True)
class Statement:
    """A statement at the level of a module; each name of an import is a statement of its own."""

    binds: tuple[str, ...]
    """The names that it binds, as far as they are plain to see."""
    has_effect: bool
    """Whether it does more than that, so that it counts whenever the module is imported."""
    uses: tuple[str, ...]
    """The names that its code uses; annotations that nothing reads do not count."""
    imports: tuple[str, ...]
    """The dotted names that it imports."""
    code: str
    """What it executes."""
    is_import: bool = False


def statements_of(tree: ast.Module, *, module: str, package: Sequence[str]) -> list[Statement]:
    """Return the statements of a parsed module that do something, in their order; the tree is changed.

    A definition, an import and an assignment to names bind names and do nothing else. All other statements have an
    effect, such as a call; so has a definition with a decorator that may register it, and the import of a name that
    the whole module never uses.
    """
    mentioned = {each.id for each in ast.walk(tree) if isinstance(each, ast.Name)}
    found = []
    for statement in (part for each in tree.body for part in _parts(each)):
        binds, canon = _bound_by(statement), _Canon(statement, module)
        if code := canon.text():
            is_import = isinstance(statement, ast.Import | ast.ImportFrom)
            has_effect = not (binds & mentioned if is_import else _only_binds(statement))
            imports = sorted(set(imports_of(ast.Module(body=[statement], type_ignores=[]), package)))
            names = tuple(sorted(binds)), tuple(sorted(canon.used)), tuple(imports)
            found.append(Statement(names[0], has_effect, *names[1:], code, is_import))
    return found


def _parts(statement: ast.stmt) -> Iterator[ast.stmt]:
    """Yield each name of an import by itself, any other statement as it is; nothing for one that does nothing."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        for alias in sorted(statement.names, key=lambda alias: alias.name):
            part = copy.copy(statement)
            part.names = [alias]
            yield part
    elif not _does_nothing(statement):
        yield statement


def _bound_by(statement: ast.stmt) -> set[str]:
    """Return the names that an import, a definition or an assignment binds; nothing for other statements."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return set(map(_bound_name, statement.names))
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    return {part.id for part in _targets(statement) if isinstance(part, ast.Name)}


def _only_binds(statement: ast.stmt) -> bool:
    """Return whether a definition or an assignment does nothing but bind names."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return set(map(_last_name, statement.decorator_list)) <= LOCAL_DECORATORS
    targets = _targets(statement)
    return bool(targets) and all(isinstance(part, ast.Name | ast.Tuple | ast.List | ast.Starred) for part in targets)


def _targets(statement: ast.stmt) -> list[ast.expr]:
    """Return all parts of the targets of an assignment; none for other statements."""
    if not isinstance(statement, ast.Assign | ast.AnnAssign):
        return []
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    return [part for target in targets for part in ast.walk(target) if isinstance(part, ast.expr)]


def _bound_name(alias: ast.alias) -> str:
    return alias.asname or alias.name.partition(".")[0]


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
    """Write down what a statement of a module executes, field by field.

    Names that a function imports with ``from`` for annotations alone are left out.
    """

    def __init__(self, statement: ast.stmt, module: str) -> None:
        self.used: set[str] = set()
        """The names in the code."""
        self._keeps_annotations = f"{module}.".startswith(f"{COMMANDS}.")
        self._keeps_imports = not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        self._parts: list[str | tuple[str, str]] = []  # texts, and imported names, each with its text
        self._add(statement)

    def text(self) -> str:
        """Return everything as one text."""
        kept = (part for part in self._parts if isinstance(part, str) or self._keeps_imports or part[0] in self.used)
        return "".join(part if isinstance(part, str) else part[1] for part in kept)

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
        """Add the fields that hold something; which other fields exist depends on the version of Python."""
        self._parts.append(f"({type(node).__name__} ")
        for name in node._fields:
            value = getattr(node, name, None)
            if name not in _LEFT_OUT and name not in without and (value or isinstance(value, ast.AST)):
                self._parts.append(f"{name}=")
                self._add(value)
        self._parts.append(")")

    def _add_call(self, node: ast.Call) -> None:
        node.keywords = [each for each in node.keywords if each.arg != DOCUMENTATION]
        self._add_node(node)

    def _add_name(self, node: ast.Name) -> None:
        self.used.add(node.id)
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


#: Fields of nodes that depend on the position in the text or on the version of Python.
_LEFT_OUT = frozenset({"ctx", "kind", "simple", "type_comment", "type_ignores"})

_WRITERS: dict[type[ast.AST], Callable[..., None]] = {
    ast.AnnAssign: _Canon._add_annotated,
    ast.AsyncFunctionDef: _Canon._add_function,
    ast.Call: _Canon._add_call,
    ast.ClassDef: _Canon._add_class,
    ast.Constant: _Canon._add_value,
    ast.FunctionDef: _Canon._add_function,
    ast.If: _Canon._add_if,
    ast.ImportFrom: _Canon._add_import,
    ast.JoinedStr: _Canon._add_formatted,
    ast.MatchSingleton: _Canon._add_value,
    ast.Name: _Canon._add_name,
}
