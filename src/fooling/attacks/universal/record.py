"""Universal perturbations, random ones, and images with them: settings, record and file; readable without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from fooling.artifacts import read_arrays, write_arrays
from fooling.attacks.record import AttackedClassifier, AttackHeader, AttackRecord, Norm, Size, scores
from fooling.datasets.dataset import Dataset
from fooling.messages import REMEDY, FoolingError
from fooling.reproducibility import numpy_generator
from fooling.schemas import IMAGE_LENGTHS, Array, FileFormat, Header, checked_header, require_arrays, require_range
from fooling.settings import Seed, Settings

KIND, VERSION = "universal", 1
LEVELS = 255.0

Number = Annotated[int, Field(ge=1, le=1_000_000)]


class Perturbation(NamedTuple):
    """One perturbation of a record: its norm and size, the images it was found on, and the network's round."""

    norm: Norm
    size: float
    """On the 0..1 scale: the largest change of a pixel for linf, the root mean square over all pixels for l2."""
    images: int
    """Images on which it was found."""
    round: int
    """Rounds of fine-tuning of the network that is attacked; 0: the network as it is."""


class UniversalSettings(Settings):
    """One perturbation for all images, found on some of them, beside random perturbations of the same norm."""

    seed: Seed = 1
    """Seed that draws the images, the batches and the random perturbations."""
    sizes_linf: tuple[Size, ...] = (0.04, 0.1, 0.2, 0.3)
    """Sizes for linf: the largest change of a pixel, on the 0..1 scale of levels."""
    sizes_l2: tuple[Size, ...] = (0.04, 0.1, 0.2, 0.3)
    """Sizes for l2: the root mean square of the change over all pixels, on the 0..1 scale of levels. The same size for
    linf has the same root mean square, or a smaller one."""
    compared_size: Size = 0.1
    """The size, one of `sizes_linf`, at which numbers of images and fine-tuned networks are compared."""
    images: Number = 1000
    """Images on which each perturbation is found: training images, or test images if there are none for training."""
    fewer_images: tuple[Number, ...] = (10, 100)
    """Smaller numbers of images, on which further perturbations of `compared_size` are found."""
    unseen: Number = 1000
    """Test images, none of them used, on which the perturbations are tried."""
    steps: Annotated[int, Field(ge=1, le=100_000)] = 100
    """Steps of each perturbation, each against the gradient of one batch."""
    batch: Annotated[int, Field(ge=1, le=10_000)] = 100
    """Images of a batch; with fewer images, a batch has all of them."""
    controls: Annotated[int, Field(ge=1, le=1000)] = 5
    """Random perturbations beside each one, of the same norm and size."""
    rounds: Annotated[int, Field(ge=0, le=100)] = 0
    """Times that a copy of the network is fine-tuned on perturbed training images and attacked again; 0: never."""
    tuning_steps: Annotated[int, Field(ge=1, le=1_000_000)] = 200
    """Steps of each fine-tuning. Each image of a batch is perturbed with probability 1/2."""
    tuning_batch: Annotated[int, Field(ge=1, le=10_000)] = 64
    """Training images of a batch of the fine-tuning."""
    tuning_rate: Annotated[float, Field(gt=0, le=10)] = 0.01
    """Learning rate of the fine-tuning: gradient descent with a momentum of .9, without weight decay."""
    examples: Annotated[int, Field(ge=1, le=1000)] = 5
    """Perturbed unseen images that are stored of each perturbation."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for key in ("sizes_linf", "sizes_l2", "fewer_images"):
            values = getattr(self, key)
            if len(set(values)) < len(values):
                raise ValueError(f"unique values in {key}")
        if self.compared_size not in self.sizes_linf:
            raise ValueError(f"a compared_size that is one of sizes_linf, {', '.join(map(str, self.sizes_linf))}")
        if any(number >= self.images for number in self.fewer_images):
            raise ValueError(f"in fewer_images numbers below images, which is {self.images}")
        if self.examples > self.unseen:
            raise ValueError(f"at most as many examples as unseen images, which are {self.unseen}")
        return self

    def columns(self) -> list[Perturbation]:
        """Return the perturbations, in the order of the record: those of fine-tuned networks are last."""
        compared: tuple[Norm, float] = ("linf", self.compared_size)
        swept: list[tuple[Norm, float]] = [("linf", size) for size in self.sizes_linf]
        swept += [("l2", size) for size in self.sizes_l2]
        return [
            *(Perturbation(*compared, images, 0) for images in sorted(self.fewer_images)),
            *(Perturbation(norm, size, self.images, 0) for norm, size in swept),
            *(Perturbation(*compared, self.images, number) for number in range(1, self.rounds + 1)),
        ]


@dataclass(frozen=True, kw_only=True)
class UniversalRecord(AttackRecord):
    """Universal perturbations of one classifier, a column for each, beside random perturbations of the same norm.

    ``images``, ``confidences`` and ``log_odds`` are of examples: the first E unseen images with each perturbation.
    """

    name: str
    dataset: Mapping[str, str]  # its name and the SHA-256 of its file
    seed: int  # of the settings, from which the random perturbations are drawn
    columns: tuple[Perturbation, ...]  # P of them
    seen_from: Literal["training", "test"]  # the part of the data set with the images that were used
    perturbations: NDArray[np.float32]  # (P, C, H, W) on the 0..1 scale
    labels: NDArray[np.int64]  # (B,) most probable class of each example
    real: NDArray[np.uint8]  # (E, C, H, W) the examples without perturbation
    seen_indices: NDArray[np.int64]  # (S,) a column with n images used the first n
    seen_labels: NDArray[np.int64]  # (P, S) most probable class without the perturbation
    seen_changed: NDArray[np.int64]  # (P, S) with it
    unseen_indices: NDArray[np.int64]  # (N,) among the test images
    unseen_classes: NDArray[np.int64]  # (N,) true classes
    unseen_labels: NDArray[np.int64]  # (P, N)
    unseen_changed: NDArray[np.int64]  # (P, N)
    unseen_former: NDArray[np.int64]  # (P, N) with the perturbation of the round before
    control_changed: NDArray[np.int64]  # (P, R, N) of the unseen images, with each random perturbation

    def examples_of(self, place: int) -> slice:
        """Return the rows of the examples of a column."""
        return slice(place * len(self.real), (place + 1) * len(self.real))


class AttackedDataset(Header):
    """The data set in the header."""

    name: str
    """Name of the data set with the real images."""
    sha256: str
    """SHA-256 of its file."""


class UniversalHeader(AttackHeader):
    """The header of a file of universal perturbations."""

    name: str
    """Name of the attack in the study."""
    classifier: AttackedClassifier
    dataset: AttackedDataset
    seed: Seed
    """Seed of the settings, from which the random perturbations are drawn."""
    norms: tuple[Norm, ...]
    """Norm of each column."""
    sizes: tuple[Size, ...]
    """Size of each column on the 0..1 scale: largest change for linf, root mean square for l2."""
    images_used: tuple[int, ...]
    """Number of images on which each column was found."""
    rounds: tuple[int, ...]
    """Rounds of fine-tuning of the network that each column attacks; 0: the network as it is."""
    seen_from: Literal["training", "test"]
    """Part of the data set with the images that were used."""


ARRAYS = (
    Array(
        name="perturbations",
        form="float32 P C H W",
        least=-1,
        most=1,
        doc="The perturbations, on the 0..1 scale of levels.",
    ),
    Array(name="images", form="uint8 B C H W", doc="Examples: unseen images with each perturbation, as scored."),
    *scores("", "B", doc="Confidence of each example in its label."),
    Array(name="labels", form="int64 B", least=0, doc="Most probable class of each example, from 0."),
    Array(name="real", form="uint8 E C H W", doc="The same images without a perturbation."),
    Array(name="seen_indices", form="int64 S", least=0, doc="Images used, from 0; a column with n images used n."),
    Array(name="seen_labels", form="int64 P S", least=0, doc="Their most probable class without perturbation."),
    Array(name="seen_changed", form="int64 P S", least=0, doc="The same of the stored perturbed images."),
    Array(name="unseen_indices", form="int64 N", least=0, doc="Other images, among the test images, from 0."),
    Array(name="unseen_classes", form="int64 N", least=0, doc="Their true classes, from 0."),
    Array(name="unseen_labels", form="int64 P N", least=0, doc="Their most probable class without perturbation."),
    Array(name="unseen_changed", form="int64 P N", least=0, doc="The same of the stored perturbed images."),
    Array(
        name="unseen_former",
        form="int64 P N",
        least=0,
        doc="The same with the perturbation of the round before; of round 0, with the column's own.",
    ),
    Array(name="control_changed", form="int64 P R N", least=0, doc="The same with random perturbations."),
)
FORMAT = FileFormat(
    kind=KIND,
    version=VERSION,
    path="universal/{classifier}/{attack}.safetensors",
    commands=("attack universal",),
    header=UniversalHeader,
    arrays=ARRAYS,
    lengths={
        "P": "perturbations",
        "B": "examples: for each perturbation the first E unseen images",
        "E": "examples of each perturbation",
        "S": "images used",
        "N": "unseen images",
        "R": "random perturbations of each norm and size",
    }
    | IMAGE_LENGTHS,
    doc="Universal perturbations: one change for all images, for each norm and size, number of images used and round "
    "of fine-tuning, beside random changes of the same norm.",
)
_COLUMN = ("norms", "sizes", "images_used", "rounds")
_HEADER = tuple(name for name in UniversalHeader.model_fields if name not in _COLUMN)
_LABELS = tuple(array.name for array in ARRAYS if array.name.endswith(("labels", "classes", "changed", "former")))


def perturbed(images: NDArray[np.uint8], change: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return ``images`` (B, C, H, W) with a ``change`` (C, H, W) on the 0..1 scale, clipped and rounded to levels."""
    stored: NDArray[np.uint8] = np.rint(images + LEVELS * change.astype(np.float64)).clip(0, LEVELS).astype(np.uint8)
    return stored


def random_change(seen: NDArray[np.bool_], column: Perturbation, *, seed: int, number: int) -> NDArray[np.float64]:
    """Return a random perturbation (C, H, W) of the norm and size of a ``column``, of the pixels that are ``seen``.

    For linf each pixel has a random sign, for l2 the direction is that of Gaussian noise. Each ``number`` is another
    one; columns that differ in their images or rounds have the same.
    """
    generator = numpy_generator(seed, "universal control", column.norm, repr(column.size), number)
    noise = generator.standard_normal(seen.shape) * seen
    if column.norm == "linf":
        return np.asarray(column.size * np.sign(noise))
    return np.asarray(noise * (column.size / np.sqrt(np.square(noise).mean())))


def drawn_images(settings: UniversalSettings, dataset: Dataset) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the indices of the images that are used (S,) and of unseen test images (N,); they never overlap.

    The used ones are training images, or further test images if there are none for training. Raises
    :class:`FoolingError` if the data set has too few.
    """
    test = numpy_generator(settings.seed, "universal unseen").permutation(len(dataset.test_images))
    unseen, others = test[: settings.unseen], test[settings.unseen :]
    if dataset.has_training_images:
        others = numpy_generator(settings.seed, "universal seen").permutation(len(dataset.train_images))
    if len(others) < settings.images or len(unseen) < settings.unseen:
        needed = "" if dataset.has_training_images else ", all of them test images"
        raise FoolingError(
            f"the data set {dataset.name} has too few images for universal perturbations",
            found=dataset.summary,
            expected=f"{settings.images} images to use and {settings.unseen} unseen test images{needed}",
            remedy="lower images or unseen",
        )
    return others[: settings.images].astype(np.int64), unseen.astype(np.int64)


def save_universal(path: Path, record: UniversalRecord) -> None:
    """Write ``record`` as one safetensors file.

    Raises :class:`FoolingError` for a record that :func:`load_universal` would refuse.
    """
    arrays = {array.name: getattr(record, array.name) for array in ARRAYS}
    columns = dict(zip(_COLUMN, map(list, zip(*record.columns, strict=True)), strict=True))
    header = {name: getattr(record, name) for name in _HEADER} | columns
    _checked(arrays, header, source=f"the record of {record.name}")
    write_arrays(path, arrays, kind=KIND, version=VERSION, header=header)


def load_universal(path: Path) -> UniversalRecord:
    """Return what :func:`save_universal` wrote; raise :class:`FoolingError` for any other or a broken file."""
    arrays, header = read_arrays(path, kind=KIND, version=VERSION)
    return _checked(arrays, header, source=path)


def _checked(arrays: Mapping[str, NDArray[Any]], header: Mapping[str, Any], *, source: object) -> UniversalRecord:
    described = checked_header(UniversalHeader, header, source=source)
    require_arrays(arrays, ARRAYS, source=source)
    for name in _LABELS:
        require_range(name, arrays[name], least=0, most=len(described.class_names) - 1, source=source)
    if arrays["images"].shape[1] not in (1, 3):
        raise FoolingError(f"{source} holds no images", found=arrays["images"].shape, expected="1 or 3 channels")
    count, examples = len(arrays["perturbations"]), len(arrays["real"])
    lengths = {len(getattr(described, name)) for name in _COLUMN}
    used = len(arrays["seen_indices"])
    if (
        lengths != {count}
        or len(arrays["images"]) != count * examples
        or examples > len(arrays["unseen_indices"])
        or any(not 1 <= number <= used for number in described.images_used)
        or any(number < 0 for number in described.rounds)
    ):
        found = f"{count} perturbations, {len(arrays['images'])} examples of {examples} images, {used} images used"
        expected = f"{count} norms, sizes, numbers of images from 1 to {used} and rounds, {count * examples} examples"
        raise FoolingError(
            f"{source} has parts that do not fit together", found=found, expected=expected, remedy=REMEDY
        )
    columns = tuple(
        Perturbation(*values)
        for values in zip(described.norms, described.sizes, described.images_used, described.rounds, strict=True)
    )
    named = {name: value for name, value in described.model_dump().items() if name in _HEADER}
    named |= {array.name: arrays[array.name] for array in ARRAYS}
    return UniversalRecord(**named, columns=columns)
