"""Parts of an image taken out, copies of what it repeats or as much elsewhere, and what is put in their place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from fooling.ablation.repetition import Repetition, background_of
from fooling.seeding import numpy_generator

Fill = Literal["mean", "background", "noise"]
Kind = Literal["copy", "control"]
FILLS: tuple[Fill, ...] = get_args(Fill)
KINDS: tuple[Kind, ...] = get_args(Kind)

Mask = NDArray[np.bool_]


def removals(repetition: Repetition, *, most: int, kind: Kind, seed: int, class_index: int, draw: int) -> list[Mask]:
    """Masks (H, W) of what is gone after each removal; at most so many removals, and one copy always stays.

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
    """The image (C, H, W) with the mean of its pixels, the most frequent one, or random ones of them where ``gone``.

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
    """Disjoint masks of these areas, each the free pixels nearest to a random one of them."""
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
