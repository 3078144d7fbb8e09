"""What the jobs of a study took: wall time from the workflow's benchmark files, peak memory from the commands' logs."""

from __future__ import annotations

import csv
import io
import math
import re
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from fooling.errors import REMEDY, FoolingError

#: The line that every command writes last (``fooling.cli.main``).
_LAST_LINE = re.compile(r"^fooling (?P<command>[a-z-]+): (?P<seconds>[\d.]+) s, peak memory (?P<memory>\d+) MB", re.M)


class Job(NamedTuple):
    """One finished job; its name is the path of its log below the study's logs."""

    job: str
    step: str
    wall_seconds: float
    peak_memory_mb: int


class Step(NamedTuple):
    """All jobs of one command: seconds in all of them and in the longest, and the most memory that one held."""

    step: str
    jobs: int
    wall_seconds: float
    longest_seconds: float
    peak_memory_mb: int


def finished_job(job: str, *, log: str, benchmark: str | None) -> Job | None:
    """The job that wrote this ``log``, or None if it did not come to its last line.

    The wall time is Snakemake's, from the text of the ``benchmark`` file, start of Python included; by hand there is
    none, and the command's own counts.
    """
    lines = list(_LAST_LINE.finditer(log))
    if not lines:
        return None
    last = lines[-1]
    seconds = float(last["seconds"]) if benchmark is None else _wall_seconds(job, benchmark)
    return Job(job=job, step=last["command"], wall_seconds=seconds, peak_memory_mb=int(last["memory"]))


def steps_of(jobs: Iterable[Job]) -> list[Step]:
    """The jobs summed up by command, the longest in all first."""
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


def _wall_seconds(job: str, benchmark: str) -> float:
    """The seconds in the text of a Snakemake benchmark file; of several attempts, all together."""
    try:
        seconds = sum(float(row["s"]) for row in csv.DictReader(io.StringIO(benchmark), delimiter="\t"))
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise FoolingError(f"the benchmark file of the job {job} is broken", found=error, remedy=REMEDY) from None
    if not 0 <= seconds < math.inf:
        raise FoolingError(f"the benchmark file of the job {job} is broken", found=f"{seconds} s", remedy=REMEDY)
    return round(seconds, 2)
