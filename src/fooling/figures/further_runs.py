"""Many runs on one sheet, small, to show which motifs recur (the paper's supplementary figure S2)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fooling.attacks.evolution.record import RunRecord
from fooling.figures.image_grid import (
    HEAD,
    in_columns,
    note_on_classes,
    of_classes,
    place_image,
    sheet,
    shown_classes,
    write,
    write_class_names,
    write_head,
)
from fooling.figures.style import ENCODINGS, QUIET, WIDTH, counted, in_style
from fooling.formatting import percent

GAP, LEFT, RIGHT = 0.24, 0.3, 0.06  # inches
LINE = 0.165  # inches: the height of a line of the table
BLOCKS = 2


@in_style
def further_runs(*, runs: Sequence[RunRecord], examined: pd.DataFrame) -> Figure:
    """Draw a row of champions for each of ``runs``, in two blocks, above a table.

    ``examined`` holds the distances, similarities and confidences of the champions.
    """
    classes = shown_classes(runs)
    note = note_on_classes(runs, otherwise="")
    runs = [of_classes(run, classes) for run in runs]
    examined = in_columns(examined, classes)
    names = runs[0].class_names
    pitch = (WIDTH - RIGHT - BLOCKS * LEFT - GAP) / (BLOCKS * len(names))
    rows = math.ceil(len(runs) / BLOCKS)
    below = HEAD + rows * pitch
    figure, axes = sheet(WIDTH, below + 1.5)
    _write_head(axes, runs, note)
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


def _write_head(axes: Axes, runs: Sequence[RunRecord], more: str) -> None:
    run = runs[0]
    title = f"{counted(len(runs), 'run')} with the {ENCODINGS[run.encoding].label} on {run.classifier['name']}"
    note = f"each row is a run, named by its seed; {int(run.history.evaluations[-1]):,} images scored in each"
    write_head(axes, title, f"{note}; {more}" if more else note)


def _write_numbers(axes: Axes, runs: Sequence[RunRecord], examined: pd.DataFrame, top: float) -> None:
    """Write a table of medians over the champions of each class."""
    run = runs[0]
    champions = examined[(examined["classifier"] == run.classifier["name"]) & (examined["search"] == run.search)]
    champions = champions[champions["seed"].isin([run.seed for run in runs])]
    first, step = 2.05, (WIDTH - 2.05 - RIGHT) / len(run.class_names)
    lines = [("class", list(run.class_names)), *_numbers(champions)]
    for row, (label, texts) in enumerate(lines):
        y = top + LINE * row
        write(axes, 0.06, y, label, ha="left", color=QUIET, fontsize=6.5)
        for column, text in enumerate(texts):
            weight = "normal" if row else "bold"
            write(axes, first + (column + 0.5) * step, y, text, fontsize=6, fontweight=weight)
    note = (
        "medians over the runs; distance: root mean square per pixel (black to white: 1); similarity: "
        "correlation of the pixels, 1 for equal images"
    )
    write(axes, 0.06, top + LINE * len(lines) + 0.06, note, ha="left", color=QUIET, fontsize=6.5)


def _numbers(champions: pd.DataFrame) -> list[tuple[str, list[str]]]:
    """Return the lines of the table: a label, and the text of every class."""
    same = (champions["similar_class"] == champions["class_index"]).groupby(champions["column"]).mean()
    numbers = champions.select_dtypes("number").groupby("column").median()
    lines = [
        ("confidence", [percent(value) for value in numbers["confidence"]]),
        ("highest similarity to another run's image", [f"{value:.2f}" for value in numbers["similar_correlation"]]),
        ("runs in which that image is of the same class", [f"{100 * share:.0f} %" for share in same]),
    ]
    if champions["nearest_distance"].notna().any():
        distances = [f"{value:.2f}" for value in numbers["nearest_distance"]]
        lines.insert(1, ("distance to the nearest training image", distances))
    networks = champions["independent"].dropna()
    if len(networks):
        confidences = [percent(value) for value in numbers["independent_confidence"]]
        lines.insert(1, (f"confidence of {networks.iloc[0]} in the same class", confidences))
    return lines
