"""The figures that compare evolution with its controls."""

import pytest
from scipy.special import logit

from figures.drawn import dots, heading, legend, note, texts, titles, y_labels
from fooling.errors import FoolingError
from fooling.figures.controls import random_images, search_comparison

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
