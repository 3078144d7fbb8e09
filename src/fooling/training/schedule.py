"""Which images a training shows when, and which square of each: decided by its seed before any image is read.

Whoever reads the images, and on however many processes, only does as told here: the batches are the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from fooling.classifiers.views import drawn_places
from fooling.seeding import derived_seed, numpy_generator
from fooling.training.settings import ClassifierSettings


class Shown(NamedTuple):
    """The images of one batch, by their indices (B,), and the places (B, 3) of their crops of side ``crop``, if any."""

    indices: NDArray[np.int64]
    crop: int | None
    places: NDArray[np.int64]

    def part(self, number: int, of: int) -> Shown:
        """The part ``number`` (from 0) of as many equal parts."""
        length = len(self.indices) // of
        mine = slice(number * length, (number + 1) * length)
        return Shown(self.indices[mine], self.crop, self.places[mine])


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """The batches of a training, pass after pass; a pass ends with the batch that uses the last of its images."""

    settings: ClassifierSettings
    count: int
    """Images in a pass."""
    shape: tuple[int, int, int]
    """Of an image (C, H, W)."""

    def pass_at(self, iteration: int) -> int:
        """The pass, counted from 0, that the first image of ``iteration`` is in."""
        return iteration * self.settings.training.batch_size // self.count

    def begins_pass(self, iteration: int) -> bool:
        """Whether a pass begins with ``iteration``."""
        return iteration == self._first(self.pass_at(iteration))

    def end_of_pass(self, number: int) -> int:
        """The iteration after the last one of pass ``number``."""
        return min(self._first(number + 1), self.settings.training.iterations)

    def batches(self, start: int) -> Iterator[Shown]:
        """The batches from iteration ``start`` on, to the last one."""
        batch_size, crop = self.settings.training.batch_size, self.settings.input.crop
        generator, whole = torch.Generator(), np.zeros((batch_size, 3), np.int64)
        while start < self.settings.training.iterations:
            number = self.pass_at(start)
            first, end = self._first(number), self.end_of_pass(number)
            order = self._order(number, images=end * batch_size - number * self.count)
            generator.manual_seed(derived_seed(self.settings.seed, "crops", number))
            for iteration in range(first, end):
                places = whole if crop is None else drawn_places(batch_size, self.shape, crop, generator)
                if iteration >= start:  # those before were drawn to come to the same numbers
                    offset = iteration * batch_size - number * self.count
                    yield Shown(order[offset : offset + batch_size], crop, places)
            start = end

    def _first(self, number: int) -> int:
        return math.ceil(number * self.count / self.settings.training.batch_size)

    def _order(self, number: int, *, images: int) -> NDArray[np.int64]:
        """So many images from the start of pass ``number`` on: each pass is a permutation of its own."""
        passes = range(number, number + math.ceil(images / self.count))
        order = [numpy_generator(self.settings.seed, "order", each).permutation(self.count) for each in passes]
        return np.concatenate(order)
