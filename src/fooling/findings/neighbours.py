"""The nearest training image of an image, in pixels or in a network's features.

All sums of products are over whole numbers that float64 holds exactly, so that they do not depend on the order or the
number of threads in which a machine adds them up.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK_BYTES = 64 * 2**20  # of others, and of their distances to the queries, at once
EXACT_BITS = 53  # up to 2**53 float64 holds every whole number

Images = NDArray[np.uint8]
Whole = NDArray[np.integer[Any]] | NDArray[np.float64]


def nearest_images(images: Images, others: Images) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """For each of ``images`` (B, C, H, W) the index of the nearest of ``others`` (N, C, H, W), and its distance.

    The distance is the root mean square difference over all pixels and channels, levels 0..255 as 0..1. Of equally
    near ones the first counts.
    """
    index, squares = nearest_rows(images.reshape(len(images), -1), others.reshape(len(others), -1))
    return index, np.sqrt(squares / math.prod(images.shape[1:])) / 255


def nearest_features(
    features: NDArray[np.float32], others: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """For each of ``features`` (B, D) the index of the nearest of ``others`` (N, D), and its distance.

    The distance is the root mean square difference over the D numbers, each rounded to a grid on which all sums are
    exact: for 500 numbers its step is a two millionth of the largest.
    """
    count = features.shape[1]
    largest = max(float(abs(features).max()), float(abs(others).max()))
    # The grid is a power of two below the largest number, which makes every step of the rounding exact as well.
    bits = int((EXACT_BITS - math.log2(3 * count)) // 2)
    step = 2.0 ** (math.frexp(largest)[1] - bits)
    index, squares = nearest_rows(
        *(np.rint(part.astype(np.float64) / step).astype(np.int32) for part in (features, others))
    )
    return index, np.sqrt(squares / count) * step


def nearest_rows(queries: Whole, others: Whole) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """For each row of ``queries`` (B, D) the index of the nearest of ``others`` (N, D), and its squared distance.

    All are whole numbers, small enough for sums of their squares to be exact. Of equally near ones the first counts.
    """
    queries = queries.astype(np.float64)
    best = np.full(len(queries), np.inf)
    index = np.zeros(len(queries), dtype=np.int64)
    rows = max(1, BLOCK_BYTES // (8 * max(queries.shape)))
    for start in range(0, len(others), rows):
        block = others[start : start + rows].astype(np.float64)
        squares = (block**2).sum(axis=1) - 2 * (queries @ block.T)  # less the query's own square: the same for all
        nearest = squares.argmin(axis=1)
        least = squares[np.arange(len(queries)), nearest]
        closer = least < best
        best[closer], index[closer] = least[closer], nearest[closer] + start
    return index, best + (queries**2).sum(axis=1)
