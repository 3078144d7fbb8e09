"""Derive seeds by purpose, pick evenly spaced indices, and list the software that decides the last bits of results."""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import version

import numpy as np


def derived_seed(seed: int, *purpose: str | int) -> int:
    """Return a 63-bit seed derived from ``seed`` and every word of ``purpose``, the same on every machine.

    Two purposes never share a stream by accident, and adding a new purpose does not change the seeds of others.
    """
    words = "\x1f".join([str(seed), *map(str, purpose)])
    return int.from_bytes(hashlib.sha256(words.encode()).digest()[:8], "little") >> 1


def numpy_generator(seed: int, *purpose: str | int) -> np.random.Generator:
    """Return a new numpy generator for this ``purpose``; for torch, seed a generator with :func:`derived_seed`."""
    return np.random.default_rng(derived_seed(seed, *purpose))


def evenly_spaced(count: int, most: int | None) -> list[int]:
    """Return at most ``most`` evenly spaced indices below ``count``, in ascending order; None: all of them."""
    if most is None or most >= count:
        return list(range(count))
    return [place * count // most for place in range(most)]


def software_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that compute results, by name."""
    return {"python": platform.python_version(), **{name: version(name) for name in ("fooling", "numpy", "torch")}}
