"""Confidence in inputs far from the data: random inputs, and rays that leave the range of images."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from fooling.figures.style import (
    BACKGROUND,
    INK,
    PAPER,
    QUIET,
    SERIES,
    WIDTH,
    Look,
    draw_note,
    draw_title,
    in_style,
    log_odds,
    use_percent_ticks,
)
from fooling.findings.far import ALIKE, published

KINDS = {False: Look("inputs from N(0, I)", "#0072B2", "", "o"), True: Look("clipped to 0 to 1", "#D55E00", "", "s")}
PANELS = {"rubbish_share": "share with a class above 50 %", "mistaken_confidence": "mean confidence in these"}
APART = 0.18  # rows, from the middle of a row to the marks of one kind of inputs
PUBLISHED_MARKER = "D"
DIRECTIONS = {"image": "real test images", "noise": "random directions"}
THRESHOLD = log_odds(0.9999)
LABELLED = 3  # every third factor has a label
LINEAR_UP_TO = 10.0  # log-odds; beyond, the axis is logarithmic
TICKS = (-10.0, 0.0, 10.0, 100.0, 1000.0, 10_000.0, 100_000.0)


@in_style
def rubbish(*, rubbish: pd.DataFrame, rubbish_summary: pd.DataFrame) -> Figure:
    """Draw the share of random inputs that get a class, and the confidence in them, for each kind of network."""
    kinds = [tuple(row) for row in rubbish_summary[list(ALIKE)].drop_duplicates().itertuples(index=False)]
    names = [name_of_kind(*kind) for kind in kinds]
    figure = Figure(figsize=(WIDTH, 1.9 + 0.36 * len(kinds)), layout="constrained")
    panels = figure.subplots(1, len(PANELS), sharey=True)
    for axes, (column, label) in zip(panels, PANELS.items(), strict=True):
        for clipped, look in KINDS.items():
            means = rubbish_summary[rubbish_summary["clipped"] == clipped]
            single = rubbish[rubbish["clipped"] == clipped]
            shift = APART if clipped else -APART
            _draw_means(axes, means, column, [_place(row, kinds) + shift for _, row in means.iterrows()], look)
            places = [_place(row, kinds) + shift for _, row in single.iterrows()]
            axes.plot(single[column], places, ".", color=look.colour, markersize=2, alpha=0.6)
        for place, kind in enumerate(kinds):
            is_first = kind[ALIKE.index("number")] == 1
            numbers = published(str(kind[0])) if is_first else None
            if numbers is not None:
                axes.plot(
                    numbers[list(PANELS).index(column)], place, PUBLISHED_MARKER, color=PAPER, markersize=4, zorder=4
                )
        use_percent_ticks(axes, which="x")
        axes.set_xlabel(label)
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
    panels[0].set_yticks(range(len(kinds)), names)
    panels[0].set_ylim(len(kinds) - 0.5, -0.5)
    handles = [
        Line2D([], [], color=look.colour, marker=look.marker, linestyle="", markersize=4.5, label=look.label)
        for look in KINDS.values()
    ]
    if any(line.get_marker() == PUBLISHED_MARKER for line in panels[0].lines):
        label = "Goodfellow et al. 2014, unverified"
        handles.append(Line2D([], [], color=PAPER, marker=PUBLISHED_MARKER, linestyle="", markersize=4, label=label))
    draw_title(figure, "Random inputs that get a class", handles)
    draw_note(
        figure,
        f"{int(rubbish['inputs'].iloc[0]):,} random inputs for each network, with pixels from 0 to 1 as unit. Large "
        "marks: means over the networks of one kind, with confidence intervals from 3 networks on; small dots: "
        "networks. These are random inputs, not what an attack would find.",
    )
    return figure


@in_style
def rays(*, rays: pd.DataFrame) -> Figure:
    """Draw the log-odds of the most probable class along rays, with and without clipping, for each kind of network."""
    kinds = [tuple(row) for row in rays[["built_as", "weight_decay"]].drop_duplicates().itertuples(index=False)]
    looks = [_look(index) for index in range(len(kinds))]
    factors = np.sort(rays["factor"].unique())[::LABELLED]
    figure = Figure(figsize=(WIDTH, 5.2 + 0.12 * len(kinds)), layout="constrained")
    grid = figure.subplots(len(DIRECTIONS), 2, sharex=True, sharey=True)
    for row, (direction, words) in zip(grid, DIRECTIONS.items(), strict=True):
        for axes, clipped in zip(row, (False, True), strict=True):
            shown = rays[(rays["direction"] == direction) & (rays["clipped"] == clipped)]
            for (built_as, decay), look in zip(kinds, looks, strict=True):
                of_kind = shown[(shown["built_as"] == built_as) & _equal(shown["weight_decay"], decay)]
                _draw_along(axes, of_kind, look)
            axes.set_xscale("log", base=2)
            axes.set_xticks(factors, [f"{factor:,.0f}" for factor in factors])
            axes.set_yscale("symlog", linthresh=LINEAR_UP_TO, linscale=1.5)
            axes.yaxis.set_major_locator(FixedLocator(TICKS))
            axes.yaxis.set_minor_locator(NullLocator())
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
            axes.axhline(THRESHOLD, color=QUIET, linewidth=0.8, linestyle=(0, (1, 1.5)), zorder=1)
            axes.set_title(f"{words}, {'clipped to 0 to 1' if clipped else 'not clipped'}")
        row[0].set_ylabel("log-odds of the class")
    for axes in grid[-1]:
        axes.set_xlabel("factor a of the input a x")
    handles = [
        Line2D([], [], color=look.colour, linestyle=look.linestyle, label=name_of_kind(built_as, decay, None, 1, None))
        for (built_as, decay), look in zip(kinds, looks, strict=True)
    ]
    draw_title(figure, "Confidence along rays that leave the data", handles)
    draw_note(
        figure,
        "Lines: medians over the rays, averaged over the networks of one kind; bands: from the lowest to the highest "
        "network. Dotted: 99.99 % confidence. Axis of log-odds: linear up to 10, then logarithmic, where "
        "linear growth is a straight line. No attack chooses the directions.",
    )
    return figure


def _draw_means(axes: Axes, means: pd.DataFrame, column: str, places: list[float], look: Look) -> None:
    values, low, high = (means[name].to_numpy(dtype=float) for name in (column, f"{column}_low", f"{column}_high"))
    bars = np.nan_to_num(np.clip([values - low, high - values], 0, None))
    axes.errorbar(
        values, places, xerr=bars, color=look.colour, marker=look.marker, markersize=4.5, linestyle="", capsize=2,
        elinewidth=0.9, markeredgecolor=BACKGROUND, markeredgewidth=0.4,
    )  # fmt: skip


def _draw_along(axes: Axes, rows: pd.DataFrame, look: Look) -> None:
    if rows.empty:
        return
    medians = rows.groupby("factor")["median_log_odds"].agg(["min", "mean", "max"])
    axes.plot(medians.index, medians["mean"], color=look.colour, linestyle=look.linestyle)
    axes.fill_between(medians.index, medians["min"], medians["max"], color=look.colour, alpha=0.15, linewidth=0)


def _look(index: int) -> Look:
    """Return a look of its own for each of many kinds: a colour with the dashes of another one after the sixth."""
    count = len(SERIES)
    colour, dashes = SERIES[index % count].colour, SERIES[(index + index // count) % count].dashes
    return dataclasses.replace(SERIES[0], colour=colour if index < count**2 else INK, dashes=dashes)


def _place(row: pd.Series[float], kinds: list[tuple[object, ...]]) -> float:
    own = tuple(row[name] for name in ALIKE)
    return float(next(place for place, kind in enumerate(kinds) if all(map(same, own, kind))))


def same(one: object, other: object) -> bool:
    """Return whether two cells of a table are equal, or both are empty."""
    empty = [bool(pd.isna(value)) for value in (one, other)]  # type: ignore[call-overload]
    return all(empty) or (not any(empty) and bool(one == other))


def _equal(values: pd.Series[float], wanted: float) -> pd.Series[bool]:
    return values.isna() if pd.isna(wanted) else values == wanted


def name_of_kind(built_as: object, weight_decay: float, retraining: object, number: int, filled_with: object) -> str:
    """Return the name of a kind of networks."""
    words = [str(built_as)]
    if not pd.isna(weight_decay):
        words.append(f"weight decay {weight_decay:g}")
    if number > 1:
        words.append(f"network {number} of {retraining}, {filled_with}")
    lines, line = [], ""
    for word in words:
        if line and len(line) + len(word) > 34:
            lines.append(line + ",")
            line = word
        else:
            line = f"{line}, {word}" if line else word
    return "\n".join([*lines, line])
