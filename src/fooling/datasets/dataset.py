"""A data set as every step sees it: uint8 images with labels, split into training and test, in one file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fooling.artifacts import read_arrays, write_arrays
from fooling.messages import FoolingError
from fooling.reproducibility import derived_seed
from fooling.schemas import IMAGE_LENGTHS, Array, FileFormat, Header, checked_header, require_arrays

if TYPE_CHECKING:
    from numpy.typing import NDArray

KIND = "dataset"
VERSION = 1
ARRAYS = (
    Array(name="train_images", form="uint8 n C H W", doc="Training images; there may be none."),
    Array(name="train_labels", form="int64 n", doc="Their classes, from 0."),
    Array(name="test_images", form="uint8 M C H W", doc="Test images."),
    Array(name="test_labels", form="int64 M", doc="Their classes, from 0."),
)
_NAMES = tuple(array.name for array in ARRAYS)


@dataclass(frozen=True, eq=False, kw_only=True)
class Dataset:
    """Images ``(N, C, H, W)`` uint8, C = 1 (grey) or 3 (RGB), with labels ``(N,)`` int64 from 0 to K - 1.

    Without training images it can only be used to test networks of others. Raises ``ValueError`` if the parts do not
    fit together.
    """

    name: str
    class_names: tuple[str, ...]
    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.int64]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.int64]
    provenance: dict[str, Any]

    def __post_init__(self) -> None:
        for part in ("train", "test"):
            images, labels = getattr(self, f"{part}_images"), getattr(self, f"{part}_labels")
            if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1] not in (1, 3):
                raise ValueError(f"{part} images are {images.dtype} {images.shape}, not uint8 (N, 1 or 3, H, W)")
            if labels.dtype != np.int64 or labels.shape != images.shape[:1]:
                raise ValueError(f"{part} labels are {labels.dtype} {labels.shape}, not int64 {images.shape[:1]}")
            if ((labels < 0) | (labels >= len(self.class_names))).any():
                raise ValueError(f"{part} labels are outside 0..{len(self.class_names) - 1}")
        if len(self.test_labels) == 0:
            raise ValueError("there are no test images")
        if self.train_images.shape[1:] != self.test_images.shape[1:]:
            raise ValueError("training and test images differ in shape")

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """The shape ``(C, H, W)`` of every image."""
        channels, height, width = self.test_images.shape[1:]
        return channels, height, width

    @property
    def has_training_images(self) -> bool:
        """Whether it has images to train on, or to compare images with."""
        return len(self.train_images) > 0

    def require_training_images(self, needed_by: str = "training") -> None:
        """Raise :class:`FoolingError`, which says what needs them, if there are no training images."""
        if not self.has_training_images:
            raise FoolingError(
                f"{needed_by} needs training images, and the data set {self.name} has none",
                found=self.summary,
                remedy="use a data set with a training part, or networks trained by others",
            )

    @property
    def summary(self) -> str:
        """One line with the number of images, their size and the number of classes."""
        colours = "grey" if self.image_shape[0] == 1 else "RGB"
        training = f"{len(self.train_images)} training" if self.has_training_images else "no training"
        return (
            f"{training} and {len(self.test_images)} test images, {colours} "
            f"{self.image_shape[1]}x{self.image_shape[2]}, {len(self.class_names)} classes"
        )


class DatasetHeader(Header):
    """The header of a data set file."""

    name: str
    """Name of the data set."""
    class_names: tuple[str, ...]
    """Names of the classes, in the order of their labels."""
    provenance: dict[str, Any]
    """Where the images come from, the settings of the data set, and the SHA-256 of its source."""


FORMAT = FileFormat(
    kind=KIND,
    version=VERSION,
    path="../datasets/{dataset}.safetensors",
    commands=(
        "fetch-digits",
        "fetch-shapes",
        "fetch-mnist",
        "fetch-folder",
        "fetch-imagenet",
        "collect-champions",
        "paint",
    ),
    header=DatasetHeader,
    arrays=ARRAYS,
    lengths={"n": "training images, 0 or more", "M": "test images"} | IMAGE_LENGTHS,
    doc="A data set, split into training and test images. Fooling images for retraining have the same format.",
)


def save_dataset(path: Path, dataset: Dataset) -> None:
    """Write ``dataset`` to one file, atomically; the same content gives the same bytes.

    Raises :class:`FoolingError` for a data set that :func:`load_dataset` would refuse.
    """
    header = {"name": dataset.name, "class_names": dataset.class_names, "provenance": dataset.provenance}
    arrays = {name: getattr(dataset, name) for name in _NAMES}
    _dataset_from(arrays, header, source=f"the data set {dataset.name}")
    write_arrays(path, arrays, kind=KIND, version=VERSION, header=header)


def load_dataset(path: Path) -> Dataset:
    """Return the data set in a file of :func:`save_dataset`; raise :class:`FoolingError` if it is missing or broken."""
    arrays, header = read_arrays(path, kind=KIND, version=VERSION)
    return _dataset_from(arrays, header, source=path)


def require_classes(class_names: Collection[str], *, source: object) -> None:
    """Raise :class:`FoolingError`, naming the ``source`` of the pictures, for fewer than two classes."""
    if len(class_names) < 2:
        raise FoolingError(
            f"{source} has too few classes for a classifier",
            found=", ".join(class_names) or "none",
            expected="pictures of two classes or more",
        )


def _dataset_from(arrays: Mapping[str, NDArray[Any]], header: Mapping[str, Any], *, source: object) -> Dataset:
    described = checked_header(DatasetHeader, header, source=source)
    require_arrays(arrays, ARRAYS, source=source)
    try:
        return Dataset(
            name=described.name,
            class_names=described.class_names,
            provenance=described.provenance,
            **{name: arrays[name] for name in _NAMES},
        )
    except ValueError as error:
        remedy = "delete it and fetch the data set again"
        raise FoolingError(f"{source} is not a valid data set", found=error, remedy=remedy) from None


if TYPE_CHECKING:
    from numpy.typing import NDArray


def stratified_split(
    labels: NDArray[np.int64], *, test_fraction: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw a test set by seed, with the same share of every class.

    ``labels`` is ``(N,)``. Returns the indices of the training and of the test images, each in ascending order. Raises
    ``ValueError`` if a class or a part has too few images.
    """
    # Imported here because it takes a second.
    from sklearn.model_selection import train_test_split  # type: ignore[import-untyped]

    train, test = train_test_split(
        np.arange(len(labels)),
        test_size=test_fraction,
        stratify=labels,
        random_state=derived_seed(seed, "test split") % 2**32,
    )
    return np.sort(train), np.sort(test)
