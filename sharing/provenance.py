"""Pack Snakemake's records of a study into one file, and import them again.

Without its record, a file is not remade when a setting changes. So the records are published with the files.
Snakemake keeps one small file per output and overwrites it in place. If DVC had linked these files, this would damage
the store, so they are packed into one file instead. The pack holds the SHA-256 of every result, and a record is
imported only for a file with this SHA-256.
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
from fooling.messages import FoolingError
from fooling.schemas import format_errors
from fooling.settings import Settings
from sharing.records import checked_record, job_output, recorded, write_record

SNAKEMAKE = Path(".snakemake")
VERSION = 1
MOST_BYTES = 2**28  # of an uncompressed pack; a study of a thousand jobs has about ten million


class Result(Settings):
    """A result: the SHA-256 of its file, and the record of the job that made it."""

    sha256: str
    """SHA-256 of the content of the file."""
    record: dict[str, Any]
    """The record as Snakemake wrote it."""
    folder: str | None = None
    """The folder that the record is of, if the output of the job is a folder."""

    @field_validator("record")
    @classmethod
    def _readable(cls, record: dict[str, Any]) -> dict[str, Any]:
        return checked_record(record)


class Provenance(Settings):
    """The content of the pack of a study."""

    version: int
    """Version of this format."""
    results: dict[str, Result]
    """All results by path."""
    logs: dict[str, str]
    """The texts of the logs and benchmark files of all jobs, by path."""

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
    """Return the records and logs of these results as the bytes of a pack.

    The same records give the same bytes. Raises :class:`FoolingError`, naming the results, if some have no record, and
    for a pack that is larger than :func:`unpacked` reads.
    """
    found = {path: recorded(path) for path in results}
    unknown = [str(path) for path, record in found.items() if record is None]
    if unknown:
        raise FoolingError(
            "these results have no metadata record",
            found=one_per_line(unknown),
            remedy="delete them and run the study again; move files that belong to no study elsewhere",
        )
    logs = sorted({log for record in found.values() if record for log in _logs_of(record)})
    texts = {str(log): log.read_text(encoding="utf-8", errors="replace") for log in logs}
    made = {
        str(path): Result(sha256=sha256_of(read_bytes(path)), record=record or {}, folder=_folder_of(path))
        for path, record in found.items()
    }
    return packed(Provenance(version=VERSION, results=made, logs=texts))


def packed(provenance: Provenance) -> bytes:
    """Return ``provenance`` as the bytes of a pack; equal content gives equal bytes.

    Raises :class:`FoolingError` for a pack that is larger than :func:`unpacked` reads.
    """
    content = json.dumps(provenance.model_dump(mode="json"), sort_keys=True).encode()
    if len(content) > MOST_BYTES:
        raise FoolingError(
            "the records and logs of this study are too long for one pack",
            found=f"{len(content):,} bytes, {sum(map(len, provenance.logs.values())):,} of them in logs",
            expected=f"at most {MOST_BYTES:,} bytes",
            remedy="shorten the longest files in logs/, or split the study",
        )
    return gzip.compress(content, mtime=0)


def unpacked(packed: bytes, *, source: Path) -> Provenance:
    """Return the content of a pack.

    Raises :class:`FoolingError`, naming the ``source``, if it is not a valid pack.
    """
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise ValueError(f"more than {MOST_BYTES:,} bytes when uncompressed")
        return Provenance.model_validate_json(content)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise FoolingError(
            f"{source} is not a valid pack of a study's records",
            found=format_errors(error) if isinstance(error, ValidationError) else error,
            remedy="delete it, and restore the study again",
        ) from None


def import_records(path: Path) -> int:
    """Import the records of existing results from the pack at ``path``, if any.

    Returns the number of imported records. Each pack is imported once. If results are still missing then, later calls
    import the records of those that have arrived.
    """
    if not path.is_file():
        return 0
    known, content = _Marker.of(path), read_bytes(path)
    digest = sha256_of(content)
    if known.pack == digest and not any(Path(name).is_file() for name in known.missing):
        return 0
    provenance = unpacked(content, source=path)
    is_new = known.pack != digest
    names = list(provenance.results) if is_new else [name for name in known.missing if recorded(Path(name)) is None]
    present = [name for name in names if _is_same(Path(name), provenance.results[name])]
    for name in present:
        record, folder = provenance.results[name].record, provenance.results[name].folder
        write_record(folder or name, record)
        for log in _log_names(record):
            if log in provenance.logs:
                write_bytes(Path(log), provenance.logs[log].encode())
    missing = tuple(name for name in provenance.results if not Path(name).is_file())
    _Marker(pack=digest, missing=missing).write(path)
    return len(present)


def _folder_of(result: Path) -> str | None:
    """Return the folder that is the output of a job and contains ``result``, if any."""
    made = job_output(result)
    return None if made in (None, result) else str(made)


def mark_as_imported(path: Path) -> None:
    """Mark the pack at ``path``, just written from the records here, as imported."""
    _Marker(pack=sha256_of(read_bytes(path)), missing=()).write(path)


def one_per_line(names: Sequence[str], *, shown: int = 10) -> str:
    """Return the first ``shown`` names, one per line, and the number of others."""
    more = [f"and {len(names) - shown} more"] if len(names) > shown else []
    return "\n".join([*names[:shown], *more])


class _Marker(Settings):
    """The pack of a study that was imported last."""

    pack: str = ""
    """SHA-256 of the pack; empty if none was imported."""
    missing: tuple[str, ...] = ()
    """The results in the pack that did not exist here at that time."""

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
    """Return whether ``path`` is below ``results/`` or ``logs/``."""
    folder, *below = PurePosixPath(path).parts or [""]
    return folder in ("results", "logs") and bool(below) and ".." not in below and "\0" not in path


def _is_same(path: Path, result: Result) -> bool:
    return path.is_file() and sha256_of(read_bytes(path)) == result.sha256


def _logs_of(record: Mapping[str, Any]) -> list[Path]:
    """Return the log and the benchmark file of a job, if they exist."""
    return [path for name in _log_names(record) if (path := Path(name)).is_file()]


def _log_names(record: Mapping[str, Any]) -> list[str]:
    logs = [Path(name) for name in record.get("log") or () if _is_inside(name)]
    return [str(path) for log in logs for path in (log, log.with_suffix(".tsv"))]
