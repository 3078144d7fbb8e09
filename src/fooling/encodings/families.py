"""Families of random images without genomes: 1/f noise, blobs, low-frequency DCT noise and uniform noise.

They are the controls of random CPPNs: is it the encoding that fools a network, or any smooth image? Every function is
pure, and its randomness comes from the numpy generator that it is given.

::

    generator ──► fields (B, H, W), float64 ──► contrast stretched to 0..255 ──► uint8 images (B, C, H, W)

In colour each of the red, green and blue channels is a field of its own. Random CPPNs paint hue, saturation and value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Annotated, Literal, get_args

import numpy as np
import scipy  # its parts load when they are called: Snakemake reads the settings below at every start
from numpy.typing import NDArray
from pydantic import Field, model_validator

from fooling.settings import Seed, Settings

Fields = NDArray[np.float64]  # (B, H, W), in any unit
Images = NDArray[np.uint8]  # (B, C, H, W)

Family = Literal["cppn", "one-over-f", "blobs", "dct", "uniform"]
#: All families, in the order of tables and figures. Random CPPNs come from the encoding.
FAMILIES: tuple[Family, ...] = get_args(Family)
#: The smooth families that are no CPPNs.
SMOOTH: tuple[Family, ...] = ("one-over-f", "blobs", "dct")

_Share = Annotated[float, Field(gt=0, le=1)]


class FamilySettings(Settings):
    """Random images of several families, as many of each."""

    family_images: int = Field(default=10_000, ge=1, le=10_000_000)
    """Number of random images of each family (CPPNs, 1/f noise, blobs, DCT noise, uniform noise) that every classifier
    scores."""
    family_seed: Seed = 1
    """Seed of these images."""
    spectral_exponent: float = Field(default=1.0, ge=0, le=4)
    """Exponent of 1/f noise: amplitudes fall as 1 / frequency to this power; 1 is near photographs, 0 white."""
    blob_count: int = Field(default=8, ge=1, le=1000)
    """Number of Gaussian blobs in an image: about as many as a digit has strokes and ends."""
    blob_radii: tuple[_Share, _Share] = (0.05, 0.25)
    """Smallest and largest standard deviation of a blob, as a share of the image's side: from a pen stroke to a
    quarter of the image."""
    dct_frequencies: int = Field(default=6, ge=2, le=1024)
    """Number of frequencies in each direction of DCT noise, the mean included: 6 make at most two and a half waves
    across the image."""

    @model_validator(mode="after")
    def _ordered(self) -> FamilySettings:
        if self.blob_radii[0] > self.blob_radii[1]:
            raise ValueError("blob_radii with the smaller one first")
        return self


def one_over_f(count: int, size: tuple[int, int], generator: np.random.Generator, *, exponent: float) -> Fields:
    """Return fields (B, H, W) whose expected amplitude spectrum falls as 1 / frequency ** ``exponent``.

    White Gaussian noise is filtered by a Fourier transform, so opposite edges continue each other. The mean is 0.
    """
    white = generator.standard_normal((count, *size))
    down, across = np.fft.fftfreq(size[0])[:, None], np.fft.rfftfreq(size[1])[None, :]
    frequency = np.hypot(down, across)
    gain = np.zeros_like(frequency)
    np.power(frequency, -exponent, out=gain, where=frequency > 0)
    filtered: Fields = scipy.fft.irfft2(scipy.fft.rfft2(white) * gain, size)
    return filtered


def gaussian_blobs(
    count: int, size: tuple[int, int], generator: np.random.Generator, *, blobs: int, radii: tuple[float, float]
) -> Fields:
    """Return fields (B, H, W), each a sum of ``blobs`` round Gaussians at random places with N(0, 1) heights.

    The standard deviations are log-uniform between the ``radii``, in shares of the shorter side.
    """
    logarithms = generator.uniform(math.log(radii[0]), math.log(radii[1]), (count, blobs, 1))
    deviations = np.exp(logarithms) * min(size)
    heights = generator.standard_normal((count, blobs))
    profiles = []
    for side in size:
        centres = generator.uniform(0, side, (count, blobs, 1))
        profiles.append(np.exp(-0.5 * ((np.arange(side) + 0.5 - centres) / deviations) ** 2))
    down, across = profiles
    summed: Fields = np.matmul((heights[:, :, None] * down).transpose(0, 2, 1), across)
    return summed


def low_frequencies(count: int, size: tuple[int, int], generator: np.random.Generator, *, frequencies: int) -> Fields:
    """Return fields (B, H, W) whose DCT coefficients are N(0, 1) below ``frequencies`` in both directions, and else 0.

    The transform is the orthonormal DCT of type II.
    """
    kept = [min(frequencies, side) for side in size]
    coefficients = np.zeros((count, *size))
    coefficients[:, : kept[0], : kept[1]] = generator.standard_normal((count, *kept))
    fields: Fields = scipy.fft.idctn(coefficients, axes=(1, 2), norm="ortho")
    return fields


def stretched(fields: Fields) -> Images:
    """Return each field (B, H, W) as a grey image uint8 (B, H, W) with its least value at 0 and its largest at 255.

    A field with one value becomes black.
    """
    low, high = (bound(fields, axis=(1, 2), keepdims=True) for bound in (np.min, np.max))
    spread = np.where(high > low, high - low, 1.0)
    levels: Images = np.rint((fields - low) / spread * 255).astype(np.uint8)
    return levels


def random_images(
    family: Family,
    count: int,
    shape: tuple[int, int, int],
    generator: np.random.Generator,
    *,
    settings: FamilySettings,
) -> Images:
    """Return ``count`` random images of a family: uint8 (B, C, H, W) for the ``shape`` (C, H, W).

    Raises ``KeyError`` for random CPPNs, which the encoding draws.
    """
    channels, *size = shape
    height, width = size
    if family == "uniform":
        return generator.integers(0, 256, (count, *shape), dtype=np.uint8)
    made = _FIELDS[family](count * channels, (height, width), generator, settings)
    return stretched(made).reshape(count, *shape)


_FIELDS: Mapping[Family, Callable[[int, tuple[int, int], np.random.Generator, FamilySettings], Fields]] = {
    "one-over-f": lambda count, size, generator, settings: one_over_f(
        count, size, generator, exponent=settings.spectral_exponent
    ),
    "blobs": lambda count, size, generator, settings: gaussian_blobs(
        count, size, generator, blobs=settings.blob_count, radii=settings.blob_radii
    ),
    "dct": lambda count, size, generator, settings: low_frequencies(
        count, size, generator, frequencies=settings.dct_frequencies
    ),
}
