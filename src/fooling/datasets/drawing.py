"""Drawing with numpy alone: signed distances become anti-aliased areas, colours are chosen where they look even.

Places are measured in sides of the image with the origin in its middle, so that the same drawing has any size. A signed
distance is negative inside an area, zero on its outline and positive outside.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Field = NDArray[np.float64]

# B. Ottosson, "A perceptual color space for image processing" (2020): Oklab to cone responses, and those to sRGB.
OKLAB_TO_CONES = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
CONES_TO_LINEAR_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


def pixel_grid(size: int) -> tuple[Field, Field]:
    """The places x (to the right) and y (down) of all pixel centres, each ``(size, size)`` in -0.5..0.5."""
    centres = (np.arange(size) + 0.5) / size - 0.5
    y, x = np.meshgrid(centres, centres, indexing="ij")
    return x, y


def rotated(x: Field, y: Field, angle: float) -> tuple[Field, Field]:
    """The places seen from axes turned by ``angle`` (radians)."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return cosine * x + sine * y, cosine * y - sine * x


def coverage(distance: Field) -> Field:
    """The share 0..1 of every pixel that lies inside the area with this signed ``distance`` ``(size, size)``."""
    return np.clip(0.5 - distance * len(distance), 0, 1)


def polygon_distance(x: Field, y: Field, corners: Field) -> Field:
    """Signed distance to the polygon with these ``corners`` ``(N, 2)``, convex or not."""
    nearest = np.full(x.shape, np.inf)
    inside = np.zeros(x.shape, bool)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        dx, dy = x1 - x0, y1 - y0
        along = np.clip(((x - x0) * dx + (y - y0) * dy) / (dx**2 + dy**2), 0, 1)
        nearest = np.minimum(nearest, (x - x0 - along * dx) ** 2 + (y - y0 - along * dy) ** 2)
        if dy != 0:  # a place is inside when a ray from it to the right crosses an odd number of edges
            inside ^= ((y0 > y) != (y1 > y)) & (x < x0 + (y - y0) * dx / dy)
    distance: Field = np.where(inside, -1, 1) * np.sqrt(nearest)
    return distance


def bands_distance(u: Field, period: float) -> Field:
    """Signed distance to parallel bands across ``u``, as wide as their gaps, one band per ``period``."""
    distance: Field = (np.abs(u / period % 1 - 0.5) - 0.25) * period
    return distance


def oklch(lightness: ArrayLike, chroma: ArrayLike, hue: ArrayLike) -> Field:
    """Oklab coordinates ``(..., 3)`` of a lightness (0 black .. 1 white), chroma (0 grey .. 0.3) and hue (radians)."""
    return np.stack(np.broadcast_arrays(lightness, chroma * np.cos(hue), chroma * np.sin(hue)), axis=-1)


def linear_rgb(oklab: Field) -> Field:
    """Oklab ``(..., 3)`` as linear light R, G, B in 0..1, colours outside sRGB clipped."""
    linear: Field = np.clip((oklab @ OKLAB_TO_CONES.T) ** 3 @ CONES_TO_LINEAR_RGB.T, 0, 1)
    return linear


def srgb(linear: Field) -> Field:
    """Linear light 0..1 in the sRGB transfer curve (IEC 61966-2-1), 0..1."""
    bright = np.maximum(linear, 0.0031308)
    return np.where(linear < bright, 12.92 * linear, 1.055 * bright ** (1 / 2.4) - 0.055)
