"""Where a training takes its images from: the data set file, or pictures that are decoded as they are needed."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils import data

from fooling.classifiers.views import cropped
from fooling.datasets.dataset import Dataset
from fooling.errors import FoolingError
from fooling.training.schedule import Shown

Batch = tuple[torch.Tensor, torch.Tensor]  # images uint8 (B, C, H, W), labels int64 (B,)

#: Bytes of the longest temporary folder in which processes can meet: the path of a socket has at most 103 on macOS and
#: 107 on Linux, and Python's multiprocessing names it so.
LONGEST_TEMPORARY_FOLDER = 103 - len("/pymp-12345678/listener-12345678")

#: How processes that decode are started. The children of a fork server, which later Pythons prefer on Linux, do not
#: notice that the process they work for was killed, and wait for ever.
START_METHOD = "fork" if sys.platform == "linux" else "spawn"


class TrainingImages(Protocol):
    """Labelled images to train on."""

    @property
    def count(self) -> int:
        """How many there are."""

    def batches(self, shown: Iterator[Shown], device: torch.device) -> Iterator[Batch]:
        """The images ``shown``, each cropped where it is to be, and their labels, on ``device``."""


class Pictures(Protocol):
    """Labelled pictures that become images one by one."""

    @property
    def labels(self) -> NDArray[np.int64]:
        """The class index (N,) of each."""

    def image(self, index: int) -> NDArray[np.uint8]:
        """The picture ``index`` as an image (C, H, W); :class:`FoolingError` where it cannot be had."""


class KeptImages:
    """The training images of a data set file; they all lie on the device."""

    def __init__(self, dataset: Dataset) -> None:
        """Raises :class:`FoolingError` where ``dataset`` has none."""
        dataset.require_training_images()
        self._images, self._labels = torch.from_numpy(dataset.train_images), torch.from_numpy(dataset.train_labels)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._images)

    def batches(self, shown: Iterator[Shown], device: torch.device) -> Iterator[Batch]:
        """See :class:`TrainingImages`."""
        images, labels = self._images.to(device), self._labels.to(device)
        for batch in shown:
            which = torch.from_numpy(batch.indices).to(device)
            whole = images[which]
            yield (whole if batch.crop is None else cropped(whole, batch.crop, batch.places)), labels[which]


class StreamedImages:
    """Pictures that are read, checked and decoded whenever they are shown, by so many ``workers`` ahead of time.

    A worker is a process and makes whole batches; without any they are made where the training runs. What is in a batch
    does not depend on their number.
    """

    def __init__(self, pictures: Pictures, *, workers: int) -> None:
        self._pictures, self._workers = pictures, workers

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._pictures.labels)

    def batches(self, shown: Iterator[Shown], device: torch.device) -> Iterator[Batch]:
        """See :class:`TrainingImages`.

        Raises :class:`FoolingError` for a missing, changed or broken picture, and where the path of the temporary
        folder is too long for the workers' sockets: they would wait for ever.
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
            generator=torch.Generator(),  # else it would draw a number where the dropout does
        )
        for made in _from_living_workers(loader):
            if isinstance(made, FoolingError):
                raise made
            images, labels = made
            yield images.to(device, non_blocking=True), labels.to(device, non_blocking=True)


def _require_short_temporary_folder() -> None:
    folder = tempfile.gettempdir()
    length = len(os.fsencode(folder))
    if length > LONGEST_TEMPORARY_FOLDER:
        raise FoolingError(
            "the path of the temporary folder is too long for the sockets of processes that decode pictures",
            found=f"{length} bytes: {folder}",
            expected=f"at most {LONGEST_TEMPORARY_FOLDER} bytes",
            remedy="set TMPDIR to a folder with a shorter path, or decode without further processes (--workers 0)",
        )


class _Decoded(data.Dataset[Batch | FoolingError]):
    """The batches as torch's loader wants them: it asks for one, on any process."""

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures

    def __getitem__(self, shown: Shown) -> Batch | FoolingError:
        """The batch, or what is wrong with a picture: a worker's exceptions come out as tracebacks."""
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


def _from_living_workers(loader: data.DataLoader[Batch | FoolingError]) -> Iterator[Batch | FoolingError]:
    """What the ``loader`` gives; :class:`FoolingError` where one of its workers has been killed."""
    made = iter(loader)
    while True:
        try:
            batch = next(made)
        except StopIteration:
            return
        except RuntimeError as error:
            remedy = "let fewer processes decode (--workers), or lower training.batch_size: memory may have run out"
            raise FoolingError("a process that decodes pictures has ended", found=error, remedy=remedy) from None
        yield batch
