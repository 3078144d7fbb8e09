"""Compare how soon experiments reach the threshold: survival curves, mean times and differences between them."""

from __future__ import annotations

from pathlib import Path

from fooling.artifacts import read_tables, write_tables
from fooling.findings.presets import PRESETS, ComparisonSettings, presets_table
from fooling.findings.survival import SURVIVAL, survival_table
from fooling.findings.tables import TIMES
from fooling.progress import say
from fooling.settings import read_settings


def compare(times: list[Path], *, settings: str, survival: Path, presets: Path) -> None:
    """Write the Kaplan-Meier curves of all experiments and the comparisons that the settings name.

    Args:
        times: Tables of times to the threshold, from `tabulate`.
        survival: Table of survival curves to write.
        presets: Table of mean times, differences and main effects to write.
    """
    checked = read_settings(ComparisonSettings, settings)
    table = read_tables(times, TIMES)
    curves, comparisons = survival_table(table, settings=checked), presets_table(table, settings=checked)
    write_tables((survival, curves, SURVIVAL), (presets, comparisons, PRESETS))
    never = table.loc[~table["reached"] & (table["search"] == "map-elites"), "target"].value_counts()
    say(
        f"runs of evolution that never got there: {never.get('median', 0)} with the median class, "
        f"{never.get('all', 0)} with every class; written to {presets}"
    )
