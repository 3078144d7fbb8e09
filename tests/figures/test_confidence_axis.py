"""The axes of confidences."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from scipy.special import logit

from figures.drawn import texts, x_labels, y_labels
from fooling.figures.confidence_axis import (
    draw_reference,
    finite_log_odds,
    log_odds,
    name_reference,
    use_confidence_ticks,
    use_percent_ticks,
)


@pytest.fixture
def axes():
    return Figure().subplots()


def test_ticks_stand_where_their_labels_say(axes):
    use_confidence_ticks(axes, [log_odds(0.02), log_odds(0.99995)])
    assert y_labels(axes) == ["10 %", "50 %", "90 %", "99 %", "99.9 %", "99.99 %"]
    shares = [float(label.removesuffix(" %")) / 100 for label in y_labels(axes)]
    assert axes.get_yticks() == pytest.approx(logit(shares))


def test_an_axis_of_one_confidence_reaches_to_the_nearest_ticks(axes):
    use_confidence_ticks(axes, [log_odds(1 / 3)] * 3)
    assert y_labels(axes) == ["10 %", "50 %"]
    assert axes.get_ylim() == pytest.approx((log_odds(0.1), 0))


def test_ticks_are_thinned_to_the_largest_number(axes):
    use_confidence_ticks(axes, [log_odds(1e-7), log_odds(1 - 1e-7)], which="x", most=5)
    assert x_labels(axes) == ["0.00001 %", "0.01 %", "10 %", "99 %", "99.999 %"]


def test_ticks_far_from_the_values_do_not_overlap(axes):
    use_confidence_ticks(axes, [log_odds(0.9999), 2e5])
    assert len(axes.get_yticklabels()) == 1
    use_confidence_ticks(axes, [2e5])
    assert axes.get_ylim()[1] > 2e5


def test_log_odds_are_finite_at_both_ends():
    low, middle, high = finite_log_odds(pd.Series([0.0, 0.5, 1.0]))
    assert middle == 0
    assert low == pytest.approx(-high)
    assert high > log_odds(float(np.nextafter(np.float32(1), np.float32(0))))


def test_percent_ticks(axes):
    use_percent_ticks(axes, which="x")
    assert x_labels(axes) == ["0 %", "25 %", "50 %", "75 %", "100 %"]
    assert axes.get_xlim() == (-0.02, 1.02)


@pytest.mark.parametrize(("value", "side"), [(5.0, "bottom"), (9.9, "top")])
def test_the_name_of_a_reference_stands_where_there_is_space(axes, value, side):
    axes.set_ylim(0, 10)
    draw_reference(axes, value)
    name_reference(axes, value, "the paper")
    assert list(axes.lines[0].get_ydata()) == [value, value]
    assert texts(axes) == ["the paper"]
    assert axes.texts[0].get_verticalalignment() == side


def test_a_vertical_reference(axes):
    draw_reference(axes, 3.0, which="x")
    assert list(axes.lines[0].get_xdata()) == [3.0, 3.0]
