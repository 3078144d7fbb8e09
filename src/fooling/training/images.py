"""Choose which images a training shows when, and read them from a data set file or, decoded as needed, from a folder.

The schedule of images and crops follows from the seed before any image is read. Whichever process reads the images, the
batches are the same.
"""

from __future__ import annotations

import dataclasses
import math
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils import data

from fooling.classifiers.classifier import cropped, drawn_places
from fooling.datasets.dataset import Dataset
from fooling.messages import FoolingError
from fooling.reproducibility import derived_seed, numpy_generator
from fooling.training.settings import ClassifierSettings, TrainingPart


def part_of(dataset: Dataset, part: TrainingPart | None) -> Dataset:
    """Return ``dataset`` with one ``part`` of its training images, in their order; None: all of them.

    The images of each class are put in an order drawn by seed, in which the parts follow each other. Parts of equally
    many images differ by at most one image of a class; which parts are larger is different for each class.

    Raises :class:`FoolingError` if a class has too few images, or none is left of a part.
    """
    if part is None:
        return dataset
    dataset.require_training_images(f"part {part.number} of {part.of}")
    classes, kept = len(dataset.class_names), []
    for index, name in enumerate(dataset.class_names):
        mine = np.flatnonzero(dataset.train_labels == index)
        order = numpy_generator(part.seed, "training part", index).permutation(mine)
        if part.images is None:
            kept.append(np.array_split(order, part.of)[(part.number - 1 + index) % part.of])
            continue
        wanted = part.images // classes + (index < part.images % classes)
        if wanted * part.of > len(mine):
            raise FoolingError(
                f"the class {name} of {dataset.name} has too few training images for the parts",
                found=f"{len(mine)} images",
                expected=f"at least {wanted * part.of}: {wanted} for each of {part.of} parts",
                remedy="lower training.part.images or training.part.of",
            )
        kept.append(order[(part.number - 1) * wanted : part.number * wanted])
    rows = np.sort(np.concatenate(kept))
    if not len(rows):
        raise FoolingError(
            f"part {part.number} of {part.of} of {dataset.name} has no training images",
            found=dataset.summary,
            remedy="lower training.part.of",
        )
    return dataclasses.replace(
        dataset, train_images=dataset.train_images[rows], train_labels=dataset.train_labels[rows]
    )


class ScheduledBatch(NamedTuple):
    """One batch: the indices (B,) of its images, and the positions (B, 3) of their crops of side ``crop``, if any."""

    indices: NDArray[np.int64]
    crop: int | None
    places: NDArray[np.int64]

    def part(self, number: int, of: int) -> ScheduledBatch:
        """Return part ``number`` (from 0) of ``of`` equal parts."""
        length = len(self.indices) // of
        mine = slice(number * length, (number + 1) * length)
        return ScheduledBatch(self.indices[mine], self.crop, self.places[mine])


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """The batches of a training, pass after pass; a pass ends with the batch that uses the last of its images."""

    settings: ClassifierSettings
    count: int
    """Images in a pass."""
    shape: tuple[int, int, int]
    """Shape (C, H, W) of an image."""

    def pass_at(self, iteration: int) -> int:
        """Return the pass, counted from 0, of the first image of ``iteration``."""
        return iteration * self.settings.training.batch_size // self.count

    def begins_pass(self, iteration: int) -> bool:
        """Return whether a pass begins with ``iteration``."""
        return iteration == self._first(self.pass_at(iteration))

    def end_of_pass(self, number: int) -> int:
        """Return the iteration after the last one of pass ``number``."""
        return min(self._first(number + 1), self.settings.training.iterations)

    def batches(self, start: int) -> Iterator[ScheduledBatch]:
        """Yield the batches from iteration ``start`` to the last one."""
        batch_size, crop = self.settings.training.batch_size, self.settings.input.crop
        generator, whole = torch.Generator(), np.zeros((batch_size, 3), np.int64)
        while start < self.settings.training.iterations:
            number = self.pass_at(start)
            first, end = self._first(number), self.end_of_pass(number)
            order = self._order(number, images=end * batch_size - number * self.count)
            generator.manual_seed(derived_seed(self.settings.seed, "crops", number))
            for iteration in range(first, end):
                places = whole if crop is None else drawn_places(batch_size, self.shape, crop, generator)
                if iteration >= start:  # earlier crops were drawn only to advance the generator
                    offset = iteration * batch_size - number * self.count
                    yield ScheduledBatch(order[offset : offset + batch_size], crop, places)
            start = end

    def _first(self, number: int) -> int:
        return math.ceil(number * self.count / self.settings.training.batch_size)

    def _order(self, number: int, *, images: int) -> NDArray[np.int64]:
        """Return the first ``images`` indices from the start of pass ``number``; each pass is its own permutation."""
        passes = range(number, number + math.ceil(images / self.count))
        order = [numpy_generator(self.settings.seed, "order", each).permutation(self.count) for each in passes]
        return np.concatenate(order)


Batch = tuple[torch.Tensor, torch.Tensor]  # images uint8 (B, C, H, W), labels int64 (B,)

#: Bytes of the longest path of a temporary folder for the sockets of Python's multiprocessing: the path of a socket has
#: at most 103 bytes on macOS and 107 on Linux.
LONGEST_TEMPORARY_FOLDER = 103 - len("/pymp-12345678/listener-12345678")

#: How worker processes are started. Children of a fork server, the default of later Pythons on Linux, do not notice
#: that their main process was killed, and wait for ever.
START_METHOD = "fork" if sys.platform == "linux" else "spawn"


class TrainingImages(Protocol):
    """Labelled images to train on."""

    @property
    def count(self) -> int:
        """The number of images."""

    def batches(self, shown: Iterator[ScheduledBatch], device: torch.device) -> Iterator[Batch]:
        """Yield the images ``shown``, cropped as scheduled, and their labels, on ``device``."""


class Pictures(Protocol):
    """Labelled pictures that are decoded one by one."""

    @property
    def labels(self) -> NDArray[np.int64]:
        """The class index (N,) of each picture."""

    def image(self, index: int) -> NDArray[np.uint8]:
        """Return the picture ``index`` as an image (C, H, W); raise :class:`FoolingError` if that fails."""


class KeptImages:
    """The training images of a data set file, all on the device."""

    def __init__(self, dataset: Dataset) -> None:
        """Raise :class:`FoolingError` if ``dataset`` has no training images."""
        dataset.require_training_images()
        self._images, self._labels = torch.from_numpy(dataset.train_images), torch.from_numpy(dataset.train_labels)

    @property
    def count(self) -> int:
        """The number of images."""
        return len(self._images)

    def batches(self, shown: Iterator[ScheduledBatch], device: torch.device) -> Iterator[Batch]:
        """See :class:`TrainingImages`."""
        images, labels = self._images.to(device), self._labels.to(device)
        for batch in shown:
            which = torch.from_numpy(batch.indices).to(device)
            whole = images[which]
            yield (whole if batch.crop is None else cropped(whole, batch.crop, batch.places)), labels[which]


class StreamedImages:
    """Pictures that are read, checked and decoded each time they are shown, by ``workers`` processes ahead of time.

    A worker makes whole batches; without workers the training process makes them. The content of a batch does not
    depend on the number of workers.
    """

    def __init__(self, pictures: Pictures, *, workers: int) -> None:
        self._pictures, self._workers = pictures, workers

    @property
    def count(self) -> int:
        """The number of pictures."""
        return len(self._pictures.labels)

    def batches(self, shown: Iterator[ScheduledBatch], device: torch.device) -> Iterator[Batch]:
        """See :class:`TrainingImages`.

        Raises :class:`FoolingError` for a missing, changed or broken picture, and if the path of the temporary folder
        is too long for the sockets of workers, which would then wait for ever.
        """
        if self._workers:
            _require_short_temporary_folder()
        loader = data.DataLoader(
            _Decoded(self._pictures),
            batch_size=None,  # a sample is a batch already
            sampler=shown,
            num_workers=self._workers,
            multiprocessing_context=START_METHOD if self._workers else None,
            pin_memory=device.type == "cuda",
            generator=torch.Generator(),  # otherwise it would draw from the generator of the dropout
        )
        for made in _batches_of(loader):
            if isinstance(made, FoolingError):
                raise made
            images, labels = made
            yield images.to(device, non_blocking=True), labels.to(device, non_blocking=True)


def _require_short_temporary_folder() -> None:
    folder = tempfile.gettempdir()
    length = len(os.fsencode(folder))
    if length > LONGEST_TEMPORARY_FOLDER:
        raise FoolingError(
            "the path of the temporary folder is too long for the sockets of worker processes",
            found=f"{length} bytes: {folder}",
            expected=f"at most {LONGEST_TEMPORARY_FOLDER} bytes",
            remedy="set TMPDIR to a folder with a shorter path, or decode without workers (--workers 0)",
        )


class _Decoded(data.Dataset[Batch | FoolingError]):
    """The batches by index, as torch's loader requests them in any process."""

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures

    def __getitem__(self, shown: ScheduledBatch) -> Batch | FoolingError:
        """Return the batch, or the error of a picture: exceptions of workers would arrive as tracebacks."""
        try:
            images = [self._seen(*one, crop=shown.crop) for one in zip(shown.indices, shown.places, strict=True)]
        except FoolingError as error:
            return error
        return torch.from_numpy(np.stack(images)), torch.from_numpy(self._pictures.labels[shown.indices])

    def _seen(self, index: np.int64, place: NDArray[np.int64], *, crop: int | None) -> NDArray[np.uint8]:
        image = self._pictures.image(int(index))
        if crop is None:
            return image
        top, left, mirrored = place
        square = image[:, top : top + crop, left : left + crop]
        return square[..., ::-1] if mirrored else square


def _batches_of(loader: data.DataLoader[Batch | FoolingError]) -> Iterator[Batch | FoolingError]:
    """Yield the batches of ``loader``; raise :class:`FoolingError` if one of its workers has been killed."""
    made = iter(loader)
    while True:
        try:
            batch = next(made)
        except StopIteration:
            return
        except RuntimeError as error:
            remedy = "use fewer workers (--workers), or lower training.batch_size: memory may have run out"
            raise FoolingError("a worker process that decodes pictures has died", found=error, remedy=remedy) from None
        yield batch
