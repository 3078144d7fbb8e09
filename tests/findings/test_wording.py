"""Percentages are cut, never rounded up to 100."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooling.findings.wording import in_words, percent


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.0, "0 %"),
        (0.0094, "0.94 %"),
        (0.00957, "0.96 %"),
        (0.5, "50 %"),
        (0.9899999, "99 %"),
        (0.9915, "99.15 %"),
        (0.9999, "99.99 %"),
        (0.99996, "99.996 %"),
        (float(np.float32(0.9999)), "99.989 %"),
        (0.9999999, "99.99999 %"),
        (float(np.nextafter(1.0, 0)), "99.99999999999999 %"),
        (1.0, "100 %"),
    ],
)
def test_percentages(share, words):
    assert percent(share) == words


@given(st.floats(0.99, 1, exclude_max=True))
def test_a_percentage_near_100_is_never_more_than_it_was(share):
    shown = float(percent(share).removesuffix(" %")) / 100
    assert shown <= share * (1 + 1e-15)
    assert shown < 1


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (1.0, "probability", "above 99.99999 %"),
        (1.0, "share", "100 %"),
        (0.9999, "probability", "99.99 %"),
        (math.inf, "generations", "never"),
        (73.5, "generations", "73.5"),
        (120.0, "generations", "120"),
        (-1.234, "log-odds", "-1.23"),
        (1.5, "ratio", "1.50"),
        (math.nan, "share", "-"),
        (None, "generations", "-"),
    ],
)
def test_values_with_units(value, unit, words):
    assert in_words(value, unit) == words
