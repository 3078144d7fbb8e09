"""The figure that compares presets."""

import numpy as np
import pytest

from figures.drawn import titles, x_labels, y_labels
from figures.made_up_tables import made_presets
from fooling.errors import FoolingError
from fooling.figures.preset_comparison import preset_comparison


def test_presets_stand_in_families_with_their_reference_first(inputs):
    figure = preset_comparison(**inputs["preset_comparison"])
    _, means, effects, _, other = figure.axes
    assert y_labels(means) == ["0", "1", "2", "3"]
    assert figure.subfigs[0].get_suptitle() == "direct-options, by option"
    assert y_labels(other) == ["cppn"]
    assert y_labels(effects) == ["crossover: faulty instead of none", "extra batch: true instead of false"]
    assert titles(figure)[:3] == [
        "Runs that have reached the threshold",
        "Mean number of images to reach the threshold",
        "Effect of one option, averaged over the others",
    ]


def test_curves_means_and_effects_have_the_values_of_the_tables(inputs):
    survival, presets = inputs["preset_comparison"].values()
    curves, means, effects, *_ = preset_comparison(**inputs["preset_comparison"]).axes
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
    assert [line.get_xdata()[0] for line in effects.lines[:2]] == [2300, -150]
    assert curves.get_ylim() == (-0.02, 1.02)
    assert x_labels(curves)[0] == "0"
    assert (curves.get_xlabel(), means.get_xlabel()) == ("images scored", "images scored")


def test_without_presets_to_compare_there_are_only_curves_and_means(inputs):
    survival, presets = inputs["preset_comparison"].values()
    figure = preset_comparison(survival=survival, presets=presets[presets["contrast"] == "mean"])
    assert len(figure.axes) == 2


def test_in_a_large_family_only_the_reference_is_coloured():
    survival, presets = made_presets(9)
    curves = preset_comparison(survival=survival, presets=presets).axes[0]
    colours = [line.get_color() for line in curves.lines]
    assert len(colours) == 9
    assert len(set(colours[1:])) == 1
    assert colours[0] not in colours[1:]


def test_a_table_without_means_of_evolution_is_refused(inputs):
    survival, presets = inputs["preset_comparison"].values()
    with pytest.raises(FoolingError, match="no mean of evolution"):
        preset_comparison(survival=survival, presets=presets[presets["search"] == "drift"])
