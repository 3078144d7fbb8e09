"""The source files that decide what a command computes: the modules of the package that it imports, directly or not.

Snakemake does not notice a changed import, so every rule names these files as inputs. They are found by reading the
code (`ast`), never by importing it. Imports inside functions count, as they run; those under ``if TYPE_CHECKING`` do
not. Modules resolved by name at run time cannot be seen here: the rule that causes it adds them.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = "fooling"
ROOT = Path("src")

#: Where statements, and so imports, can stand; they never do within an expression.
STATEMENTS = (ast.stmt, ast.excepthandler, ast.match_case)


def sources(*modules: str) -> list[str]:
    """The files of ``modules`` and of everything of the package that they import, sorted, from the repository root.

    Raises :class:`ModuleNotFoundError` for one of ``modules`` that has no file.
    """
    for module in modules:
        if module_path(module) is None:
            raise ModuleNotFoundError(f"no file below {ROOT} holds the module {module}", name=module)
    pending, files = [path for module in modules for path in _files(module)], set()
    while pending:
        path = pending.pop()
        if path not in files:
            files.add(path)
            pending += _imported(path)
    return sorted(str(path) for path in files)


def module_path(module: str) -> Path | None:
    """The file of a module of the package, or None where there is no such file.

    The package's own ``__init__.py`` holds only its version, which decides no result: it counts as no file.
    """
    if module == PACKAGE:
        return None
    base = ROOT.joinpath(*module.split("."))
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


def sources_of_file(path: Path) -> list[str]:
    """As :func:`sources`, for a module of the package given by its file; any other file stands for itself alone."""
    try:
        inside = path.resolve().relative_to(ROOT.resolve())
    except ValueError:
        return [str(path)]
    return sources(".".join(inside.with_suffix("").parts))


@cache
def _imported(path: Path) -> tuple[Path, ...]:
    """The files of the modules of the package that the file at ``path`` imports, and of the packages around them."""
    package = path.relative_to(ROOT).parent.parts
    found: set[str] = set()
    for node in _executed(ast.parse(path.read_text(encoding="utf-8"), filename=str(path))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, package)
            found.update(f"{base}.{alias.name}" for alias in node.names)
    return tuple(sorted({file for module in found for file in _files(module)}))


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """Every statement below ``node`` but those that only a type checker reads."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and _is_type_checking(child.test):
            for statement in child.orelse:
                yield statement
                yield from _executed(statement)
        elif isinstance(child, STATEMENTS):
            yield child
            yield from _executed(child)


def _is_type_checking(test: ast.expr) -> bool:
    return ast.unparse(test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def _absolute(node: ast.ImportFrom, package: tuple[str, ...]) -> str:
    """The module named by ``from ... import``, with leading dots resolved against the ``package`` of the file."""
    if not node.level:
        return node.module or ""
    parts = package[: len(package) - node.level + 1]
    return ".".join([*parts, node.module] if node.module else parts)


def _files(module: str) -> list[Path]:
    """The files of ``module`` and of the packages around it, where they belong to this package and are there."""
    parts = module.split(".")
    if parts[0] != PACKAGE:
        return []
    names = (".".join(parts[:length]) for length in range(1, len(parts) + 1))
    return [path for name in names if (path := module_path(name)) is not None]
