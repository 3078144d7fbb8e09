"""Repeated elements of an image: find the copies, and remove them, or as much elsewhere.

::

    image ──► correlation with itself, shifted ──► lattice of one or two shifts ──► cells, centred on their content

The correlation is Pearson's over the pixels that the image and the shifted image share, so it depends neither on
brightness nor on contrast. All sums are of whole numbers, which float64 holds exactly. Near a shift of zero the
correlation of any smooth image is high; only a second, separate peak shows repetition.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import scipy
from numpy.typing import NDArray

from fooling.reproducibility import numpy_generator

ALIKE = 0.5  # correlation from which an image counts as repeating itself
AS_GOOD = 0.05  # of peaks that differ by less than this the nearest counts: twice a period is no period
ASLANT = 0.25  # area of the cell that two shifts span, over the first one's square, from which they are two directions
WHOLE = 0.5  # share of the largest cell, in pixels and in what it holds, from which a cell counts as a copy

Shift = tuple[int, int]  # pixels down and to the right


@dataclass(frozen=True, kw_only=True)
class Repetition:
    """The repetition of an image: its shifts and its copies."""

    shifts: tuple[Shift, ...]  # one where it repeats in one direction, two where it does in two
    correlation: float  # with itself, moved by the first shift
    copies: NDArray[np.int64]  # (H, W) the copy that a pixel belongs to, counted from 0; -1: none

    @property
    def count(self) -> int:
        """Number of copies."""
        return int(self.copies.max()) + 1


def repetition_of(image: NDArray[np.uint8]) -> Repetition | None:
    """Return the repetition of an image (C, H, W), or None without repetition or with fewer than two whole copies."""
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
    """Correlate an image (C, H, W) with itself, shifted by up to half its sides: (2 (H // 2) + 1, 2 (W // 2) + 1).

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
    """Return the most frequent pixel (C,) of an image (C, H, W); of equally frequent ones the darkest."""
    pixels, counts = np.unique(image.reshape(len(image), -1), axis=1, return_counts=True)
    found: NDArray[np.uint8] = pixels[:, counts.argmax()]
    return found


def _shifted_products(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return, for every shift at its own index (negative ones from the end), the sum of products of overlapping levels.

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
    """Return, for all shifts, the sums of levels to the ``power`` in the overlap, of the image and of the shifted one.

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
    """Return the one or two shifts of the peaks apart from the middle one, or none."""
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
    """Return the shortest shift of the ``allowed`` peaks about as high as the highest, not along one of ``besides``."""
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
    """Return where no step towards the middle or away from it leads higher, which holds all along a ridge."""
    middle = np.array(related.shape)[:, None, None] // 2
    places = np.indices(related.shape) - middle
    lengths = np.maximum(np.hypot(*places), 1)
    peaks: NDArray[np.bool_] = lengths > 1
    for step in (-1, 1):
        neighbours = places * (1 + step / lengths) + middle
        peaks = peaks & (related >= scipy.ndimage.map_coordinates(related, neighbours, order=1, mode="nearest"))
    return peaks


def _regions_along(regions: NDArray[np.integer[Any]], shift: Shift) -> set[int]:
    """Return the regions that contain a multiple of ``shift``."""
    middle, step = np.array(regions.shape) // 2, np.array(shift)
    places = [middle + multiple * step for multiple in range(-max(regions.shape), max(regions.shape) + 1)]
    inside = [place for place in places if (place >= 0).all() and (place < regions.shape).all()]
    return {int(regions[tuple(place)]) for place in inside}


def _copies(image: NDArray[np.uint8], shifts: Sequence[Shift]) -> NDArray[np.int64]:
    """Return the numbers (H, W) of the whole cells of the lattice, from the upper left corner; -1 elsewhere."""
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
    """Return, for each shift, its multiple (N, H, W) that leads from the upper left pixel to each pixel."""
    places = np.indices(sides).reshape(2, -1)
    basis = np.array(shifts, dtype=np.float64).T  # (2, N)
    coordinates: NDArray[np.float64] = (np.linalg.pinv(basis) @ places).reshape(len(shifts), *sides)
    return coordinates


Fill = Literal["mean", "background", "noise"]
Kind = Literal["copy", "control"]
FILLS: tuple[Fill, ...] = get_args(Fill)
KINDS: tuple[Kind, ...] = get_args(Kind)

Mask = NDArray[np.bool_]


def removals(repetition: Repetition, *, most: int, kind: Kind, seed: int, class_index: int, draw: int) -> list[Mask]:
    """Return masks (H, W) of the removed pixels after each removal; one copy always stays.

    Copies go in random order. The control takes as many pixels each time, those nearest to a random place: from
    outside the copies as long as there are enough. The random numbers are those of the ``seed`` of the image's run, its
    class and the ``draw``: every kind has its own, and a smaller ``most`` takes away the same ones first.
    """
    order = _generator(seed, class_index, "copy", draw).permutation(repetition.count)[: min(most, repetition.count - 1)]
    copies = [repetition.copies == number for number in order]
    if kind == "copy":
        return _added_up(copies)
    places = _generator(seed, class_index, "control", draw)
    areas = [int(copy.sum()) for copy in copies]
    return _added_up(_elsewhere(repetition.copies >= 0, areas, places))


def without(image: NDArray[np.uint8], gone: Mask, *, fill: Fill, seed: int, class_index: int) -> NDArray[np.uint8]:
    """Return the image (C, H, W) with the mean pixel, the most frequent one, or random pixels of it where ``gone``.

    The random pixels are the same for every mask, drawn for the ``seed`` of its run and its class.
    """
    pixels = image.reshape(len(image), -1)
    if fill == "mean":
        put = np.broadcast_to(pixels.mean(axis=1).round()[:, None], pixels.shape)
    elif fill == "background":
        put = np.broadcast_to(background_of(image)[:, None], pixels.shape)
    else:
        drawn = _generator(seed, class_index, "noise", 0).integers(pixels.shape[1], size=pixels.shape[1])
        put = pixels[:, drawn]
    return np.where(gone, put.reshape(image.shape).astype(np.uint8), image)


def _elsewhere(copies: Mask, areas: Sequence[int], generator: np.random.Generator) -> list[Mask]:
    """Return disjoint masks of these areas; each consists of the free pixels nearest to a random one."""
    free, masks = np.ones(copies.shape, dtype=bool), []
    for area in areas:
        outside = free & ~copies
        allowed = np.argwhere(outside if outside.sum() >= area else free)
        centre = allowed[generator.integers(len(allowed))]
        nearest = np.argsort(((allowed - centre) ** 2).sum(axis=1), kind="stable")[:area]
        mask = np.zeros(copies.shape, dtype=bool)
        mask[tuple(allowed[nearest].T)] = True
        masks.append(mask)
        free &= ~mask
    return masks


def _added_up(masks: Sequence[Mask]) -> list[Mask]:
    return [np.logical_or.reduce(masks[: count + 1]) for count in range(len(masks))]


def _generator(seed: int, class_index: int, purpose: str, draw: int) -> np.random.Generator:
    return numpy_generator(seed, "ablation", purpose, class_index, draw)
