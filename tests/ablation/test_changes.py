"""Changes of images: nothing at strength 0, and at others what their names say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fooling.ablation.changes import CHANGES, UNITS, changed, compressed, rotated, shifted, shuffled_patches

SIDES = st.integers(1, 20)
IMAGES = st.tuples(st.integers(0, 3), st.sampled_from((1, 3)), SIDES, SIDES).flatmap(
    lambda shape: arrays.arrays(np.uint8, shape)
)


def generator() -> np.random.Generator:
    return np.random.default_rng(3)


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def smooth() -> np.ndarray:
    """A photograph-like image: a bright disc on a ramp."""
    y, x = np.mgrid[:28, :28]
    return (6 * x + 80 * (np.hypot(y - 10, x - 15) < 6)).astype(np.uint8)[None, None]


@pytest.mark.parametrize("change", CHANGES)
@given(images=IMAGES)
@settings(max_examples=20, deadline=None)
def test_a_strength_of_0_changes_nothing(change, images) -> None:
    found = changed(images, change, 0, generator())
    np.testing.assert_array_equal(found, images)
    assert found is not images


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_change_keeps_shape_and_type_and_depends_on_its_generator_alone(change, channels) -> None:
    images = noise(6, channels, 21, 15)
    first, again = (changed(images, change, 7, generator()) for _ in range(2))
    assert first.shape == images.shape
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    assert (first != images).any()
    np.testing.assert_array_equal(images, noise(6, channels, 21, 15))


def test_every_change_has_a_unit() -> None:
    assert tuple(UNITS) == CHANGES


@pytest.mark.parametrize("change", CHANGES)
def test_no_images_stay_none(change) -> None:
    assert changed(noise(0, 1, 9, 9), change, 2, generator()).shape == (0, 1, 9, 9)


@given(images=IMAGES, side=st.integers(1, 8), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_shuffling_patches_is_a_permutation_of_patches(images, side, seed) -> None:
    found = shuffled_patches(images, side, np.random.default_rng(seed))
    height, width = images.shape[2:]
    top, left = (height % side) // 2, (width % side) // 2
    for image, shuffled in zip(images, found, strict=True):
        before, after = (
            sorted(
                each[:, row : row + side, column : column + side].tobytes()
                for row in range(top, height - side + 1, side)
                for column in range(left, width - side + 1, side)
            )
            for each in (image, shuffled)
        )
        assert before == after
        np.testing.assert_array_equal(np.sort(image, axis=None), np.sort(shuffled, axis=None))


def test_pixels_outside_the_grid_of_patches_stay() -> None:
    images = noise(4, 1, 9, 10)
    found = shuffled_patches(images, 4, generator())
    inside = np.zeros((9, 10), dtype=bool)
    inside[:8, 1:9] = True
    np.testing.assert_array_equal(found[:, :, ~inside], images[:, :, ~inside])
    assert (found != images).any()


def test_each_image_has_its_own_order_of_patches() -> None:
    images = np.repeat(noise(1, 1, 28, 28), 5, axis=0)
    assert len({image.tobytes() for image in shuffled_patches(images, 7, generator())}) == 5


def test_a_shift_moves_pixels_and_repeats_the_edge() -> None:
    images = np.repeat(noise(1, 1, 5, 6), 40, axis=0)
    image = images[0]
    expected = {
        np.concatenate([image[:, :1]] * 2 + [image[:, :-2]], axis=1)[:, :5].tobytes(),
        np.concatenate([image[:, 2:]] + [image[:, -1:]] * 2, axis=1).tobytes(),
        np.concatenate([image[:, :, :1]] * 2 + [image[:, :, :-2]], axis=2).tobytes(),
        np.concatenate([image[:, :, 2:]] + [image[:, :, -1:]] * 2, axis=2).tobytes(),
    }
    assert {found.tobytes() for found in shifted(images, 2, generator())} == expected


def test_a_shift_beyond_the_image_leaves_its_edge() -> None:
    found = shifted(noise(8, 1, 4, 4), 100, generator())
    assert all((image == image[:, :1]).all() or (image == image[:, :, :1]).all() for image in found)


def test_a_right_angle_turns_to_either_side_and_back() -> None:
    images = np.repeat(noise(1, 3, 9, 9), 12, axis=0)
    expected = {np.rot90(images[0], turns, axes=(1, 2)).tobytes() for turns in (1, 3)}
    assert {found.tobytes() for found in rotated(images, 90, generator())} == expected


def test_a_blur_keeps_the_mean_and_removes_contrast() -> None:
    images = noise(3, 1, 28, 28)
    found = changed(images, "blur", 2, generator())
    assert found.mean() == pytest.approx(images.mean(), abs=3)
    assert found.std() < images.std() / 3
    flat = np.full((2, 3, 8, 8), 77, dtype=np.uint8)
    np.testing.assert_array_equal(changed(flat, "blur", 2, generator()), flat)


def test_a_stronger_compression_changes_more() -> None:
    changes = [np.abs(compressed(smooth(), loss).astype(int) - smooth()).mean() for loss in (5, 50, 90)]
    assert 0 < changes[0] < changes[1] < changes[2] < 30


def test_noise_has_its_standard_deviation_where_it_is_not_clipped() -> None:
    grey = np.full((4, 1, 40, 40), 128, dtype=np.uint8)
    found = changed(grey, "noise", 16, generator()).astype(float) - 128
    assert found.std() == pytest.approx(16, rel=0.03)
    assert found.mean() == pytest.approx(0, abs=1)
