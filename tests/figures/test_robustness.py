"""The figure of champions that survive changes, beside real images."""

import numpy as np
import pytest

from figures.drawn import heading, legend, note
from fooling.figures.robustness import OF_REAL, robustness, shares_of_networks
from fooling.figures.style import ENCODINGS


def thick(axes, colour):
    """The line of the mean over the networks."""
    (line,) = [line for line in axes.lines if line.get_color() == colour and line.get_linewidth() > 1]
    return line


def test_champions_and_real_images_of_each_experiment_are_drawn_against_the_strength(inputs):
    table = inputs["robustness"]["robustness"]
    figure = robustness(**inputs["robustness"])
    panels = np.array(figure.axes).reshape(2, 3)
    assert [axes.get_ylabel().split("\n")[0] for axes in panels[:, 0]] == ["direct", "waves"]
    assert [axes.get_xlabel().split("\n")[0] for axes in panels[-1]] == ["shift", "blur", "shuffled patches"]
    rows = table[(table["experiment"] == "waves") & (table["change"] == "blur")]
    kept = rows.groupby("strength")["kept"].mean() / 10  # equally many champions in every run
    real = rows.groupby("strength")["real_kept"].mean() / 20
    champions, control = (thick(panels[1, 1], colour) for colour in (ENCODINGS["cppn"].colour, OF_REAL.colour))
    np.testing.assert_allclose(champions.get_xdata(), [0, 0.5, 1, 2])
    np.testing.assert_allclose(champions.get_ydata(), [1, *kept])
    np.testing.assert_allclose(control.get_ydata(), [1, *real])
    thin = [line for line in panels[1, 1].lines if line.get_linewidth() < 1]
    assert len(thin) == 2 * table["classifier"].nunique()
    assert legend(figure) == ["champions, direct encoding", "champions, CPPN encoding", OF_REAL.label]
    assert heading(figure).startswith("What survives print and shuffled patches")
    assert "does not show that no image survives it" in note(figure)


def test_runs_without_champions_of_their_class_have_no_weight(inputs):
    table = inputs["robustness"]["robustness"]
    shares = shares_of_networks(table.assign(images=table["images"].where(table["seed"] == 1, 0)).assign(kept=5))
    assert shares["kept_share"].max() == pytest.approx(1.0)
    empty = shares_of_networks(table.assign(images=0, kept=0))
    assert empty["kept_share"].isna().all()


def test_a_network_without_champions_of_their_class_is_left_out_of_the_mean(inputs):
    table = inputs["robustness"]["robustness"]
    silent = table["classifier"] == "lenet-b"
    figure = robustness(
        robustness=table.assign(images=table["images"].mask(silent, 0), kept=table["kept"].mask(silent, 0))
    )
    rows = table[~silent & (table["experiment"] == "direct") & (table["change"] == "shift")]
    line = thick(figure.axes[0], ENCODINGS["direct"].colour)
    np.testing.assert_allclose(line.get_ydata()[1:], rows.groupby("strength")["kept"].mean() / 10)


def test_an_experiment_without_a_change_has_an_empty_panel(inputs):
    table = inputs["robustness"]["robustness"]
    fewer = table[(table["experiment"] != "waves") | (table["change"] != "blur")]
    figure = robustness(robustness=fewer)
    assert [len(axes.lines) > 0 for axes in figure.axes] == [True, True, True, True, False, True]
