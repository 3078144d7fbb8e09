"""Each module imports only from its own floor and the floors below; nothing imports in a circle; modules stay short."""

from __future__ import annotations

import ast
import graphlib
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from checkout import ROOT

PACKAGE = ROOT / "src/fooling"
GROUND = "the ground"

#: The rooms of the package on each floor, from the bottom to the top. Modules directly in the package are the ground.
FLOORS = (
    (GROUND, "datasets"),
    ("encodings", "classifiers", "training"),
    ("attacks", "retraining", "ablation"),
    ("findings", "claims", "survey", "figures", "report", "auditing"),
    ("study",),
    ("cli",),
)
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}

#: The packages of the repository that each of them may import.
MAY_IMPORT = {"fooling": {"fooling"}, "rules": {"fooling", "rules"}, "sharing": {"fooling", "rules", "sharing"}}

#: Few and full modules: each is a subject. A further one is added where none of them has its subject.
MOST_LINES, MOST_MODULES, LEAST_MEDIAN = 350, 195, 100


@dataclass(frozen=True)
class Import:
    """One import of a name by a module."""

    module: str
    line: int
    name: str
    is_inner: bool
    """Whether it runs later than the import of the module, or never (``if TYPE_CHECKING``)."""


@cache
def modules() -> dict[str, Path]:
    """Return the file of each module of the repository's packages, by dotted name."""
    folders = {"fooling": PACKAGE, "rules": ROOT / "rules", "sharing": ROOT / "sharing"}
    found = {}
    for package, folder in folders.items():
        for path in folder.rglob("*.py"):
            parts = (package, *path.relative_to(folder).with_suffix("").parts)
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def imports() -> list[Import]:
    """Return all imports of the modules, by the dotted names of what they import."""
    return [each for module, path in modules().items() for each in imports_in(module, ast.parse(path.read_text()))]


def imports_in(module: str, tree: ast.AST, *, is_inner: bool = False) -> Iterator[Import]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (Import(module, node.lineno, alias.name, is_inner) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}, line {node.lineno}: a relative import"
            yield from (Import(module, node.lineno, f"{node.module}.{alias.name}", is_inner) for alias in node.names)
        else:
            runs_later = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            is_for_types = isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
            yield from imports_in(module, node, is_inner=is_inner or runs_later or is_for_types)


def module_of(name: str) -> str | None:
    """Return the module that a dotted name belongs to, or None outside the repository's packages."""
    parts = name.split(".")
    names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((each for each in names if each in modules()), None)


def room_of(module: str) -> str:
    """Return the room of a module of the package, such as ``datasets``."""
    parts = module.split(".")
    is_in_a_room = len(parts) > 1 and (PACKAGE / parts[1]).is_dir()
    return parts[1] if is_in_a_room else GROUND


def between_rooms() -> Iterator[tuple[Import, str, str]]:
    """Yield all imports in the package from another room, with the importing and the imported room."""
    for each in imports():
        imported = module_of(each.name)
        if each.module.startswith("fooling") and imported is not None and imported.startswith("fooling"):
            room, other = room_of(each.module), room_of(imported)
            if room != other:
                yield each, room, other


def circle_in(graph: dict[str, set[str]]) -> list[str]:
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def test_each_room_is_on_one_floor() -> None:
    assert len(FLOOR_OF) == sum(map(len, FLOORS))
    assert {room_of(module) for module in modules() if module.startswith("fooling")} <= set(FLOOR_OF)


def test_modules_import_nothing_from_floors_above() -> None:
    upward = [
        f"{each.module}, line {each.line}: {each.name}"
        for each, room, other in between_rooms()
        if FLOOR_OF[other] > FLOOR_OF[room]
    ]
    assert not upward, "\n".join(upward)


def test_rooms_import_in_no_circle() -> None:
    graph: dict[str, set[str]] = {}
    for _, room, other in between_rooms():
        graph.setdefault(room, set()).add(other)
    assert not circle_in(graph)


def test_modules_import_in_no_circle() -> None:
    graph: dict[str, set[str]] = {}
    for each in imports():
        imported = module_of(each.name)
        if imported is not None and not each.is_inner and imported != each.module:
            graph.setdefault(each.module, set()).add(imported)
    assert not circle_in(graph)


def test_only_the_front_door_and_the_progress_print() -> None:
    printing = [
        name
        for name, path in modules().items()
        if name.startswith("fooling") and room_of(name) != "cli" and name != "fooling.messages"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "print"
    ]
    assert not printing


def test_packages_import_only_what_they_may() -> None:
    wrong = [
        f"{each.module}, line {each.line}: {each.name}"
        for each in imports()
        if (imported := each.name.partition(".")[0]) in MAY_IMPORT
        and imported not in MAY_IMPORT[each.module.partition(".")[0]]
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", sorted((ROOT / "rules").glob("*.smk")), ids=lambda path: path.name)
def test_rules_do_not_import_the_sharing_of_results(path: Path) -> None:
    assert "import sharing" not in path.read_text()
    assert "from sharing" not in path.read_text()


def test_modules_stay_short() -> None:
    files = {*modules().values(), *(ROOT / "rules").glob("*.smk")}
    long = {path.name: lines for path in files if (lines := len(path.read_text().splitlines())) > MOST_LINES}
    assert not long


def test_modules_are_few_and_full() -> None:
    lines = [len(path.read_text().splitlines()) for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"]
    assert len(lines) <= MOST_MODULES
    assert statistics.median(lines) >= LEAST_MEDIAN
