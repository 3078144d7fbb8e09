"""Compare how well networks are fooled in sets of classes and in all other classes."""

from __future__ import annotations

from pathlib import Path

from fooling.artifacts import read_tables, write_tables
from fooling.findings.class_sets import CLASS_SETS, SET_CLASSES, ClassSetSettings, class_set_table, classes_table
from fooling.findings.tables import CHAMPIONS
from fooling.progress import say
from fooling.settings import read_settings


def compare_class_sets(champions: list[Path], *, settings: str, classes: Path, output: Path) -> None:
    """Write the confidence in every class, and how sets of classes differ from the others.

    Args:
        champions: Tables of champions, from `tabulate`.
        classes: Table of the classes inside and outside of every set to write.
        output: Table of the comparisons to write.
    """
    checked = read_settings(ClassSetSettings, settings)
    of_classes = classes_table(read_tables(champions, CHAMPIONS), checked)
    found = class_set_table(of_classes, checked)
    write_tables((classes, of_classes, SET_CLASSES), (output, found, CLASS_SETS))
    for row in found[found["search"] == "map-elites"].itertuples():
        inside, elsewhere = f"{row.median:.4f}", f"{row.median_elsewhere:.4f}"
        say(f"{row.experiment} on {row.classifier}, median over {row.class_set}: {inside}, over others: {elsewhere}")
    say(f"written to {output}")
