"""Read files that are given on the command line as ``name=path``: tables, runs and controls."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from fooling.attacks.evolution.record import RunRecord, load_run
from fooling.errors import FoolingError
from fooling.table import Table


def named_paths(values: Sequence[str], *, option: str, example: str) -> dict[str, list[Path]]:
    """Return the paths of values such as ``name=path`` by name, in their order.

    Raises :class:`FoolingError` for any other value.
    """
    found: dict[str, list[Path]] = defaultdict(list)
    for value in values:
        name, separator, path = value.partition("=")
        if not (name and separator and path):
            raise FoolingError(f"{option} needs name=path", found=value, expected=f"such as {example}")
        found[name].append(Path(path))
    return dict(found)


def table_files(values: Sequence[str], *tables: Table) -> dict[str, list[Path]]:
    """Return the files of each of these tables, given as ``name=path``; a table may have none.

    Raises :class:`FoolingError` for any other table.
    """
    known = {table.name: table for table in tables}
    named = named_paths(values, option="--tables", example="history=some/history.parquet")
    if unknown := [name for name in named if name not in known]:
        raise FoolingError("--tables names an unknown table", found=unknown[0], expected=", ".join(known))
    return {name: named.get(name, []) for name in known}


def single_file(files: Sequence[Path], table: Table) -> Path:
    """Return the one file of a table; raise :class:`FoolingError` if there is none or several."""
    if len(files) != 1:
        raise FoolingError(
            f"the table {table.name} must be given once",
            found=f"{len(files)} files",
            remedy=f"give --tables {table.name}=path once",
        )
    return files[0]


def read_named_runs(runs: Sequence[str]) -> dict[str, list[RunRecord]]:
    """Return each experiment with its runs, which are given as ``experiment=path``."""
    named = named_paths(runs, option="--runs", example="direct=some/seed1.safetensors")
    return {experiment: [load_run(path) for path in paths] for experiment, paths in named.items()}
