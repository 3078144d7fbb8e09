"""Compare how easily networks are fooled: the curve of their confidence, its end, and how soon they are sure."""

from __future__ import annotations

from pathlib import Path

from fooling.artifacts import read_tables, write_table
from fooling.findings.examination import EXAMINED
from fooling.findings.foolability import FOOLABILITY, FoolabilitySettings, foolability_table
from fooling.findings.tables import HISTORY
from fooling.progress import say
from fooling.settings import read_settings


def compare_networks(*, history: list[Path], examined: list[Path], settings: str, output: Path) -> None:
    """Write how easily every network of every experiment is fooled by every search.

    Args:
        history: Tables of the history, from `tabulate`.
        examined: Tables of examined images, from `examine`.
        output: Table of the networks to write.
    """
    checked = read_settings(FoolabilitySettings, settings)
    table = foolability_table(read_tables(history, HISTORY), read_tables(examined, EXAMINED), checked)
    write_table(output, table, FOOLABILITY)
    evolved = table[table["search"] == "map-elites"].sort_values("area", ascending=False, kind="stable")
    for row in evolved.itertuples():
        say(f"{row.experiment} on {row.classifier}: area {row.area:.4f}, median confidence {row.median:.4f} at the end")
    say(f"written to {output}")
