"""The axes of confidences."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from scipy.special import logit

from figures.drawn import x_labels, y_labels
from fooling.figures.confidence_axis import (
    SATURATED,
    draw_reference,
    finite_log_odds,
    log_odds,
    reference_handle,
    use_confidence_ticks,
    use_percent_ticks,
    visible,
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
    assert x_labels(axes) == ["0.001 %", "1 %", "90 %", "99.99 %", "99.99999 %"]


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


def test_99_99_percent_keeps_its_tick(axes):
    for most in range(2, 9):
        use_confidence_ticks(axes, [-SATURATED, SATURATED], most=most)
        assert len(y_labels(axes)) <= most
        assert "99.99 %" in y_labels(axes)


def test_log_odds_beyond_float32_are_drawn_at_its_end():
    assert visible(np.array([-40.0, 0.0, 40.0])).tolist() == [-SATURATED, 0, SATURATED]
    assert np.float32(1 / (1 + np.exp(-SATURATED - 0.01))) == 1


def test_a_reference_is_a_line_with_an_entry_in_the_legend(axes):
    axes.set_ylim(0, 10)
    draw_reference(axes, 5.0)
    assert list(axes.lines[0].get_ydata()) == [5.0, 5.0]
    handle = reference_handle(0.9999)
    assert handle.get_label() == "the paper's median, 99.99 %"
    assert handle.get_color() == axes.lines[0].get_color()
    assert handle.get_linestyle() == axes.lines[0].get_linestyle()


def test_a_vertical_reference(axes):
    draw_reference(axes, 3.0, which="x")
    assert list(axes.lines[0].get_xdata()) == [3.0, 3.0]
