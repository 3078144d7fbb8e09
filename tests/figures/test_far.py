"""The figures of inputs far from the data: marks at their numbers, published ones named as unverified."""

from __future__ import annotations

import numpy as np
import pytest

from figures.drawn import heading, legend, note, titles
from fooling.figures.far import rays, rubbish
from fooling.findings.far import PUBLISHED


def test_means_networks_and_published_numbers_are_drawn_in_the_row_of_their_kind(inputs):
    tables = inputs["rubbish"]
    figure = rubbish(**tables)
    shares, confidences = figure.axes
    rows = [label.get_text().replace("\n", " ") for label in shares.get_yticklabels()]
    assert rows == [
        "lenet, weight decay 0.0005",
        "maxout",
        "lenet, weight decay 0.0005, network 2 of chain, champions",
    ]
    marks = [line for axes in (shares, confidences) for line in axes.lines if line.get_marker() == "D"]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in marks] == [
        (number, 1) for number in PUBLISHED["maxout", "softmax"]
    ]
    means = tables["rubbish_summary"]
    drawn = next(line for line in shares.lines if line.get_marker() == "o")
    np.testing.assert_allclose(drawn.get_xdata(), means.loc[~means["clipped"], "rubbish_share"])
    np.testing.assert_allclose(np.array(drawn.get_ydata(), dtype=float).round(), [0, 1, 2])


def test_the_figure_says_that_it_shows_no_attack_and_which_numbers_are_unverified(inputs):
    figure = rubbish(**inputs["rubbish"])
    assert legend(figure) == ["inputs from N(0, I)", "clipped to 0 to 1", "Goodfellow et al. 2014, unverified"]
    assert heading(figure) == "Random inputs that get a class"
    assert note(figure).replace("\n", " ").endswith("not what an attack would find.")


def test_rays_are_medians_averaged_over_networks_on_logarithmic_axes(inputs):
    table = inputs["rays"]["rays"]
    figure = rays(rays=table)
    assert titles(figure) == [
        f"{words}, {ending}"
        for words in ("real test images", "random directions")
        for ending in ("not clipped", "clipped to 0 to 1")
    ]
    axes = figure.axes[2]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "symlog")
    lenets = table[(table["built_as"] == "lenet") & (table["direction"] == "noise") & ~table["clipped"]]
    np.testing.assert_allclose(axes.lines[0].get_xdata(), [1, 2, 4, 8, 16, 32])
    np.testing.assert_allclose(axes.lines[0].get_ydata(), lenets.groupby("factor")["median_log_odds"].mean())
    assert legend(figure) == ["lenet, weight decay 0.0005", "maxout"]
    assert "No attack chooses the directions" in note(figure)


@pytest.mark.parametrize("count", [7, 40])
def test_many_kinds_of_networks_have_looks_of_their_own(inputs, count):
    table = inputs["rays"]["rays"]
    alone = table[table["built_as"] == "maxout"]
    many = [alone.assign(built_as=f"net {number}", classifier=f"net-{number}") for number in range(count)]
    figure = rays(rays=table._append(many, ignore_index=True) if count else table)
    drawn = [(line.get_color(), str(line._dash_pattern)) for line in figure.axes[0].lines[:-1]]
    assert len(drawn) == count + 2
    if count < 30:
        assert len(set(drawn)) == len(drawn)
