"""The page of the documentation that describes every table, from the declarations of the tables."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from fooling.findings.intervals import FEWEST_UNITS
from fooling.table import LARGEST_COUNT, Column, Table, Values

DATA_FILES = ("tables_documentation.md",)


def tables_documentation(tables: Sequence[Table]) -> str:
    """Return ``docs/tables.md``."""
    page = (Path(__file__).parent / DATA_FILES[0]).read_text(encoding="utf-8")
    chapters = "\n".join("".join(_chapter(table)) for table in tables)
    return page.replace("{TABLES}", chapters).replace("{FEWEST_UNITS}", str(FEWEST_UNITS))


def values_in_words(values: Values) -> str:
    """Return which values a column may hold, in Markdown."""
    if values.kind == "text":
        words = ", ".join(f"`{text}`" for text in values.among) or "text"
    elif values.kind == "flag":
        words = "`True`, `False`"
    else:
        words = {"whole": "whole number", "number": "number"}[values.kind]
        if values.most < (LARGEST_COUNT if values.kind == "whole" else math.inf):
            words += f" from {values.least:g} to {values.most:g}"
        elif values.least > -math.inf:
            words += f" from {values.least:g}"
        words += ", `inf`" * values.may_be_infinite
    return words + ", empty" * values.may_be_empty


def _chapter(table: Table) -> Iterator[str]:
    yield f"## {table.name}\n{' '.join(_facts(table))}\n\n{table.doc}\n\n"
    yield "| column | values | unit | meaning |\n|---|---|---|---|\n"
    yield from map(_row, table.columns)


def _facts(table: Table) -> Iterator[str]:
    if table.path is not None:
        yield f"`{table.path.replace('{', '<').replace('}', '>')}`."
    if table.commands:
        yield f"Written by {' and '.join(f'`fooling {command}`' for command in table.commands)}."
    yield f"Key: {', '.join(f'`{name}`' for name in table.key)}."
    if table.may_be_empty:
        yield "It may have no rows."


def _row(column: Column) -> str:
    values = values_in_words(column.values) + ", or no such column" * column.may_be_missing
    cells = (f"`{column.name}`", values, column.unit, column.doc)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"
