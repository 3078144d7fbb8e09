"""A file must hold what its readers rely on; what does not is named."""

from __future__ import annotations

import numpy as np
import pytest

from fooling.messages import FoolingError
from fooling.schemas import Header, checked_header, require_range, require_schema


class Thing(Header):
    name: str
    sizes: tuple[int, ...]


def test_a_sound_header_is_read_and_other_keys_are_passed_over() -> None:
    assert checked_header(Thing, {"name": "a", "sizes": [1], "more": None}, source="file") == Thing(
        name="a", sizes=(1,)
    )


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"sizes": []}, "name: Field required"),
        ({"name": "a", "sizes": [1, "b"]}, r"sizes\.1: Input should be a valid integer"),
        ([1], "as a whole: Input should be a valid dictionary"),
        ({"name": 1, "sizes": list("abcdefg")}, "and 3 more"),
    ],
)
def test_what_is_wrong_with_a_header_is_told(values: object, told: str) -> None:
    with pytest.raises(FoolingError, match=rf"thing\.file has an invalid header(.|\n)*{told}"):
        checked_header(Thing, values, source="thing.file")


SCHEMA = {"images": "uint8 K 1 H H", "names": "int64 K", "rest": "float32 m"}
ARRAYS = {"images": np.zeros((3, 1, 4, 4), np.uint8), "names": np.zeros(3, np.int64), "rest": np.zeros(0, np.float32)}


def test_arrays_that_fit_their_layout_pass() -> None:
    require_schema(ARRAYS, SCHEMA, source="file", K=3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"images": np.zeros((3, 1, 4, 4), np.float32)},
        {"images": np.zeros((3, 2, 4, 4), np.uint8)},
        {"images": np.zeros((3, 1, 4, 5), np.uint8)},
        {"images": np.zeros((3, 1, 4), np.uint8)},
        {"images": np.zeros((3, 1, 0, 0), np.uint8)},
        {"names": np.zeros(2, np.int64)},
    ],
)
def test_arrays_of_another_layout_are_named(wrong: dict[str, np.ndarray]) -> None:
    with pytest.raises(
        FoolingError, match=rf"some\.file has an array of another type or shape\n  found: {next(iter(wrong))}"
    ):
        require_schema(ARRAYS | wrong, SCHEMA, source="some.file", K=3)


def test_a_missing_array_is_named() -> None:
    with pytest.raises(FoolingError, match=r"some\.file is incomplete\n  found: no array 'images'"):
        require_schema({}, SCHEMA, source="some.file")


@pytest.mark.parametrize("number", [-0.1, 1.5, np.nan, np.inf])
def test_numbers_outside_their_range_are_told(number: float) -> None:
    require_range("share", np.array([0, 1]), least=0, most=1, source="some.file")
    with pytest.raises(FoolingError, match=rf"some\.file(.|\n)*share: {number}"):
        require_range("share", np.array([0.5, number]), least=0, most=1, source="some.file")
