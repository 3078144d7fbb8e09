"""The records by which Snakemake knows what is up to date, packed into one file of a study and taken up again.

Without its record a file is never remade when a setting changes, so records travel with the files that they tell of.
Snakemake keeps one small file for each output and rewrites it in place, which an object that DVC has linked would not
survive: hence the pack. It names every result by its SHA-256, and a record is taken up only for the very same file.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import ValidationError, ValidationInfo, field_validator

from fooling.artifacts import sha256_of, write_bytes
from fooling.errors import FoolingError
from fooling.settings import Settings
from rules.records import made_by_a_job, record_path, recorded

SNAKEMAKE = Path(".snakemake")
VERSION = 1


class Result(Settings):
    """One result: its file by its SHA-256, and what Snakemake recorded of the job that made it."""

    sha256: str
    """Of the content of the file."""
    record: dict[str, Any]
    """As Snakemake wrote it."""
    folder: str | None = None
    """The folder that the job made as a whole, where the record is of that."""


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
            if parts[:1] != (info.field_name,) or ".." in parts:
                raise ValueError(f"paths below {info.field_name}/, not {path!r}")
        return paths

    @field_validator("results")
    @classmethod
    def _in_their_folders(cls, results: dict[str, Result]) -> dict[str, Result]:
        for path, result in results.items():
            if result.folder is not None and PurePosixPath(result.folder) not in PurePosixPath(path).parents[:-2]:
                raise ValueError(f"the folder that holds {path!r}, not {result.folder!r}")
        return results


def pack(results: Sequence[Path]) -> bytes:
    """The records and logs of these results as one file; the same records give the same bytes.

    Raises :class:`FoolingError` that names the results without a record.
    """
    records = {path: recorded(path) for path in results}
    unknown = [str(path) for path, record in records.items() if record is None]
    if unknown:
        raise FoolingError(
            "nothing is recorded of how these results were made",
            found=listed(unknown),
            remedy="delete them and run the study again; what belongs to no study is moved elsewhere",
        )
    logs = sorted({log for record in records.values() if record for log in _logs_of(record)})
    content = {
        "version": VERSION,
        "results": {
            str(path): {"sha256": sha256_of(path.read_bytes()), "record": record, "folder": _folder_of(path)}
            for path, record in records.items()
        },
        "logs": {str(log): log.read_text(encoding="utf-8", errors="replace") for log in logs},
    }
    return gzip.compress(json.dumps(content, sort_keys=True).encode(), mtime=0)


def unpacked(path: Path) -> Provenance:
    """The content of a pack; :class:`FoolingError` for a file that is none."""
    try:
        return Provenance.model_validate_json(gzip.decompress(path.read_bytes()))
    except (OSError, EOFError, zlib.error, ValidationError) as error:
        raise FoolingError(
            f"{path} does not hold the records of a study", found=error, remedy="delete it, and restore the study again"
        ) from None


def take_up(path: Path) -> int:
    """Take up the records in the pack at ``path``, if there is one, for the results that lie here; how many they are.

    A pack is taken up once. Results that came later than their pack are looked at again until they are there.
    """
    if not path.is_file():
        return 0
    known = _Marker.of(path)
    digest = sha256_of(path.read_bytes())
    if known.pack == digest and not any(Path(name).is_file() for name in known.missing):
        return 0
    provenance = unpacked(path)
    is_new = known.pack != digest
    names = list(provenance.results) if is_new else [name for name in known.missing if recorded(Path(name)) is None]
    there = [name for name in names if _is_same(Path(name), provenance.results[name])]
    for name in there:
        record, folder = provenance.results[name].record, provenance.results[name].folder
        write_bytes(record_path(folder or name), json.dumps(record).encode())
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
    _Marker(pack=sha256_of(path.read_bytes()), missing=()).write(path)


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


def _is_same(path: Path, result: Result) -> bool:
    return path.is_file() and sha256_of(path.read_bytes()) == result.sha256


def _logs_of(record: Mapping[str, Any]) -> list[Path]:
    """The log of a job and the times measured beside it, as far as they are there."""
    return [path for name in _log_names(record) if (path := Path(name)).is_file()]


def _log_names(record: Mapping[str, Any]) -> list[str]:
    logs = [Path(name) for name in record.get("log") or ()]
    return [str(path) for log in logs for path in (log, log.with_suffix(".tsv"))]
