"""The record of a finished study that is kept in the repository: its numbers without its images and archives."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from fooling.artifacts import read_bytes, read_json, read_table, sha256_of, write_folder
from fooling.claims.judgements import CLAIMS
from fooling.errors import FoolingError
from fooling.findings.registry import every_table
from fooling.report.run_info import RunInformation
from fooling.schemas import Header, checked_header

if TYPE_CHECKING:
    import pandas as pd

    from fooling.table import Table

HEADER = "record.json"
CLAIMS_FILE = str(CLAIMS.path)
LOCK_FILE = "claims.lock"
STUDY_FILE = "study.yaml"
#: Files that a record always has, besides the tables.
NUMBERS = ("metrics.json", "run-info.json")
REMEDY = "make the record again with fooling record"


class RecordHeader(Header):
    """The content of ``record.json``: which study was recorded, and when."""

    study: str
    """Name of the study."""
    version: str
    """Version of this package that made the study."""
    recorded: datetime.date
    """Date of the record."""
    files: dict[str, str]
    """SHA-256 of every other file of the record, by its path."""


def small_tables(paths: Iterable[str]) -> dict[str, Table]:
    """Return the declared tables among ``paths`` that are CSV files, by path; large tables are Parquet files.

    Args:
        paths: Paths below the results folder of a study, with ``/`` between folders.
    """
    patterns = [(_pattern(table.path), table) for table in every_table() if table.path and table.path.endswith(".csv")]
    return {path: table for path in sorted(paths) for pattern, table in patterns if pattern.fullmatch(path)}


def write_record(
    folder: Path, files: Mapping[str, bytes], *, study: str, information: RunInformation, today: datetime.date
) -> RecordHeader:
    """Write a record as a folder, replacing an old one at once, and return its header.

    Args:
        folder: Folder to write.
        files: The content of every file of the record by its path, without ``record.json``.
        study: Name of the study.
        information: How the study was run.
        today: Date of the record.
    """
    header = RecordHeader(
        study=study,
        version=information.packages.get("fooling", "unknown"),
        recorded=today,
        files={path: sha256_of(content) for path, content in sorted(files.items())},
    )
    write_folder(folder, {**files, HEADER: header.model_dump_json(indent=2).encode() + b"\n"})
    return header


def read_record(folder: Path) -> tuple[RecordHeader, pd.DataFrame]:
    """Return the header and the claims of a record.

    Raises :class:`FoolingError` if a file of it is missing, was changed, or is invalid.
    """
    header = checked_header(RecordHeader, read_json(folder / HEADER), source=folder / HEADER)
    for path, expected in header.files.items():
        if (found := sha256_of(read_bytes(folder / path))) != expected:
            raise FoolingError(
                f"{folder / path} is not the file that was recorded",
                found=f"SHA-256 {found}",
                expected=f"SHA-256 {expected}",
                remedy=REMEDY,
            )
    return header, read_table(folder / CLAIMS_FILE, CLAIMS)


def _pattern(path: str) -> re.Pattern[str]:
    """Return a pattern for the paths of a table; a name may contain folders."""
    parts = re.split(r"\{\w+\}", path)
    return re.compile(".+".join(map(re.escape, parts)))
