"""Draw pictures of ten classes of shapes and textures in colour, from a seed: nothing to download.

    disc  triangle  star  heart  crescent  cross  |  stripes  checkerboard  rings  rays

Position, size, rotation, colours, background and grain vary; only the form shows the class. Signed distances become
anti-aliased areas. Lengths are in sides of the image with the origin in its middle, so that the same drawing has any
size. A signed distance is negative inside an area, zero on its outline and positive outside. A motif draws random
numbers from a generator and returns the signed distance to its form at the points x and y.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field as Setting

from fooling.datasets.dataset import Dataset
from fooling.reproducibility import numpy_generator
from fooling.settings import Seed, Settings

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
    """Return the positions x (to the right) and y (down) of all pixel centres, each ``(size, size)``, -0.5 to 0.5."""
    centres = (np.arange(size) + 0.5) / size - 0.5
    y, x = np.meshgrid(centres, centres, indexing="ij")
    return x, y


def rotated(x: Field, y: Field, angle: float) -> tuple[Field, Field]:
    """Return the positions in axes rotated by ``angle`` (radians)."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return cosine * x + sine * y, cosine * y - sine * x


def coverage(distance: Field) -> Field:
    """Return the share (0 to 1) of each pixel inside the area with this signed ``distance`` ``(size, size)``."""
    return np.clip(0.5 - distance * len(distance), 0, 1)


def polygon_distance(x: Field, y: Field, corners: Field) -> Field:
    """Return the signed distance to the polygon with these ``corners`` ``(N, 2)``, convex or not."""
    nearest = np.full(x.shape, np.inf)
    inside = np.zeros(x.shape, bool)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        dx, dy = x1 - x0, y1 - y0
        along = np.clip(((x - x0) * dx + (y - y0) * dy) / (dx**2 + dy**2), 0, 1)
        nearest = np.minimum(nearest, (x - x0 - along * dx) ** 2 + (y - y0 - along * dy) ** 2)
        if dy != 0:  # a point is inside if a ray from it to the right crosses an odd number of edges
            inside ^= ((y0 > y) != (y1 > y)) & (x < x0 + (y - y0) * dx / dy)
    distance: Field = np.where(inside, -1, 1) * np.sqrt(nearest)
    return distance


def bands_distance(u: Field, period: float) -> Field:
    """Return the signed distance to parallel bands across ``u``, as wide as their gaps, one band per ``period``."""
    distance: Field = (np.abs(u / period % 1 - 0.5) - 0.25) * period
    return distance


def oklch(lightness: ArrayLike, chroma: ArrayLike, hue: ArrayLike) -> Field:
    """Return Oklab ``(..., 3)`` of a lightness (0 black to 1 white), chroma (0 grey to 0.3) and hue (radians)."""
    return np.stack(np.broadcast_arrays(lightness, chroma * np.cos(hue), chroma * np.sin(hue)), axis=-1)


def linear_rgb(oklab: Field) -> Field:
    """Convert Oklab ``(..., 3)`` to linear light R, G, B from 0 to 1; colours outside sRGB are clipped."""
    linear: Field = np.clip((oklab @ OKLAB_TO_CONES.T) ** 3 @ CONES_TO_LINEAR_RGB.T, 0, 1)
    return linear


def srgb(linear: Field) -> Field:
    """Convert linear light from 0 to 1 to the sRGB transfer curve (IEC 61966-2-1), 0 to 1."""
    bright = np.maximum(linear, 0.0031308)
    return np.where(linear < bright, 12.92 * linear, 1.055 * bright ** (1 / 2.4) - 0.055)


Motif = Callable[[Field, Field, np.random.Generator], Field]


def _placed(outline: Callable[[Field, Field], Field]) -> Motif:
    """Return a motif of the signed distance to an ``outline`` of radius about 1, at a random position and angle."""

    def motif(x: Field, y: Field, generator: np.random.Generator) -> Field:
        radius = generator.uniform(0.25, 0.4)
        right, down = generator.uniform(-1, 1, size=2) * (0.48 - radius)
        u, v = rotated(x - right, y - down, generator.uniform(-0.4, 0.4))
        return radius * outline(u / radius, v / radius)

    return motif


def _polygon(corners: Field) -> Motif:
    return _placed(lambda u, v: polygon_distance(u, v, corners))


def _disc(u: Field, v: Field) -> Field:
    distance: Field = np.hypot(u, v) - 1
    return distance


def _crescent(u: Field, v: Field) -> Field:
    distance: Field = np.maximum(_disc(u, v), 0.82 - np.hypot(u - 0.48, v))
    return distance


def _corners(count: int, *radii: float) -> Field:
    """Return corners ``(count, 2)`` evenly around the origin, at distances that repeat ``radii``."""
    angles = 2 * np.pi * np.arange(count) / count - np.pi / 2
    corners: Field = np.resize(radii, count)[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return corners


def _heart() -> Field:
    """Return the classic heart curve of four cosines as a polygon ``(40, 2)``, its point downwards."""
    turn = 2 * np.pi * np.arange(40) / 40
    right: Field = np.sin(turn) ** 3
    down: Field = -(13 * np.cos(turn) - 5 * np.cos(2 * turn) - 2 * np.cos(3 * turn) - np.cos(4 * turn)) / 16
    return np.stack([right, down], axis=1)


def _cross() -> Field:
    """Return a cross of five equal squares as a polygon ``(12, 2)``."""
    arm = np.array([(-1, -1), (-1, -3), (1, -3)])
    quarter_turn = np.array([(0, 1), (-1, 0)])
    return 0.34 * np.concatenate([arm @ np.linalg.matrix_power(quarter_turn, turns) for turns in range(4)])


def _textured(x: Field, y: Field, generator: np.random.Generator) -> tuple[Field, Field, float]:
    """Return rotated and shifted positions for a texture that fills the picture, and its period."""
    period = generator.uniform(0.2, 0.4)
    u, v = rotated(x, y, generator.uniform(0, 2 * np.pi))
    return u + generator.uniform(0, period), v + generator.uniform(0, period), period


def _stripes(x: Field, y: Field, generator: np.random.Generator) -> Field:
    u, _, period = _textured(x, y, generator)
    return bands_distance(u, period)


def _checkerboard(x: Field, y: Field, generator: np.random.Generator) -> Field:
    u, v, period = _textured(x, y, generator)
    one, other = bands_distance(u, period), bands_distance(v, period)
    return -np.sign(one * other) * np.minimum(np.abs(one), np.abs(other))


def _rings(x: Field, y: Field, generator: np.random.Generator) -> Field:
    u, v = _centred(x, y, generator)
    period = generator.uniform(0.15, 0.3)
    return bands_distance(np.hypot(u, v) + generator.choice((0, period / 2)), period)


def _rays(x: Field, y: Field, generator: np.random.Generator) -> Field:
    u, v = _centred(x, y, generator)
    step = 2 * np.pi / generator.integers(6, 13)
    angle = np.arctan2(v, u) + generator.uniform(0, step)
    return np.hypot(u, v) * np.sin(bands_distance(angle, step))


def _centred(x: Field, y: Field, generator: np.random.Generator) -> tuple[Field, Field]:
    """Return positions relative to a random point near the middle, for a texture around that point."""
    right, down = generator.uniform(-0.2, 0.2, size=2)
    return x - right, y - down


SHAPES: dict[str, Motif] = {
    "disc": _placed(_disc),
    "triangle": _polygon(_corners(3, 1.15)),
    "star": _polygon(_corners(10, 1.2, 0.5)),
    "heart": _polygon(_heart()),
    "crescent": _placed(_crescent),
    "cross": _polygon(_cross()),
}
TEXTURES: dict[str, Motif] = {"stripes": _stripes, "checkerboard": _checkerboard, "rings": _rings, "rays": _rays}


MOTIFS = SHAPES | TEXTURES


class ShapesSettings(Settings):
    """Drawn shapes and textures in colour."""

    kind: Literal["shapes"] = "shapes"
    """Which data set this is."""
    size: Annotated[int, Setting(ge=32, le=1024)] = 96
    """Side of an image in pixels."""
    train_per_class: Annotated[int, Setting(ge=1, le=100_000)] = 200
    """Training images of every class."""
    test_per_class: Annotated[int, Setting(ge=1, le=100_000)] = 40
    """Test images of every class."""
    seed: Seed = 1
    """Seed of all drawings."""


def make_shapes(settings: ShapesSettings, *, name: str) -> Dataset:
    """Draw RGB images ``(N, 3, size, size)``; more images per class do not change the first ones."""
    train_images, train_labels = _drawn("train", settings.train_per_class, settings)
    test_images, test_labels = _drawn("test", settings.test_per_class, settings)
    return Dataset(
        name=name,
        class_names=tuple(MOTIFS),
        train_images=train_images,
        train_labels=train_labels,
        test_images=test_images,
        test_labels=test_labels,
        provenance={"origin": "drawn from a seed", "settings": settings.model_dump(mode="json")},
    )


def _drawn(part: str, per_class: int, settings: ShapesSettings) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return images and labels of the training or test ``part``, class by class; each picture has its own seed."""
    images = [
        picture(name, size=settings.size, generator=numpy_generator(settings.seed, "shapes", part, name, index))
        for name in MOTIFS
        for index in range(per_class)
    ]
    return np.stack(images), np.repeat(np.arange(len(MOTIFS)), per_class)


def picture(class_name: str, *, size: int, generator: np.random.Generator) -> NDArray[np.uint8]:
    """Draw a picture ``(3, size, size)`` of this class."""
    x, y = pixel_grid(size)
    distance = MOTIFS[class_name](x, y, generator)
    ground, figure = _colours(x, y, generator)
    if class_name in SHAPES:  # a soft shadow separates a shape from the background
        ground *= 1 - 0.5 * np.exp(-np.maximum(distance, 0) / 0.03)[..., None]
    covered = coverage(distance)[..., None]
    levels = 255 * srgb(ground + covered * (figure - ground))
    levels += generator.normal(scale=generator.uniform(0, 5), size=(size, size, 1))
    return np.moveaxis(np.clip(np.rint(levels), 0, 255), -1, 0).astype(np.uint8)


def _colours(x: Field, y: Field, generator: np.random.Generator) -> tuple[Field, Field]:
    """Return linear light ``(size, size, 3)`` of background and figure.

    In the middle of the picture their lightness differs by 0.28 to 0.48.
    """
    middle = generator.uniform(0.5, 0.72)
    apart = generator.uniform(0.14, 0.24) * generator.choice((-1, 1))
    lightness = (middle + apart, middle - apart)
    return _gradient(x, y, lightness[0], generator), _gradient(x, y, lightness[1], generator)


def _gradient(x: Field, y: Field, lightness: float, generator: np.random.Generator) -> Field:
    """Return a gradient between two related colours of about this ``lightness``, in a random direction."""
    along, _ = rotated(x, y, generator.uniform(0, 2 * np.pi))
    chroma, hue = generator.uniform(0.03, 0.15), generator.uniform(0, 2 * np.pi)
    hue_change, lightness_change = generator.uniform(-1.2, 1.2), generator.uniform(-0.12, 0.12)
    return linear_rgb(oklch(lightness + lightness_change * along, chroma, hue + hue_change * along))
