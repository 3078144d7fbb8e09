"""What a run leaves behind: its archive, history and lineage as arrays on disk, readable without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fooling.artifacts import read_arrays, write_arrays
from fooling.contents import FINITE32, FINITE64, Header, checked_header, require_layout, require_range
from fooling.errors import FoolingError
from fooling.evolution.packing import packed, unpacked
from fooling.settings import Seed

KIND, VERSION = "archive", 2
MOST_EVALUATIONS = 10**12


@dataclass(frozen=True, kw_only=True)
class Lineage:
    """One row for every entry into a cell, in the order of entry; champions that were replaced stay in it."""

    individual: NDArray[np.int64]  # (M,) its evaluation number, counted from 0
    class_index: NDArray[np.int64]  # (M,) the cell it entered
    generation: NDArray[np.int64]  # (M,)
    parents: NDArray[np.int64]  # (M, 2) individuals; -1 where there is none
    confidence: NDArray[np.float32]  # (M,) in the class it entered


@dataclass(frozen=True, kw_only=True)
class History:
    """The champions after the generations that are kept; row 0 is the archive after the start, the last one its end."""

    generations: NDArray[np.int64]  # (T,)
    evaluations: NDArray[np.int64]  # (T,) images scored so far
    confidences: NDArray[np.float32]  # (T, K)
    log_odds: NDArray[np.float64]  # (T, K)


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """The result of one search with one seed against one classifier, with a cell for each of K classes."""

    search: str  # map-elites, random-search or drift
    encoding: str  # direct or cppn
    settings: Mapping[str, Any]
    seed: int
    classifier: Mapping[str, Any]  # its name and the SHA-256 of its file
    class_names: tuple[str, ...]
    versions: Mapping[str, str]  # of the packages that decide the result
    confidences: NDArray[np.float32]  # (K,) of each champion in its class
    log_odds: NDArray[np.float64]  # (K,) log(p / (1 - p)) of the same
    logits: NDArray[np.float32]  # (K, L) of each champion for all classes, also those without a cell
    images: NDArray[np.uint8]  # (K, C, H, W) the champions as they were scored
    generations: NDArray[np.int64]  # (K,) in which each champion was found
    individuals: NDArray[np.int64]  # (K,)
    parents: NDArray[np.int64]  # (K, 2)
    start_images: NDArray[np.uint8]  # (K, C, H, W) the champions after the start
    genomes: Mapping[str, NDArray[Any]]
    history: History
    lineage: Lineage


class RunClassifier(Header):
    """The classifier of a run."""

    name: str
    sha256: str


class RunHeader(Header):
    """The words and numbers of a run."""

    search: Literal["map-elites", "random-search", "drift"]
    encoding: Literal["direct", "cppn"]
    settings: dict[str, Any]
    seed: Seed
    classifier: RunClassifier
    class_names: tuple[str, ...]
    versions: dict[str, str]


#: Type and shape of every array but the images, which are packed: K classes with a cell of L in all, T generations, m
#: entries.
LAYOUT = {
    "confidences": "float32 K",
    "log_odds": "float64 K",
    "logits": "float32 K L",
    "generations": "int64 K",
    "individuals": "int64 K",
    "parents": "int64 K 2",
    "history/generations": "int64 T",
    "history/evaluations": "int64 T",
    "history/confidences": "float32 T K",
    "history/log_odds": "float64 T K",
    "lineage/individual": "int64 m",
    "lineage/class_index": "int64 m",
    "lineage/generation": "int64 m",
    "lineage/parents": "int64 m 2",
    "lineage/confidence": "float32 m",
}
RANGES = {
    "confidences": (0, 1),
    "log_odds": (-FINITE64, FINITE64),
    "logits": (-FINITE32, FINITE32),
    "history/generations": (0, MOST_EVALUATIONS),
    "history/evaluations": (1, MOST_EVALUATIONS),
    "history/confidences": (0, 1),
    "history/log_odds": (-FINITE64, FINITE64),
}
_HEADER = tuple(RunHeader.model_fields)
_PARTS: dict[str, type[History] | type[Lineage]] = {"history": History, "lineage": Lineage}
_IMAGES = ("images", "start_images")
_ARRAYS = tuple(part.name for part in fields(RunRecord) if part.name not in (*_HEADER, *_PARTS, *_IMAGES, "genomes"))


def save_run(path: Path, record: RunRecord) -> None:
    """Write ``record`` as one safetensors file; :class:`FoolingError` for one that :func:`load_run` would refuse."""
    arrays, header = arrays_of(record), header_of(record)
    record_from(arrays, header, source=f"the run of seed {record.seed}")
    write_arrays(path, arrays, kind=KIND, version=VERSION, header=header)


def load_run(path: Path) -> RunRecord:
    """The run that :func:`save_run` wrote; :class:`FoolingError` for anything else, or where a part is missing."""
    arrays, header = read_arrays(path, kind=KIND, version=VERSION)
    return record_from(arrays, header, source=path)


def arrays_of(record: RunRecord) -> dict[str, NDArray[Any]]:
    """The arrays of ``record``, those of a part or of packed images named ``part/array``."""
    arrays = {name: getattr(record, name) for name in _ARRAYS}
    for name in _IMAGES:
        arrays |= {f"{name}/{part}": array for part, array in packed(getattr(record, name)).items()}
    arrays |= {f"genomes/{name}": array for name, array in record.genomes.items()}
    for name, part in _PARTS.items():
        arrays |= {f"{name}/{column.name}": getattr(getattr(record, name), column.name) for column in fields(part)}
    return arrays


def header_of(record: RunRecord) -> dict[str, Any]:
    """What ``record`` says of itself in words and numbers."""
    return {name: getattr(record, name) for name in _HEADER}


def record_from(arrays: Mapping[str, NDArray[Any]], header: Mapping[str, Any], *, source: object) -> RunRecord:
    """The inverse of :func:`arrays_of` and :func:`header_of`.

    Raises :class:`FoolingError`, naming the ``source``, for a missing part, and for one of another type or shape.
    """
    described = checked_header(RunHeader, header, source=source)
    require_layout(arrays, LAYOUT, source=source, K=len(described.class_names))
    if (outputs := arrays["logits"].shape[1]) < len(described.class_names):
        expected = f"at least one for each of {len(described.class_names)} classes"
        raise FoolingError(f"{source} does not fit together", found=f"{outputs} logits", expected=expected)
    for name, (least, most) in RANGES.items():
        require_range(name, arrays[name], least=least, most=most, source=source)
    parts: dict[str, Any] = {
        name: part(**{column.name: arrays[f"{name}/{column.name}"] for column in fields(part)})
        for name, part in _PARTS.items()
    }
    plain: dict[str, Any] = {name: arrays[name] for name in _ARRAYS}
    images: dict[str, Any] = {name: unpacked(_below(name, arrays), source=source) for name in _IMAGES}
    for name, shown in images.items():
        if len(shown) != len(described.class_names) or shown.shape[1] not in (1, 3):
            expected = f"{len(described.class_names)} images of 1 or 3 channels"
            raise FoolingError(f"{source} does not fit together", found=f"{name}: {shown.shape}", expected=expected)
    if images["images"].shape != images["start_images"].shape:
        shapes = " and ".join(str(shown.shape) for shown in images.values())
        raise FoolingError(f"{source} does not fit together", found=shapes, expected="images of one shape")
    return RunRecord(**described.model_dump(), **plain, **images, **parts, genomes=_below("genomes", arrays))


def _below(part: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The arrays named ``part/array``, without the part."""
    return {name.removeprefix(f"{part}/"): array for name, array in arrays.items() if name.startswith(f"{part}/")}
