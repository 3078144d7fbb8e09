"""The figures that compare evolution with its controls."""

import numpy as np
import pytest
from scipy.special import logit

from figures.drawn import dots, heading, legend, lines_by_colour, note, texts, titles, x_labels, y_labels
from fooling.figures.controls import (
    classes_over_evaluations,
    confidence_over_evaluations,
    random_images,
    search_comparison,
)
from fooling.figures.style import SATURATED
from fooling.messages import FoolingError

RUNS = ["experiment", "search", "classifier", "seed"]


def test_each_run_of_each_search_is_a_dot(inputs):
    champions = inputs["search_comparison"]["champions"]
    figure = search_comparison(**inputs["search_comparison"])
    confidence, classes = figure.axes
    medians = champions.groupby(RUNS)["log_odds"].median()
    assert sorted(dots(confidence)[:, 0]) == pytest.approx(sorted(medians))
    reached = (champions["confidence"] >= 0.9999).groupby([champions[name] for name in RUNS]).sum()
    assert sorted(dots(classes)[:, 0]) == sorted(reached)
    assert y_labels(confidence) == ["direct", "cppn"]
    assert titles(figure) == ["Median confidence", "Classes at 99.99 % or more"]
    assert (confidence.get_xlabel(), classes.get_xlabel()) == ("confidence (log-odds axis)", "classes of 10")
    assert classes.texts[0].get_text() == f"{reached.loc['direct', 'map-elites'].mean():.1f}"
    searches = ["evolution (MAP-Elites)", "random search", "drift (unselected)"]
    assert legend(figure) == [*searches, "the paper's median, 99.99 %"]
    assert heading(figure) == "Evolution compared with random search and drift at the same budget"
    assert "at most 6 runs per search" in note(figure)
    assert "Log-odds axis:" in note(figure)


def test_without_a_reference_there_is_no_panel_of_reached_classes(inputs):
    (axes,) = search_comparison(**inputs["search_comparison"] | {"reference": None}).axes
    with_reference = search_comparison(**inputs["search_comparison"]).axes[0]
    vertical = [line for line in with_reference.lines if list(line.get_ydata()) == [0, 1]]
    assert [line.get_xdata()[0] for line in vertical] == pytest.approx([logit(0.9999)])
    assert not [line for line in axes.lines if list(line.get_ydata()) == [0, 1]]


def test_an_experiment_without_a_control_is_left_out(inputs):
    champions = inputs["search_comparison"]["champions"]
    alone = champions[(champions["experiment"] != "cppn") | (champions["search"] == "map-elites")]
    assert y_labels(search_comparison(champions=alone, reference=0.9999).axes[0]) == ["direct"]


def test_without_any_control_there_is_nothing_to_compare(inputs):
    given = inputs["search_comparison"]
    alone = given["champions"][given["champions"]["search"] == "map-elites"]
    with pytest.raises(FoolingError, match="no experiment has a control"):
        search_comparison(**given | {"champions": alone})


def quartiles(axes, place):
    """The ends of the box at a place."""
    return axes.patches[place].get_extents().transformed(axes.transData.inverted()).intervalx


def test_random_images_have_a_box_for_each_network_and_experiment(inputs):
    start = inputs["random_images"]["start"]
    figure = random_images(**inputs["random_images"])
    left, right = figure.axes
    assert y_labels(left) == ["lenet-a, direct", "lenet-a, cppn", "lenet-b, direct", "lenet-b, cppn"]
    assert [len(axes.patches) for axes in figure.axes] == [4, 4]
    first = start[(start["classifier"] == "lenet-a") & (start["experiment"] == "direct")]["top_confidence"]
    above = (first > 0.5).mean()
    assert texts(left)[0] == f"{100 * above:.0f} %"
    assert quartiles(left, 0) == pytest.approx(logit(first.astype(float)).quantile([0.25, 0.75]).tolist(), abs=1e-6)
    assert titles(figure) == ["One random image:\nits top class", "The best of 200:\neach class"]
    assert left.get_xlabel() == right.get_xlabel() == "confidence (log-odds axis)"
    assert left.get_ylabel() == ""
    assert heading(figure) == "Confidence in random images, without any evolution"
    assert "the class that the network prefers" in note(figure)


def test_only_the_start_of_evolution_is_drawn_on_the_right(inputs):
    history = inputs["random_images"]["history"]
    chosen = (history["generation"] == 0) & (history["search"] == "map-elites")
    chosen &= (history["classifier"] == "lenet-b") & (history["experiment"] == "cppn")
    right = random_images(**inputs["random_images"]).axes[1]
    expected = history.loc[chosen, "log_odds"].quantile([0.25, 0.75]).tolist()
    assert quartiles(right, 3) == pytest.approx(expected, abs=1e-6)


def test_the_box_of_a_network_that_is_always_sure_is_within_the_axis(inputs):
    start = inputs["random_images"]["start"].assign(top_confidence=1.0)
    left = random_images(**inputs["random_images"] | {"start": start}).axes[0]
    low, high = left.get_xlim()
    assert low < quartiles(left, 0)[0] <= quartiles(left, 0)[1] < high


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
