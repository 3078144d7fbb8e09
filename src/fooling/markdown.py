"""Rows of Markdown tables, in which no text can break a row."""

from __future__ import annotations

from collections.abc import Iterable


def cell(text: object) -> str:
    """Return a text for a cell: on one line, with pipes escaped."""
    return " ".join(str(text).replace("|", "\\|").split("\n"))


def table_row(cells: Iterable[object]) -> str:
    """Return one row of a table, with the end of its line."""
    return f"| {' | '.join(map(cell, cells))} |\n"
