"""Seeds for every source of randomness: one number derived from a run's seed and the words that say what it is for."""

from __future__ import annotations

import hashlib

import numpy as np


def derived_seed(seed: int, *purpose: str | int) -> int:
    """A 63-bit seed that depends on ``seed`` and on every word of ``purpose``, the same on every machine.

    Two purposes never share a stream by accident, and adding a consumer of randomness changes no other one.
    """
    words = "\x1f".join([str(seed), *map(str, purpose)])
    return int.from_bytes(hashlib.sha256(words.encode()).digest()[:8], "little") >> 1


def numpy_generator(seed: int, *purpose: str | int) -> np.random.Generator:
    """A numpy generator of its own for this ``purpose``; for torch seed a generator with :func:`derived_seed`."""
    return np.random.default_rng(derived_seed(seed, *purpose))
