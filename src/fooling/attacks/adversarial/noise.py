"""Random perturbations that have exactly a given norm after they were clipped to the range of images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fooling.attacks.adversarial.settings import Norm

Array = NDArray[np.float64]


def norms_of(changes: Array) -> Array:
    """Return the norms (B, 3) of ``changes`` (B, ...): l2, largest absolute value, and root mean square."""
    flat = changes.reshape(len(changes), -1)
    l2 = np.sqrt(np.square(flat).sum(axis=1))
    return np.stack([l2, np.abs(flat).max(axis=1), l2 / np.sqrt(flat.shape[1])], axis=1)


def noisy(image: Array, *, norm: Norm, size: float, generator: np.random.Generator) -> Array:
    """Return an ``image`` (C, H, W), 0 to 1, with a random change of exactly this ``norm`` and ``size``.

    For l2 the change is Gaussian noise, for linf a random sign of every pixel; both are clipped to 0..1. What clipping
    takes from the norm, the other pixels make up for. A size that no change of these signs can have turns the signs
    towards the farther end of the range.
    """
    change = _signs(image, size, generator) if norm == "linf" else _gaussian(image, size, generator)
    return np.clip(image + change, 0, 1)


def _room(image: Array, signs: Array) -> Array:
    """Return how far each pixel can be changed in the direction of its sign."""
    return np.where(signs > 0, 1 - image, image)


def _signs(image: Array, size: float, generator: np.random.Generator) -> Array:
    signs = np.where(generator.random(image.shape) < 0.5, -1.0, 1.0)
    if _room(image, signs).max() < size:
        farthest = np.unravel_index(_room(image, -signs).argmax(), image.shape)
        signs[farthest] *= -1
    return signs * np.minimum(_room(image, signs), size)


def _gaussian(image: Array, size: float, generator: np.random.Generator) -> Array:
    """Return s * z clipped, with the factor s for which its norm is ``size``.

    The norm grows with s, and its square is quadratic between the values at which a pixel is clipped: solve it for the
    pixels that are not clipped, until no further pixel is.
    """
    z = generator.standard_normal(image.shape)
    if np.sqrt(np.square(_room(image, z)).sum()) <= size:
        z = np.abs(z) * np.where(image < 0.5, 1, -1)
    lengths, room = np.abs(z), _room(image, z)
    clipped = np.zeros(image.shape, dtype=bool)
    while not clipped.all():
        rest = max(size**2 - np.square(room[clipped]).sum(), 0.0)
        factor = np.sqrt(rest / np.square(lengths[~clipped]).sum())
        beyond = ~clipped & (factor * lengths > room)
        if not beyond.any():
            return np.asarray(np.sign(z) * np.where(clipped, room, factor * lengths))
        clipped |= beyond
    return np.asarray(np.sign(z) * room)
