"""What the columns of a table hold, declared once and checked when a file is read: kind, range, and which rows are one.

Texts of a CSV file become what their column is declared to be, never what they look like: a class called ``1e3`` or
``NA`` keeps its name.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from fooling.errors import REMEDY, FoolingError

if TYPE_CHECKING:
    import pandas as pd

#: How a text begins that spreadsheets run, or that was marked as one; a sign alone computes nothing.
FORMULA = re.compile(r"'*[=+\-@\t].", re.DOTALL)
LONGEST_VALUE = 80  # characters of a value that are shown


@dataclass(frozen=True, kw_only=True)
class Column:
    """The values of one column."""

    kind: Literal["text", "whole", "number", "flag"]
    least: float = -math.inf
    most: float = math.inf
    among: tuple[str, ...] = ()  # the texts that it may hold; none: any but the empty one
    may_be_empty: bool = False
    may_be_infinite: bool = False

    @property
    def or_nothing(self) -> Column:
        """The same, where a row may also hold nothing."""
        return replace(self, may_be_empty=True)

    def __str__(self) -> str:
        if self.kind == "text":
            return f"one of {', '.join(self.among)}" if self.among else "a text"
        if self.kind == "flag":
            return "True or False"
        bounds = [f"{word} {bound:g}" for word, bound in (("at least", self.least), ("at most", self.most))]
        named = [text for text, bound in zip(bounds, (self.least, self.most), strict=True) if math.isfinite(bound)]
        finite = "" if self.may_be_infinite or self.kind == "whole" else "finite "
        return " ".join([f"a {finite}{'whole ' * (self.kind == 'whole')}number", " and ".join(named)]).strip()


def one_of(*texts: str) -> Column:
    """A column that holds these texts alone."""
    return Column(kind="text", among=texts)


TEXT, FLAG, NUMBER = Column(kind="text"), Column(kind="flag"), Column(kind="number")
COUNT = Column(kind="whole", least=0, most=2**62)
SHARE = Column(kind="number", least=0, most=1)
NOT_NEGATIVE = Column(kind="number", least=0)


@dataclass(frozen=True, kw_only=True)
class Form:
    """The columns of a table, and those that tell its rows apart."""

    columns: Mapping[str, Column]
    keys: tuple[str, ...]
    may_be_empty: bool = False


def checked_table(table: pd.DataFrame, form: Form, *, source: object) -> pd.DataFrame:
    """The columns of ``form`` in ``table``, each with the type that it is declared to have.

    Raises :class:`FoolingError` that names the ``source``, the column, and the first row (the first is 1) at fault.
    """
    if missing := [name for name in form.columns if name not in table.columns]:
        raise FoolingError(
            f"{source} lacks {', '.join(missing)}",
            found=", ".join(map(str, table.columns)),
            expected=", ".join(form.columns),
        )
    if table.empty and not form.may_be_empty:
        raise FoolingError(f"{source} is empty", found="no rows", remedy=REMEDY)
    return table.assign(
        **{name: _checked(table[name], column, source=source) for name, column in form.columns.items()}
    )[list(form.columns)]


def require_unique_rows(table: pd.DataFrame, form: Form, *, source: object) -> None:
    """Raise :class:`FoolingError`, naming the ``source``, if two rows of ``table`` agree in all keys of its form."""
    keys = list(form.keys)
    repeated = table.duplicated(keys)
    if repeated.any():
        first = table.loc[repeated, keys].iloc[0]
        row = ", ".join(f"{name} {value}" for name, value in first.items())
        raise FoolingError(f"{source} says something twice", found=f"more than one row with {row}", remedy=REMEDY)


def without_formulas(table: pd.DataFrame) -> pd.DataFrame:
    """``table`` with an apostrophe before every text that is a formula, or one after apostrophes."""
    changed = table.copy(deep=False)
    for place, name in enumerate(table.columns):
        if table.dtypes.iloc[place].kind not in "biuf":
            wrong = table[name].map(lambda value: isinstance(value, str) and FORMULA.match(value) is not None)
            if (wrong := wrong.astype(bool)).any():
                changed[name] = table[name].astype(object).mask(wrong, "'" + table[name].astype(str))
    return changed


def with_apostrophes_off(table: pd.DataFrame) -> pd.DataFrame:
    """What :func:`without_formulas` was given, of a ``table`` of texts."""
    for name in table.columns:
        marked = table[name].str.startswith("'") & table[name].str.match(FORMULA)
        if marked.any():
            table[name] = table[name].mask(marked, table[name].str.slice(1))
    return table


def _checked(values: pd.Series[Any], column: Column, *, source: object) -> pd.Series[Any]:
    """``values`` in the type of ``column``."""
    given = values if values.dtype.kind in "iufb" else values.astype(object)
    empty = given.isna() | (given == "")
    converted, right = _CONVERTED[column.kind](given.mask(empty), column)
    wrong = ~right & ~empty if column.may_be_empty else ~right
    if wrong.any():
        place = int(wrong.to_numpy().argmax())
        raise FoolingError(
            f"{source}: column {values.name}, row {place + 1} is not as it should be",
            found="nothing" if empty.iloc[place] else repr(given.iloc[place])[:LONGEST_VALUE],
            expected=f"{column}{', or nothing' * column.may_be_empty}",
            remedy=REMEDY,
        )
    return converted


def _as_text(values: pd.Series[Any], column: Column) -> tuple[pd.Series[Any], pd.Series[bool]]:
    right = values.map(lambda value: isinstance(value, str) and (not column.among or value in column.among))
    return values.where(right), right.astype(bool)


def _as_flags(values: pd.Series[Any], column: Column) -> tuple[pd.Series[Any], pd.Series[bool]]:
    holds = values.isin([True, "True"])
    return holds, holds | values.isin([False, "False"])


def _as_numbers(values: pd.Series[Any], column: Column) -> tuple[pd.Series[Any], pd.Series[bool]]:
    numbers = values if values.dtype.kind in "iuf" else values.map(_number).astype(float)
    right = (numbers >= column.least) & (numbers <= column.most)
    if not column.may_be_infinite:
        right &= numbers.abs() < math.inf
    return numbers if numbers.dtype.kind == "f" else numbers.astype(float), right


def _as_whole(values: pd.Series[Any], column: Column) -> tuple[pd.Series[Any], pd.Series[bool]]:
    numbers, right = _as_numbers(values, column)
    right &= numbers == numbers.round()
    whole = numbers.where(right)
    return whole.astype("Int64") if column.may_be_empty else whole.fillna(0).astype("int64"), right


def _number(value: object) -> float:
    """The number that a cell holds, exactly; NaN if it holds none."""
    try:
        return float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
    except ValueError:
        return math.nan


_CONVERTED = {"text": _as_text, "whole": _as_whole, "number": _as_numbers, "flag": _as_flags}
