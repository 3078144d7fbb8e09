"""Tabulate how the confidence against the last network of each chain grows with the evaluations."""

from __future__ import annotations

from pathlib import Path

from fooling.artifacts import write_table
from fooling.cli.chains import chained_runs
from fooling.findings.budget import BUDGET, LastNetwork, budget_table
from fooling.findings.intervals import IntervalSettings
from fooling.progress import say
from fooling.settings import read_settings


def tabulate_budget(
    classifiers: list[Path], *, runs: list[Path], retraining: str, measured_runs: int, settings: str, output: Path
) -> None:
    """Tabulate the first ``measured_runs`` of the ``runs`` against each of the ``classifiers``.

    Args:
        classifiers: Classifier files: the last networks of all chains.
        runs: Files of runs against them, in the order in which they were made; give the option once for each.
        retraining: Name of the retraining.
        measured_runs: How many runs against each network count, from the first on.
        output: Table to write.
    """
    checked = read_settings(IntervalSettings, settings)
    found = [
        LastNetwork(first=each.first, filled_with=each.filled_with, number=each.number, records=each.records)
        for each in chained_runs(classifiers, runs, measured_runs)
    ]
    table = budget_table(found, retraining=retraining, settings=checked)
    write_table(output, table, BUDGET)
    say(f"{retraining}: {len(found)} networks up to generation {table['generation'].max()}; written to {output}")
