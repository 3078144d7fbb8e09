"""The curves of confidence over evaluations."""

import numpy as np
import pytest
from scipy.special import logit

from figures.drawn import legend, lines_by_colour, texts, titles, x_labels
from fooling.figures.search_curves import classes_over_evaluations, confidence_over_evaluations


def test_a_curve_is_the_median_over_the_runs_of_their_median_class(inputs):
    history = inputs["confidence_over_evaluations"]["history"]
    linear, in_log_odds = confidence_over_evaluations(**inputs["confidence_over_evaluations"]).axes
    runs = history.groupby(["search", "classifier", "seed", "evaluations"])[["confidence", "log_odds"]].median()
    expected = runs.groupby(["search", "evaluations"]).median()
    for axes, column in ((linear, "confidence"), (in_log_odds, "log_odds")):
        lines = lines_by_colour(axes)
        assert len(lines) == 3
        for colour, search in (("#0072B2", "map-elites"), ("#D55E00", "random-search"), ("#5F5F5F", "drift")):
            assert lines[colour].get_ydata() == pytest.approx(expected.loc[search, column].to_numpy(), rel=1e-6)


def test_the_axes_are_named(inputs):
    figure = confidence_over_evaluations(**inputs["confidence_over_evaluations"])
    linear, in_log_odds = figure.axes
    assert titles(figure) == ["Median confidence", "Median confidence (log-odds axis)"]
    assert (linear.get_xlabel(), linear.get_ylabel()) == ("images scored", "confidence")
    assert in_log_odds.get_ylabel() == "confidence, log-odds scale"
    assert linear.get_xscale() == in_log_odds.get_xscale() == "log"
    assert x_labels(linear) == ["200", "1,000", "10,000", "20,200"]
    assert legend(figure) == ["evolution (MAP-Elites)", "random search", "drift (unselected)"]
    assert "Direct encoding, 6 runs of each search on 2 networks." in figure.get_supxlabel()


def test_the_papers_median_is_a_line_if_it_is_given(inputs):
    given = inputs["confidence_over_evaluations"]
    with_line = confidence_over_evaluations(**given).axes[1]
    without = confidence_over_evaluations(history=given["history"], reference=None).axes[1]
    heights = [line.get_ydata()[0] for line in with_line.lines if len(line.get_xdata()) == 2]
    assert heights == pytest.approx([logit(0.9999)])
    assert texts(with_line) == ["the paper's median"]
    assert not [line for line in without.lines if len(line.get_xdata()) == 2]


def test_a_single_run_has_no_band_to_explain(inputs):
    history = inputs["confidence_over_evaluations"]["history"]
    one = history[(history["seed"] == 1) & (history["classifier"] == "lenet-a")]
    figure = confidence_over_evaluations(history=one, reference=0.9999)
    assert figure.get_supxlabel() == "Direct encoding, 1 run of each search on 1 network. Line: median."


def test_every_class_has_a_panel(inputs):
    given = inputs["classes_over_evaluations"]
    figure = classes_over_evaluations(**given)
    assert titles(figure) == [f"class {index}" for index in range(3)]
    history = given["history"]
    for index, axes in enumerate(figure.axes):
        chosen = history[(history["class_index"] == index) & (history["search"] == "drift")]
        expected = chosen.groupby("evaluations")["log_odds"].median().to_numpy()
        assert lines_by_colour(axes)["#5F5F5F"].get_ydata() == pytest.approx(expected)
    assert len({axes.get_ylim() for axes in figure.axes}) == 1
    assert figure.get_supylabel() == "confidence, log-odds scale"
    assert texts(figure.axes[0]) == ["the paper"]


def test_more_classes_than_panels_are_a_map(inputs):
    history = inputs["classes_over_evaluations"]["history"]
    many = history.loc[history.index.repeat(7)]
    many = many.assign(class_index=np.tile(np.arange(7), len(history)) + 7 * many["class_index"])
    champions = many[["class_index"]].drop_duplicates().assign(class_name="name")
    figure = classes_over_evaluations(history=many, champions=champions, reference=None)
    assert [len(axes.images) for axes in figure.axes[:3]] == [1, 1, 1]
    assert figure.axes[0].get_ylim() == (20.5, -0.5)
