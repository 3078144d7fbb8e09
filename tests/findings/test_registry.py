"""Every table is declared once, beside the code that computes it, and nothing lists its columns a second time."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import fooling
from fooling.cli.main import commands
from fooling.findings.registry import DECLARED, MODULES, every_table, table_named
from fooling.messages import FoolingError
from fooling.table import Column, Table

PACKAGE = Path(fooling.__file__).parent
#: Modules that declare columns for tables of several modules: of all tables, of chains, and of the human study.
SHARED = ("fooling.findings.registry", "fooling.findings.retraining", "fooling.survey.accuracy")
TABLES = {table.name: table for table in every_table()}


def trees() -> Iterator[tuple[str, ast.Module]]:
    """Every module of the package by its name."""
    for path in sorted(PACKAGE.rglob("*.py")):
        yield ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts), ast.parse(path.read_text())


def declarations(tree: ast.Module) -> list[ast.Call]:
    """The calls that declare tables."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "Table"]


def outside_declarations(tree: ast.Module) -> Iterator[ast.AST]:
    inside = {id(node) for call in declarations(tree) for node in ast.walk(call)}
    return (node for node in ast.walk(tree) if id(node) not in inside)


def texts_in(node: ast.List | ast.Tuple | ast.Set) -> set[str]:
    """The texts of a literal, those of literals that are unpacked in it as well."""
    found = set()
    for element in node.elts:
        if isinstance(element, ast.Constant) and isinstance(element.value, str):
            found.add(element.value)
        elif isinstance(element, ast.Starred) and isinstance(element.value, ast.List | ast.Tuple | ast.Set):
            found |= texts_in(element.value)
    return found


def test_the_registry_names_every_table_where_it_is_declared() -> None:
    declared = {}
    for module, tree in trees():
        for call in declarations(tree):
            (name,) = (word.value for word in call.keywords if word.arg == "name")
            declared.setdefault(module, []).append(ast.literal_eval(name))
    assert {module: tuple(names) for module, names in declared.items()} == DECLARED
    assert len(MODULES) == sum(map(len, DECLARED.values())) > 40


def test_an_unknown_table_is_named() -> None:
    with pytest.raises(FoolingError, match=r"unknown table\n  found: champion\n  expected: champions, "):
        table_named("champion")


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_every_table_and_column_is_described(table: Table) -> None:
    assert set(table.commands) <= set(commands())
    assert table.path is None or set(re.findall("{(.*?)}", table.path)) <= {
        "classifier",
        "experiment",
        "retraining",
        "part",
    }
    assert table.key
    for described in (table, *table.columns):
        assert re.fullmatch(r"[A-Z`].*\.", described.doc), f"{described.name}: {described.doc}"


def test_columns_with_one_meaning_are_one_object() -> None:
    objects: dict[Column, Column] = {}
    for table in TABLES.values():
        for column in table.columns:
            assert objects.setdefault(column, column) is column, f"{table.name}: {column.name}"
    said = [(column.name, column.doc, column.values.or_nothing) for column in objects]
    assert len(said) == len(set(said))


def test_columns_of_several_modules_are_declared_in_a_module_for_shared_columns() -> None:
    """Tables of one module may share columns of their own; other columns come from ``SHARED``, by import."""
    shared = {
        column
        for name in SHARED
        for value in vars(importlib.import_module(name)).values()
        for column in (value if isinstance(value, tuple) else (value,))
        if isinstance(column, Column)
    }
    used: dict[Column, set[str]] = {}
    for table in TABLES.values():
        for column in table.columns:
            used.setdefault(column, set()).add(MODULES[table.name])
    several = {column.name: column for column, modules in used.items() if len(modules) > 1}
    assert len(several) > 20
    bounds_of_intervals = {name for name in several if name.endswith(("low", "high"))}
    assert {name for name, column in several.items() if column not in shared} == bounds_of_intervals


def test_no_module_lists_the_columns_of_a_table_a_second_time() -> None:
    for module, tree in trees():
        for node in outside_declarations(tree):
            if isinstance(node, ast.List | ast.Tuple | ast.Set) and len(named := texts_in(node)) > 2:
                for table in TABLES.values():
                    is_part = named <= set(table.names) and 3 * len(named) >= 2 * len(table.names)
                    assert not is_part, f"{module}, line {node.lineno}: columns of the table {table.name}"


def test_no_module_names_the_path_of_a_table_a_second_time() -> None:
    paths = {table.path for table in TABLES.values() if table.path}
    assert len(paths) == sum(table.path is not None for table in TABLES.values())
    for module, tree in trees():
        for node in outside_declarations(tree):
            if isinstance(node, ast.Constant):
                assert node.value not in paths, f"{module}, line {node.lineno}"


#: Functions that make declarations, which take ``doc=``; ``replace`` copies one.
DECLARATIONS = ("Array", "Column", "FileFormat", "Table", "counts", "or_nothing", "packed_arrays", "replace", "scores")


def test_only_declarations_take_documentation_that_no_fingerprint_covers() -> None:
    for module, tree in trees():
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            if any(word.arg == "doc" for word in call.keywords) and module != "fooling.table":
                assert isinstance(call.func, ast.Name), f"{module}, line {call.lineno}"
                assert call.func.id in DECLARATIONS, f"{module}, line {call.lineno}"
