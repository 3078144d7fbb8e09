"""Repeated structure in an image: the shift by which it repeats itself, and the copies that lie so far apart.

::

    image ──► correlation with itself, shifted ──► lattice of one or two shifts ──► cells, centred on what they hold

The correlation is Pearson's over the pixels that image and shifted image share, so that it depends neither on
brightness nor on contrast; all sums are of whole numbers, which float64 holds exactly. Around no shift at all it is
high in any smooth image; only a second peak, apart from that one, tells of repetition.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

ALIKE = 0.5  # correlation from which an image counts as repeating itself
AS_GOOD = 0.05  # of peaks that differ by less than this the nearest counts: twice a period is no period
ASLANT = 0.25  # area of the cell that two shifts span, over the first one's square, from which they are two directions
WHOLE = 0.5  # share of the largest cell, in pixels and in what it holds, from which a cell counts as a copy

Shift = tuple[int, int]  # pixels down and to the right


@dataclass(frozen=True, kw_only=True)
class Repetition:
    """How an image repeats itself."""

    shifts: tuple[Shift, ...]  # one where it repeats in one direction, two where it does in two
    correlation: float  # with itself, moved by the first shift
    copies: NDArray[np.int64]  # (H, W) the copy that a pixel belongs to, counted from 0; -1: none

    @property
    def count(self) -> int:
        """How many copies there are."""
        return int(self.copies.max()) + 1


def repetition_of(image: NDArray[np.uint8]) -> Repetition | None:
    """How the image (C, H, W) repeats itself; None where it does not, or where fewer than two copies are whole."""
    related = shifted_correlations(image)
    shifts = _lattice(related)
    if not shifts:
        return None
    copies = _copies(image, shifts)
    if copies.max() < 1:
        return None
    down, right = (side // 2 for side in related.shape)
    correlation = min(float(related[down + shifts[0][0], right + shifts[0][1]]), 1.0)  # rounding exceeds 1
    return Repetition(shifts=shifts, correlation=correlation, copies=copies)


def shifted_correlations(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Correlation of an image (C, H, W) with itself, moved by up to half its sides: (2 (H // 2) + 1, 2 (W // 2) + 1).

    No shift stands in the middle. It is 0 where the shared pixels have one level.
    """
    channels, height, width = image.shape
    y, x = (np.arange(-(side // 2), side // 2 + 1) for side in (height, width))
    count = channels * np.outer(height - abs(y), width - abs(x))
    products = _shifted_products(image)[np.ix_(y, x)]
    (here, moved), (here_squared, moved_squared) = (_shared_sums(image, y, x, power=power) for power in (1, 2))
    covariance = count * products - here * moved
    spread = (count * here_squared - here**2) * (count * moved_squared - moved**2)
    return np.asarray(np.divide(covariance, np.sqrt(spread), out=np.zeros_like(covariance), where=spread > 0))


def background_of(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The most frequent pixel (C,) of an image (C, H, W); of equally frequent ones the darkest."""
    pixels, counts = np.unique(image.reshape(len(image), -1), axis=1, return_counts=True)
    found: NDArray[np.uint8] = pixels[:, counts.argmax()]
    return found


def _shifted_products(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """For every shift, at its own index (negative ones from the end), the sum of the products of levels that meet.

    By Fourier transforms, padded so that nothing wraps round; rounded to the whole numbers that these sums are.
    """
    padded = [scipy.fft.next_fast_len(2 * side, real=True) for side in image.shape[1:]]
    spectrum = scipy.fft.rfft2(image.astype(np.float64), padded)
    powers = (spectrum.real**2 + spectrum.imag**2).sum(axis=0)
    products: NDArray[np.float64] = np.rint(scipy.fft.irfft2(powers, padded))
    return products


def _shared_sums(
    image: NDArray[np.uint8], y: NDArray[np.int64], x: NDArray[np.int64], *, power: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For all shifts the sum of the levels, raised to ``power``, that the moved image covers, and of those on them.

    Every sum is one of a rectangle, and so the difference of four sums from the upper left corner.
    """
    height, width = image.shape[1:]
    corners = np.zeros((height + 1, width + 1))
    corners[1:, 1:] = (image.astype(np.float64) ** power).sum(axis=0).cumsum(axis=0).cumsum(axis=1)

    def between(y: NDArray[np.int64], x: NDArray[np.int64]) -> NDArray[np.float64]:
        top, bottom = np.maximum(y, 0), height + np.minimum(y, 0)
        left, right = np.maximum(x, 0), width + np.minimum(x, 0)
        whole = corners[np.ix_(bottom, right)] - corners[np.ix_(top, right)]
        return np.asarray(whole - corners[np.ix_(bottom, left)] + corners[np.ix_(top, left)])

    return between(y, x), between(-y, -x)


def _lattice(related: NDArray[np.float64]) -> tuple[Shift, ...]:
    """The one or two shifts of the peaks apart from the middle one; none where there is no such peak."""
    middle = np.array(related.shape) // 2
    regions, _ = scipy.ndimage.label(related >= ALIKE, structure=np.ones((3, 3)))
    taken = {0, int(regions[tuple(middle)])}
    shifts: list[Shift] = []
    for _ in range(2):
        found = _nearest_peak(related, ~np.isin(regions, list(taken)), besides=shifts)
        if found is None:
            break
        shifts.append(found)
        taken |= _regions_along(regions, found)
    return tuple(shifts)


def _nearest_peak(
    related: NDArray[np.float64], allowed: NDArray[np.bool_], *, besides: Sequence[Shift]
) -> Shift | None:
    """The shortest shift among the ``allowed`` peaks that are as good as the best; not along one of ``besides``."""
    middle = np.array(related.shape) // 2
    shifts = np.argwhere(allowed & _radial_peaks(related)) - middle
    for y, x in besides:
        shifts = shifts[abs(shifts @ np.array([-x, y])) > ASLANT * (y**2 + x**2)]
    shifts = shifts[(shifts[:, 0] > 0) | ((shifts[:, 0] == 0) & (shifts[:, 1] > 0))]  # each peak has its opposite
    if not len(shifts):
        return None
    heights = related[tuple((shifts + middle).T)]
    good = shifts[heights >= heights.max() - AS_GOOD]
    down, right = good[np.lexsort((good[:, 1], good[:, 0], (good**2).sum(axis=1)))[0]]
    return int(down), int(right)


def _radial_peaks(related: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where a step towards the middle or away from it leads no higher; along a ridge all of it is so."""
    middle = np.array(related.shape)[:, None, None] // 2
    places = np.indices(related.shape) - middle
    lengths = np.maximum(np.hypot(*places), 1)
    peaks: NDArray[np.bool_] = lengths > 1
    for step in (-1, 1):
        neighbours = places * (1 + step / lengths) + middle
        peaks = peaks & (related >= scipy.ndimage.map_coordinates(related, neighbours, order=1, mode="nearest"))
    return peaks


def _regions_along(regions: NDArray[np.integer[Any]], shift: Shift) -> set[int]:
    """The regions that hold a multiple of ``shift``."""
    middle, step = np.array(regions.shape) // 2, np.array(shift)
    places = [middle + multiple * step for multiple in range(-max(regions.shape), max(regions.shape) + 1)]
    inside = [place for place in places if (place >= 0).all() and (place < regions.shape).all()]
    return {int(regions[tuple(place)]) for place in inside}


def _copies(image: NDArray[np.uint8], shifts: Sequence[Shift]) -> NDArray[np.int64]:
    """The cells of the lattice that are whole, counted from the upper left corner, (H, W); -1 elsewhere."""
    held = abs(image.astype(np.float64) - background_of(image)[:, None, None]).sum(axis=0)
    cells = np.zeros(held.shape, dtype=np.int64)
    for along in _lattice_coordinates(held.shape, shifts):
        centre = np.angle((held * np.exp(2j * np.pi * along)).sum()) / (2 * np.pi)
        index = np.floor(along - centre + 0.5).astype(np.int64)
        cells = cells * (index.max() - index.min() + 1) + index - index.min()
    _, first, cells = np.unique(cells, return_index=True, return_inverse=True)
    cells = cells.reshape(held.shape)
    pixels, contents = np.bincount(cells.ravel()), np.bincount(cells.ravel(), weights=held.ravel())
    whole = (pixels >= WHOLE * pixels.max()) & (contents >= WHOLE * contents.max())
    numbers = np.full(len(pixels), -1)
    in_order = np.flatnonzero(whole)[np.argsort(first[whole], kind="stable")]
    numbers[in_order] = np.arange(len(in_order))
    copies: NDArray[np.int64] = numbers[cells]
    return copies


def _lattice_coordinates(sides: tuple[int, ...], shifts: Sequence[Shift]) -> NDArray[np.float64]:
    """For each shift how many times it leads to a pixel from the upper left one, (N, H, W)."""
    places = np.indices(sides).reshape(2, -1)
    basis = np.array(shifts, dtype=np.float64).T  # (2, N)
    coordinates: NDArray[np.float64] = (np.linalg.pinv(basis) @ places).reshape(len(shifts), *sides)
    return coordinates
