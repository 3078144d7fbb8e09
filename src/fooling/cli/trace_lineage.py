"""Trace champions back to the random start, and say what uniformly drawn parents would have given."""

from __future__ import annotations

from pathlib import Path

from fooling.artifacts import write_tables
from fooling.evolution.record import load_run
from fooling.findings.ancestry import ANCESTRY, LINEAGE, LineageSettings, ancestry_table, lineage_table, traced
from fooling.progress import say
from fooling.settings import read_settings


def trace_lineage(runs: list[Path], *, experiment: str, settings: str, ancestry: Path, lineage: Path) -> None:
    """Write what every champion of ``runs`` of evolution descends from, and the measures of the experiment.

    Args:
        runs: Run files of evolution, of one experiment and all its networks, without their controls.
        experiment: Name of the experiment.
        ancestry: Table of what every champion descends from to write.
        lineage: Table of the experiment's measures, beside chance, to write.
    """
    checked = read_settings(LineageSettings, settings)
    found = traced([load_run(path) for path in runs], settings=checked)
    champions = ancestry_table(found, experiment=experiment)
    measures = lineage_table(found, experiment=experiment, settings=checked)
    write_tables((ancestry, champions, ANCESTRY), (lineage, measures, LINEAGE))
    told = measures.set_index("measure").loc["other_ancestor"]
    say(
        f"{experiment}: {told['value']:.0%} of the champions have an ancestor that was a champion of another class "
        f"({told['chance']:.0%} if parents were of no matter); written to {lineage}"
    )
