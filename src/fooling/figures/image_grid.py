"""Sheets of small images, measured in inches so that every image has the same size and an exact place."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from fooling.figures.style import FAINT, PIXELS_PER_INCH, QUIET
from fooling.fonts import columns

HEAD = 0.62  # inches: the space above the images of a sheet
INCHES_PER_CHARACTER_POINT = 0.0097  # the width of a bold letter per point of its size
LEAST_SIZE = 5.5  # points: the smallest size of a name that stays on one line


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
