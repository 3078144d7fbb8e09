"""The figure of distances."""

import numpy as np
import pytest

from figures.drawn import heading, legend, note, texts, titles
from fooling.figures.confidence_axis import visible
from fooling.figures.distances import distances


def test_confidence_is_drawn_against_distance_with_the_real_images_for_reference(inputs):
    table = inputs["distances"]["distances"]
    pixels, features = distances(distances=table).axes
    champions = table[(table["kind"] == "champion") & (table["encoding"] == "direct")]
    for axes, space in ((pixels, "pixel"), (features, "feature")):
        expected = np.column_stack([champions[f"{space}_ratio"], visible(champions["log_odds"])])
        np.testing.assert_allclose(axes.collections[-1].get_offsets(), expected)
    lines = sorted(line.get_xdata()[0] for line in features.lines)
    real = table.loc[table["kind"] == "real", "feature_ratio"]
    assert lines == pytest.approx([real.quantile(0.5), real.quantile(0.99)])
    assert texts(features) == ["median", "99 %"]


def test_the_panels_and_the_looks_are_named(inputs):
    figure = distances(**inputs["distances"])
    assert heading(figure) == "Confidence of lenet-a and distance to the nearest training image"
    assert titles(figure) == ["Between pixels", "Between features of the network"]
    assert figure.axes[0].get_ylabel() == "confidence (log-odds axis)"
    assert {axes.get_xlabel() for axes in figure.axes} == {"distance (median real image = 1)"}
    assert {axes.get_xscale() for axes in figure.axes} == {"log"}
    assert legend(figure) == [
        *("real test images", "uniform noise"),
        *("random start, CPPN encoding", "random start, direct encoding"),
        *("champions, CPPN encoding", "champions, direct encoding"),
    ]


def test_the_share_of_far_champions_is_stated(inputs):
    table = inputs["distances"]["distances"]
    champions = table[table["kind"] == "champion"]
    table.loc[champions.index, "pixel_beyond"] = True
    table.loc[champions.index, "feature_beyond"] = np.arange(len(champions)) % 2 == 0
    assert "100 % of the champions in pixels, 50 % in features" in note(distances(distances=table))


def test_real_images_that_are_copies_of_training_images_have_no_ratios(inputs):
    inputs["distances"]["distances"][["pixel_ratio", "feature_ratio"]] = np.nan
    figure = distances(**inputs["distances"])
    assert {axes.get_xscale() for axes in figure.axes} == {"linear"}
