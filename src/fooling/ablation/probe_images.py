"""Images that probe a classifier without a search: random images of several families, and changed images.

The families (1/f noise, blobs, low-frequency DCT noise, uniform noise) are the controls of random CPPNs: is it the
encoding that fools a network, or any smooth image?

::

    generator ──► fields (B, H, W), float64 ──► contrast stretched to 0..255 ──► uint8 images (B, C, H, W)

In colour each of the red, green and blue channels is a field of its own. Random CPPNs paint hue, saturation and value.

The changes are those of print and camera (shift, rotation, blur, JPEG, noise), and shuffled patches. A strength of 0
changes nothing. Places that a shift or a rotation uncovers repeat the nearest pixel, as a blur does beyond the edge.
The direction of a shift or rotation, the noise, and the order of patches differ from image to image.

Every function is pure, and its randomness comes from the numpy generator that it is given.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping
from typing import Annotated, Literal, get_args

import numpy as np
import scipy  # its parts load when they are called: Snakemake reads the settings below at every start
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field, model_validator

from fooling.settings import Seed, Settings

Fields = NDArray[np.float64]  # (B, H, W), in any unit
Images = NDArray[np.uint8]  # (B, C, H, W)

Family = Literal["cppn", "one-over-f", "blobs", "dct", "uniform"]
#: All families, in the order of tables and figures. Random CPPNs come from the encoding.
FAMILIES: tuple[Family, ...] = get_args(Family)
#: What people read of each.
FAMILY_NAMES: Mapping[str, str] = {
    "cppn": "random CPPNs",
    "one-over-f": "1/f noise",
    "blobs": "Gaussian blobs",
    "dct": "low-frequency DCT noise",
    "uniform": "uniform noise",
}
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


Change = Literal["shift", "rotation", "blur", "jpeg", "noise", "patches"]
#: All changes, in the order of tables and figures.
CHANGES: tuple[Change, ...] = get_args(Change)
#: The unit of the strength of each change.
UNITS: Mapping[Change, str] = {
    "shift": "pixels",
    "rotation": "degrees",
    "blur": "pixels (standard deviation)",
    "jpeg": "100 minus the quality",
    "noise": "levels (standard deviation)",
    "patches": "pixels (side of a patch)",
}
BEST_QUALITY = 100  # of a JPEG file; Pillow advises against values above 95, which hardly compress
_DIRECTIONS = np.array([(0, 1), (0, -1), (1, 0), (-1, 0)])  # of shifts: pixels down and to the right


def changed(images: Images, change: Change, strength: float, generator: np.random.Generator) -> Images:
    """Return ``images`` (B, C, H, W) after a change of this ``strength``, in the unit of :data:`UNITS`."""
    if strength == 0 or len(images) == 0:
        return images.copy()
    return _CHANGES[change](images, strength, generator)


def shifted(images: Images, pixels: int, generator: np.random.Generator) -> Images:
    """Return each image moved by whole ``pixels`` to the left, right, top or bottom."""
    height, width = images.shape[2:]
    found = np.empty_like(images)
    for place, (down, right) in enumerate(pixels * _DIRECTIONS[generator.integers(4, size=len(images))]):
        rows = np.clip(np.arange(height) - down, 0, height - 1)
        columns = np.clip(np.arange(width) - right, 0, width - 1)
        found[place] = images[place][:, rows[:, None], columns]
    return found


def rotated(images: Images, degrees: float, generator: np.random.Generator) -> Images:
    """Return each image turned around its centre, to either side, with bilinear interpolation."""
    found = np.empty_like(images)
    clockwise = generator.integers(2, size=len(images)).astype(bool)
    for side, chosen in ((-degrees, clockwise), (degrees, ~clockwise)):
        if chosen.any():
            levels = images[chosen].astype(np.float64)
            turned = scipy.ndimage.rotate(levels, side, axes=(3, 2), reshape=False, order=1, mode="nearest")
            found[chosen] = _levels(turned)
    return found


def blurred(images: Images, deviation: float) -> Images:
    """Return each image blurred by a Gaussian of this standard ``deviation`` in pixels."""
    sigma = (0, 0, deviation, deviation)
    return _levels(scipy.ndimage.gaussian_filter(images.astype(np.float64), sigma, mode="nearest"))


def compressed(images: Images, loss: float) -> Images:
    """Return each image after it was written as a JPEG file of quality 100 - ``loss``, and read again."""
    return np.stack([_as_jpeg(image, quality=round(BEST_QUALITY - loss)) for image in images])


def noisy(images: Images, deviation: float, generator: np.random.Generator) -> Images:
    """Return each image with Gaussian noise of this standard ``deviation`` in levels, rounded and clipped."""
    return _levels(images + deviation * generator.standard_normal(images.shape))


def shuffled_patches(images: Images, side: int, generator: np.random.Generator) -> Images:
    """Return each image with its square patches of this ``side`` in pixels in another, random order.

    The grid of whole patches is in the middle; pixels outside of it stay.
    """
    height, width = images.shape[2:]
    down, across = height // side, width // side
    top, left = (height - down * side) // 2, (width - across * side) // 2
    inside = np.s_[:, top : top + down * side, left : left + across * side]
    found = images.copy()
    for image in found:
        channels = len(image)
        grid = image[inside].reshape(channels, down, side, across, side).transpose(1, 3, 0, 2, 4)
        patches = grid.reshape(down * across, channels, side, side)[generator.permutation(down * across)]
        ordered = patches.reshape(down, across, channels, side, side).transpose(2, 0, 3, 1, 4)
        image[inside] = ordered.reshape(channels, down * side, across * side)
    return found


_CHANGES: Mapping[Change, Callable[[Images, float, np.random.Generator], Images]] = {
    "shift": lambda images, strength, generator: shifted(images, round(strength), generator),
    "rotation": rotated,
    "blur": lambda images, strength, _: blurred(images, strength),
    "jpeg": lambda images, strength, _: compressed(images, strength),
    "noise": noisy,
    "patches": lambda images, strength, generator: shuffled_patches(images, round(strength), generator),
}


def _levels(values: NDArray[np.float64]) -> Images:
    """Return numbers rounded and clipped to levels from 0 to 255."""
    levels: Images = np.rint(values).clip(0, 255).astype(np.uint8)
    return levels


def _as_jpeg(image: NDArray[np.uint8], *, quality: int) -> NDArray[np.uint8]:
    """Return an image (C, H, W) as a JPEG file of this ``quality`` shows it."""
    pixels = np.ascontiguousarray(image[0] if len(image) == 1 else np.moveaxis(image, 0, -1))
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="JPEG", quality=quality)
    with Image.open(buffer, formats=("JPEG",)) as written:
        read = np.asarray(written)
    return read[np.newaxis] if read.ndim == 2 else np.moveaxis(read, -1, 0)
