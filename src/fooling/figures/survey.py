"""What the figures of the human study share: names of blocks, looks of conditions, chance lines, and the watermark."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fooling.figures.style import ENCODINGS, INK, REAL, SERIES, Look

SYNTHETIC = "synthetic"
CHANCE_DASHES = (0, (4, 2.5))
BLOCKS = {
    ("two-way", "random"): "two labels,\nthe other at random",
    ("two-way", "confused"): "two labels, the other\none often confused",
    ("all-way", ""): "all labels",
    ("free", ""): "all labels,\nor none of them",
}


def blocks_of(table: pd.DataFrame) -> dict[tuple[str, str], pd.DataFrame]:
    """The rows of each block that has any, in the order of :data:`BLOCKS`."""
    foils = table["foils"].fillna("")
    parts = {key: table[(table["block"] == key[0]) & (foils == key[1])] for key in BLOCKS}
    return {key: rows for key, rows in parts.items() if not rows.empty}


def looks_of(conditions: Sequence[str]) -> dict[str, Look]:
    """A look for each condition; those that every study has look the same everywhere."""
    own = {**ENCODINGS, "real": Look("real", REAL, "", "D"), "noise": Look("noise", "#5F5F5F", "", "^")}
    taken = {look.colour for look in own.values()}
    others = iter([look for look in SERIES if look.colour not in taken] * len(conditions))
    return {name: own[name] if name in own else next(others) for name in dict.fromkeys(conditions)}


def draw_chance(axes: Axes, chance: float, *, vertical: bool) -> None:
    """A dashed line where guessing would be; none where nothing can be guessed."""
    if chance == chance:
        draw_line = axes.axvline if vertical else axes.axhline
        draw_line(chance, color=INK, linewidth=0.9, linestyle=CHANCE_DASHES, zorder=1.5)


def mark_synthetic(figure: Figure, table: pd.DataFrame) -> None:
    """Write across the whole ``figure`` that no person answered, if any row of ``table`` is simulated."""
    if table["synthetic"].any():
        figure.text(
            0.5, 0.5, SYNTHETIC, ha="center", va="center", rotation=22, fontsize=64, fontweight="bold", color="#D00000",
            alpha=0.2, zorder=100, in_layout=False,
        )  # fmt: skip


def title(figure: Figure, text: str) -> None:
    """``text`` above everything, at the left."""
    figure.suptitle(text, x=0.008, ha="left", fontsize=9, fontweight="bold")


def label_rows(axes: Axes, names: Sequence[str]) -> None:
    """One row for each name, the first at the top."""
    axes.set_yticks(range(len(names)), list(names))
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
