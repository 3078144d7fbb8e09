"""Families of random images and changes of images: their spectra and contrast, what moves, and reproducible bytes."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import scipy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fooling.ablation.probe_images import (
    CHANGES,
    FAMILIES,
    SMOOTH,
    UNITS,
    FamilySettings,
    changed,
    compressed,
    gaussian_blobs,
    low_frequencies,
    one_over_f,
    random_images,
    rotated,
    shifted,
    shuffled_patches,
    stretched,
)
from fooling.messages import FoolingError
from fooling.settings import read_settings

SETTINGS = FamilySettings()
DRAWN = [family for family in FAMILIES if family != "cppn"]


def generator() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0, 2.0])
def test_amplitudes_of_one_over_f_noise_fall_with_its_exponent(exponent: float) -> None:
    fields = one_over_f(400, (32, 48), generator(), exponent=exponent)
    amplitudes = np.abs(scipy.fft.fft2(fields)).mean(axis=0)
    frequency = np.hypot(np.fft.fftfreq(32)[:, None], np.fft.fftfreq(48)[None, :])
    inside = frequency > 0
    slope, _ = np.polyfit(np.log(frequency[inside]), np.log(amplitudes[inside]), 1)
    assert slope == pytest.approx(-exponent, abs=0.03)
    np.testing.assert_allclose(fields.mean(axis=(1, 2)), 0, atol=1e-9)


def test_dct_coefficients_above_the_cut_off_are_zero_before_rounding() -> None:
    fields = low_frequencies(50, (28, 20), generator(), frequencies=6)
    coefficients = scipy.fft.dctn(fields, axes=(1, 2), norm="ortho")
    kept = np.zeros((28, 20), dtype=bool)
    kept[:6, :6] = True
    np.testing.assert_allclose(coefficients[:, ~kept], 0, atol=1e-9)
    assert coefficients[:, kept].std() == pytest.approx(1, abs=0.05)


def test_with_as_many_frequencies_as_pixels_dct_noise_is_white() -> None:
    fields = low_frequencies(200, (8, 8), generator(), frequencies=100)
    assert np.cov(fields.reshape(200, -1).T).diagonal().mean() == pytest.approx(1, abs=0.05)


def test_a_single_blob_is_the_gaussian_that_its_numbers_describe() -> None:
    (field,) = gaussian_blobs(1, (40, 60), generator(), blobs=1, radii=(0.1, 0.1))
    draws = generator()
    draws.uniform(size=(1, 1, 1))
    height = draws.standard_normal()
    down, across = draws.uniform(0, 40), draws.uniform(0, 60)
    y, x = np.mgrid[:40, :60] + 0.5
    expected = height * np.exp(-((y - down) ** 2 + (x - across) ** 2) / (2 * 4.0**2))
    np.testing.assert_allclose(field, expected, atol=1e-12)


def test_blobs_add_up() -> None:
    fields = gaussian_blobs(300, (16, 16), generator(), blobs=8, radii=(0.05, 0.25))
    few = gaussian_blobs(300, (16, 16), generator(), blobs=1, radii=(0.05, 0.25))
    assert fields.var() == pytest.approx(8 * few.var(), rel=0.35)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 16, 24)])
@pytest.mark.parametrize("family", DRAWN)
def test_the_same_seed_gives_the_same_bytes(family, shape) -> None:
    first, again = (random_images(family, 5, shape, generator(), settings=SETTINGS) for _ in range(2))
    other = random_images(family, 5, shape, np.random.default_rng(8), settings=SETTINGS)
    assert first.shape == (5, *shape)
    assert first.dtype == np.uint8
    assert first.tobytes() == again.tobytes() != other.tobytes()


@pytest.mark.parametrize("family", SMOOTH)
def test_every_channel_of_a_smooth_image_has_the_full_contrast(family) -> None:
    images = random_images(family, 6, (3, 20, 20), generator(), settings=SETTINGS)
    assert (images.min(axis=(2, 3)) == 0).all()
    assert (images.max(axis=(2, 3)) == 255).all()
    assert len({channel.tobytes() for image in images for channel in image}) == 18, "channels are images of their own"


def test_smooth_families_are_smoother_than_uniform_noise() -> None:
    steps = {
        family: np.abs(
            np.diff(random_images(family, 20, (1, 28, 28), generator(), settings=SETTINGS).astype(int))
        ).mean()
        for family in DRAWN
    }
    assert all(steps[family] < steps["uniform"] / 3 for family in SMOOTH)


def test_a_field_of_one_value_becomes_black() -> None:
    assert (stretched(np.full((2, 4, 4), 3.5)) == 0).all()


def test_stretching_keeps_the_order_of_levels() -> None:
    np.testing.assert_array_equal(stretched(np.array([[[-1.0, 0.0, 1.0]]])), [[[0, 128, 255]]])


@pytest.mark.parametrize(
    "settings",
    ['{"blob_radii": [0.3, 0.1]}', '{"blob_radii": [0, 0.1]}', '{"dct_frequencies": 1}', '{"blob_count": 0}'],
)
def test_settings_outside_their_range_are_refused(settings: str) -> None:
    with pytest.raises(FoolingError, match=settings.split('"')[1] if "0.3" not in settings else "smaller one first"):
        read_settings(FamilySettings, settings)


def test_the_settings_are_read_without_torch_or_fourier_transforms() -> None:
    code = "import sys, fooling.ablation.probe_images; assert not {'torch', 'scipy.fft'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


SIDES = st.integers(1, 20)
IMAGES = st.tuples(st.integers(0, 3), st.sampled_from((1, 3)), SIDES, SIDES).flatmap(
    lambda shape: arrays.arrays(np.uint8, shape)
)


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
