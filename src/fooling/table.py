"""Declare tables: their columns, keys and place in a study. Written and read tables are checked against this.

A cell of a CSV file takes the type that its column declares, whatever it looks like: a class called ``1e3`` or ``NA``
keeps its name.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fooling.messages import REMEDY, FoolingError

if TYPE_CHECKING:
    import pandas as pd

#: Texts that spreadsheets run as formulas, or that are escaped already; a sign alone is not a formula.
FORMULA = re.compile(r"'*[=+\-@\t].", re.DOTALL)
LARGEST_COUNT = 2**62  # not mentioned in descriptions of values
LONGEST_VALUE = 80  # characters of a value that a message shows
REPORT = "report this error with the command and its inputs: it computed a table that contradicts its declaration"


@dataclass(frozen=True, kw_only=True)
class Values:
    """The values that a column may hold."""

    kind: Literal["text", "whole", "number", "flag"]
    least: float = -math.inf
    most: float = math.inf
    among: tuple[str, ...] = ()  # the allowed texts; empty: every text but the empty one
    may_be_empty: bool = False
    may_be_infinite: bool = False

    @property
    def or_nothing(self) -> Values:
        """The same values, or an empty cell."""
        return replace(self, may_be_empty=True)

    def __str__(self) -> str:
        if self.kind == "text":
            return f"one of {', '.join(self.among)}" if self.among else "a text"
        if self.kind == "flag":
            return "True or False"
        bounds = [f"{word} {bound:g}" for word, bound in (("at least", self.least), ("at most", self.most))]
        said = (math.isfinite(self.least), self.most < LARGEST_COUNT)
        named = list(itertools.compress(bounds, said))
        finite = "" if self.may_be_infinite or self.kind == "whole" else "finite "
        return " ".join([f"a {finite}{'whole ' * (self.kind == 'whole')}number", " and ".join(named)]).strip()


def one_of(*texts: str) -> Values:
    """Return the values of a column that holds these texts alone."""
    return Values(kind="text", among=texts)


TEXT, FLAG, NUMBER = Values(kind="text"), Values(kind="flag"), Values(kind="number")
COUNT = Values(kind="whole", least=0, most=LARGEST_COUNT)
SHARE = Values(kind="number", least=0, most=1)
NOT_NEGATIVE = Values(kind="number", least=0)
#: A number that may be empty, or infinite, such as the time to an event that never happens.
FOUND = Values(kind="number", may_be_infinite=True).or_nothing


@dataclass(frozen=True)
class Column:
    """One column: its name, its values with their unit, and a sentence for the documentation."""

    name: str
    values: Values
    unit: str = ""
    may_be_missing: bool = False  # from the whole table
    doc: str = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """The declaration of a table.

    Args:
        name: Its name, by which commands take it.
        path: Pattern of its path below the results folder of a study, such as ``findings/real/{classifier}.parquet``;
            None where no study writes it.
        commands: Commands of ``fooling`` that write it; none where people do.
        columns: Its columns in their order.
        key: Names of the columns that together identify a row.
        may_be_empty: Whether it may have no rows.
        doc: What it holds, for the documentation.
    """

    name: str
    path: str | None
    commands: tuple[str, ...]
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    may_be_empty: bool = False
    doc: str = ""

    @property
    def names(self) -> list[str]:
        """The names of its columns."""
        return names_of(self.columns)

    def __post_init__(self) -> None:
        declared = names_of(self.columns)
        assert len(set(declared)) == len(declared), f"{self.name}: two columns have one name"
        assert set(self.key) <= set(declared), f"{self.name}: a column of the key is missing"


def names_of(columns: Iterable[Column]) -> list[str]:
    """Return the names of ``columns``."""
    return [column.name for column in columns]


@cache
def or_nothing(*columns: Column, doc: str) -> tuple[Column, ...]:
    """Return ``columns`` that may be empty; ``doc`` continues the sentence of each and says where."""
    return tuple(
        replace(column, values=column.values.or_nothing, doc=f"{column.doc.removesuffix('.')}; {doc}")
        for column in columns
    )


@cache
def bounds(values: Values, *, of: str = "", unit: str = "", always: bool = False) -> tuple[Column, Column]:
    """Return the columns ``low`` and ``high`` of a confidence interval, named after the column ``of`` if one is given.

    Both are empty where there is no interval, unless there is ``always`` one.
    """
    before, meant = (f"{of}_", f"`{of}`") if of else ("", "the value")
    held, where = (values, ".") if always else (values.or_nothing, "; empty if there is none.")
    low, high = (
        Column(f"{before}{end}", held, unit, doc=f"{words} bound of the confidence interval of {meant}{where}")
        for end, words in (("low", "Lower"), ("high", "Upper"))
    )
    return low, high


def with_bounds(column: Column, *, always: bool = False) -> tuple[Column, Column, Column]:
    """Return a column followed by the bounds of its confidence interval."""
    return (column, *bounds(column.values, of=column.name, unit=column.unit, always=always))


def checked_table(frame: pd.DataFrame, table: Table, *, source: object, remedy: str = REMEDY) -> pd.DataFrame:
    """Return the declared columns of ``frame``, each with the type that ``table`` declares.

    Raises:
        FoolingError: A column is missing, there are no rows, or a value is invalid. Names the ``source``, the column
            and the first invalid row, counted from 1.
    """
    columns = [column for column in table.columns if not column.may_be_missing or column.name in frame.columns]
    if missing := [name for name in names_of(columns) if name not in frame.columns]:
        raise FoolingError(
            f"{source} lacks {', '.join(missing)}",
            found=", ".join(map(str, frame.columns)),
            expected=", ".join(names_of(table.columns)),
        )
    if frame.empty and not table.may_be_empty:
        raise FoolingError(f"{source} is empty", found="no rows", remedy=remedy)
    return frame.assign(
        **{column.name: _checked(frame[column.name], column.values, source=source, remedy=remedy) for column in columns}
    )[names_of(columns)]


def require_unique_rows(frame: pd.DataFrame, table: Table, *, source: object, remedy: str = REMEDY) -> None:
    """Raise :class:`FoolingError`, naming the ``source``, if two rows of ``frame`` have the same key."""
    key = list(table.key)
    repeated = frame.duplicated(key)
    if repeated.any():
        first = frame.loc[repeated, key].iloc[0]
        row = ", ".join(f"{name} {value}" for name, value in first.items())
        raise FoolingError(f"{source} has duplicate rows", found=f"more than one row with {row}", remedy=remedy)


def require_valid(frame: pd.DataFrame, table: Table, *, source: object) -> None:
    """Raise :class:`FoolingError`, naming the ``source``, unless a reader of ``table`` accepts ``frame``.

    A computed table has exactly the declared columns, in their order.
    """
    expected = [each.name for each in table.columns if not each.may_be_missing or each.name in frame.columns]
    if list(frame.columns) != expected:
        raise FoolingError(
            f"{source} has other columns than the table {table.name}",
            found=", ".join(map(str, frame.columns)),
            expected=", ".join(expected),
            remedy=REPORT,
        )
    checked = checked_table(frame, table, source=source, remedy=REPORT)
    require_unique_rows(checked, table, source=source, remedy=REPORT)


def stacked(parts: Iterable[tuple[Path, pd.DataFrame]], table: Table) -> pd.DataFrame:
    """Return the ``parts`` of a table, each with the file that it was read from, as one checked table.

    Raises :class:`FoolingError`, naming the file, if a part contradicts the declaration.
    """
    import pandas as pd  # imported here because it takes half a second

    checked = [(path, checked_table(frame, table, source=path)) for path, frame in parts]
    whole = pd.concat([frame for _, frame in checked], ignore_index=True)
    require_unique_rows(whole, table, source=" and ".join(str(path) for path, _ in checked))
    return whole


def escape_formulas(table: pd.DataFrame) -> pd.DataFrame:
    """Return ``table`` with an apostrophe before each text that is a formula, or that is escaped already."""
    changed = table.copy(deep=False)
    for place, name in enumerate(table.columns):
        if table.dtypes.iloc[place].kind not in "biuf":
            wrong = table[name].map(lambda value: isinstance(value, str) and FORMULA.match(value) is not None)
            if (wrong := wrong.astype(bool)).any():
                changed[name] = table[name].astype(object).mask(wrong, "'" + table[name].astype(str))
    return changed


def unescape_formulas(table: pd.DataFrame) -> pd.DataFrame:
    """Return a ``table`` of texts without the apostrophes that :func:`escape_formulas` added."""
    for name in table.columns:
        marked = table[name].str.startswith("'") & table[name].str.match(FORMULA)
        if marked.any():
            table[name] = table[name].mask(marked, table[name].str.slice(1))
    return table


def _checked(cells: pd.Series[Any], values: Values, *, source: object, remedy: str) -> pd.Series[Any]:
    """Return ``cells`` in the type of ``values``."""
    is_plain = isinstance(cells.dtype, np.dtype) and cells.dtype.kind in "iufb"
    given = cells if is_plain else cells.astype(object)
    empty = given.isna() | (given == "")
    converted, right = _CONVERTED[values.kind](given.mask(empty), values)
    wrong = ~right & ~empty if values.may_be_empty else ~right
    if wrong.any():
        place = int(wrong.to_numpy().argmax())
        first = given.iloc[place]
        shown = repr(first.item() if isinstance(first, np.generic) else first)
        raise FoolingError(
            f"{source}: column {cells.name}, row {place + 1} has an invalid value",
            found="nothing" if empty.iloc[place] else shown[:LONGEST_VALUE],
            expected=f"{values}{', or nothing' * values.may_be_empty}",
            remedy=remedy,
        )
    return converted


def _as_text(cells: pd.Series[Any], values: Values) -> tuple[pd.Series[Any], pd.Series[bool]]:
    right = cells.map(lambda cell: isinstance(cell, str) and (not values.among or cell in values.among))
    return cells.where(right), right.astype(bool)


def _as_flags(cells: pd.Series[Any], values: Values) -> tuple[pd.Series[Any], pd.Series[bool]]:
    holds = cells.isin([True, "True"])
    return holds, holds | cells.isin([False, "False"])


def _as_numbers(cells: pd.Series[Any], values: Values) -> tuple[pd.Series[Any], pd.Series[bool]]:
    numbers = cells if cells.dtype.kind in "iuf" else cells.map(_number).astype(float)
    right = (numbers >= values.least) & (numbers <= values.most)
    if not values.may_be_infinite:
        right &= numbers.abs() < math.inf
    return numbers if numbers.dtype.kind == "f" else numbers.astype(float), right


def _as_whole(cells: pd.Series[Any], values: Values) -> tuple[pd.Series[Any], pd.Series[bool]]:
    numbers, right = _as_numbers(cells, values)
    right &= numbers == numbers.round()
    whole = numbers.where(right)
    return whole.astype("Int64") if values.may_be_empty else whole.fillna(0).astype("int64"), right


def _number(value: object) -> float:
    """Return the exact number in a cell; NaN if it holds none."""
    try:
        return float(value) if isinstance(value, Real | str) and not isinstance(value, bool) else math.nan
    except ValueError:
        return math.nan


_CONVERTED = {"text": _as_text, "whole": _as_whole, "number": _as_numbers, "flag": _as_flags}
