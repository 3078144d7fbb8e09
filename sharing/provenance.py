"""The records by which Snakemake knows what is up to date, packed into one file of a study and taken up again.

Without its record a file is never remade when a setting changes, so records travel with the files that they tell of.
Snakemake keeps one small file for each output and rewrites it in place, which an object that DVC has linked would not
survive: hence the pack. It names every result by its SHA-256, and a record is taken up only for the very same file.
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Self

from pydantic import ValidationError, ValidationInfo, field_validator, model_validator

from fooling.artifacts import read_bytes, sha256_of, write_bytes
from fooling.errors import FoolingError
from fooling.schemas import format_errors
from fooling.settings import Settings
from sharing.records import made_by_a_job, record_in, recorded, write_record

SNAKEMAKE = Path(".snakemake")
VERSION = 1
MOST_BYTES = 2**28  # of an unfolded pack; a study of a thousand jobs takes some ten million


class Result(Settings):
    """One result: its file by its SHA-256, and what Snakemake recorded of the job that made it."""

    sha256: str
    """Of the content of the file."""
    record: dict[str, Any]
    """As Snakemake wrote it."""
    folder: str | None = None
    """The folder that the job made as a whole, where the record is of that."""

    @field_validator("record")
    @classmethod
    def _readable(cls, record: dict[str, Any]) -> dict[str, Any]:
        return record_in(record)


class Provenance(Settings):
    """What the pack of a study holds."""

    version: int
    """Of this form."""
    results: dict[str, Result]
    """Every result, by its path."""
    logs: dict[str, str]
    """The text of every job's log and of its measured times, by their paths."""

    @field_validator("version")
    @classmethod
    def _known(cls, version: int) -> int:
        if version != VERSION:
            raise ValueError(f"the version {VERSION}")
        return version

    @field_validator("results", "logs")
    @classmethod
    def _inside(cls, paths: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        for path in paths:
            parts = PurePosixPath(path).parts
            if parts[:1] != (info.field_name,) or not _is_inside(path):
                raise ValueError(f"paths below {info.field_name}/, not {path!r}")
        return paths

    @model_validator(mode="after")
    def _folders_hold_their_results(self) -> Self:
        for path, result in self.results.items():
            if result.folder is not None and PurePosixPath(result.folder) not in PurePosixPath(path).parents[:-2]:
                raise ValueError(f"a folder in which {path!r} lies, not {result.folder!r}")
        return self


def pack(results: Sequence[Path]) -> bytes:
    """The records and logs of these results as one file; the same records give the same bytes.

    Raises :class:`FoolingError` that names the results without a record, and for more than :func:`unpacked` reads.
    """
    found = {path: recorded(path) for path in results}
    unknown = [str(path) for path, record in found.items() if record is None]
    if unknown:
        raise FoolingError(
            "nothing is recorded of how these results were made",
            found=listed(unknown),
            remedy="delete them and run the study again; what belongs to no study is moved elsewhere",
        )
    logs = sorted({log for record in found.values() if record for log in _logs_of(record)})
    texts = {str(log): log.read_text(encoding="utf-8", errors="replace") for log in logs}
    made = {
        str(path): Result(sha256=sha256_of(read_bytes(path)), record=record or {}, folder=_folder_of(path))
        for path, record in found.items()
    }
    return packed(Provenance(version=VERSION, results=made, logs=texts))


def packed(provenance: Provenance) -> bytes:
    """``provenance`` as the bytes of a pack; equal content gives equal bytes.

    Raises :class:`FoolingError` for more than :func:`unpacked` reads.
    """
    unfolded = json.dumps(provenance.model_dump(mode="json"), sort_keys=True).encode()
    if len(unfolded) > MOST_BYTES:
        raise FoolingError(
            "the records and logs of this study are too long for one pack",
            found=f"{len(unfolded):,} bytes, {sum(map(len, provenance.logs.values())):,} of them in logs",
            expected=f"at most {MOST_BYTES:,} bytes",
            remedy="shorten the longest files in logs/, or divide the study",
        )
    return gzip.compress(unfolded, mtime=0)


def unpacked(packed: bytes, *, source: Path) -> Provenance:
    """The content of a pack; :class:`FoolingError`, naming the ``source``, for a file that is none."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise ValueError(f"more than {MOST_BYTES:,} bytes once unfolded")
        return Provenance.model_validate_json(content)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise FoolingError(
            f"{source} does not hold the records of a study",
            found=format_errors(error) if isinstance(error, ValidationError) else error,
            remedy="delete it, and restore the study again",
        ) from None


def take_up(path: Path) -> int:
    """Take up the records in the pack at ``path``, if there is one, for the results that lie here; how many they are.

    A pack is taken up once. Results that came later than their pack are looked at again until they are there.
    """
    if not path.is_file():
        return 0
    known, packed = _Marker.of(path), read_bytes(path)
    digest = sha256_of(packed)
    if known.pack == digest and not any(Path(name).is_file() for name in known.missing):
        return 0
    provenance = unpacked(packed, source=path)
    is_new = known.pack != digest
    names = list(provenance.results) if is_new else [name for name in known.missing if recorded(Path(name)) is None]
    there = [name for name in names if _is_same(Path(name), provenance.results[name])]
    for name in there:
        record, folder = provenance.results[name].record, provenance.results[name].folder
        write_record(folder or name, record)
        for log in _log_names(record):
            if log in provenance.logs:
                write_bytes(Path(log), provenance.logs[log].encode())
    missing = tuple(name for name in provenance.results if not Path(name).is_file())
    _Marker(pack=digest, missing=missing).write(path)
    return len(there)


def _folder_of(result: Path) -> str | None:
    """The folder that a job made as a whole, and in which ``result`` lies; None where the job made the file."""
    made = made_by_a_job(result)
    return None if made in (None, result) else str(made)


def mark_as_known(path: Path) -> None:
    """Note that the records here are those of the pack at ``path``, which has just been written from them."""
    _Marker(pack=sha256_of(read_bytes(path)), missing=()).write(path)


def listed(names: Sequence[str], *, shown: int = 10) -> str:
    """The first of these names, one a line, and how many more there are."""
    more = [f"and {len(names) - shown} more"] if len(names) > shown else []
    return "\n".join([*names[:shown], *more])


class _Marker(Settings):
    """Which pack of a study was taken up here."""

    pack: str = ""
    """SHA-256 of the pack; empty where none was taken up."""
    missing: tuple[str, ...] = ()
    """The results in it that did not lie here then."""

    @classmethod
    def of(cls, path: Path) -> _Marker:
        try:
            return cls.model_validate_json(cls._path(path).read_bytes())
        except (OSError, ValidationError):
            return cls()

    def write(self, path: Path) -> None:
        write_bytes(self._path(path), self.model_dump_json().encode())

    @staticmethod
    def _path(path: Path) -> Path:
        return SNAKEMAKE / "taken-up" / f"{path.parent.name}.json"


def _is_inside(path: str) -> bool:
    """Whether ``path`` lies below the folder of results or that of logs."""
    folder, *below = PurePosixPath(path).parts or [""]
    return folder in ("results", "logs") and bool(below) and ".." not in below and "\0" not in path


def _is_same(path: Path, result: Result) -> bool:
    return path.is_file() and sha256_of(read_bytes(path)) == result.sha256


def _logs_of(record: Mapping[str, Any]) -> list[Path]:
    """The log of a job and the times measured beside it, as far as they are there."""
    return [path for name in _log_names(record) if (path := Path(name)).is_file()]


def _log_names(record: Mapping[str, Any]) -> list[str]:
    logs = [Path(name) for name in record.get("log") or () if _is_inside(name)]
    return [str(path) for log in logs for path in (log, log.with_suffix(".tsv"))]
