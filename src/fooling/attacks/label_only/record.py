"""The record of an attack with labels alone, and its file; readable without torch.

Confidences are revealed after the last query: the attack does not see them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fooling.artifacts import read_arrays, write_arrays
from fooling.attacks.evolution.record import packed, packed_arrays, unpacked
from fooling.attacks.record import MOST_EVALUATIONS, AttackHeader, AttackRecord
from fooling.attacks.settings import LabelOnlySettings, Search
from fooling.messages import REMEDY, FoolingError
from fooling.schemas import FINITE64, Array, FileFormat, checked_header, require_arrays, require_range
from fooling.settings import checked_settings

KIND, VERSION = "label-only", 1


@dataclass(frozen=True, kw_only=True)
class Entries:
    """Every entry of a champion into the cell of its label, run after run, each run in order."""

    run: NDArray[np.int64]  # (M,) index of the run: each search with every seed
    class_index: NDArray[np.int64]  # (M,) the label
    generation: NDArray[np.int64]  # (M,) 0: the start
    queries: NDArray[np.int64]  # (M,) of the run until the end of this generation
    level: NDArray[np.int64]  # (M,) number of the levels of noise that the label survives
    kept: NDArray[np.int64]  # (M,) copies with the label at the next level; at the last level: at that one
    images: NDArray[np.uint8]  # (M, C, H, W)
    confidences: NDArray[np.float32]  # (M,) revealed afterwards; NaN if the classifier has none
    log_odds: NDArray[np.float64]  # (M,) of the same


@dataclass(frozen=True, kw_only=True)
class LabelOnlyRecord(AttackRecord):
    """Images that were evolved with labels alone; ``images`` are the last champions of the first search."""

    name: str
    revealed: bool  # whether the classifier has confidences
    spent: tuple[int, ...]  # (R,) queries of each run
    entries: Entries

    @property
    def runs(self) -> list[tuple[Search, int]]:
        """The runs in their order: each search with every seed."""
        return self.limits.runs

    @property
    def limits(self) -> LabelOnlySettings:
        """The settings."""
        return checked_settings(LabelOnlySettings, dict(self.settings), source=f"the record of {self.name}")

    @property
    def rows(self) -> NDArray[np.int64]:
        """The rows in ``entries`` of the images: the last champions of the first search, run after run."""
        first = self.runs[0][0]
        found = [self.champions(run) for run, (search, _) in enumerate(self.runs) if search == first]
        return np.concatenate([rows[rows >= 0] for rows in found])

    def champions(self, run: int, *, queries: int | None = None) -> NDArray[np.int64]:
        """Return, for each of K classes, the row of its champion in ``entries``, or -1 if there is none.

        Args:
            run: Index of the run.
            queries: The champions after so many queries; None: at the end.
        """
        found = np.full(len(self.class_names), -1, dtype=np.int64)
        entries = self.entries
        rows = np.flatnonzero((entries.run == run) & (True if queries is None else entries.queries <= queries))
        found[entries.class_index[rows]] = rows  # of several rows of a class the last one stays
        return found


class LabelOnlyHeader(AttackHeader):
    """The header of a file of images that were evolved with labels alone."""

    name: str
    """Name of the attack in the study."""
    revealed: bool
    """Whether the classifier has confidences; one that gives labels alone has none."""
    spent: tuple[int, ...]
    """Queries of each run."""


ARRAYS = (
    Array(name="run", form="int64 M", least=0, doc="Run of each entry into a cell: each search with every seed."),
    Array(name="class_index", form="int64 M", least=0, doc="The label, whose cell it entered."),
    Array(name="generation", form="int64 M", least=0, most=MOST_EVALUATIONS, doc="The generation, 0 for the start."),
    Array(
        name="queries",
        form="int64 M",
        least=1,
        most=MOST_EVALUATIONS,
        doc="Queries of the run until its generation ended.",
    ),
    Array(name="level", form="int64 M", least=0, doc="Number of the levels of noise that the label survives."),
    Array(
        name="kept",
        form="int64 M",
        least=0,
        doc="Noisy copies with the label at the next level; for the last level, at that one.",
    ),
    Array(
        name="confidences",
        form="float32 M",
        doc="Confidence in the label, revealed after the last query; NaN if the classifier has none.",
    ),
    Array(name="log_odds", form="float64 M", doc="log(p / (1 - p)) of the same."),
)
FORMAT = FileFormat(
    kind=KIND,
    version=VERSION,
    path="label-only/{classifier}/{attack}.safetensors",
    commands=("attack label-only",),
    header=LabelOnlyHeader,
    arrays=(*ARRAYS, *(replace(array, form=array.form.replace("K", "M")) for array in packed_arrays("images"))),
    lengths={
        "M": "entries into a cell, with those that were replaced later",
        "n": "bytes of all images",
        "U": "distinct images",
    },
    doc="Images that were evolved, or drawn, with the labels of a classifier alone. Each run, a search with a seed, has"
    " a cell for each class that was given as a label; an entry is an image whose label survives more noise than that"
    " of the image that was in the cell.",
)
_HEADER = tuple(LabelOnlyHeader.model_fields)
_NAMES = tuple(part.name for part in fields(Entries))


def record_of(entries: Entries, header: Mapping[str, Any]) -> LabelOnlyRecord:
    """Return the record of these ``entries`` and the keys of the header; its images are the last champions."""
    empty = np.zeros(0, dtype=np.int64)
    found = LabelOnlyRecord(
        **header,
        entries=entries,
        images=entries.images[empty],
        confidences=entries.confidences[empty],
        log_odds=entries.log_odds[empty],
    )
    rows = found.rows
    return LabelOnlyRecord(
        **header,
        entries=entries,
        images=entries.images[rows],
        confidences=entries.confidences[rows],
        log_odds=entries.log_odds[rows],
    )


def save_label_only(path: Path, record: LabelOnlyRecord) -> None:
    """Write ``record`` as one safetensors file.

    Raises :class:`FoolingError` for a record that :func:`load_label_only` would refuse.
    """
    arrays = {name: getattr(record.entries, name) for name in _NAMES if name != "images"}
    arrays |= {f"images/{part}": array for part, array in packed(record.entries.images).items()}
    header = {name: getattr(record, name) for name in _HEADER}
    _checked(arrays, header, source=f"the record of {record.name}")
    write_arrays(path, arrays, kind=KIND, version=VERSION, header=header)


def load_label_only(path: Path) -> LabelOnlyRecord:
    """Return what :func:`save_label_only` wrote; raise :class:`FoolingError` for any other or a broken file."""
    arrays, header = read_arrays(path, kind=KIND, version=VERSION)
    return _checked(arrays, header, source=path)


def _checked(arrays: Mapping[str, NDArray[Any]], header: Mapping[str, Any], *, source: object) -> LabelOnlyRecord:
    described = checked_header(LabelOnlyHeader, header, source=source)
    settings = checked_settings(LabelOnlySettings, described.settings, source=f"the header of {source}")
    require_arrays(arrays, ARRAYS, source=source)
    for name, most in _most(settings, len(described.class_names)):
        require_range(name, arrays[name], least=0, most=most, source=source)
    if described.revealed:
        require_range("confidences", arrays["confidences"], least=0, most=1, source=source)
        require_range("log_odds", arrays["log_odds"], least=-FINITE64, most=FINITE64, source=source)
    images = unpacked(below("images/", arrays), source=source)
    runs = np.unique(arrays["run"])
    is_whole = len(runs) == len(settings.runs) == len(described.spent) and (np.diff(arrays["run"]) >= 0).all()
    if not is_whole or len(images) != len(arrays["run"]) or images.shape[1] not in (1, 3):
        found = (
            f"{len(images)} images of {len(arrays['run'])} entries, {len(runs)} runs, {len(described.spent)} budgets"
        )
        expected = f"an image of 1 or 3 channels for each entry, and entries of {len(settings.runs)} runs in order"
        raise FoolingError(f"{source} does not fit together", found=found, expected=expected, remedy=REMEDY)
    plain = {name: arrays[name] for name in _NAMES if name != "images"}
    return record_of(Entries(**plain, images=images), described.model_dump())


def below(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the arrays whose names begin with ``prefix``, without it."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def checked_entries(
    arrays: Mapping[str, NDArray[Any]],
    settings: LabelOnlySettings,
    *,
    run: int,
    classes: int,
    image_shape: tuple[int, ...],
    source: object,
) -> dict[str, NDArray[Any]]:
    """Return the entries of one finished run, from the state of unfinished work, without their confidences.

    Raises :class:`FoolingError`, naming the ``source``, unless they are of this ``run`` and of images (C, H, W).
    """
    declared = [array for array in ARRAYS if array.name not in ("confidences", "log_odds")]
    channels, height, width = image_shape
    shown = Array(name="images", form="uint8 M C H W", doc="The images.")
    # A run has no entries if all its images were labelled as a class without a cell, such as a fooling class.
    several = [replace(array, form=array.form.replace(" M", " m")) for array in (*declared, shown)]
    require_arrays(arrays, several, source=source, C=channels, H=height, W=width)
    for name, most in _most(settings, classes):
        require_range(
            name, arrays[name], least=run if name == "run" else 0, most=run if name == "run" else most, source=source
        )
    return {array.name: arrays[array.name].copy() for array in (*declared, shown)}


def _most(settings: LabelOnlySettings, classes: int) -> Iterator[tuple[str, int]]:
    """Yield the largest number in each array of indices and counts."""
    yield "run", len(settings.runs) - 1
    yield "class_index", classes - 1
    yield "level", len(settings.noise)
    yield "kept", settings.copies
