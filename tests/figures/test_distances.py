"""The figure of distances."""

import numpy as np
import pytest

from figures.drawn import legend, texts, titles
from fooling.figures.distances import distances


def test_confidence_is_drawn_against_distance_with_the_real_images_for_reference(inputs):
    table = inputs["distances"]["distances"]
    figure = distances(distances=table)
    pixels, features, calibrated, _ = figure.axes
    champions = table[(table["kind"] == "champion") & (table["encoding"] == "direct")]
    np.testing.assert_allclose(pixels.collections[-1].get_offsets(), champions[["pixel_ratio", "log_odds"]])
    ratio, level = np.asarray(calibrated.collections[-1].get_offsets()).T
    assert ratio == pytest.approx(champions["pixel_ratio"].to_numpy())
    share = champions["calibrated_confidence"].to_numpy()
    assert level == pytest.approx(np.log(share / (1 - share)))
    lines = sorted(line.get_xdata()[0] for line in features.lines)
    real = table.loc[table["kind"] == "real", "feature_ratio"]
    assert lines == pytest.approx([real.quantile(0.5), real.quantile(0.99)])
    assert texts(features) == ["median", "99 %"]


def test_the_panels_and_the_looks_are_named(inputs):
    figure = distances(**inputs["distances"])
    assert titles(figure)[:2] == ["Nearest training image, in pixels", "Nearest training image, in features"]
    assert [axes.get_ylabel() for axes in figure.axes[::2]] == [
        "confidence (uncalibrated)",
        "confidence (after temperature scaling)",
    ]
    assert {axes.get_xlabel() for axes in figure.axes[2:]} == {"distance (median real image = 1)"}
    assert {axes.get_xscale() for axes in figure.axes} == {"log"}
    assert legend(figure) == [
        *("real test images", "uniform noise"),
        *("best of the random start, CPPN encoding", "best of the random start, direct encoding"),
        *("champions, CPPN encoding", "champions, direct encoding"),
    ]


def test_without_a_temperature_there_is_one_row_of_panels(inputs):
    inputs["distances"]["distances"]["calibrated_confidence"] = np.nan
    assert len(distances(**inputs["distances"]).axes) == 2


def test_real_images_that_are_copies_of_training_images_have_no_ratios(inputs):
    inputs["distances"]["distances"][["pixel_ratio", "feature_ratio"]] = np.nan
    figure = distances(**inputs["distances"])
    assert len(figure.axes) == 4
    assert {axes.get_xscale() for axes in figure.axes} == {"linear"}
