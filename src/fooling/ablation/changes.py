"""Changes of images: those of print and camera (shift, rotation, blur, JPEG, noise), and shuffled patches.

Every function takes images uint8 ``(B, C, H, W)`` and returns such images. A strength of 0 changes nothing. Places
that a shift or a rotation uncovers repeat the nearest pixel, as a blur does beyond the edge. Randomness comes only from
the numpy generator that is given: the direction of a shift or rotation, the noise, and the order of patches differ from
image to image.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Literal, get_args

import numpy as np
import scipy  # its parts load when they are called: Snakemake reads settings that import this at every start
from numpy.typing import NDArray
from PIL import Image

Images = NDArray[np.uint8]  # (B, C, H, W)

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
