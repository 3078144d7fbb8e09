"""The figures made of curves: confidence over evaluations, by class, and training."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit

from fooling.errors import FoolingError
from fooling.figures import (
    ascent_over_evaluations,
    classes_over_evaluations,
    confidence_over_evaluations,
    search_comparison,
    training_curves,
)
from fooling.figures.style import as_png
from made_up_networks import made_up_header, made_up_networks


def drawn_lines(axes):
    """The visible data lines of a panel, by colour."""
    return {line.get_color(): line for line in axes.lines if len(line.get_xdata()) > 2 and line.get_linewidth() > 0}


def test_the_curve_is_the_median_of_the_runs_medians_over_the_classes(inputs):
    history = inputs["confidence_over_evaluations"]["history"]
    plain, stretched = confidence_over_evaluations.draw(**inputs["confidence_over_evaluations"]).axes
    runs = history.groupby(["search", "classifier", "seed", "evaluations"])[["confidence", "log_odds"]].median()
    expected = runs.groupby(["search", "evaluations"]).median()
    for axes, column in ((plain, "confidence"), (stretched, "log_odds")):
        line = drawn_lines(axes)["#0072B2"]
        assert line.get_ydata() == pytest.approx(expected.loc["map-elites", column].to_numpy(), rel=1e-6)
        assert len(drawn_lines(axes)) == 3


def test_the_axes_say_what_they_show(inputs):
    figure = confidence_over_evaluations.draw(**inputs["confidence_over_evaluations"])
    plain, stretched = figure.axes
    assert (plain.get_xlabel(), plain.get_ylabel()) == ("images scored", "confidence")
    assert plain.get_xscale() == "log"
    assert "log-odds" in stretched.get_ylabel()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "evolution (MAP-Elites)",
        "random search",
        "drift (unselected)",
    ]
    assert "Direct encoding, 6 runs of each search on 2 networks." in figure.get_supxlabel()


def test_the_papers_median_is_a_line_where_there_is_one(inputs):
    given = inputs["confidence_over_evaluations"]
    with_line = confidence_over_evaluations.draw(**given).axes[1]
    without = confidence_over_evaluations.draw(history=given["history"], reference=None).axes[1]
    heights = [line.get_ydata()[0] for line in with_line.lines if len(line.get_xdata()) == 2]
    assert heights == pytest.approx([logit(0.9999)])
    assert not [line for line in without.lines if len(line.get_xdata()) == 2]


def test_a_single_run_has_no_band_to_explain(inputs):
    history = inputs["confidence_over_evaluations"]["history"]
    one = history[(history["seed"] == 1) & (history["classifier"] == "lenet-a")]
    figure = confidence_over_evaluations.draw(history=one, reference=0.9999)
    assert figure.get_supxlabel() == "Direct encoding, 1 run of each search on 1 network. Line: their median."


def test_every_class_has_a_panel_of_its_own(inputs):
    given = inputs["classes_over_evaluations"]
    figure = classes_over_evaluations.draw(**given)
    assert [axes.get_title(loc="left") for axes in figure.axes] == [f"class {index}" for index in range(3)]
    history = given["history"]
    chosen = history[(history["class_index"] == 2) & (history["search"] == "drift")]
    line = drawn_lines(figure.axes[2])["#5F5F5F"]
    assert line.get_ydata() == pytest.approx(chosen.groupby("evaluations")["log_odds"].median().to_numpy())


def many_classes(classes, *, batch):
    """A history of two runs over four generations, each generation kept but the third."""
    generations = np.array([0, 1, 3])
    generator = np.random.default_rng(1)
    grid = [(seed, generation, index) for seed in (1, 2) for generation in generations for index in range(classes)]
    table = pd.DataFrame(grid, columns=["seed", "generation", "class_index"])
    confidence = generator.uniform(0.01, 0.99, len(table)).astype(np.float32)
    return table.assign(
        **{"classifier": "alexnet", "experiment": "cppn", "encoding": "cppn", "search": "map-elites"},
        **{"evaluations": batch * (table["generation"] + 1), "confidence": confidence, "log_odds": logit(confidence)},
    )


@pytest.mark.parametrize("classes", [21, 1000])
def test_many_classes_are_a_map(classes):
    history = many_classes(classes, batch=10_000)
    champions = history[["class_index"]].drop_duplicates().assign(class_name="name")
    figure = classes_over_evaluations.draw(history=history, champions=champions, reference=None)
    shown = figure.axes[0].images[0].get_array()
    medians = history.astype({"confidence": float}).groupby(["class_index", "generation"])["confidence"].median()
    expected = medians.unstack("generation")
    assert np.allclose(shown, expected[[0, 1, 1, 3]].to_numpy())
    lines = {line.get_label(): line for axes in figure.axes for line in axes.lines}
    assert np.allclose(lines["evolution (MAP-Elites), median"].get_ydata(), expected.median())
    paper = lines.get("the paper, median")
    assert (paper is None) == (classes != 1000)
    if paper is not None:  # 400 images a generation there, 10,000 here
        assert list(paper.get_xdata()) == [2.0]
        assert list(paper.get_ydata()) == [0.079]


def test_training_has_a_row_of_panels_for_each_data_set(inputs):
    figure = training_curves.draw(**inputs["training_curves"])
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "digits: training loss",
        "digits: test error",
        "shapes: training loss",
        "shapes: test error",
    ]
    legend = [text.get_text() for text in figure.axes[1].get_legend().get_texts()]
    assert legend == ["lenet-a: 1.10 %", "lenet-b: 1.40 %", "the paper's network: 0.94 %"]
    training = inputs["training_curves"]["training"]
    loss = training.loc[training["classifier"] == "alexnet", "train_loss"]
    assert np.array_equal(figure.axes[2].lines[0].get_ydata(), loss)


def test_networks_without_a_training_history_are_left_out(inputs):
    given = dict(inputs["training_curves"])
    imported = made_up_networks(
        made_up_header("own", dataset="digits"), made_up_header("other", dataset="letters", test_error=0.4)
    )
    beside = training_curves.draw(**given | {"classifiers": pd.concat([imported, given["classifiers"]])})
    assert as_png(beside) == as_png(training_curves.draw(**given))  # also in the colours of the legend
    with pytest.raises(FoolingError, match="no network has a training history"):
        training_curves.draw(**given | {"classifiers": imported})


def test_without_a_control_there_is_nothing_to_compare(inputs):
    given = inputs["search_comparison"]
    alone = given["champions"][given["champions"]["search"] == "map-elites"]
    with pytest.raises(FoolingError, match="no experiment has a control"):
        search_comparison.draw(**given | {"champions": alone})


def test_climbs_are_drawn_beside_the_searches(inputs):
    given = inputs["ascent_over_evaluations"]
    (axes,) = ascent_over_evaluations.draw(**given).axes
    lines = {line.get_label(): line for line in axes.lines if len(line.get_xdata()) > 2}
    assert list(lines) == [
        *("gradient ascent, plain", "gradient ascent, s-360"),
        *("cppn, evolution (MAP-Elites)", "cppn, random search"),
        *("direct, evolution (MAP-Elites)", "direct, random search"),
    ]
    curves = given["ascent_curves"]
    climbs = curves[(curves["search"] == "gradient-ascent") & (curves["experiment"] == "plain")]
    expected = climbs.groupby("evaluations")["log_odds"].median()
    assert lines["gradient ascent, plain"].get_ydata() == pytest.approx(expected.to_numpy())
    assert lines["gradient ascent, plain"].get_xdata() == pytest.approx(expected.index)
