"""Tables are read by what their columns are declared to be."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from fooling.messages import FoolingError
from fooling.table import (
    COUNT,
    FLAG,
    NUMBER,
    SHARE,
    TEXT,
    Column,
    Table,
    Values,
    checked_table,
    one_of,
    require_unique_rows,
    require_valid,
)


def table_of(*key: str, **values: Values) -> Table:
    """A table with these columns."""
    columns = tuple(Column(name, each) for name, each in values.items())
    return Table(name="some", path=None, commands=(), columns=columns, key=key)


def checked(cells: object, values: Values) -> pd.Series:
    return checked_table(pd.DataFrame({"thing": cells}), table_of(thing=values), source="some.csv")["thing"]


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
        (["inf"], Values(kind="number", may_be_infinite=True), [math.inf]),
    ],
)
def test_values_take_the_declared_type(values: list[object], column: Values, read: list[object]) -> None:
    assert checked(values, column).tolist() == read


@pytest.mark.parametrize("column", [TEXT, COUNT, SHARE])
def test_nothing_is_kept_where_it_is_allowed(column: Values) -> None:
    assert checked(["", None, "1"], column.or_nothing).isna().tolist() == [True, True, False]


def test_small_numbers_stay_small() -> None:
    assert checked(pd.Series([0.1], dtype="float32"), NUMBER).dtype == "float32"


@pytest.mark.parametrize(
    ("wrong", "column", "expected"),
    [
        ("", TEXT, "a text"),
        (3, TEXT, "a text"),
        ("c", one_of("a", "b"), "one of a, b"),
        ("1.5", COUNT, "a whole number at least 0\\n"),
        (-1, COUNT, "a whole number at least 0\\n"),
        ("nan", NUMBER, "a finite number"),
        (math.inf, NUMBER, "a finite number"),
        (None, NUMBER, "a finite number"),
        ("1.01", SHARE, "a finite number at least 0 and at most 1"),
        (True, SHARE, "a finite number"),
        ("yes", FLAG, "True or False"),
        (b"\xff", SHARE.or_nothing, ".*or nothing"),
    ],
)
def test_the_first_wrong_cell_is_named(wrong: object, column: Values, expected: str) -> None:
    right = {"text": column.among[0] if column.among else "x", "flag": "True"}.get(column.kind, "1")
    with pytest.raises(
        FoolingError, match=rf"some\.csv: column thing, row 2 has an invalid value(.|\n)*expected: {expected}"
    ):
        checked([right, wrong, wrong], column)


def test_a_missing_column_and_an_empty_table_are_named() -> None:
    table = table_of("a", a=TEXT, b=TEXT)
    with pytest.raises(FoolingError, match=r"some\.csv lacks b"):
        checked_table(pd.DataFrame({"a": ["x"], "c": ["y"]}), table, source="some.csv")
    with pytest.raises(FoolingError, match=r"some\.csv is empty"):
        checked_table(pd.DataFrame({"a": [], "b": []}), table, source="some.csv")


def test_duplicate_rows_are_named() -> None:
    table = table_of("a", "b", a=TEXT, b=COUNT, c=COUNT)
    frame = pd.DataFrame({"a": ["x", "x", "x"], "b": [1, 2, 2], "c": [1, 2, 3]})
    require_unique_rows(frame[:2], table, source="some.csv")
    with pytest.raises(FoolingError, match=r"some\.csv has duplicate rows\n  found: more than one row with a x, b 2"):
        require_unique_rows(frame, table, source="some.csv")


@pytest.mark.parametrize(
    ("frame", "problem"),
    [
        ({"b": [1], "a": ["x"]}, "has other columns than the table some"),
        ({"a": ["x"]}, "has other columns than the table some"),
        ({"a": ["x"], "b": [1], "c": [1]}, "has other columns than the table some"),
        ({"a": ["x"], "b": [-1]}, "column b, row 1 has an invalid value"),
        ({"a": ["x", "x"], "b": [1, 1]}, "has duplicate rows"),
        ({"a": [], "b": []}, "is empty"),
    ],
)
def test_a_computed_table_is_held_to_its_declaration(frame: dict[str, list[object]], problem: str) -> None:
    with pytest.raises(FoolingError, match=rf"the table:? {problem}(.|\n)*report this error"):
        require_valid(pd.DataFrame(frame), table_of("a", a=TEXT, b=COUNT), source="the table")


def test_a_column_that_may_be_missing_may_be_missing() -> None:
    columns = (Column("a", TEXT), Column("b", COUNT, may_be_missing=True))
    table = Table(name="some", path=None, commands=(), columns=columns, key=("a",))
    for frame in (pd.DataFrame({"a": ["x"]}), pd.DataFrame({"a": ["x"], "b": [1]})):
        require_valid(frame, table, source="the table")
        assert list(checked_table(frame, table, source="some.csv")) == list(frame)


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "boolean", "string"])
def test_nullable_types_are_checked_as_plain_ones(dtype: str) -> None:
    values = {"Int64": COUNT, "Float64": NUMBER, "boolean": FLAG, "string": TEXT}[dtype]
    cells = pd.Series(["1" if dtype == "string" else 1, None], dtype=dtype)
    assert checked(cells, values.or_nothing).tolist()[0] in (1, "1")
    with pytest.raises(FoolingError, match="row 2 has an invalid value\n  found: nothing"):
        checked(cells, values)
