"""The figure of removals."""

import numpy as np
import pytest

from figures.drawn import legend, shown_images, texts, titles, x_labels
from fooling.errors import FoolingError
from fooling.figures.ablation import ablation
from fooling.messages import percent


def test_examples_of_removals_stand_above_their_confidences(inputs):
    table, runs = inputs["ablation"]["ablation"], inputs["ablation"]["runs"]
    sheet = ablation(ablation=table, runs=runs).axes[0]
    intact = table[table["kind"] == "intact"]
    most = intact.sort_values("copies", ascending=False, kind="stable").iloc[0]
    assert most["copies"] > 1
    images = shown_images(sheet)
    assert np.array_equal(images[0], runs[most["seed"] - 1].images[most["class_index"], 0])
    first = table[(table["seed"] == most["seed"]) & (table["class_index"] == most["class_index"])]
    first = first[(first["fill"] == "mean") & (first["draw"] == 0) & (first["removed"] == 1)]
    for kind in ("copy", "control"):
        assert percent(float(first.loc[first["kind"] == kind, "confidence"].item())) in texts(sheet)
    assert 0 < (images[0] != images[1]).mean() <= first["area"].iloc[0]
    assert f"{(intact['copies'] > 0).sum()} of 20 champions have a repeated element" in "".join(texts(sheet))
    assert {"copies removed", "same area removed elsewhere", f"class {most['class_index']}"} <= set(texts(sheet))
    assert texts(sheet)[0] == f"Effect of removing repeated elements: cppn on {runs[0].classifier['name']}"


def test_examples_with_one_copy_to_remove_stand_side_by_side(inputs):
    table, runs = inputs["ablation"]["ablation"], inputs["ablation"]["runs"]
    one = table[table["removed"] <= 1].assign(copies=table["copies"].clip(upper=2))
    sheet = ablation(ablation=one, runs=runs).axes[0]
    lefts = [image.get_extent()[0] for image in sheet.images]
    tops = {round(image.get_extent()[3], 3) for image in sheet.images}
    assert len(lefts) == 3 * 2
    assert len(tops) == 1
    assert {"one copy\nremoved", "same area\nelsewhere"} <= set(texts(sheet))


def test_a_panel_for_each_fill_has_the_median_changes(inputs):
    table = inputs["ablation"]["ablation"]
    figure = ablation(**inputs["ablation"])
    _, *panels = figure.axes
    assert titles(figure)[1:] == [
        f"Replaced by {fill}" for fill in ("mean pixel", "most frequent pixel", "random pixels")
    ]
    assert legend(figure) == ["copies removed", "same area removed elsewhere"]
    for axes, fill in zip(panels, ("mean", "background", "noise"), strict=True):
        for line, kind in zip(axes.lines, ("copy", "control"), strict=False):
            rows = table[(table["fill"] == fill) & (table["kind"] == kind)]
            of_champions = rows.groupby(["removed", "classifier", "seed", "class_index"])["change"].mean()
            expected = of_champions.groupby("removed").median()
            assert list(line.get_xdata()) == list(expected.index)
            assert line.get_ydata() == pytest.approx(expected.to_numpy())
        assert axes.get_xlabel() == "elements removed"
        assert axes.get_xlim() == (0.5, table["removed"].max() + 0.5)
        copies = table[(table["fill"] == fill) & (table["kind"] == "copy")]
        counts = copies.drop_duplicates(["removed", "seed", "class_index"]).groupby("removed").size()
        assert x_labels(axes) == [f"{place}\n({counts[place]})" for place in range(1, table["removed"].max() + 1)]
        assert not axes.texts  # no number on the curves
    assert len({axes.get_ylim() for axes in panels}) == 1
    assert panels[0].get_ylabel() == "change in log-odds"


def test_without_copies_the_sheet_says_so(inputs):
    table, runs = inputs["ablation"]["ablation"], inputs["ablation"]["runs"]
    without = table[table["kind"] == "intact"].assign(copies=0)
    sheet = ablation(ablation=without, runs=runs).axes[0]
    assert "No champion of the runs shown has a repeated element." in texts(sheet)
    assert not sheet.images


def test_a_table_of_other_runs_is_refused(inputs):
    table, runs = inputs["ablation"]["ablation"], inputs["ablation"]["runs"]
    lost = table[(table["removed"] != 2) | (table["kind"] != "control")]
    with pytest.raises(FoolingError, match="not of these runs") as error:
        ablation(ablation=lost, runs=runs)
    assert "control, 2 removals" in str(error.value)
