"""The curves of confidence over evaluations."""

import numpy as np
import pytest
from scipy.special import logit

from figures.drawn import heading, legend, lines_by_colour, note, titles, x_labels, y_labels
from fooling.figures.confidence_axis import SATURATED
from fooling.figures.search_curves import classes_over_evaluations, confidence_over_evaluations

SEARCHES = ["evolution (MAP-Elites)", "random search", "drift (unselected)"]


def test_a_curve_is_the_median_over_the_runs_of_their_median_class(inputs):
    history = inputs["confidence_over_evaluations"]["history"]
    (axes,) = confidence_over_evaluations(**inputs["confidence_over_evaluations"]).axes
    runs = history.groupby(["search", "classifier", "seed", "evaluations"])["log_odds"].median()
    expected = runs.groupby(["search", "evaluations"]).median()
    lines = lines_by_colour(axes)
    assert len(lines) == 3
    for colour, search in (("#0072B2", "map-elites"), ("#D55E00", "random-search"), ("#5F5F5F", "drift")):
        assert lines[colour].get_ydata() == pytest.approx(expected[search].to_numpy(), rel=1e-6)


def test_the_title_names_encoding_and_networks_and_the_axes_are_named(inputs):
    figure = confidence_over_evaluations(**inputs["confidence_over_evaluations"])
    (axes,) = figure.axes
    assert heading(figure) == "Median confidence over the classes: direct encoding on lenet-a and lenet-b"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("images scored", "confidence (log-odds axis)")
    assert axes.get_xscale() == "log"
    assert x_labels(axes) == ["200", "1,000", "10,000", "20,200"]
    assert "99.99 %" in y_labels(axes)
    assert legend(figure) == [*SEARCHES, "the paper's median, 99.99 %"]
    assert "6 runs of each search. Lines: medians; band: all runs of evolution." in note(figure)
    assert "90 %, 99 % and 99.9 % are the same distance apart" in note(figure)


def test_the_band_covers_all_runs_of_evolution_alone(inputs):
    history = inputs["confidence_over_evaluations"]["history"]
    (axes,) = confidence_over_evaluations(history=history, reference=None).axes
    runs = history.groupby(["search", "classifier", "seed", "evaluations"])["log_odds"].median()
    (band,) = axes.collections
    heights = band.get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == pytest.approx((runs["map-elites"].min(), runs["map-elites"].max()))


def test_the_papers_median_is_a_line_without_words_on_the_curves(inputs):
    given = inputs["confidence_over_evaluations"]
    with_line = confidence_over_evaluations(**given)
    without = confidence_over_evaluations(history=given["history"], reference=None)
    heights = [line.get_ydata()[0] for line in with_line.axes[0].lines if len(line.get_xdata()) == 2]
    assert heights == pytest.approx([logit(0.9999)])
    assert not with_line.axes[0].texts
    assert not [line for line in without.axes[0].lines if len(line.get_xdata()) == 2]
    assert legend(without) == SEARCHES


def test_a_single_run_is_an_illustration_without_a_band(inputs):
    history = inputs["confidence_over_evaluations"]["history"]
    one = history[(history["seed"] == 1) & (history["classifier"] == "lenet-a")]
    figure = confidence_over_evaluations(history=one, reference=0.9999)
    assert note(figure).startswith("1 run of each search. One run: an illustration, without statistics.")


def test_confidences_of_1_in_float32_stay_within_the_axis_and_have_ticks(inputs):
    history = inputs["classes_over_evaluations"]["history"]
    sure = history.assign(log_odds=history["log_odds"].where(history["search"] != "map-elites", 40.0))
    figure = classes_over_evaluations(**inputs["classes_over_evaluations"] | {"history": sure})
    for axes in figure.axes:
        low, high = axes.get_ylim()
        assert lines_by_colour(axes)["#0072B2"].get_ydata() == pytest.approx(SATURATED)
        assert high > SATURATED
        assert axes.get_yticks()[-1] > low + 0.75 * (high - low)


def test_every_class_has_a_panel(inputs):
    given = inputs["classes_over_evaluations"]
    figure = classes_over_evaluations(**given)
    assert titles(figure) == [f"class {index}" for index in range(3)]
    history = given["history"]
    for index, axes in enumerate(figure.axes):
        chosen = history[(history["class_index"] == index) & (history["search"] == "drift")]
        expected = chosen.groupby("evaluations")["log_odds"].median().to_numpy()
        assert lines_by_colour(axes)["#5F5F5F"].get_ydata() == pytest.approx(expected)
        assert len(axes.collections) == 1  # the band of evolution alone
        assert not axes.texts
    assert len({axes.get_ylim() for axes in figure.axes}) == 1
    assert figure.get_supylabel() == "confidence (log-odds axis)"
    assert heading(figure) == "Confidence in each class: direct encoding on lenet-a and lenet-b"
    assert legend(figure)[-1] == "the paper's median, 99.99 %"


def test_more_classes_than_panels_are_a_map(inputs):
    history = inputs["classes_over_evaluations"]["history"]
    many = history.loc[history.index.repeat(7)]
    many = many.assign(class_index=np.tile(np.arange(7), len(history)) + 7 * many["class_index"])
    champions = many[["class_index"]].drop_duplicates().assign(class_name="name")
    figure = classes_over_evaluations(history=many, champions=champions, reference=None)
    assert [len(axes.images) for axes in figure.axes[:3]] == [1, 1, 1]
    assert figure.axes[0].get_ylim() == (20.5, -0.5)
