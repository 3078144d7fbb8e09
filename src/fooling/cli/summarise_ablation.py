"""Sum up what repeated elements are worth, over all champions of every experiment."""

from __future__ import annotations

from pathlib import Path

from fooling.artifacts import read_tables, write_table
from fooling.findings.ablation import ABLATION, ABLATION_SUMMARY, ablation_summary
from fooling.findings.intervals import IntervalSettings
from fooling.progress import say
from fooling.settings import read_settings


def summarise_ablation(ablations: list[Path], *, settings: str, output: Path) -> None:
    """Write how many champions repeat themselves, and what removals do to them, with intervals over the runs.

    Args:
        ablations: Tables of champions with elements removed, from `ablate`.
        output: Table to write.
    """
    checked = read_settings(IntervalSettings, settings)
    summary = ablation_summary(read_tables(ablations, ABLATION), settings=checked)
    write_table(output, summary, ABLATION_SUMMARY)
    found = summary[summary["quantity"] == "share that repeats"]
    told = ", ".join(f"{row.experiment} {row.value:.0%}" for row in found.itertuples())
    say(f"champions that repeat themselves: {told}; written to {output}")
