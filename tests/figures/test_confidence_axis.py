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
