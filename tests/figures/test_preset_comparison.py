"""The figures that compare presets and options."""

import numpy as np
import pytest

from figures.drawn import heading, note, titles, x_labels, y_labels
from figures.made_up_tables import made_presets
from fooling.errors import FoolingError
from fooling.figures.preset_comparison import option_effects, preset_comparison


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
