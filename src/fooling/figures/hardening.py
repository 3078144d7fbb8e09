"""Ways of training that may make a network harder to fool: confidence of champions, and what equal refusal leaves."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from fooling.figures.style import (
    BACKGROUND,
    EXPLAINED,
    FAINT,
    LABEL,
    QUIET,
    SEARCHES,
    WIDTH,
    counted,
    draw_note,
    draw_title,
    finite_log_odds,
    in_style,
    use_confidence_ticks,
    use_percent_ticks,
    visible,
)
from fooling.messages import share_percent

APART = 0.16  # rows, from the middle of a row to the marks of one search
LONGEST = 30  # letters of a line of the name of a way
SHOWN = ("map-elites", "random-search")
ROW = 0.52  # inches


@in_style
def hardening(*, hardened: pd.DataFrame, hardening: pd.DataFrame) -> Figure:
    """Draw the fooling confidence of each way of training (left) and the champions accepted at equal refusal (right).

    Each experiment has a row of panels. ``hardened`` has a row for each network, ``hardening`` their means.
    """
    experiments = list(dict.fromkeys(hardening["experiment"]))
    ways = list(dict.fromkeys([*hardening["way"], *hardened["way"]]))
    figure = Figure(figsize=(WIDTH, 2.3 + len(experiments) * (0.95 + ROW * len(ways))), layout="constrained")
    grid = figure.subplots(len(experiments), 2, sharey=True, sharex="col", squeeze=False)
    for panels, experiment in zip(grid, experiments, strict=True):
        means, single = (table[table["experiment"] == experiment] for table in (hardening, hardened))
        for place, search in zip((-APART, APART), SHOWN, strict=True):
            _draw_confidence(panels[0], means, single, ways, search, place)
            _draw_accepted(panels[1], means, single, ways, search, place)
        panels[0].set_title(f"{experiment}: confidence of the champions")
        panels[1].set_title("Champions accepted at equal refusal")
        _use_rows(panels, ways, means)
    odds = np.concatenate(
        [visible(hardened["log_odds"]), *(finite_log_odds(hardening[name].dropna()) for name in _ENDS)]
    )
    for panels in grid:
        use_confidence_ticks(panels[0], odds.tolist(), which="x", most=6)
        use_percent_ticks(panels[1], which="x")
    grid[-1, 0].set_xlabel(LABEL)
    grid[-1, 1].set_xlabel("share of the champions")
    handles = [
        Line2D([], [], color=look.colour, marker=look.marker, linestyle="", markersize=4.5, label=look.label)
        for look in (SEARCHES[search] for search in SHOWN)
    ]
    draw_title(figure, "Does training make a network harder to fool?", handles)
    draw_note(
        figure,
        "Large marks: means over networks, with confidence intervals from 3 networks on; small dots: networks. The "
        f"images were evolved against each network itself.{_refusal_in_words(hardening)} Fooling classes have no "
        f"random search. {EXPLAINED}",
    )
    return figure


def _refusal_in_words(means: pd.DataFrame) -> str:
    refused = means["refused"].astype(float).dropna()
    if refused.empty:
        return " No network classifies enough real test images correctly for a threshold."
    low, high = (share_percent(float(bound)) for bound in (refused.min(), refused.max()))
    return (
        " At equal refusal each network refuses images below a threshold of its own, by which it also refuses "
        f"{low if low == high else f'{low} to {high}'} of the real test images that it classifies correctly."
    )


_ENDS = ("median", "median_low", "median_high")


def _draw_confidence(
    axes: Axes, means: pd.DataFrame, single: pd.DataFrame, ways: Sequence[str], search: str, shift: float
) -> None:
    rows = means[means["search"] == search]
    middle, low, high = (finite_log_odds(rows[name].astype(float)) for name in _ENDS)
    _draw(axes, middle, low, high, [ways.index(way) + shift for way in rows["way"]], search)
    dots = single[single["search"] == search]
    places = [ways.index(way) + shift for way in dots["way"]]
    axes.plot(visible(dots["log_odds"]), places, ".", color=SEARCHES[search].colour, markersize=2.5, alpha=0.6)


def _draw_accepted(
    axes: Axes, means: pd.DataFrame, single: pd.DataFrame, ways: Sequence[str], search: str, shift: float
) -> None:
    rows = means[means["search"] == search]
    middle, low, high = (rows[name].to_numpy(float) for name in ("accepted", "accepted_low", "accepted_high"))
    _draw(axes, middle, low, high, [ways.index(way) + shift for way in rows["way"]], search)
    dots = single[single["search"] == search]
    places = [ways.index(way) + shift for way in dots["way"]]
    axes.plot(dots["accepted"], places, ".", color=SEARCHES[search].colour, markersize=2.5, alpha=0.6, clip_on=False)


def _draw(
    axes: Axes,
    middle: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    places: Sequence[float],
    search: str,
) -> None:
    look = SEARCHES[search]
    bars = np.nan_to_num(np.clip([middle - low, high - middle], 0, None))
    axes.errorbar(
        middle, places, xerr=bars, color=look.colour, marker=look.marker, markersize=4.5, linestyle="", capsize=2,
        elinewidth=0.9, markeredgecolor=BACKGROUND, markeredgewidth=0.4,
    )  # fmt: skip


def _use_rows(panels: Sequence[Axes], ways: Sequence[str], means: pd.DataFrame) -> None:
    """Name the ways at the left, with the number of networks and their mean test error."""
    evolved = means[means["search"] == SHOWN[0]].set_index("way")
    names = []
    for way in ways:
        lines = textwrap.wrap(way, LONGEST)
        if way in evolved.index:
            row = evolved.loc[way]
            networks, error = int(row["networks"]), share_percent(float(row["test_error"]))
            lines.append(f"{counted(networks, 'network')}, test error {error}")
        names.append("\n".join(lines))
    panels[0].set_yticks(range(len(ways)), names)
    panels[0].set_ylim(len(ways) - 0.5, -0.5)
    for axes in panels:
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
        for place in range(1, len(ways)):
            axes.axhline(place - 0.5, color=FAINT, linewidth=0.4, zorder=0)
    panels[0].tick_params(axis="y", labelcolor=QUIET)
