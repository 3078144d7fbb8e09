"""Run files: the archive, history and lineage of one run or of several; readable without torch."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field

from fooling.artifacts import read_arrays, write_arrays
from fooling.attacks.record import AttackHeader, AttackRecord, counts, scores
from fooling.messages import REMEDY, FoolingError
from fooling.schemas import FINITE32, Array, FileFormat, Header, checked_header, require_arrays, require_range
from fooling.settings import Seed

KIND, VERSION = "archive", 2


@dataclass(frozen=True, kw_only=True)
class Lineage:
    """One row for each entry of a champion into a cell, in order, with those that were replaced later."""

    individual: NDArray[np.int64]  # (M,) its evaluation number, counted from 0
    class_index: NDArray[np.int64]  # (M,) the cell it entered
    generation: NDArray[np.int64]  # (M,)
    parents: NDArray[np.int64]  # (M, 2) individuals; -1 where there is none
    confidence: NDArray[np.float32]  # (M,) in the class it entered


@dataclass(frozen=True, kw_only=True)
class History:
    """The champions at the recorded generations: row 0 after the random start, the last row at the end."""

    generations: NDArray[np.int64]  # (T,)
    evaluations: NDArray[np.int64]  # (T,) images scored so far
    confidences: NDArray[np.float32]  # (T, K)
    log_odds: NDArray[np.float64]  # (T, K)


@dataclass(frozen=True, kw_only=True)
class RunRecord(AttackRecord):
    """One search with one seed: the archive with a champion for each of K classes, which are its B = K images."""

    search: str  # map-elites, random-search or drift
    encoding: str  # direct or cppn
    seed: int
    logits: NDArray[np.float32]  # (K, L) of each champion for all classes, also those without a cell
    generations: NDArray[np.int64]  # (K,) in which each champion was found
    individuals: NDArray[np.int64]  # (K,)
    parents: NDArray[np.int64]  # (K, 2)
    start_images: NDArray[np.uint8]  # (K, C, H, W) the champions after the start
    genomes: Mapping[str, NDArray[Any]]
    history: History
    lineage: Lineage
    screening: Mapping[str, Any] | None = None  # as in ScreeningHeader; None if all images were scored alike


class ScreeningHeader(Header):
    """How the offspring of a run with ``precision: screened`` were scored."""

    bound: float = Field(ge=0)
    """Bound on the error of log-odds in bfloat16, as a share of the spread of an image's logits."""
    largest_error: float = Field(ge=0)
    """Largest such error of the images scored in both."""
    exceeded: int = Field(ge=0)
    """Images with a larger error than the bound."""
    offspring: int = Field(ge=0)
    """Offspring in all."""
    rescored: int = Field(ge=0)
    """Those that were scored again, in float32."""


class RunHeader(AttackHeader):
    """The header of a run file."""

    search: Literal["map-elites", "random-search", "drift"]
    """Evolution, or one of its controls."""
    encoding: Literal["direct", "cppn"]
    """Encoding of the genomes."""
    seed: Seed
    """Seed of the run."""
    screening: ScreeningHeader | None = None


#: The arrays but the packed images and the genomes.
ARRAYS = (
    *scores("", "K", doc="Confidence of each champion in its class."),
    Array(
        name="logits",
        form="float32 K L",
        least=-FINITE32,
        most=FINITE32,
        doc="Logits of each champion for all classes, also those without a champion.",
    ),
    Array(name="generations", form="int64 K", doc="Generation in which each champion was found."),
    Array(name="individuals", form="int64 K", doc="Number of the evaluation in which it was found, from 0."),
    Array(name="parents", form="int64 K 2", doc="Individuals that are its parents; -1 where there is none."),
    counts("history/generations", doc="The recorded generations."),
    counts("history/evaluations", doc="Images scored until then, the start included.", least=1),
    *scores("history/", "T K", doc="Confidences of the champions then."),
    Array(name="lineage/individual", form="int64 m", doc="One for each entry of a champion into a cell, in order."),
    Array(name="lineage/class_index", form="int64 m", doc="The class whose cell it entered."),
    Array(name="lineage/generation", form="int64 m", doc="The generation."),
    Array(name="lineage/parents", form="int64 m 2", doc="Its parents; -1 where there is none."),
    Array(name="lineage/confidence", form="float32 m", doc="Its confidence in the class that it entered."),
)
_HEADER = tuple(RunHeader.model_fields)
_PARTS: dict[str, type[History] | type[Lineage]] = {"history": History, "lineage": Lineage}
_IMAGES = ("images", "start_images")
_ARRAYS = tuple(part.name for part in fields(RunRecord) if part.name not in (*_HEADER, *_PARTS, *_IMAGES, "genomes"))


def save_run(path: Path, record: RunRecord) -> None:
    """Write ``record`` as one safetensors file; raise :class:`FoolingError` if :func:`load_run` would refuse it."""
    arrays, header = arrays_of(record), header_of(record)
    record_from(arrays, header, source=f"the run of seed {record.seed}")
    write_arrays(path, arrays, kind=KIND, version=VERSION, header=header)


def load_run(path: Path) -> RunRecord:
    """Return a run that :func:`save_run` wrote; raise :class:`FoolingError` for any other or an incomplete file."""
    arrays, header = read_arrays(path, kind=KIND, version=VERSION)
    return record_from(arrays, header, source=path)


def arrays_of(record: RunRecord) -> dict[str, NDArray[Any]]:
    """Return the arrays of ``record``; those of a part, or of packed images, are named ``part/array``."""
    arrays = {name: getattr(record, name) for name in _ARRAYS}
    for name in _IMAGES:
        arrays |= {f"{name}/{part}": array for part, array in packed(getattr(record, name)).items()}
    arrays |= {f"genomes/{name}": array for name, array in record.genomes.items()}
    for name, part in _PARTS.items():
        arrays |= {f"{name}/{column.name}": getattr(getattr(record, name), column.name) for column in fields(part)}
    return arrays


def header_of(record: RunRecord) -> dict[str, Any]:
    """Return the header of ``record``; screening is stored only where there was any: other files keep their bytes."""
    header = {name: getattr(record, name) for name in _HEADER}
    return {name: value for name, value in header.items() if (name, value) != ("screening", None)}


def record_from(arrays: Mapping[str, NDArray[Any]], header: Mapping[str, Any], *, source: object) -> RunRecord:
    """Return the record of these arrays and this header.

    Raises :class:`FoolingError`, naming the ``source``, for a missing part, and for one of another type or shape.
    """
    described = checked_header(RunHeader, header, source=source)
    require_arrays(arrays, ARRAYS, source=source, K=len(described.class_names))
    if (outputs := arrays["logits"].shape[1]) < len(described.class_names):
        expected = f"at least one for each of {len(described.class_names)} classes"
        raise FoolingError(f"{source} does not fit together", found=f"{outputs} logits", expected=expected)
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
    """Return the arrays named ``part/array`` by the name after the slash."""
    return {name.removeprefix(f"{part}/"): array for name, array in arrays.items() if name.startswith(f"{part}/")}


RUNS_KIND, RUNS_VERSION = "runs", 2


class BatchHeader(Header):
    """The header of a file of several runs: what they share, and their seeds."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    seeds: tuple[Seed, ...] = Field(min_length=1)
    """Seeds of the runs. The other keys are those of a run's header, without `seed` and `screening`."""
    screenings: tuple[dict[str, Any], ...] = ()
    """`screening` of each seed, if any."""


def save_runs(path: Path, records: Sequence[RunRecord]) -> None:
    """Write ``records``, which differ in their seeds alone, as one safetensors file.

    Raises ``ValueError`` if they differ in more, and :class:`FoolingError` for one that :func:`load_runs` would refuse.
    """
    for record in records:
        record_from(arrays_of(record), header_of(record), source=f"the run of seed {record.seed}")
    headers = [header_of(record) for record in records]
    shared = [{key: value for key, value in header.items() if key not in ("seed", "screening")} for header in headers]
    screenings = [header["screening"] for header in headers if "screening" in header]
    if any(header != shared[0] for header in shared) or len(screenings) not in (0, len(headers)):
        raise ValueError("these runs differ in more than their seeds")
    arrays = {f"{record.seed}/{name}": array for record in records for name, array in arrays_of(record).items()}
    common = {**shared[0], "seeds": [record.seed for record in records]}
    if screenings:
        common["screenings"] = screenings
    write_arrays(path, arrays, kind=RUNS_KIND, version=RUNS_VERSION, header=common)


def load_runs(path: Path) -> list[RunRecord]:
    """Return the runs that :func:`save_runs` wrote, in order; raise :class:`FoolingError` for any other file."""
    arrays, header = read_arrays(path, kind=RUNS_KIND, version=RUNS_VERSION)
    batch = checked_header(BatchHeader, header, source=path)
    screenings = batch.screenings or (None,) * len(batch.seeds)
    if len(screenings) != len(batch.seeds):
        expected = f"{len(batch.seeds)} screenings, one for each seed"
        raise FoolingError(f"{path} does not fit together", found=len(screenings), expected=expected, remedy=REMEDY)
    return [
        record_from(
            {name.removeprefix(f"{seed}/"): array for name, array in arrays.items() if name.startswith(f"{seed}/")},
            {**header, "seed": seed, "screening": screening},
            source=f"the run of seed {seed} in {path}",
        )
        for seed, screening in zip(batch.seeds, screenings, strict=True)
    ]


# An image of many classes is stored once, and painted images are mostly smooth: without packing, an archive of a
# thousand classes in colour takes 400 MB.
LEVEL = 1  # of compression, the fastest: others gain a few percent and take twice as long
MOST_VALUES = 2**30  # of one image

PACKED = (
    Array(name="bytes", form="uint8 n", doc="Distinct images, one after the other, each compressed by zlib."),
    Array(name="ends", form="int64 U", doc="Where each of them ends in `bytes`."),
    Array(name="index", form="int64 K", doc="Which of them is the image of each class."),
    Array(name="shape", form="int64 3", doc="Channels, height and width of an image, whose values are uint8."),
)
_PACKED_NAMES = tuple(array.name for array in PACKED)


def packed_arrays(part: str, *, doc: str | None = None) -> tuple[Array, ...]:
    """Declare the arrays of packed images in a ``part`` of a file."""
    return tuple(replace(array, name=f"{part}/{array.name}", doc=doc or array.doc) for array in PACKED)


def packed(images: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
    """Pack images ``(K, C, H, W)`` uint8 into the arrays of :data:`PACKED`, without loss."""
    numbers: dict[bytes, int] = {}
    index = [numbers.setdefault(image.tobytes(), len(numbers)) for image in images]
    streams = [zlib.compress(image, LEVEL) for image in numbers]
    return {
        "bytes": np.frombuffer(b"".join(streams), dtype=np.uint8),
        "ends": np.cumsum([len(stream) for stream in streams], dtype=np.int64),
        "index": np.array(index, dtype=np.int64),
        "shape": np.array(images.shape[1:], dtype=np.int64),
    }


def unpacked(arrays: Mapping[str, NDArray[Any]], *, source: object) -> NDArray[np.uint8]:
    """Return the images ``(K, C, H, W)`` of packed arrays.

    Raises :class:`FoolingError`, naming the ``source``, for arrays that hold no such images.
    """
    require_arrays(arrays, PACKED, source=source)
    content, ends, index, shape = (arrays[name] for name in _PACKED_NAMES)
    require_range("shape of the images", shape, least=1, most=MOST_VALUES, source=source)
    require_range("ends of the images", ends, least=1, most=len(content), source=source)
    require_range("index of the images", index, least=0, most=len(ends) - 1, source=source)
    size = int(np.prod(shape.astype(object)))
    streams = np.split(content, ends[:-1])
    if size > MOST_VALUES or (np.diff(ends) < 1).any() or ends[-1] != len(content):
        raise FoolingError(f"{source} holds no images", found=f"{len(content)} bytes for {shape}", remedy=REMEDY)
    distinct = np.stack([_decompressed(stream, size, source=source) for stream in streams])
    images: NDArray[np.uint8] = distinct[index].reshape(-1, *shape)
    return images


def _decompressed(stream: NDArray[np.uint8], size: int, *, source: object) -> NDArray[np.uint8]:
    """Return the ``size`` values of a compressed image; never decompress more than that from a damaged one."""
    reader = zlib.decompressobj()
    try:
        content = reader.decompress(stream.tobytes(), size + 1)
    except zlib.error as error:
        raise FoolingError(f"{source} holds a broken image", found=error, remedy=REMEDY) from None
    if len(content) != size or not reader.eof or reader.unused_data:
        found = f"{len(content)} values or more" if len(content) > size else f"{len(content)} values"
        raise FoolingError(f"{source} holds a broken image", found=found, expected=f"{size} values", remedy=REMEDY)
    return np.frombuffer(content, dtype=np.uint8)


_LENGTHS = {
    "K": "classes, each with a champion",
    "L": "classes of the network, K or more",
    "T": "recorded generations",
    "m": "entries into the archive",
    "n": "bytes of each part",
    "U": "distinct images of each part",
}
FORMAT = FileFormat(
    kind=KIND,
    version=VERSION,
    path="evolution/{classifier}/{experiment}/seed{seed}.safetensors",
    commands=("attack evolution",),
    header=RunHeader,
    arrays=(
        *ARRAYS,
        *packed_arrays("images"),
        *packed_arrays("start_images", doc="The same for the champions after the start."),
    ),
    lengths=_LENGTHS,
    doc="One run of evolution, random search or drift: the archive with its history and lineage.",
)
RUNS_FORMAT = FileFormat(
    kind=RUNS_KIND,
    version=RUNS_VERSION,
    path="retraining/{network}/runs{block}.safetensors",
    commands=("attack evolution --runs",),
    header=BatchHeader,
    lengths={},
    doc="Several runs that differ in their seeds alone. The arrays of the run with seed 3 are those of an archive, with"
    " `3/` in front of their names.",
)
