"""Runs that differ in their seeds alone, in one file: where hundreds are made, a job makes several."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import ConfigDict, Field

from fooling.artifacts import read_arrays, write_arrays
from fooling.contents import Header, checked_header
from fooling.evolution.record import RunRecord, arrays_of, header_of, record_from
from fooling.settings import Seed

KIND, VERSION = "runs", 2


class BatchHeader(Header):
    """What all runs of a file share, and their seeds."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    seeds: tuple[Seed, ...] = Field(min_length=1)


def save_runs(path: Path, records: Sequence[RunRecord]) -> None:
    """Write ``records``, which differ in their seeds alone, as one safetensors file.

    Raises ``ValueError`` if they differ in more, and :class:`FoolingError` for one that :func:`load_runs` would refuse.
    """
    for record in records:
        record_from(arrays_of(record), header_of(record), source=f"the run of seed {record.seed}")
    headers = [header_of(record) for record in records]
    shared = [{key: value for key, value in header.items() if key != "seed"} for header in headers]
    if any(header != shared[0] for header in shared):
        raise ValueError("these runs differ in more than their seeds")
    arrays = {f"{record.seed}/{name}": array for record in records for name, array in arrays_of(record).items()}
    seeds = [record.seed for record in records]
    write_arrays(path, arrays, kind=KIND, version=VERSION, header={**shared[0], "seeds": seeds})


def load_runs(path: Path) -> list[RunRecord]:
    """The runs that :func:`save_runs` wrote, in their order; :class:`FoolingError` for anything else."""
    arrays, header = read_arrays(path, kind=KIND, version=VERSION)
    seeds = checked_header(BatchHeader, header, source=path).seeds
    return [
        record_from(
            {name.removeprefix(f"{seed}/"): array for name, array in arrays.items() if name.startswith(f"{seed}/")},
            {**header, "seed": seed},
            source=f"the run of seed {seed} in {path}",
        )
        for seed in seeds
    ]
