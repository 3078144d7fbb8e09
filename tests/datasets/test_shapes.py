from __future__ import annotations

import colorsys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.path import Path as Outline
from pydantic import ValidationError
from sklearn.ensemble import RandomForestClassifier

from fooling.cli.data_sets import fetch_shapes
from fooling.datasets.dataset import load_dataset
from fooling.datasets.shapes import (
    MOTIFS,
    SHAPES,
    ShapesSettings,
    bands_distance,
    coverage,
    linear_rgb,
    make_shapes,
    oklch,
    picture,
    pixel_grid,
    polygon_distance,
    rotated,
    srgb,
)
from fooling.reproducibility import numpy_generator


@pytest.fixture(scope="module")
def shapes():
    return make_shapes(ShapesSettings(size=32, train_per_class=40, test_per_class=20), name="shapes")


def grey(images):
    return images.mean(axis=1)


def test_ten_classes_in_colour_evenly_filled(shapes):
    assert shapes.summary == "400 training and 200 test images, RGB 32x32, 10 classes"
    assert (np.bincount(shapes.train_labels) == 40).all()
    assert (np.bincount(shapes.test_labels) == 20).all()


def test_no_picture_occurs_twice(shapes):
    pictures = np.concatenate([shapes.train_images, shapes.test_images])
    assert len({image.tobytes() for image in pictures}) == len(pictures)


def test_the_seed_decides_every_picture():
    settings = ShapesSettings(size=32, train_per_class=2, test_per_class=1)
    first, again = make_shapes(settings, name="shapes"), make_shapes(settings, name="shapes")
    np.testing.assert_array_equal(first.train_images, again.train_images)
    np.testing.assert_array_equal(first.test_images, again.test_images)
    other = make_shapes(settings.model_copy(update={"seed": 2}), name="shapes")
    assert (first.train_images != other.train_images).any(axis=(1, 2, 3)).all()


def test_more_pictures_leave_the_first_as_they_are():
    few = make_shapes(ShapesSettings(size=32, train_per_class=2, test_per_class=1), name="shapes")
    more = make_shapes(ShapesSettings(size=32, train_per_class=3, test_per_class=2), name="shapes")
    np.testing.assert_array_equal(more.train_images[[0, 1, 3, 4]], few.train_images[:4])
    np.testing.assert_array_equal(more.test_images[::2], few.test_images)


@pytest.mark.parametrize("class_name", MOTIFS)
def test_a_picture_is_the_same_drawing_at_any_size(class_name):
    small, large = (picture(class_name, size=size, generator=numpy_generator(3, class_name)) for size in (48, 96))
    shrunk = large.reshape(3, 48, 2, 48, 2).mean(axis=(2, 4))
    assert np.corrcoef(small.ravel(), shrunk.ravel())[0, 1] > 0.97


@pytest.mark.parametrize("class_name", MOTIFS)
def test_figure_and_ground_differ_clearly(class_name):
    for seed in range(10):
        image = picture(class_name, size=48, generator=numpy_generator(seed, class_name))
        assert image.astype(float).std(axis=(1, 2)).max() > 12


@pytest.mark.parametrize("class_name", SHAPES)
def test_a_shape_lies_inside_its_picture(class_name):
    """The border shows the ground almost everywhere: its levels vary little beside those of the whole picture."""
    for seed in range(10):
        image = grey(picture(class_name, size=48, generator=numpy_generator(seed, class_name))[None])[0]
        middle = np.median(np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]]))
        assert (np.abs(image - middle) < 70).mean() > 0.35


def test_colours_do_not_tell_the_class(shapes):
    means, test_means = shapes.train_images.mean(axis=(2, 3)), shapes.test_images.mean(axis=(2, 3))
    forest = RandomForestClassifier(60, random_state=0).fit(means, shapes.train_labels)
    assert forest.score(test_means, shapes.test_labels) < 0.3


def test_forms_tell_the_class(shapes):
    """A forest on the strength of spatial frequencies and on coarse edges, which know neither colour nor sign."""

    def features(images):
        levels = grey(images) - grey(images).mean(axis=(1, 2), keepdims=True)
        spectrum = np.log(np.abs(np.fft.rfft2(levels))[:, :12, :12] + 1)
        edges = np.hypot(*np.gradient(levels, axis=(1, 2))).reshape(len(images), 8, 4, 8, 4).mean(axis=(2, 4))
        return np.concatenate([spectrum.reshape(len(images), -1), edges.reshape(len(images), -1)], axis=1)

    forest = RandomForestClassifier(60, random_state=0).fit(features(shapes.train_images), shapes.train_labels)
    assert forest.score(features(shapes.test_images), shapes.test_labels) > 0.6


def test_the_command_writes_the_data_set(tmp_path):
    output = tmp_path / "shapes.safetensors"
    fetch_shapes(output=output, settings='{"size": 32, "train_per_class": 1, "test_per_class": 1}')
    assert load_dataset(output).class_names == tuple(MOTIFS)


@pytest.mark.parametrize("wrong", [{"size": 31}, {"train_per_class": 0}, {"test_per_class": 0}, {"seed": "one"}])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        ShapesSettings(**wrong)


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
