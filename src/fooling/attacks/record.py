"""The result of an attack, the file of one that optimises images one by one, and the choice of settings by them.

All is readable without torch. Settings are chosen on pilot classifiers, by the evaluations that an attack needs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from fooling.artifacts import read_arrays, write_arrays
from fooling.messages import FoolingError
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
from fooling.settings import LARGEST_SEED, Settings, checked_settings

KIND, VERSION = "gradient-ascent", 1
MOST_EVALUATIONS = 10**12
S = TypeVar("S", bound=Settings)

Norm = Literal["l2", "linf"]
#: Size of a change on the 0..1 scale of levels: none within the range of images is larger than 1.
Size = Annotated[float, Field(gt=0, le=1)]


@dataclass(frozen=True, kw_only=True)
class AttackRecord:
    """The result of an attack on one classifier: images, each with its confidence in the class it was made for."""

    settings: Mapping[str, Any]
    classifier: Mapping[str, Any]  # its name and the SHA-256 of its file
    class_names: tuple[str, ...]
    versions: Mapping[str, str]  # of the packages that decide the result
    images: NDArray[np.uint8]  # (B, C, H, W) as they were scored
    confidences: NDArray[np.float32]  # (B,) of each image in its class
    log_odds: NDArray[np.float64]  # (B,) log(p / (1 - p)) of the same

    @property
    def median_confidence(self) -> float:
        """Median confidence over all images."""
        return float(np.median(self.confidences))


@dataclass(frozen=True, kw_only=True)
class Trajectory:
    """Some of an attack's steps: the images as they would have been stored there, scored."""

    steps: NDArray[np.int64]  # (T,) the first is 0, the last the number of steps
    evaluations: NDArray[np.int64]  # (T,) of one image, its scoring included
    confidences: NDArray[np.float32]  # (T, B)
    log_odds: NDArray[np.float64]  # (T, B)


@dataclass(frozen=True, kw_only=True)
class TargetedRecord(AttackRecord):
    """Images that were optimised one by one: from each start one for each target class, start after start."""

    name: str
    classes: NDArray[np.int64]  # (B,)
    seeds: NDArray[np.int64]  # (B,) of the start
    trajectory: Trajectory


class AttackedClassifier(Header):
    """The classifier in the header of a record."""

    name: str
    """Name of the attacked classifier."""
    sha256: str
    """SHA-256 of its file."""


class AttackHeader(Header):
    """The part of the header that the files of all attacks have."""

    settings: dict[str, Any]
    """Settings of the attack, complete."""
    classifier: AttackedClassifier
    class_names: tuple[str, ...]
    """Names of the classes for which there are images."""
    versions: dict[str, str]
    """Versions of the packages that decide the result."""


class TargetedHeader(AttackHeader):
    """The header of a file of images that were optimised one by one."""

    name: str
    """Name of the attack in the study."""


def scores(part: str, form: str, *, doc: str) -> tuple[Array, Array]:
    """Declare the arrays of confidences and log-odds in a ``part`` of a record, with lengths such as ``T K``."""
    return (
        Array(name=f"{part}confidences", form=f"float32 {form}", least=0, most=1, doc=doc),
        Array(
            name=f"{part}log_odds",
            form=f"float64 {form}",
            least=-FINITE64,
            most=FINITE64,
            doc="log(p / (1 - p)) of the same.",
        ),
    )


def counts(name: str, *, doc: str, least: int = 0) -> Array:
    """Declare an array of T counts of steps, generations or evaluations."""
    return Array(name=name, form="int64 T", least=least, most=MOST_EVALUATIONS, doc=doc)


ARRAYS = (
    Array(name="images", form="uint8 B C H W", doc="The images as they were scored."),
    *scores("", "B", doc="Confidence of each image in its class."),
    Array(name="classes", form="int64 B", doc="Target class of each image, from 0."),
    Array(name="seeds", form="int64 B", least=0, most=2 * LARGEST_SEED, doc="Seed of the start of each image."),
    counts("trajectory/steps", doc="Steps after which the images were scored: 0 is the start, the last one the end."),
    counts(
        "trajectory/evaluations",
        doc="Evaluations of the network for one image until then, its scoring included.",
        least=1,
    ),
    *scores("trajectory/", "T B", doc="Confidences at these steps."),
)
FORMAT = FileFormat(
    kind=KIND,
    version=VERSION,
    path="ascent/{classifier}/{attack}.safetensors",
    commands=("attack ascent",),
    header=TargetedHeader,
    arrays=ARRAYS,
    lengths={"B": "images: for each start, one for each target class", "T": "steps that are kept"} | IMAGE_LENGTHS,
    doc="Images that were optimised one by one: from each start one for each target class, start after start.",
)
_HEADER = tuple(TargetedHeader.model_fields)
_ARRAYS = tuple(part.name for part in fields(TargetedRecord) if part.name not in (*_HEADER, "trajectory"))
_TRAJECTORY = tuple(part.name for part in fields(Trajectory))


def save_attack(path: Path, record: TargetedRecord) -> None:
    """Write ``record`` as one safetensors file.

    Raises :class:`FoolingError` for a record that :func:`load_attack` would refuse.
    """
    arrays = {name: getattr(record, name) for name in _ARRAYS}
    arrays |= {f"trajectory/{name}": getattr(record.trajectory, name) for name in _TRAJECTORY}
    header = {name: getattr(record, name) for name in _HEADER}
    _record_from(arrays, header, source=f"the record of {record.name}")
    write_arrays(path, arrays, kind=KIND, version=VERSION, header=header)


def load_attack(path: Path) -> TargetedRecord:
    """Return what :func:`save_attack` wrote.

    Raises :class:`FoolingError` for any other file, and for a missing part.
    """
    arrays, header = read_arrays(path, kind=KIND, version=VERSION)
    return _record_from(arrays, header, source=path)


def _record_from(arrays: Mapping[str, NDArray[Any]], header: Mapping[str, Any], *, source: object) -> TargetedRecord:
    described = checked_header(TargetedHeader, header, source=source)
    require_arrays(arrays, ARRAYS, source=source)
    require_range("classes", arrays["classes"], least=0, most=len(described.class_names) - 1, source=source)
    if arrays["images"].shape[1] not in (1, 3):
        raise FoolingError(f"{source} holds no images", found=arrays["images"].shape, expected="1 or 3 channels")
    trajectory: dict[str, Any] = {name: arrays[f"trajectory/{name}"] for name in _TRAJECTORY}
    plain: dict[str, Any] = {name: arrays[name] for name in _ARRAYS}
    return TargetedRecord(**described.model_dump(), **plain, trajectory=Trajectory(**trajectory))


@dataclass(frozen=True, kw_only=True)
class Tried:
    """One setting on the pilot classifiers."""

    name: str
    settings: Mapping[str, Any]
    networks: int
    runs: int  # all classes from one start on one classifier
    reached: float  # share of the runs whose median class reached the threshold
    evaluations: float  # median over the runs, of an image for every class; infinite: not reached


def tried_settings(pilots: Sequence[TargetedRecord], *, threshold: float) -> list[Tried]:
    """Compute how soon each setting reached the ``threshold`` on the pilots, in the order of its first record."""
    found = []
    for name in dict.fromkeys(pilot.name for pilot in pilots):
        records = [pilot for pilot in pilots if pilot.name == name]
        if any(record.settings != records[0].settings for record in records):
            raise FoolingError(
                f"the pilots of {name} cannot be compared",
                found="records of one name with different settings",
                expected="the same settings on every classifier",
            )
        needed = np.concatenate([evaluations_needed(record, threshold=threshold) for record in records])
        found.append(
            Tried(
                name=name,
                settings=records[0].settings,
                networks=len({record.classifier["sha256"] for record in records}),
                runs=len(needed),
                reached=float(np.isfinite(needed).mean()),
                evaluations=float(np.quantile(needed, 0.5, method="inverted_cdf")),
            )
        )
    return found


def best_of(tried: Sequence[Tried]) -> Tried:
    """Return the setting that most runs reached the threshold with; of several, the one of fewest evaluations."""
    return min(tried, key=lambda setting: (-setting.reached, setting.evaluations))


def chosen_settings(
    pilots: Mapping[str, TargetedRecord], settings: S, *, attacked: str, threshold: float
) -> tuple[S, str]:
    """Choose the settings with which an attack needs the fewest evaluations on the pilots.

    Args:
        pilots: Records on pilot classifiers, by the files that they are from.
        settings: Settings of the attack; of these only the seeds are used.
        attacked: SHA-256 of the classifier that is attacked with the choice.
        threshold: Confidence that the median class must reach.

    Returns:
        The settings, and a sentence about the choice.

    Raises:
        FoolingError: A pilot is on the classifier that is attacked, or pilots of one name have different settings.
    """
    if same := [file for file, record in pilots.items() if record.classifier["sha256"] == attacked]:
        raise FoolingError(
            "a pilot is on the classifier that is attacked, for which the choice is reported",
            found=same[0],
            expected="pilots on other classifiers",
        )
    best = best_of(tried_settings(list(pilots.values()), threshold=threshold))
    values = {**best.settings, "seeds": settings.model_dump(mode="json")["seeds"]}
    told = f"settings chosen on {best.runs} pilot runs: {best.name}, {best.evaluations:,.0f} evaluations"
    return checked_settings(type(settings), values, source=f"the record of {best.name}"), told


def evaluations_needed(record: TargetedRecord, *, threshold: float) -> NDArray[np.float64]:
    """Return the evaluations (starts,), for all classes, until the median class reached the ``threshold``."""
    confidences = record.trajectory.confidences.astype(np.float64)
    needed = []
    for seed in np.unique(record.seeds):
        there = np.median(confidences[:, record.seeds == seed], axis=1) >= threshold
        step = int(there.argmax())
        needed.append(len(record.class_names) * record.trajectory.evaluations[step] if there[step] else np.inf)
    return np.array(needed, dtype=np.float64)
