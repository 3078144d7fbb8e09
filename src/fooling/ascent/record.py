"""What a gradient ascent leaves behind: its images and their way there as arrays on disk, readable without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fooling.artifacts import read_arrays, write_arrays
from fooling.contents import FINITE64, Header, checked_header, require_layout, require_range
from fooling.errors import FoolingError
from fooling.settings import LARGEST_SEED

KIND, VERSION = "gradient-ascent", 1
MOST_EVALUATIONS = 10**12


@dataclass(frozen=True, kw_only=True)
class Trajectory:
    """The images at some of their steps, rounded and scored as they would have been stored there."""

    steps: NDArray[np.int64]  # (T,) the first is 0, the last the number of steps
    evaluations: NDArray[np.int64]  # (T,) of one image, a step counted as three and the scoring as one
    confidences: NDArray[np.float32]  # (T, B)
    log_odds: NDArray[np.float64]  # (T, B)


@dataclass(frozen=True, kw_only=True)
class AscentRecord:
    """Images that climbed, B of them: from each start one for each of some or all classes, start after start."""

    name: str
    settings: Mapping[str, Any]
    classifier: Mapping[str, Any]  # its name and the SHA-256 of its file
    class_names: tuple[str, ...]
    versions: Mapping[str, str]  # of the packages that decide the result
    images: NDArray[np.uint8]  # (B, C, H, W) as they were scored
    confidences: NDArray[np.float32]  # (B,) of each stored image in its class
    log_odds: NDArray[np.float64]  # (B,) log(p / (1 - p)) of the same
    classes: NDArray[np.int64]  # (B,)
    seeds: NDArray[np.int64]  # (B,) of the start
    trajectory: Trajectory


class AscentClassifier(Header):
    """The classifier of a gradient ascent."""

    name: str
    sha256: str


class AscentHeader(Header):
    """The words and numbers of a gradient ascent."""

    name: str
    settings: dict[str, Any]
    classifier: AscentClassifier
    class_names: tuple[str, ...]
    versions: dict[str, str]


#: Type and shape of every array: B images of C x H x W, T steps that are kept.
LAYOUT = {
    "images": "uint8 B C H W",
    "confidences": "float32 B",
    "log_odds": "float64 B",
    "classes": "int64 B",
    "seeds": "int64 B",
    "trajectory/steps": "int64 T",
    "trajectory/evaluations": "int64 T",
    "trajectory/confidences": "float32 T B",
    "trajectory/log_odds": "float64 T B",
}
RANGES = {
    "confidences": (0, 1),
    "log_odds": (-FINITE64, FINITE64),
    "seeds": (0, 2 * LARGEST_SEED),
    "trajectory/steps": (0, MOST_EVALUATIONS),
    "trajectory/evaluations": (1, MOST_EVALUATIONS),
    "trajectory/confidences": (0, 1),
    "trajectory/log_odds": (-FINITE64, FINITE64),
}
_HEADER = tuple(AscentHeader.model_fields)
_ARRAYS = tuple(part.name for part in fields(AscentRecord) if part.name not in (*_HEADER, "trajectory"))
_TRAJECTORY = tuple(part.name for part in fields(Trajectory))


def save_ascent(path: Path, record: AscentRecord) -> None:
    """Write ``record`` as one safetensors file; :class:`FoolingError` for one that :func:`load_ascent` would refuse."""
    arrays = {name: getattr(record, name) for name in _ARRAYS}
    arrays |= {f"trajectory/{name}": getattr(record.trajectory, name) for name in _TRAJECTORY}
    header = {name: getattr(record, name) for name in _HEADER}
    _record_from(arrays, header, source=f"the gradient ascent {record.name}")
    write_arrays(path, arrays, kind=KIND, version=VERSION, header=header)


def load_ascent(path: Path) -> AscentRecord:
    """What :func:`save_ascent` wrote; :class:`FoolingError` for anything else, or where a part is missing."""
    arrays, header = read_arrays(path, kind=KIND, version=VERSION)
    return _record_from(arrays, header, source=path)


def _record_from(arrays: Mapping[str, NDArray[Any]], header: Mapping[str, Any], *, source: object) -> AscentRecord:
    described = checked_header(AscentHeader, header, source=source)
    require_layout(arrays, LAYOUT, source=source)
    for name, (least, most) in RANGES.items():
        require_range(name, arrays[name], least=least, most=most, source=source)
    require_range("classes", arrays["classes"], least=0, most=len(described.class_names) - 1, source=source)
    if arrays["images"].shape[1] not in (1, 3):
        raise FoolingError(f"{source} holds no images", found=arrays["images"].shape, expected="1 or 3 channels")
    trajectory: dict[str, Any] = {name: arrays[f"trajectory/{name}"] for name in _TRAJECTORY}
    plain: dict[str, Any] = {name: arrays[name] for name in _ARRAYS}
    return AscentRecord(**described.model_dump(), **plain, trajectory=Trajectory(**trajectory))
