"""Confidence axes: stretched so that 99.9 and 99.99 % lie apart, or in plain percent; the paper's number on them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from fooling.figures.percentages import short_percent
from fooling.figures.style import PAPER

_NINES = [Decimal(10) ** -power for power in range(7, 0, -1)]
#: The confidences that may stand at a tick.
TICKS = [*_NINES, Decimal("0.5"), *(1 - share for share in reversed(_NINES))]


def log_odds(confidence: float) -> float:
    """log(p / (1 - p)) of a confidence strictly between 0 and 1."""
    return math.log(confidence / (1 - confidence))


PLACES = [log_odds(float(tick)) for tick in TICKS]
ONE_SPOT = 0.05  # of an axis: all ticks within it would be written over one another


def use_confidence_ticks(axes: Axes, values: Sequence[float], *, which: Literal["x", "y"] = "y", most: int = 9) -> None:
    """Limit an axis of log-odds to the range of ``values`` and write confidences in percent at its ticks.

    The range is widened to the nearest tick on both sides where it holds none; of ticks on one spot one is kept.
    """
    low, high = float(np.min(values)), float(np.max(values))
    margin = max(0.04 * (high - low), 0.3)
    low, high = low - margin, high + margin
    if not any(low <= place <= high for place in PLACES):
        low = max((place for place in PLACES if place < low), default=low)
        high = min((place for place in PLACES if place > high), default=high)
    shown = [tick for tick in TICKS if low <= log_odds(float(tick)) <= high]
    if (high - low) * ONE_SPOT > PLACES[-1] - PLACES[0]:
        shown = shown[len(shown) // 2 :][:1]
    shown = shown[:: math.ceil(len(shown) / most)] if len(shown) > most else shown
    axis = axes.yaxis if which == "y" else axes.xaxis
    axis.set_ticks([log_odds(float(tick)) for tick in shown], [short_percent(tick) for tick in shown])
    (axes.set_ylim if which == "y" else axes.set_xlim)(low, high)


def use_percent_ticks(axes: Axes, *, which: Literal["x", "y"] = "y") -> None:
    """Write an axis of plain confidences, 0 to 1, in percent."""
    axis = axes.yaxis if which == "y" else axes.xaxis
    axis.set_ticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    (axes.set_ylim if which == "y" else axes.set_xlim)(-0.02, 1.02)


def draw_reference(axes: Axes, value: float, *, which: Literal["x", "y"] = "y") -> None:
    """A dotted line at a number of the paper; the axis has its limits already."""
    draw_line = axes.axhline if which == "y" else axes.axvline
    draw_line(value, color=PAPER, linewidth=0.9, linestyle=(0, (1, 1.5)), zorder=1.5)


def name_reference(axes: Axes, value: float, text: str) -> None:
    """What the horizontal line at ``value`` is, written on it at the left: below it where there is no room above."""
    low, high = axes.get_ylim()
    above = value < high - 0.1 * (high - low)
    axes.annotate(
        text,
        (0, value),
        xycoords=axes.get_yaxis_transform(),
        xytext=(3, 2 if above else -2),
        textcoords="offset points",
        va="bottom" if above else "top",
        color=PAPER,
        fontsize=7,
        path_effects=[withStroke(linewidth=2, foreground="white")],
    )
