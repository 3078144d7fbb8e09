"""Drawn pictures in colour, ten classes of shapes and textures, generated from a seed: nothing to download.

    disc  triangle  star  heart  |  stripes  checkerboard  dots  waves  rings  rays

Place, size, turn, colours, background and grain vary; only the form tells the class.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field as Setting

from fooling.datasets.dataset import Dataset
from fooling.datasets.drawing import (
    Field,
    bands_distance,
    coverage,
    linear_rgb,
    oklch,
    pixel_grid,
    polygon_distance,
    rotated,
    srgb,
)
from fooling.seeding import numpy_generator
from fooling.settings import Settings

#: Draws one picture's form: the signed distance at the places x and y, with chance from the generator.
Motif = Callable[[Field, Field, np.random.Generator], Field]


class ShapesSettings(Settings):
    """Drawn shapes and textures in colour."""

    kind: Literal["shapes"] = "shapes"
    """Which data set this is."""
    size: Annotated[int, Setting(ge=32)] = 96
    """Side of an image in pixels."""
    train_per_class: Annotated[int, Setting(ge=1)] = 200
    """Training images of every class."""
    test_per_class: Annotated[int, Setting(ge=1)] = 40
    """Test images of every class."""
    seed: int = 1
    """Seed of all drawings."""


def make_shapes(settings: ShapesSettings, *, name: str) -> Dataset:
    """Drawn RGB images ``(N, 3, size, size)``; more images per class leave the first ones as they are."""
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
    """Images and labels of the training or test ``part``, class after class; each picture has a seed of its own."""
    images = [
        picture(name, size=settings.size, generator=numpy_generator(settings.seed, "shapes", part, name, index))
        for name in MOTIFS
        for index in range(per_class)
    ]
    return np.stack(images), np.repeat(np.arange(len(MOTIFS)), per_class)


def picture(class_name: str, *, size: int, generator: np.random.Generator) -> NDArray[np.uint8]:
    """One picture ``(3, size, size)`` of this class."""
    x, y = pixel_grid(size)
    distance = MOTIFS[class_name](x, y, generator)
    ground, figure = _colours(x, y, generator)
    if class_name in SHAPES:  # a soft shadow lifts a shape off the ground
        ground *= 1 - 0.5 * np.exp(-np.maximum(distance, 0) / 0.03)[..., None]
    covered = coverage(distance)[..., None]
    levels = 255 * srgb(ground + covered * (figure - ground))
    levels += generator.normal(scale=generator.uniform(0, 5), size=(size, size, 1))
    return np.moveaxis(np.clip(np.rint(levels), 0, 255), -1, 0).astype(np.uint8)


def _colours(x: Field, y: Field, generator: np.random.Generator) -> tuple[Field, Field]:
    """Linear light ``(size, size, 3)`` of the ground and of the figure, at least 0.25 of lightness apart."""
    middle = generator.uniform(0.5, 0.72)
    apart = generator.uniform(0.14, 0.24) * generator.choice((-1, 1))
    lightness = (middle + apart, middle - apart)
    return _gradient(x, y, lightness[0], generator), _gradient(x, y, lightness[1], generator)


def _gradient(x: Field, y: Field, lightness: float, generator: np.random.Generator) -> Field:
    """A gentle passage between two related colours of about this ``lightness``, in any direction."""
    along, _ = rotated(x, y, generator.uniform(0, 2 * np.pi))
    chroma, hue = generator.uniform(0.03, 0.15), generator.uniform(0, 2 * np.pi)
    hue_change, lightness_change = generator.uniform(-1.2, 1.2), generator.uniform(-0.12, 0.12)
    return linear_rgb(oklch(lightness + lightness_change * along, chroma, hue + hue_change * along))


def _placed(outline: Callable[[Field, Field], Field]) -> Motif:
    """A shape given by the signed distance to its ``outline`` of radius about 1, a little tilted, at any place."""

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


def _corners(count: int, *radii: float) -> Field:
    """Corners ``(count, 2)`` evenly around the origin, their distances from it taken in turn from ``radii``."""
    angles = 2 * np.pi * np.arange(count) / count - np.pi / 2
    corners: Field = np.resize(radii, count)[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return corners


def _heart() -> Field:
    """The classic heart curve of four cosines as a polygon ``(40, 2)``, its point downwards."""
    turn = 2 * np.pi * np.arange(40) / 40
    right: Field = np.sin(turn) ** 3
    down: Field = -(13 * np.cos(turn) - 5 * np.cos(2 * turn) - 2 * np.cos(3 * turn) - np.cos(4 * turn)) / 16
    return np.stack([right, down], axis=1)


def _textured(x: Field, y: Field, generator: np.random.Generator) -> tuple[Field, Field, float]:
    """Turned and shifted places for a texture that fills the picture, and its period."""
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


def _dots(x: Field, y: Field, generator: np.random.Generator) -> Field:
    u, v, period = _textured(x, y, generator)
    radius = generator.uniform(0.24, 0.36) * period
    return np.hypot((u % period) - period / 2, (v % period) - period / 2) - radius


def _waves(x: Field, y: Field, generator: np.random.Generator) -> Field:
    u, v, period = _textured(x, y, generator)
    length = period * generator.uniform(1.2, 2.0)
    height = period * generator.uniform(0.25, 0.4)
    phase = 2 * np.pi * v / length
    steepness = np.hypot(1, 2 * np.pi * height / length * np.cos(phase))
    return bands_distance(u + height * np.sin(phase), period) / steepness


def _rings(x: Field, y: Field, generator: np.random.Generator) -> Field:
    u, v, period = _centred(x, y, generator)
    return bands_distance(np.hypot(u, v) + generator.choice((0, period / 2)), period)


def _rays(x: Field, y: Field, generator: np.random.Generator) -> Field:
    u, v, _ = _centred(x, y, generator)
    step = 2 * np.pi / generator.integers(6, 13)
    angle = np.arctan2(v, u) + generator.uniform(0, step)
    return np.hypot(u, v) * np.sin(bands_distance(angle, step))


def _centred(x: Field, y: Field, generator: np.random.Generator) -> tuple[Field, Field, float]:
    """Places seen from a point near the middle, and a period, for a texture around that point."""
    right, down = generator.uniform(-0.2, 0.2, size=2)
    return x - right, y - down, generator.uniform(0.15, 0.3)


SHAPES: dict[str, Motif] = {
    "disc": _placed(_disc),
    "triangle": _polygon(_corners(3, 1.15)),
    "star": _polygon(_corners(10, 1.2, 0.5)),
    "heart": _polygon(_heart()),
}
TEXTURES: dict[str, Motif] = {
    "stripes": _stripes,
    "checkerboard": _checkerboard,
    "dots": _dots,
    "waves": _waves,
    "rings": _rings,
    "rays": _rays,
}
MOTIFS = SHAPES | TEXTURES
