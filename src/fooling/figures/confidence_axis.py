"""Confidence axes: in log-odds, so that 99.9 and 99.99 % lie apart, or in percent; the paper's number on them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from fooling.figures.style import PAPER
from fooling.formatting import short_percent

_NINES = [Decimal(10) ** -power for power in range(7, 0, -1)]
#: The confidences that may stand at a tick.
TICKS = [*_NINES, Decimal("0.5"), *(1 - share for share in reversed(_NINES))]
#: Half a float32 step below 1: where a confidence of 1, whose log-odds are infinite, is drawn.
HIGHEST = 1 - 2.0**-25
SAME_PLACE = 0.05  # of an axis: ticks that all lie within it would overlap
MARKED = Decimal("0.9999")  # keeps its tick if there are too many

LABEL = "confidence (log-odds axis)"
EXPLAINED = "Log-odds axis: 90 %, 99 % and 99.9 % are the same distance apart."

LINE, DOTS = 1.0, (0, (1, 1.5))  # the look of a line at a number of the paper


def log_odds(confidence: float) -> float:
    """Return log(p / (1 - p)) of a confidence strictly between 0 and 1."""
    return math.log(confidence / (1 - confidence))


def finite_log_odds(confidences: pd.Series[float]) -> NDArray[np.float64]:
    """Return log-odds of confidences (0 to 1), finite at both ends: see :data:`HIGHEST`."""
    exact = confidences.to_numpy(dtype=np.float64).clip(1 - HIGHEST, HIGHEST)
    return np.asarray(np.log(exact / (1 - exact)))


PLACES = [log_odds(float(tick)) for tick in TICKS]
SATURATED = log_odds(HIGHEST)  # a confidence beyond is 1 in float32


def visible(log_odds: NDArray[np.float64] | pd.Series[float]) -> NDArray[np.float64]:
    """Return log-odds as they are drawn: those beyond :data:`SATURATED` at its place."""
    return np.clip(np.asarray(log_odds, dtype=np.float64), -SATURATED, SATURATED)


def use_confidence_ticks(axes: Axes, values: Sequence[float], *, which: Literal["x", "y"] = "y", most: int = 9) -> None:
    """Limit an axis of log-odds to ``values``, with ticks labelled in percent.

    There are at most ``most`` ticks, 99.99 % among them if it is in the range. If the range holds no tick, it is
    widened to the nearest one on both sides; of ticks in the same place one is kept.
    """
    low, high = float(np.min(values)), float(np.max(values))
    margin = max(0.04 * (high - low), 0.3)
    low, high = low - margin, high + margin
    if not any(low <= place <= high for place in PLACES):
        low = max((place for place in PLACES if place < low), default=low)
        high = min((place for place in PLACES if place > high), default=high)
    shown = [tick for tick in TICKS if low <= log_odds(float(tick)) <= high]
    if (high - low) * SAME_PLACE > PLACES[-1] - PLACES[0]:
        shown = shown[len(shown) // 2 :][:1]
    if len(shown) > most:
        step = math.ceil(len(shown) / most)
        shown = shown[shown.index(MARKED) % step if MARKED in shown else 0 :: step]
    axis = axes.yaxis if which == "y" else axes.xaxis
    axis.set_ticks([log_odds(float(tick)) for tick in shown], [short_percent(tick) for tick in shown])
    (axes.set_ylim if which == "y" else axes.set_xlim)(low, high)


def use_percent_ticks(axes: Axes, *, which: Literal["x", "y"] = "y") -> None:
    """Label an axis of confidences (0 to 1) in percent."""
    axis = axes.yaxis if which == "y" else axes.xaxis
    axis.set_ticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    (axes.set_ylim if which == "y" else axes.set_xlim)(-0.02, 1.02)


def draw_reference(axes: Axes, value: float, *, which: Literal["x", "y"] = "y") -> None:
    """Draw a dotted line at a number of the paper; set the limits of the axis first."""
    draw_line = axes.axhline if which == "y" else axes.axvline
    draw_line(value, color=PAPER, linewidth=LINE, linestyle=DOTS, zorder=1.5)


def reference_handle(reference: float, *, of: str = "the paper's median") -> Line2D:
    """Return the entry of a legend for a line at a number of the paper (0 to 1)."""
    label = f"{of}, {short_percent(reference)}"
    return Line2D([], [], color=PAPER, linewidth=LINE, linestyle=DOTS, label=label)
