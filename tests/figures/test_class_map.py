"""The map of many classes, which replaces the panels by class."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit

from figures.drawn import heading, legend, lines_by_label, note, texts
from fooling.figures.class_map import draw_class_map


def history_of_many(classes, *, batch):
    """A history of two runs over four generations, of which the third is not kept."""
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
def test_the_map_holds_the_median_over_the_runs(classes):
    history = history_of_many(classes, batch=10_000)
    figure = draw_class_map(history)
    heat_map, _, quantiles = figure.axes  # between them the colour bar
    medians = history.astype({"confidence": float}).groupby(["class_index", "generation"])["confidence"].median()
    expected = medians.unstack("generation")
    assert np.allclose(heat_map.images[0].get_array(), expected[[0, 1, 1, 3]].to_numpy())
    assert heat_map.images[0].get_extent() == [0, 3, classes - 0.5, -0.5]
    assert np.allclose(lines_by_label(quantiles)["evolution (MAP-Elites), median"].get_ydata(), expected.median())
    assert len(quantiles.lines) == 5 + (classes == 1000)
    assert [heat_map.get_title(), quantiles.get_title()] == ["evolution (MAP-Elites)", "Quantiles over the classes"]
    assert heading(figure) == "Confidence in each class by generation: CPPN encoding on alexnet"
    assert f"{classes:,} classes, median of 2 runs." in note(figure)


def test_the_papers_medians_stand_where_as_many_images_were_scored():
    quantiles = draw_class_map(history_of_many(1000, batch=10_000)).axes[2]
    paper = lines_by_label(quantiles)["the paper, median"]
    assert list(paper.get_xdata()) == [2.0]  # generation 50 with 400 images each, here 10,000
    assert list(paper.get_ydata()) == [0.079]


def test_another_number_of_classes_has_no_medians_of_the_paper():
    figure = draw_class_map(history_of_many(21, batch=10_000))
    assert legend(figure) == ["evolution (MAP-Elites), median"]
    assert "dogs and cats" not in texts(figure.axes[0])
    assert "The paper's median" not in figure.get_supxlabel()
    assert texts(draw_class_map(history_of_many(1000, batch=400)).axes[0]) == ["dogs and cats"]


def test_every_search_has_a_map_and_a_median():
    evolved = history_of_many(21, batch=400)
    figure = draw_class_map(pd.concat([evolved, evolved.assign(search="drift")]))
    assert legend(figure) == ["evolution (MAP-Elites), median", "drift (unselected), median"]
    assert [len(axes.images) for axes in figure.axes[:2]] == [1, 1]
