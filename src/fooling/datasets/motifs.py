"""The forms of the drawn pictures: shapes with an outline, and textures that fill the picture.

A motif draws chance from a generator and gives the signed distance to its form at the places x and y.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fooling.datasets.drawing import Field, bands_distance, polygon_distance, rotated

Motif = Callable[[Field, Field, np.random.Generator], Field]


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


def _crescent(u: Field, v: Field) -> Field:
    distance: Field = np.maximum(_disc(u, v), 0.82 - np.hypot(u - 0.48, v))
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


def _cross() -> Field:
    """A cross of five equal squares as a polygon ``(12, 2)``."""
    arm = np.array([(-1, -1), (-1, -3), (1, -3)])
    quarter_turn = np.array([(0, 1), (-1, 0)])
    return 0.34 * np.concatenate([arm @ np.linalg.matrix_power(quarter_turn, turns) for turns in range(4)])


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
    """Places seen from a point near the middle, for a texture around that point."""
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
