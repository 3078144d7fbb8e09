"""Adversarial examples: settings, record and file; readable without torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from fooling.artifacts import read_arrays, write_arrays
from fooling.attacks.record import MOST_EVALUATIONS, AttackedClassifier, AttackHeader, AttackRecord, Norm, Size, scores
from fooling.messages import REMEDY, FoolingError
from fooling.schemas import (
    FINITE64,
    IMAGE_LENGTHS,
    Array,
    FileFormat,
    Header,
    checked_header,
    require_arrays,
    require_range,
)
from fooling.settings import Seed, Settings

KIND, VERSION = "adversarial", 1
NORMS = ("l2", "linf", "rms")

Method = Literal["l-bfgs", "fgsm", "pgd-l2", "pgd-linf", "deepfool", "hop-skip-jump"]
#: The norm in which each method looks for a small change.
NORM_OF: dict[Method, Norm] = {
    "l-bfgs": "l2",
    "fgsm": "linf",
    "pgd-l2": "l2",
    "pgd-linf": "linf",
    "deepfool": "l2",
    "hop-skip-jump": "l2",
}
#: Methods that are given a size; the others look for the smallest change.
SIZED: tuple[Method, ...] = ("fgsm", "pgd-l2", "pgd-linf")
#: Methods that need labels alone.
WITHOUT_GRADIENTS: tuple[Method, ...] = ("hop-skip-jump",)


class Change(NamedTuple):
    """One perturbation of every image: a method, and the size that it was given."""

    method: Method
    size: float | None
    """On the 0..1 scale: the root mean square of the change for l2, the largest change for linf; None: smallest."""

    @property
    def norm(self) -> Norm:
        """The norm of the method."""
        return NORM_OF[self.method]


class AdversarialSettings(Settings):
    """Small changes of real test images that the classifier then gets wrong, beside random changes of the same norm."""

    seed: Seed = 1
    """Seed that draws the images, the random perturbations and the random numbers of the methods."""
    images: Annotated[int, Field(ge=1, le=100_000)] = 20
    """Number of test images, evenly over the classes, of those that the classifier gets right."""
    methods: tuple[Method, ...] = tuple(NORM_OF)
    """Methods: `l-bfgs`, `deepfool` and `hop-skip-jump` look for the smallest change, `fgsm`, `pgd-l2` and `pgd-linf`
    make changes of given sizes. `hop-skip-jump` needs labels alone, the others gradients."""
    sizes_l2: tuple[Size, ...] = (0.02, 0.05, 0.1, 0.15, 0.2)
    """Sizes for `pgd-l2`: the root mean square of the change over all pixels, on the 0..1 scale of levels."""
    sizes_linf: tuple[Size, ...] = (0.02, 0.05, 0.1, 0.2, 0.3)
    """Sizes for `fgsm` and `pgd-linf`: the largest change of a pixel, on the 0..1 scale of levels."""
    pgd_steps: Annotated[int, Field(ge=1, le=10_000)] = 20
    """Steps of `pgd-l2` and `pgd-linf`, each of 2.5 times the size over this number."""
    target: Literal["most-probable", "random"] = "most-probable"
    """Class that `l-bfgs` aims at: the `most-probable` wrong class of the real image, or a `random` wrong class."""
    penalty_searches: Annotated[int, Field(ge=1, le=100)] = 12
    """Bisections of the weight of the norm in `l-bfgs`, after the range of weights is found."""
    iterations: Annotated[int, Field(ge=1, le=10_000)] = 20
    """Most iterations of `l-bfgs` for each weight."""
    overshoot: Annotated[float, Field(ge=0, le=1)] = 0.02
    """Share by which `deepfool` goes beyond the boundary that it finds."""
    boundary_steps: Annotated[int, Field(ge=1, le=1000)] = 4
    """Steps of `hop-skip-jump`."""
    boundary_queries: Annotated[int, Field(ge=2, le=100_000)] = 50
    """Queries from which `hop-skip-jump` estimates the first direction; later steps use more, as their square root."""
    chunk: Annotated[int, Field(ge=1, le=10_000)] = 10
    """Images of a step of the run, after which it can be interrupted."""

    @model_validator(mode="after")
    def _some_and_unique(self) -> Self:
        for key in ("methods", "sizes_l2", "sizes_linf"):
            values = getattr(self, key)
            if not values or len(set(values)) < len(values):
                raise ValueError(f"at least one value in {key}, and unique values")
        return self

    def sizes_of(self, method: Method) -> Sequence[float | None]:
        """Return the sizes of a method; a single None if it looks for the smallest change."""
        if method not in SIZED:
            return (None,)
        return self.sizes_l2 if NORM_OF[method] == "l2" else self.sizes_linf

    def columns(self) -> list[Change]:
        """Return the perturbations of every image, in the order of the record."""
        return [Change(method, size) for method in self.methods for size in self.sizes_of(method)]


@dataclass(frozen=True, kw_only=True)
class Perturbed:
    """Changed images: B of them, for each column (method and size) the N real images in their order."""

    images: NDArray[np.uint8]  # (B, C, H, W) as stored
    confidences: NDArray[np.float32]  # (B,) in the label of the stored image
    log_odds: NDArray[np.float64]  # (B,) of the same
    labels: NDArray[np.int64]  # (B,) most probable class of the stored image
    unrounded_labels: NDArray[np.int64]  # (B,) the same before rounding
    norms: NDArray[np.float64]  # (B, 3) l2, linf and rms of the unrounded change, on the 0..1 scale
    stored_norms: NDArray[np.float64]  # (B, 3) of the stored change


@dataclass(frozen=True, kw_only=True)
class RealImages:
    """The N test images that were changed; the classifier gets all of them right."""

    images: NDArray[np.uint8]  # (N, C, H, W)
    indices: NDArray[np.int64]  # (N,) among the test images of the data set
    classes: NDArray[np.int64]  # (N,) true classes
    confidences: NDArray[np.float32]  # (N,) in the true class


@dataclass(frozen=True, kw_only=True)
class AdversarialRecord(AttackRecord):
    """Adversarial examples of one classifier, each beside noise of the same norm."""

    name: str
    dataset: Mapping[str, str]  # its name and the SHA-256 of its file
    methods: tuple[Method, ...]  # of each column
    sizes: tuple[float | None, ...]  # of each column; None: the smallest change
    labels: NDArray[np.int64]
    unrounded_labels: NDArray[np.int64]
    norms: NDArray[np.float64]
    stored_norms: NDArray[np.float64]
    evaluations: NDArray[np.int64]  # (B,) of the classifier by the method, for each image
    real: RealImages
    noise: Perturbed

    @property
    def found(self) -> Perturbed:
        """The images that the methods made."""
        return Perturbed(**{part.name: getattr(self, part.name) for part in fields(Perturbed)})

    def columns(self) -> Iterator[tuple[Change, slice]]:
        """Yield each method with its size, and the rows of its images, in the order of the real images."""
        count = len(self.real.indices)
        for place, (method, size) in enumerate(zip(self.methods, self.sizes, strict=True)):
            yield Change(method, size), slice(place * count, (place + 1) * count)


class AttackedDataset(Header):
    """The data set in the header."""

    name: str
    """Name of the data set with the real images."""
    sha256: str
    """SHA-256 of its file."""


class AdversarialHeader(AttackHeader):
    """The header of a file of adversarial examples."""

    name: str
    """Name of the attack in the study."""
    classifier: AttackedClassifier
    dataset: AttackedDataset
    methods: tuple[Method, ...]
    """Method of each column."""
    sizes: tuple[float | None, ...]
    """Size that it was given, on the 0..1 scale: root mean square for l2, largest change for linf; null: smallest."""


def _perturbed(part: str, made: str) -> tuple[Array, ...]:
    """Declare the arrays of changed images in a ``part`` of a record."""
    return (
        Array(name=f"{part}images", form="uint8 B C H W", doc=f"{made}, as they were stored and scored."),
        *scores(part, "B", doc="Confidence of each image in its label."),
        Array(name=f"{part}labels", form="int64 B", doc="Most probable class of each stored image, from 0."),
        Array(name=f"{part}unrounded_labels", form="int64 B", doc="The same before rounding to levels."),
        Array(
            name=f"{part}norms",
            form="float64 B 3",
            least=0,
            most=FINITE64,
            doc="Norms of the change before rounding, on the 0..1 scale: l2, largest change, root mean square.",
        ),
        Array(
            name=f"{part}stored_norms", form="float64 B 3", least=0, most=FINITE64, doc="The same of the stored change."
        ),
    )


ARRAYS = (
    *_perturbed("", "The images that the methods made"),
    Array(
        name="evaluations",
        form="int64 B",
        least=0,
        most=MOST_EVALUATIONS,
        doc="Evaluations of the network for one image: 1 for a forward pass, 2 for a backward pass.",
    ),
    *_perturbed("noise/", "Random changes of the same images with the same norms"),
    Array(name="real/images", form="uint8 N C H W", doc="The real images."),
    Array(name="real/indices", form="int64 N", least=0, doc="Their indices among the test images, from 0."),
    Array(name="real/classes", form="int64 N", doc="Their classes, from 0."),
    Array(name="real/confidences", form="float32 N", least=0, most=1, doc="Confidence of each in its class."),
)
FORMAT = FileFormat(
    kind=KIND,
    version=VERSION,
    path="adversarial/{classifier}/{attack}.safetensors",
    commands=("attack adversarial",),
    header=AdversarialHeader,
    arrays=ARRAYS,
    lengths={"B": "changed images: for each column the N real images in their order", "N": "real images"}
    | IMAGE_LENGTHS,
    doc="Adversarial examples: real images changed by each method at each size (a column), and noise of the same norm.",
)
#: Names of the arrays that change during a run.
COMPUTED = tuple(array.name for array in ARRAYS if not array.name.startswith("real/"))
_HEADER = tuple(AdversarialHeader.model_fields)


def arrays_of(record: AdversarialRecord) -> dict[str, NDArray[Any]]:
    """Return the arrays of a record by their names in its file."""
    found = {array.name: array.name.rpartition("/") for array in ARRAYS}
    parts = {"": record, "noise": record.noise, "real": record.real}
    return {name: getattr(parts[part], field) for name, (part, _, field) in found.items()}


def record_of(arrays: Mapping[str, NDArray[Any]], header: Mapping[str, Any]) -> AdversarialRecord:
    """Return the record with these arrays, by their names in its file, and with the keys of the header."""
    parts: dict[str, dict[str, Any]] = {"": {}, "noise": {}, "real": {}}
    for array in ARRAYS:
        part, _, field = array.name.rpartition("/")
        parts[part][field] = arrays[array.name]
    return AdversarialRecord(**header, **parts[""], noise=Perturbed(**parts["noise"]), real=RealImages(**parts["real"]))


def save_adversarial(path: Path, record: AdversarialRecord) -> None:
    """Write ``record`` as one safetensors file.

    Raises :class:`FoolingError` for a record that :func:`load_adversarial` would refuse.
    """
    arrays, header = arrays_of(record), {name: getattr(record, name) for name in _HEADER}
    _checked(arrays, header, source=f"the record of {record.name}")
    write_arrays(path, arrays, kind=KIND, version=VERSION, header=header)


def load_adversarial(path: Path) -> AdversarialRecord:
    """Return what :func:`save_adversarial` wrote; raise :class:`FoolingError` for any other or a broken file."""
    arrays, header = read_arrays(path, kind=KIND, version=VERSION)
    return _checked(arrays, header, source=path)


def _checked(arrays: Mapping[str, NDArray[Any]], header: Mapping[str, Any], *, source: object) -> AdversarialRecord:
    described = checked_header(AdversarialHeader, header, source=source)
    require_arrays(arrays, ARRAYS, source=source)
    classes, count = len(described.class_names), len(arrays["real/indices"])
    for name in ("labels", "unrounded_labels", "noise/labels", "noise/unrounded_labels"):
        require_range(name, arrays[name], least=0, most=classes - 1, source=source)
    require_range("real/classes", arrays["real/classes"], least=0, most=classes - 1, source=source)
    if arrays["images"].shape[1] not in (1, 3):
        raise FoolingError(f"{source} holds no images", found=arrays["images"].shape, expected="1 or 3 channels")
    if len(arrays["images"]) != len(described.methods) * count or len(described.sizes) != len(described.methods):
        found = f"{len(arrays['images'])} images, {len(described.methods)} methods, {len(described.sizes)} sizes"
        expected = f"{count} images for each method and size"
        raise FoolingError(
            f"{source} has parts that do not fit together", found=found, expected=expected, remedy=REMEDY
        )
    if any(size is not None and not 0 < size <= 1 for size in described.sizes):
        raise FoolingError(f"{source} has invalid sizes", found=described.sizes, expected="0 to 1", remedy=REMEDY)
    return record_of(arrays, described.model_dump())
