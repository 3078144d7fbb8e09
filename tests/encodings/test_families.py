"""Families of random images: their spectra, their contrast, and the same bytes from the same generator."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import scipy

from fooling.encodings.families import (
    FAMILIES,
    SMOOTH,
    FamilySettings,
    gaussian_blobs,
    low_frequencies,
    one_over_f,
    random_images,
    stretched,
)
from fooling.errors import FoolingError
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
    code = "import sys, fooling.encodings.families; assert not {'torch', 'scipy.fft'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
