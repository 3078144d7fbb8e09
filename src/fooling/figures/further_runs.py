"""Many runs on one sheet, small: which motifs recur from run to run (the paper's supplementary figure S2)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fooling.evolution.record import RunRecord
from fooling.figures.image_grid import HEAD, place_image, sheet, write, write_class_names, write_head
from fooling.figures.percentages import percent
from fooling.figures.style import ENCODINGS, QUIET, WIDTH, counted, in_style

GAP, LEFT, RIGHT = 0.24, 0.3, 0.06  # inches
BLOCKS = 2


@in_style
def draw(*, runs: Sequence[RunRecord], examined: pd.DataFrame) -> Figure:
    """One row for each of ``runs`` in two blocks, one column for each class; below, each class in numbers.

    ``examined`` tells how alike the champions of different runs are.
    """
    names = runs[0].class_names
    pitch = (WIDTH - RIGHT - BLOCKS * LEFT - GAP) / (BLOCKS * len(names))
    rows = math.ceil(len(runs) / BLOCKS)
    below = HEAD + rows * pitch
    figure, axes = sheet(WIDTH, below + 1.0)
    _write_head(axes, runs)
    for block in range(BLOCKS):
        left = LEFT + block * (LEFT + GAP + pitch * len(names))
        members = runs[block * rows : (block + 1) * rows]
        if members:
            write_class_names(axes, names, left=left, pitch=pitch)
        for row, run in enumerate(members):
            top = HEAD + row * pitch
            write(axes, left - 0.04, top + pitch / 2, str(run.seed), ha="right", va="center", color=QUIET, fontsize=6)
            for column, image in enumerate(run.images):
                place_image(axes, image, left=left + column * pitch + 0.01, top=top, side=pitch - 0.02)
    _write_numbers(axes, runs, examined, below + 0.16)
    return figure


def _write_head(axes: Axes, runs: Sequence[RunRecord]) -> None:
    run = runs[0]
    title = f"{counted(len(runs), 'run')} with the {ENCODINGS[run.encoding].label} on {run.classifier['name']}"
    note = f"a row is a run (its seed beside it), {int(run.history.evaluations[-1]):,} images scored in each"
    write_head(axes, title, note)


def _write_numbers(axes: Axes, runs: Sequence[RunRecord], examined: pd.DataFrame, top: float) -> None:
    """A small table: for every class the median confidence and how alike the champions of two runs are."""
    run = runs[0]
    champions = examined[(examined["classifier"] == run.classifier["name"]) & (examined["search"] == run.search)]
    champions = champions[champions["seed"].isin([run.seed for run in runs])]
    medians = champions.groupby("class_index")[["confidence", "alike_correlation"]].median()
    first, step = 1.75, (WIDTH - 1.75 - RIGHT) / len(run.class_names)
    lines = [
        ("class", list(run.class_names), {"fontweight": "bold"}),
        ("confidence, median of the runs", [percent(value) for value in medians["confidence"]], {}),
        ("likeness to another run, median", [f"{value:.2f}" for value in medians["alike_correlation"]], {}),
    ]
    for row, (label, texts, style) in enumerate(lines):
        y = top + 0.17 * row
        write(axes, 0.06, y, label, ha="left", color=QUIET, fontsize=6.5)
        for column, text in enumerate(texts):
            write(axes, first + (column + 0.5) * step, y, text, **{"fontsize": 6.5, **style})
    note = (
        "likeness: correlation of the pixels with the most alike champion among the other runs; 1 is the same picture"
    )
    write(axes, 0.06, top + 0.56, note, ha="left", color=QUIET, fontsize=6.5)
