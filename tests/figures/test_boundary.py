"""The figure of distances to the nearest boundary."""

import numpy as np
import pytest

from figures.drawn import heading, legend, note
from fooling.figures.probes import REAL_DOTS, boundary
from fooling.figures.style import ENCODINGS


def test_images_and_the_medians_of_networks_are_drawn(inputs):
    table = inputs["boundary"]["boundary"]
    figure = boundary(**inputs["boundary"])
    images, medians = figure.axes
    assert sum(len(line.get_xdata()) for line in images.lines) == len(table)
    real = next(line for line in images.lines if line.get_color() == REAL_DOTS.colour)
    np.testing.assert_allclose(real.get_xdata(), table.loc[table["kind"] == "real", "distance"])
    assert [label.get_text() for label in medians.get_yticklabels()] == [
        "real images", "direct\nstarts", "direct\nchampions", "waves\nstarts", "waves\nchampions",
    ]  # fmt: skip
    marks = [line for line in medians.lines if line.get_marker() != "None"]
    champions = table[(table["kind"] == "champion") & (table["experiment"] == "waves")]
    np.testing.assert_allclose(marks[-1].get_xdata(), champions.groupby("classifier")["distance"].median())
    assert legend(figure)[0] == REAL_DOTS.label
    assert heading(figure) == "Where champions lie, on lenet-a and lenet-b"
    assert "not provably the smallest" in note(figure)


def test_images_without_a_boundary_are_counted(inputs):
    table = inputs["boundary"]["boundary"]
    missing = table["classifier"] == "lenet-b"
    figure = boundary(boundary=table.assign(distance=table["distance"].mask(missing)))
    assert f"No boundary was found for {missing.sum()} of {len(table)} images." in note(figure)


@pytest.mark.parametrize("kept", ["real", "champion"])
def test_one_kind_alone_is_drawn(inputs, kept):
    table = inputs["boundary"]["boundary"]
    figure = boundary(boundary=table[table["kind"] == kept])
    assert (ENCODINGS["cppn"].colour in {line.get_color() for line in figure.axes[0].lines}) == (kept == "champion")


def test_nothing_at_all_is_drawn(inputs):
    table = inputs["boundary"]["boundary"]
    assert not boundary(boundary=table[:0]).axes[0].lines
