"""The figures of the variation between networks, classes and seeds."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit

from figures.drawn import legend, texts, titles, x_labels, y_labels
from fooling.figures.variation import class_sets, foolability, variance_components


def test_foolability_has_a_row_for_each_network_the_most_easily_fooled_first(inputs):
    table = inputs["foolability"]["foolability"]
    figure = foolability(foolability=table)
    evolved = table[table["search"] == "map-elites"]
    order = [
        f"{row.classifier}\n{experiment}"
        for experiment in ("direct", "cppn")
        for row in evolved[evolved["experiment"] == experiment].sort_values("area", ascending=False).itertuples()
    ]
    assert y_labels(figure.axes[0]) == order
    assert figure.axes[0].get_ylim() == (3.5, -0.5)
    assert titles(figure) == ["Area under the curve", "Median confidence at the end", "Classes with high confidence"]
    assert x_labels(figure.axes[0]) == ["0 %", "25 %", "50 %", "75 %", "100 %"]
    assert legend(figure) == ["evolution (MAP-Elites)", "random search", "drift (unselected)"]
    assert "3 runs per network" in figure.get_supxlabel().replace("\n", " ")


def test_the_marks_of_foolability_are_its_measures_and_hollow_ones_are_calibrated(inputs):
    table = inputs["foolability"]["foolability"]
    panels = foolability(foolability=table).axes
    for axes, measure in zip(panels, ("area", "median", "share_sure"), strict=True):
        for container, search in zip(axes.containers, ("map-elites", "random-search", "drift"), strict=True):
            rows = table[table["search"] == search]
            assert sorted(container.lines[0].get_xdata()) == pytest.approx(sorted(rows[measure]))
    hollow = [line for line in panels[1].lines if line.get_markerfacecolor() == "white"]
    calibrated = table.loc[table["search"] == "map-elites", "calibrated_median"]
    assert sorted(hollow[0].get_xdata()) == pytest.approx(sorted(calibrated))


def test_a_set_of_classes_has_a_panel_with_two_boxes_for_each_search(inputs):
    found, classes = inputs["class_sets"]["class_sets"], inputs["class_sets"]["set_classes"]
    figure = class_sets(class_sets=found, set_classes=classes)
    assert titles(figure) == ["first three (3 classes)", "some (4 classes)"]
    assert y_labels(figure.axes[0])[:2] == [
        "direct on lenet-a\nevolution (MAP-Elites)",
        "direct on lenet-a\nrandom search",
    ]
    assert [len(axes.patches) for axes in figure.axes] == [8, 8]
    assert legend(figure) == ["in the set", "other classes"]
    first = classes[(classes["class_set"] == "first three") & classes["inside"].astype(bool)]
    first = first[(first["experiment"] == "direct") & (first["search"] == "map-elites")]["confidence"]
    axes = figure.axes[0]
    low, high = axes.patches[0].get_extents().transformed(axes.transData.inverted()).intervalx
    assert (low, high) == pytest.approx(np.quantile(logit(first.to_numpy(dtype=float)), [0.25, 0.75]), abs=1e-6)


def test_the_margin_of_a_set_holds_its_superiority_with_the_interval(inputs):
    found = inputs["class_sets"]["class_sets"]
    axes = class_sets(**inputs["class_sets"]).axes[0]
    row = found[found["class_set"] == "first three"].iloc[0]
    assert texts(axes)[0] == f"{100 * row['superiority']:.0f} %\n{100 * row['low']:.0f} to {100 * row['high']:.0f} %"
    without = found.assign(low=np.nan, high=np.nan)
    assert texts(class_sets(**inputs["class_sets"] | {"class_sets": without}).axes[0])[0].endswith("no interval")


def test_a_study_without_sets_of_classes_says_so(inputs):
    nothing = {name: table.iloc[:0] for name, table in inputs["class_sets"].items()}
    figure = class_sets(**nothing)
    assert [text.get_text() for text in figure.texts] == ["This study defines no sets of classes."]


def test_bars_are_divided_into_the_shares_of_the_components(inputs):
    variance = inputs["variance_components"]["variance"]
    figure = variance_components(variance=variance)
    (axes,) = figure.axes
    assert y_labels(axes) == [
        *("direct: evolution (MAP-Elites)", "direct: random search"),
        *("shapes-cppn: evolution (MAP-Elites)", "shapes-cppn: random search"),
    ]
    first = variance[(variance["experiment"] == "direct") & (variance["search"] == "map-elites")]
    widths = pd.Series([bars[0].get_width() for bars in axes.containers])
    assert sorted(widths) == pytest.approx(sorted(first["share"]))
    assert widths.sum() == pytest.approx(1)
    starts = [bars[0].get_x() for bars in axes.containers]
    assert starts == pytest.approx([0, *widths.cumsum()[:-1]])
    assert {"20 %", "35 %", "12 %", "30 %", ""} <= set(texts(axes))
    assert (axes.get_xlim(), axes.get_xlabel()) == ((0, 1), "share of the variance")
    assert legend(figure)[:2] == ["network", "seed"]


def test_equal_champions_have_no_bar(inputs):
    variance = inputs["variance_components"]["variance"].assign(share=0.0)
    figure = variance_components(variance=variance)
    assert not figure.axes[0].containers
    assert not figure.legends
    assert "No bar: all champions are equal." in figure.get_supxlabel()
