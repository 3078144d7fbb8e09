"""Drawn pictures in colour, ten classes of shapes and textures, generated from a seed: nothing to download.

    disc  triangle  star  heart  crescent  cross  |  stripes  checkerboard  rings  rays

Place, size, turn, colours, background and grain vary; only the form tells the class.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field as Setting

from fooling.datasets.dataset import Dataset
from fooling.datasets.drawing import Field, coverage, linear_rgb, oklch, pixel_grid, rotated, srgb
from fooling.datasets.motifs import SHAPES, TEXTURES
from fooling.seeding import numpy_generator
from fooling.settings import Seed, Settings

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
    """Linear light ``(size, size, 3)`` of ground and figure, in the middle 0.28 to 0.48 of lightness apart."""
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
