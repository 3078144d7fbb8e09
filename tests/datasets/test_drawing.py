import colorsys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.path import Path as Outline

from fooling.datasets.drawing import (
    bands_distance,
    coverage,
    linear_rgb,
    oklch,
    pixel_grid,
    polygon_distance,
    rotated,
    srgb,
)

STAR = np.array([[0, -0.4], [0.1, -0.1], [0.4, 0], [0.1, 0.1], [0, 0.4], [-0.1, 0.1], [-0.4, 0], [-0.1, -0.1]])


def test_the_grid_is_centred_and_x_goes_right():
    x, y = pixel_grid(4)
    np.testing.assert_allclose(x[0], [-0.375, -0.125, 0.125, 0.375])
    np.testing.assert_array_equal(y, x.T)


@given(st.floats(-7, 7))
def test_turning_keeps_lengths_and_turns_back(angle):
    x, y = pixel_grid(5)
    u, v = rotated(x, y, angle)
    np.testing.assert_allclose(np.hypot(u, v), np.hypot(x, y))
    back, _ = rotated(u, v, -angle)
    np.testing.assert_allclose(back, x, atol=1e-12)


def test_a_quarter_turn_looks_along_y():
    x, y = pixel_grid(3)
    u, v = rotated(x, y, np.pi / 2)
    np.testing.assert_allclose(u, y, atol=1e-12)
    np.testing.assert_allclose(v, -x, atol=1e-12)


@pytest.mark.parametrize("size", [32, 64, 128])
def test_coverage_adds_up_to_the_area(size):
    x, y = pixel_grid(size)
    assert coverage(np.hypot(x, y) - 0.3).mean() == pytest.approx(np.pi * 0.3**2, rel=2e-3)


def test_the_inside_of_a_polygon_is_that_of_matplotlib():
    x, y = pixel_grid(40)
    inside = Outline(STAR).contains_points(np.stack([x.ravel(), y.ravel()], axis=1)).reshape(x.shape)
    distance = polygon_distance(x, y, STAR)
    off_the_outline = np.abs(distance) > 1e-9
    np.testing.assert_array_equal((distance < 0)[off_the_outline], inside[off_the_outline])


def test_the_distance_to_a_polygon_is_that_to_its_nearest_point():
    x, y = pixel_grid(12)
    steps = np.linspace(0, 1, 400)[:, None]
    outline = np.concatenate([a + steps * (b - a) for a, b in zip(STAR, np.roll(STAR, -1, axis=0), strict=True)])
    places = np.stack([x, y], axis=-1)[:, :, None]
    nearest = np.linalg.norm(places - outline, axis=-1).min(axis=-1)
    np.testing.assert_allclose(np.abs(polygon_distance(x, y, STAR)), nearest, atol=1e-3)


def test_bands_are_as_wide_as_their_gaps_and_as_far_apart_as_the_period():
    u = np.linspace(0, 1, 10_001)[None]
    distance = bands_distance(u, 0.25)
    assert (distance < 0).mean() == pytest.approx(0.5, abs=1e-3)
    assert distance.min() == pytest.approx(-0.25 / 4)
    edges = u[0, 1:][np.diff(distance[0] < 0)]
    np.testing.assert_allclose(np.diff(edges), 0.125, atol=2e-4)


@pytest.mark.parametrize(
    ("red_green_blue", "lightness", "chroma", "hue"),
    [  # published with the colour space: the primaries, white and black in Oklab
        ((1, 0, 0), 0.62796, np.hypot(0.22486, 0.12585), np.arctan2(0.12585, 0.22486)),
        ((0, 1, 0), 0.86644, np.hypot(-0.23389, 0.17950), np.arctan2(0.17950, -0.23389)),
        ((0, 0, 1), 0.45201, np.hypot(-0.03246, -0.31153), np.arctan2(-0.31153, -0.03246)),
        ((1, 1, 1), 1.0, 0.0, 0.0),
        ((0, 0, 0), 0.0, 0.0, 0.0),
    ],
)
def test_known_colours(red_green_blue, lightness, chroma, hue):
    np.testing.assert_allclose(linear_rgb(oklch(lightness, chroma, hue)), red_green_blue, atol=2e-3)


def test_equal_chroma_of_any_hue_is_no_grey():
    colours = srgb(linear_rgb(oklch(0.6, 0.1, np.linspace(0, 2 * np.pi, 12))))
    assert min(colorsys.rgb_to_hsv(*colour)[1] for colour in colours) > 0.2


def test_the_transfer_curve_has_its_known_values():
    np.testing.assert_allclose(srgb(np.array([0, 0.0031308, 0.21404, 1])), [0, 0.04045, 0.5, 1], atol=1e-4)
