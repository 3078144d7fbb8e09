"""How a study was run: the machine, the packages, the time and memory of its jobs; and the record of a finished study.

The record is kept in the repository: it has the numbers of the study without its images and archives.
"""

from __future__ import annotations

import csv
import datetime
import importlib.metadata
import io
import math
import os
import platform
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from pydantic import Field

from fooling.artifacts import read_bytes, read_json, read_table, sha256_of, write_folder
from fooling.claims.judgements import CLAIMS
from fooling.findings.registry import every_table
from fooling.messages import REMEDY, FoolingError
from fooling.schemas import Header, checked_header

if TYPE_CHECKING:
    import pandas as pd

    from fooling.table import Table


#: Last line of every command's log.
_LAST_LINE = re.compile(r"^fooling (?P<command>[a-z-]+): (?P<seconds>[\d.]+) s, peak memory (?P<memory>\d+) MB", re.M)

Amount = Annotated[float, Field(ge=0, le=1e12)]
Count = Annotated[int, Field(ge=0, le=10**12)]
Share = Annotated[float, Field(ge=0, le=1)]
OF_A_STUDY = ("study", "survey")  # extras of this package whose versions are recorded
HEADER = "record.json"
CLAIMS_FILE = str(CLAIMS.path)
LOCK_FILE = "claims.lock"
STUDY_FILE = "study.yaml"

#: Files that a record always has, besides the tables.
NUMBERS = ("metrics.json", "run-info.json")
RECORD_AGAIN = "make the record again with fooling record"


def machine() -> dict[str, Any]:
    """Return operating system, processor, available cores, memory in MB (2**20 bytes), and Python version."""
    return {
        "system": platform.platform(aliased=True, terse=True),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        "python": platform.python_version(),
    }


def package_versions() -> dict[str, str]:
    """Return the installed versions of this package and of what it and a study require."""
    required = importlib.metadata.requires("fooling") or []
    extras = (re.search(r"extra == .(\w+)", requirement) for requirement in required)
    needed = [each for each, extra in zip(required, extras, strict=True) if extra is None or extra[1] in OF_A_STUDY]
    names = {"fooling", *(re.split(r"[^\w.-]", requirement, maxsplit=1)[0] for requirement in needed)}
    versions = {}
    for name in sorted(names):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    if described.is_file():
        for line in described.read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


class Job(NamedTuple):
    """A finished job, named by the path of its log below the log folder."""

    job: str
    step: str
    wall_seconds: float
    peak_memory_mb: int


class Step(NamedTuple):
    """All jobs of one command: total and longest wall time, and the highest peak memory of a job."""

    step: str
    jobs: int
    wall_seconds: float
    longest_seconds: float
    peak_memory_mb: int


def finished_job(job: str, *, log: str, benchmark: str | None) -> Job | None:
    """Return the job that wrote a log, or None if the log has no last line.

    Args:
        job: Name of the job.
        log: Text of its log.
        benchmark: Text of its benchmark file: tab-separated, with wall times in seconds in column ``s``. It includes
            the start of Python. None: the time in the log counts.

    Raises:
        FoolingError: The benchmark file is broken.
    """
    lines = list(_LAST_LINE.finditer(log))
    if not lines:
        return None
    last = lines[-1]
    seconds = float(last["seconds"]) if benchmark is None else wall_seconds(job, benchmark)
    return Job(job=job, step=last["command"], wall_seconds=seconds, peak_memory_mb=int(last["memory"]))


def steps_of(jobs: Iterable[Job]) -> list[Step]:
    """Return the jobs summarised by command, the longest total time first."""
    grouped: dict[str, list[Job]] = defaultdict(list)
    for job in jobs:
        grouped[job.step].append(job)
    steps = [
        Step(
            step=name,
            jobs=len(members),
            wall_seconds=round(sum(job.wall_seconds for job in members), 2),
            longest_seconds=max(job.wall_seconds for job in members),
            peak_memory_mb=max(job.peak_memory_mb for job in members),
        )
        for name, members in grouped.items()
    ]
    return sorted(steps, key=lambda step: (-step.wall_seconds, step.step))


def wall_seconds(job: str, benchmark: str) -> float:
    """Return the wall time in the text of a benchmark file; the sum over attempts."""
    try:
        seconds = sum(float(row["s"]) for row in csv.DictReader(io.StringIO(benchmark), delimiter="\t"))
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise FoolingError(f"the benchmark file of the job {job} is broken", found=error, remedy=REMEDY) from None
    if not 0 <= seconds < math.inf:
        raise FoolingError(f"the benchmark file of the job {job} is broken", found=f"{seconds} s", remedy=REMEDY)
    return round(seconds, 2)


class MachineInformation(Header):
    """The machine."""

    system: str
    processor: str
    cores: Count
    memory_mb: Count
    python: str
    device: str


class NetworkInformation(Header):
    """A classifier and its errors; an imported network has no seed."""

    classifier: str
    dataset: str
    architecture: str
    seed: int | None
    test_images: Count
    test_error: Share
    test_error_low: Share
    test_error_high: Share
    top5_error: Share | None
    top5_error_low: Share | None
    top5_error_high: Share | None
    published_error: Share | None
    published_top5_error: Share | None
    published_source: str | None


class ExperimentInformation(Header):
    """An experiment."""

    experiment: str
    classifiers: tuple[str, ...]
    seeds: tuple[int, ...]


class StepInformation(Header):
    """All jobs of one command."""

    step: str
    jobs: Count
    wall_seconds: Amount
    longest_seconds: Amount
    peak_memory_mb: Count


class RunInformation(Header):
    """The content of ``run-info.json``."""

    machine: MachineInformation
    packages: dict[str, str]
    classifiers: tuple[NetworkInformation, ...]
    experiments: tuple[ExperimentInformation, ...]
    steps: tuple[StepInformation, ...]
    jobs: tuple[Any, ...]


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
                remedy=RECORD_AGAIN,
            )
    return header, read_table(folder / CLAIMS_FILE, CLAIMS)


def _pattern(path: str) -> re.Pattern[str]:
    """Return a pattern for the paths of a table; a name may contain folders."""
    parts = re.split(r"\{\w+\}", path)
    return re.compile(".+".join(map(re.escape, parts)))
