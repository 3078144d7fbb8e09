"""Sheets of small images: every image has an exact place in inches, and of many classes some have a column."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from fooling.attacks.evolution.record import RunRecord
from fooling.figures.style import FAINT, PIXELS_PER_INCH, QUIET
from fooling.fonts import columns

HEAD = 0.62  # inches: the space above the images of a sheet
INCHES_PER_CHARACTER_POINT = 0.0097  # the width of a bold letter per point of its size
LEAST_SIZE = 5.5  # points: the smallest size of a name that stays on one line
MOST, SHOWN = 12, 10  # classes that have a column each, at most; and the number shown if there are more


def sheet(width: float, height: float) -> tuple[Figure, Axes]:
    """Return a figure of this size and axes in inches from its upper left corner."""
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0), xlim=(0.0, width), ylim=(height, 0.0))
    axes.set_axis_off()
    return figure, axes


def panel(figure: Figure, *, left: float, top: float, width: float, height: float) -> Axes:
    """Return ordinary axes at a place given in inches from the upper left corner of ``figure``."""
    across, down = figure.get_size_inches()
    return figure.add_axes((left / across, 1 - (top + height) / down, width / across, height / down))


def place_image(
    axes: Axes, image: NDArray[np.uint8], *, left: float, top: float, side: float, frame: str = FAINT
) -> None:
    """Draw a uint8 image ``(C, H, W)`` on a :func:`sheet`, as a square of ``side`` inches.

    Its pixels stay sharp, unless it has more than the files of figures have there.
    """
    pixels = image[0] if image.shape[0] == 1 else np.moveaxis(image, 0, -1)
    limits = axes.get_xlim(), axes.get_ylim()
    sharp = pixels.shape[1] <= side * PIXELS_PER_INCH
    axes.imshow(
        pixels, vmin=0, vmax=255, extent=(left, left + side, top + side, top), aspect="auto",
        interpolation="nearest" if sharp else "auto",
    )  # fmt: skip
    axes.set(xlim=limits[0], ylim=limits[1])
    axes.add_patch(Rectangle((left, top), side, side, fill=False, edgecolor=frame, linewidth=0.6))


def write_head(axes: Axes, title: str, note: str) -> None:
    """Write the title of a sheet and a line below it, within the first ``HEAD`` inches."""
    write(axes, 0.06, 0.07, title, ha="left", fontsize=8.5, fontweight="bold")
    write(axes, 0.06, 0.245, note, ha="left", color=QUIET, fontsize=6.5)


def write_class_names(
    axes: Axes, names: Sequence[str], *, left: float, pitch: float, bottom: float = HEAD - 0.045
) -> None:
    """Write a name above every column, which is ``pitch`` inches wide.

    All have the size in which the longest one fits. Names that would be too small to read are wrapped at their spaces.
    """
    readable = int(pitch / (LEAST_SIZE * INCHES_PER_CHARACTER_POINT))
    wrapped = [textwrap.fill(name, max(readable, 1), break_long_words=False) for name in names]
    longest = max(columns(line) for name in wrapped for line in name.splitlines())
    size = min(8.0, pitch / (longest * INCHES_PER_CHARACTER_POINT))
    for column, name in enumerate(wrapped):
        middle = left + (column + 0.5) * pitch
        write(axes, middle, bottom, name, va="bottom", fontsize=size, fontweight="bold", linespacing=1.0)


def write(axes: Axes, x: float, y: float, text: str, **style: Any) -> None:
    """Write text below the point (``x``, ``y``) in inches; ``style`` can change that."""
    axes.text(x, y, text, **{"ha": "center", "va": "top", "fontsize": 7, **style})


def are_many(runs: Sequence[RunRecord]) -> bool:
    """Return whether ``runs`` have more classes than a figure has columns for."""
    return len(runs[0].class_names) > MOST


def shown_classes(runs: Sequence[RunRecord]) -> NDArray[np.int64]:
    """Return the indices of the classes that a figure of ``runs`` shows.

    These are all classes, in their order. If there are many, ten are taken at even distances from the ranking by median
    confidence over the runs, the most confident class first; classes of equal confidence keep their order.
    """
    if not are_many(runs):
        return np.arange(len(runs[0].class_names))
    confidences = np.median([run.confidences for run in runs], axis=0)
    ranked = np.argsort(-confidences, kind="stable")
    return ranked[np.linspace(0, len(ranked) - 1, SHOWN).round().astype(np.int64)]


def note_on_classes(runs: Sequence[RunRecord], *, otherwise: str) -> str:
    """Return a note on the classes that a figure of ``runs`` shows; ``otherwise`` if it shows all."""
    if not are_many(runs):
        return otherwise
    return f"{SHOWN} of {len(runs[0].class_names):,} classes, from the most to the least confident"


def of_classes(run: RunRecord, classes: NDArray[np.int64]) -> RunRecord:
    """Return ``run`` with the champions of these classes, in this order.

    Its history and lineage stay whole.
    """
    return dataclasses.replace(
        run,
        class_names=tuple(run.class_names[index] for index in classes),
        images=run.images[classes],
        start_images=run.start_images[classes],
        confidences=run.confidences[classes],
        logits=run.logits[classes],
        generations=run.generations[classes],
        individuals=run.individuals[classes],
    )


def in_columns(table: pd.DataFrame, classes: NDArray[np.int64]) -> pd.DataFrame:
    """Return the rows of ``table`` about these classes, with their ``column``."""
    columns = {index: column for column, index in enumerate(classes.tolist())}
    shown = table[table["class_index"].isin(columns)]
    return shown.assign(column=shown["class_index"].map(columns))


def most_confident(runs: Sequence[RunRecord], count: int) -> list[tuple[RunRecord, int]]:
    """Return the ``count`` most confident champions, as run and class.

    Each image and each class occurs once.
    """
    ranked = sorted(
        ((run, index) for run in runs for index in range(len(run.class_names))),
        key=lambda champion: (-float(champion[0].log_odds[champion[1]]), champion[0].seed, champion[1]),
    )
    chosen: list[tuple[RunRecord, int]] = []
    used: set[object] = set()
    for run, index in ranked:
        keys = {("image", run.seed, int(run.individuals[index])), ("class", index)}
        if not keys & used:
            used |= keys
            chosen.append((run, index))
    return chosen[:count]
