import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooling.figures.percentages import percent, short_percent


@pytest.mark.parametrize(
    ("confidence", "text"),
    [(0.99996, "99.99 %"), (0.9999, "99.99 %"), (0.98999, "98.99 %"), (0.5, "50.00 %"), (0.0, "0.00 %")],
)
def test_percentages_are_cut(confidence, text):
    assert percent(confidence) == text


def test_nothing_is_ever_one_hundred_percent():
    assert percent(1.0) == ">99.99 %"
    assert percent(1.0, decimals=0) == ">99 %"
    assert percent(float(np.nextafter(np.float32(1), np.float32(0)))) == "99.99 %"


@given(st.floats(0, 1, exclude_max=True))
def test_the_text_is_at_most_the_confidence_and_less_than_a_step_below(confidence):
    shown = float(percent(confidence).removesuffix(" %")) / 100
    assert shown <= confidence + 1e-12
    assert confidence < shown + 1e-4 + 1e-12


def test_the_short_form_has_the_places_it_needs():
    assert short_percent(0.9999) == "99.99 %"
    assert short_percent(0.5) == "50 %"
