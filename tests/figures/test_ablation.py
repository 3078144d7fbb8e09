"""The figure of removals."""

import numpy as np
import pytest

from figures.drawn import heading, legend, note, shown_images, texts, titles, x_labels, y_labels
from figures.made_up_tables import made_presets
from fooling.figures.ablation import ablation, option_effects, preset_comparison
from fooling.messages import FoolingError, percent


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


def plain_presets(variants=4):
    """Survival and presets without the effects of options."""
    survival, presets = made_presets(variants)
    return {"survival": survival, "presets": presets[presets["contrast"] != "main effect"]}


def test_presets_stand_in_families_with_their_reference_first():
    figure = preset_comparison(**plain_presets())
    _, means, _, other = figure.axes
    assert y_labels(means) == [f"direct-options-{place}" for place in range(4)]
    assert y_labels(other) == ["cppn"]
    assert heading(figure) == "How soon do runs reach the threshold?"
    assert titles(figure)[:2] == [
        "Runs that have reached the threshold",
        "Mean number of images to reach the threshold",
    ]


def test_variants_of_single_options_are_left_to_their_own_figure(inputs):
    figure = preset_comparison(**inputs["preset_comparison"])
    assert y_labels(figure.axes[1]) == ["cppn"]
    assert len(figure.axes) == 2


def test_curves_and_means_have_the_values_of_the_tables():
    given = plain_presets()
    survival, presets = given["survival"], given["presets"]
    curves, means, *_ = preset_comparison(**given).axes
    for place, line in enumerate(curves.lines):
        steps = survival[survival["experiment"] == f"direct-options-{place}"]
        assert np.array_equal(line.get_xdata(), steps["evaluations"])
        assert np.array_equal(line.get_ydata(), 1 - steps["survival"])
    rows = presets[(presets["contrast"] == "mean") & presets["experiment"].str.startswith("direct")]
    assert [line.get_xdata()[0] for line in means.lines] == rows["value"].tolist()
    bars = [tuple(bar[:, 0]) for bar in means.collections[0].get_segments()]
    assert bars == list(zip(rows["low"], rows["high"], strict=True))
    assert means.get_xlim() == (0, 1.03 * 40_200)
    assert [text.get_text() for text in means.texts] == ["9 of 12 runs"] * 4
    assert curves.get_ylim() == (-0.02, 1.02)
    assert x_labels(curves)[0] == "0"
    assert (curves.get_xlabel(), means.get_xlabel()) == ("images scored", "images scored")


def test_a_curve_has_the_colour_of_its_experiment_on_the_right():
    curves, means, *_ = preset_comparison(**plain_presets()).axes
    assert [line.get_color() for line in curves.lines] == [line.get_color() for line in means.lines]


def test_in_a_large_family_only_the_reference_is_coloured():
    curves = preset_comparison(**plain_presets(9)).axes[0]
    colours = [line.get_color() for line in curves.lines]
    assert len(colours) == 9
    assert len(set(colours[1:])) == 1
    assert colours[0] not in colours[1:]


def test_a_table_without_means_of_evolution_is_refused(inputs):
    survival, presets = inputs["preset_comparison"].values()
    with pytest.raises(FoolingError, match="no mean of evolution"):
        preset_comparison(survival=survival, presets=presets[presets["search"] == "drift"])


def test_each_option_has_its_effect_with_the_interval(inputs):
    figure = option_effects(**inputs["option_effects"])
    (axes,) = figure.axes
    assert y_labels(axes) == ["crossover: faulty instead of none", "extra batch: true instead of false"]
    assert [line.get_xdata()[0] for line in axes.lines[:2]] == [2300, -150]
    assert [tuple(bar[:, 0]) for bar in axes.collections[0].get_segments()] == [(300, 4300), (-2150, 1850)]
    assert titles(figure) == ["direct-options: additional images until the threshold"]
    assert "right of 0 the option needs more images" in note(figure)


def test_without_options_there_is_no_effect_to_draw(inputs):
    presets = inputs["option_effects"]["presets"]
    with pytest.raises(FoolingError, match="no effect of an option"):
        option_effects(presets=presets[presets["contrast"] == "mean"])
