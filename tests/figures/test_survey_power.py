"""The figure of the power of a planned human study."""

import pytest

from figures.drawn import legend, titles, x_labels
from fooling.figures.survey_power import survey_power
from fooling.survey.simulation import PowerSettings, power_table


@pytest.fixture(scope="module")
def table():
    return power_table(PowerSettings(people=(10, 20), images=(10, 15), studies=100, effect=0.2))


def test_a_line_for_each_number_of_images(table):
    figure = survey_power(survey_power=table)
    for axes, measure in zip(figure.axes, ("above_chance", "equivalent", "half_width"), strict=True):
        for line, (_, rows) in zip(axes.lines, table.groupby("images"), strict=False):
            assert list(line.get_xdata()) == [10, 20]
            assert list(line.get_ydata()) == rows[measure].tolist()
        assert x_labels(axes) == ["10", "20"]
        assert axes.get_xlabel() == "participants"
    assert legend(figure) == ["10 images", "15 images"]


def test_the_assumptions_are_stated(table):
    figure = survey_power(survey_power=table)
    assert titles(figure) == [
        "detect 70 % as above chance",
        "show chance to be below 60 %",
        "half the interval's width",
    ]
    assert figure.axes[0].get_ylabel() == "share of simulated studies"
    assert "100 simulated studies of each size" in figure.get_supxlabel()


def test_the_usual_power_is_dotted_in_the_panels_of_shares(table):
    panels = survey_power(survey_power=table).axes
    assert [list(axes.lines[-1].get_ydata()) for axes in panels[:2]] == [[0.8, 0.8]] * 2
    assert len(panels[2].lines) == 2
