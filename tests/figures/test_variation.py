"""The figures of the variation between networks, classes and seeds."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit

from figures.drawn import heading, legend, note, texts, titles, y_labels
from fooling.figures.style import BACKGROUND, SERIES
from fooling.figures.variation import audits, class_sets, foolability, variance_components
from fooling.messages import FoolingError


def test_foolability_has_a_row_for_each_network_in_the_order_of_the_study(inputs):
    figure = foolability(**inputs["foolability"])
    (axes,) = figure.axes
    expected = [f"{experiment} on {network}" for experiment in ("direct", "cppn") for network in ("lenet-a", "lenet-b")]
    assert y_labels(axes) == expected
    assert axes.get_ylim() == (3.5, -0.5)
    assert axes.get_xlabel() == "confidence (log-odds axis)"
    assert legend(figure) == [
        *("evolution (MAP-Elites)", "random search", "drift (unselected)"),
        "after temperature scaling",
    ]
    assert "(3 per network)" in note(figure)
    assert "findings.sure" not in note(figure)


def test_the_marks_of_foolability_are_medians_in_log_odds_and_hollow_ones_are_calibrated(inputs):
    table = inputs["foolability"]["foolability"]
    (axes,) = foolability(foolability=table).axes
    for container, search in zip(axes.containers, ("map-elites", "random-search", "drift"), strict=True):
        medians = table.loc[table["search"] == search, "median"].astype(float)
        assert sorted(container.lines[0].get_xdata()) == pytest.approx(sorted(logit(medians)))
    hollow = [line for line in axes.lines if line.get_markerfacecolor() == BACKGROUND]
    calibrated = table.loc[table["search"] == "map-elites", "calibrated_median"].astype(float)
    assert sorted(hollow[0].get_xdata()) == pytest.approx(sorted(logit(calibrated)))
    low, high = axes.get_xlim()
    assert all(low < x < high for line in hollow for x in line.get_xdata())


def test_audits_are_ranked_in_a_panel_for_each_number_of_classes(inputs):
    figure = audits(**inputs["audits"])
    assert titles(figure)[:2] == ["10 classes", "1,000 classes"]
    small, large = figure.axes[:2]
    assert y_labels(small) == ["lenet\n1x28x28", "other\n1x28x28"]  # by ascent 100 %, by evolution 95 %
    assert y_labels(large) == ["large\n3x224x224"]
    searches = ["Evolution (CPPN encoding)", "Gradient ascent"]
    assert legend(figure) == [*searches, "other attacks", "random search, same encoding"]
    assert "mean over 2 seeds" in note(figure)
    assert "no confidence interval" in note(figure)
    assert "at most 2,000 images" in note(figure)


def test_an_audit_is_drawn_as_its_seeds_their_mean_and_random_search(inputs):
    small, large = audits(**inputs["audits"]).axes[:2]
    evolved, ascent = SERIES[0], SERIES[1]
    filled = {line.get_color(): line for line in small.lines if line.get_marker() != "|" and _is_filled(line)}
    assert filled[evolved.colour].get_xdata() == pytest.approx([0.55, 0.95])  # 4 and 7 of 10; 9 and 10 of 10
    assert filled[ascent.colour].get_xdata() == pytest.approx([1.0, 0.45])  # 10 and 10 of 10; 4 and 5 of 10, aimed at 5
    seeds = [line for line in small.lines if line.get_marker() == "|" and line.get_color() == evolved.colour]
    assert [list(line.get_xdata()) for line in seeds] == [[0.4, 0.7], [0.9, 1.0]]
    assert [set(line.get_ydata()) for line in seeds] == [{y} for y in filled[evolved.colour].get_ydata()]
    hollow = [line for line in small.lines if line.get_markerfacecolor() == BACKGROUND]
    assert hollow[0].get_xdata() == pytest.approx([0.05, 0.3])
    (ranges, *_) = small.collections
    assert [segment[:, 0].tolist() for segment in ranges.get_segments()] == [[0.4, 0.7], [0.9, 1.0]]
    of_large = [line for line in large.lines if line.get_marker() != "|" and _is_filled(line)]
    assert [line.get_xdata() for line in of_large] == [pytest.approx([0.016])]  # without gradients nothing by ascent
    assert (small.get_xlim(), large.get_xlim()) == (pytest.approx((0, 1.05)), pytest.approx((0, 0.021)))
    nothing = {name: table.assign(fooled=0) for name, table in inputs["audits"].items()}
    nothing["audits"] = nothing["audits"].assign(fooled_least=0, fooled_most=0, random_most=0)
    assert audits(**nothing).axes[1].get_xlim() == pytest.approx((0, 0.00105))  # of one class


def test_other_attacks_of_audits_have_panels_with_their_controls(inputs):
    figure = audits(**inputs["audits"])
    panels = figure.axes[2:]
    controls = [title.partition(" (open: ")[2] for title in titles(figure)[2:]]
    assert controls == ["noise)", "random signs)", "random search)"]
    assert panels[0].get_xlabel() == "share of the real images misclassified (20 tried)"
    assert [y_labels(axes) for axes in panels] == [["lenet"]] * 3, "the others were audited without them"
    filled, hollow = (
        [[line.get_xdata()[0] for line in axes.lines if line.get_marker() != "|" and _is_filled(line) == wanted]
         for axes in panels] for wanted in (True, False)
    )  # fmt: skip
    assert filled == [[pytest.approx(0.925)], [pytest.approx(0.6)], [pytest.approx(0.9)]]
    assert hollow == [[pytest.approx(0.05)], [pytest.approx(0.05)], [pytest.approx(0.4)]]
    strokes = [line.get_xdata().tolist() for line in panels[0].lines if line.get_marker() == "|"]
    assert strokes == [pytest.approx([0.95, 0.9])]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a layout that does not fit
        figure.draw_without_rendering()
    without = audits(**inputs["audits"] | {"audit_attacks": inputs["audits"]["audit_attacks"].iloc[:0]})
    assert titles(without) == ["10 classes", "1,000 classes"]
    assert "other attacks" not in legend(without)


def _is_filled(line) -> bool:
    return line.get_markerfacecolor() != BACKGROUND


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
    assert heading(figure) == "Where differences between champions come from"
    hatched = {bars.get_label(): bool(bars[0].get_hatch()) for bars in axes.containers}
    assert hatched["network and class"]
    assert not hatched["network"]


def test_searches_with_a_single_run_are_left_out(inputs):
    variance = inputs["variance_components"]["variance"]
    varies = variance["component"].isin(["classifier", "seed"]) & (variance["experiment"] == "shapes-cppn")
    single = variance.assign(degrees_of_freedom=variance["degrees_of_freedom"].mask(varies, 0))
    figure = variance_components(variance=single)
    assert y_labels(figure.axes[0]) == ["direct: evolution (MAP-Elites)", "direct: random search"]
    with pytest.raises(FoolingError, match="no search has several runs"):
        variance_components(variance=single[single["experiment"] == "shapes-cppn"])


def test_equal_champions_have_no_bar(inputs):
    variance = inputs["variance_components"]["variance"].assign(share=0.0)
    figure = variance_components(variance=variance)
    assert not figure.axes[0].containers
    assert not figure.legends
    assert "No bar: all champions are equal." in note(figure)
