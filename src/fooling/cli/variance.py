"""Split the variance between champions into what the network, the seed and the class do."""

from __future__ import annotations

from pathlib import Path

from fooling.artifacts import read_tables, write_table
from fooling.findings.tables import CHAMPIONS
from fooling.findings.variance import VARIANCE, variance_table
from fooling.progress import say


def variance(champions: list[Path], *, output: Path) -> None:
    """Write the variance components of every experiment and search in the champions' tables.

    Args:
        champions: Tables of champions, from `tabulate`.
        output: Table of the components to write.
    """
    table = variance_table(read_tables(champions, CHAMPIONS))
    write_table(output, table, VARIANCE)
    known = table[(table["search"] == "map-elites") & table["share"].notna()]
    largest = known.sort_values("share", kind="stable").groupby("experiment", sort=False).tail(1)
    told = ", ".join(f"{row.experiment}: {row.component} {row.share:.0%}" for row in largest.itertuples())
    say(f"largest share of the variance: {told or 'unknown'}; written to {output}")
