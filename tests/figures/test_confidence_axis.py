import pytest
from matplotlib.figure import Figure
from scipy.special import logit

from fooling.figures.confidence_axis import log_odds, use_confidence_ticks


def test_ticks_stand_where_their_labels_say():
    axes = Figure().subplots()
    use_confidence_ticks(axes, [log_odds(0.02), log_odds(0.99995)])
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["10 %", "50 %", "90 %", "99 %", "99.9 %", "99.99 %"]
    shares = [float(label.removesuffix(" %")) / 100 for label in labels]
    assert axes.get_yticks() == pytest.approx(logit(shares))


def test_an_axis_of_one_confidence_reaches_to_the_nearest_ticks():
    axes = Figure().subplots()
    use_confidence_ticks(axes, [log_odds(1 / 3)] * 3)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["10 %", "50 %"]
    assert axes.get_ylim() == pytest.approx((log_odds(0.1), 0))


def test_beyond_all_ticks_they_are_not_written_over_one_another():
    axes = Figure().subplots()
    use_confidence_ticks(axes, [log_odds(0.9999), 2e5])
    assert len(axes.get_yticklabels()) == 1
    use_confidence_ticks(axes, [2e5])
    assert axes.get_ylim()[1] > 2e5
