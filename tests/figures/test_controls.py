"""The figures that compare evolution with its controls."""

import pytest
from scipy.special import logit

from figures.drawn import dots, legend, titles, x_labels, y_labels
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
    assert (confidence.get_xlabel(), classes.get_xlabel()) == ("confidence, log-odds scale", "classes of 10")
    assert classes.texts[0].get_text() == f"{reached.loc['direct', 'map-elites'].mean():.1f}"
    assert legend(figure) == ["evolution (MAP-Elites)", "random search", "drift (unselected)"]
    assert "at most 6 runs per search" in figure.get_supxlabel()


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


def test_random_images_have_a_box_for_each_network_and_experiment(inputs):
    start = inputs["random_images"]["start"]
    figure = random_images(**inputs["random_images"])
    left, right = figure.axes
    assert y_labels(left) == ["lenet-a, direct", "lenet-a, cppn", "lenet-b, direct", "lenet-b, cppn"]
    assert [len(axes.patches) for axes in figure.axes] == [4, 4]
    first = start[(start["classifier"] == "lenet-a") & (start["experiment"] == "direct")]["top_confidence"]
    assert left.texts[0].get_text() == f"{(first > 0.5).mean():.0%}".replace("%", " %")
    low, high = left.patches[0].get_extents().transformed(left.transData.inverted()).intervalx
    assert (low, high) == pytest.approx(first.quantile([0.25, 0.75]).tolist(), abs=1e-6)
    assert titles(figure) == ["Single random images", "The best of 200 for each class"]
    assert x_labels(left) == ["0 %", "25 %", "50 %", "75 %", "100 %"]
    assert (left.get_xlabel(), right.get_xlabel(), left.get_ylabel()) == ("confidence", "confidence", "")


def test_only_the_start_of_evolution_is_drawn_on_the_right(inputs):
    history = inputs["random_images"]["history"]
    chosen = (history["generation"] == 0) & (history["search"] == "map-elites")
    chosen &= (history["classifier"] == "lenet-b") & (history["experiment"] == "cppn")
    right = random_images(**inputs["random_images"]).axes[1]
    low, high = right.patches[3].get_extents().transformed(right.transData.inverted()).intervalx
    assert (low, high) == pytest.approx(history.loc[chosen, "confidence"].quantile([0.25, 0.75]).tolist(), abs=1e-6)
