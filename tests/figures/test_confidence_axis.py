import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from scipy.special import logit

from fooling.figures.confidence_axis import log_odds, percent, tick_label, use_confidence_ticks


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


def test_ticks_stand_where_their_labels_say():
    axes = Figure().subplots()
    use_confidence_ticks(axes, [log_odds(0.02), log_odds(0.99995)])
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["10 %", "50 %", "90 %", "99 %", "99.9 %", "99.99 %"]
    shares = [float(label.removesuffix(" %")) / 100 for label in labels]
    assert axes.get_yticks() == pytest.approx(logit(shares))


def test_tick_labels_have_the_places_they_need():
    assert tick_label(0.9999) == "99.99 %"
    assert tick_label(0.5) == "50 %"
