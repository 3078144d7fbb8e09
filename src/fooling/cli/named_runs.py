"""Runs on the command line, each with the name of its experiment."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from fooling.errors import FoolingError
from fooling.evolution.record import RunRecord, load_run


def read_named_runs(runs: list[str]) -> dict[str, list[RunRecord]]:
    """Each experiment with its runs; ``runs`` are ``experiment=path``."""
    found: dict[str, list[RunRecord]] = defaultdict(list)
    for run in runs:
        experiment, separator, path = run.partition("=")
        if not (experiment and separator and path):
            raise FoolingError("--runs is not experiment=path", found=run, expected="direct=some/seed1.safetensors")
        found[experiment].append(load_run(Path(path)))
    return dict(found)
