"""Tables are read by what their columns are declared to be."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from fooling.columns import COUNT, FLAG, NUMBER, SHARE, TEXT, Column, Form, checked_table, one_of, require_unique_rows
from fooling.errors import FoolingError


def checked(values: list[object], column: Column) -> pd.Series:
    form = Form(columns={"thing": column}, keys=("thing",))
    return checked_table(pd.DataFrame({"thing": values}), form, source="some.csv")["thing"]


@pytest.mark.parametrize(
    ("values", "column", "read"),
    [
        (["1e3", "NA"], TEXT, ["1e3", "NA"]),
        (["a", "b"], one_of("a", "b"), ["a", "b"]),
        (["3", "0"], COUNT, [3, 0]),
        ([3.0, 0.0], COUNT, [3, 0]),
        (["0.30000000000000004", "1"], SHARE, [0.30000000000000004, 1.0]),
        (["True", "False"], FLAG, [True, False]),
        ([True, False], FLAG, [True, False]),
        (["inf"], Column(kind="number", may_be_infinite=True), [math.inf]),
    ],
)
def test_values_take_the_declared_type(values: list[object], column: Column, read: list[object]) -> None:
    assert checked(values, column).tolist() == read


@pytest.mark.parametrize("column", [TEXT, COUNT, SHARE])
def test_nothing_is_kept_where_it_is_allowed(column: Column) -> None:
    assert checked(["", None, "1"], column.or_nothing).isna().tolist() == [True, True, False]


def test_small_numbers_stay_small() -> None:
    assert checked(pd.Series([0.1], dtype="float32"), NUMBER).dtype == "float32"


@pytest.mark.parametrize(
    ("wrong", "column", "expected"),
    [
        ("", TEXT, "a text"),
        (3, TEXT, "a text"),
        ("c", one_of("a", "b"), "one of a, b"),
        ("1.5", COUNT, "a whole number at least 0"),
        (-1, COUNT, "a whole number at least 0"),
        ("nan", NUMBER, "a finite number"),
        (math.inf, NUMBER, "a finite number"),
        (None, NUMBER, "a finite number"),
        ("1.01", SHARE, "a finite number at least 0 and at most 1"),
        (True, SHARE, "a finite number"),
        ("yes", FLAG, "True or False"),
        (b"\xff", SHARE.or_nothing, ".*or nothing"),
    ],
)
def test_the_first_wrong_cell_is_named(wrong: object, column: Column, expected: str) -> None:
    right = {"text": column.among[0] if column.among else "x", "flag": "True"}.get(column.kind, "1")
    with pytest.raises(FoolingError, match=rf"some\.csv: column thing, row 2 is not(.|\n)*expected: {expected}"):
        checked([right, wrong, wrong], column)


def test_a_missing_column_and_an_empty_table_are_named() -> None:
    form = Form(columns={"a": TEXT, "b": TEXT}, keys=("a",))
    with pytest.raises(FoolingError, match=r"some\.csv lacks b"):
        checked_table(pd.DataFrame({"a": ["x"], "c": ["y"]}), form, source="some.csv")
    with pytest.raises(FoolingError, match=r"some\.csv is empty"):
        checked_table(pd.DataFrame({"a": [], "b": []}), form, source="some.csv")


def test_rows_that_are_one_are_named() -> None:
    form = Form(columns={"a": TEXT, "b": COUNT, "c": COUNT}, keys=("a", "b"))
    table = pd.DataFrame({"a": ["x", "x", "x"], "b": [1, 2, 2], "c": [1, 2, 3]})
    require_unique_rows(table[:2], form, source="some.csv")
    with pytest.raises(FoolingError, match=r"some\.csv says something twice\n  found: more than one row with a x, b 2"):
        require_unique_rows(table, form, source="some.csv")
