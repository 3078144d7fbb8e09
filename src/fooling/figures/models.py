"""Kinds of models: which of them are fooled, and their confidence far from the data."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from fooling.figures.style import (
    BACKGROUND,
    ENCODINGS,
    FAINT,
    INK,
    PAPER,
    QUIET,
    REAL,
    SEARCHES,
    SERIES,
    WIDTH,
    Look,
    draw_note,
    draw_title,
    in_style,
    log_odds,
    name_of_kind,
    same,
    searches_in,
    use_percent_ticks,
)
from fooling.findings.far import ALIKE, published
from fooling.findings.fooled import KIND_OF_MODEL, at_equal_budget
from fooling.messages import capitalised, whole_percent

LANES = {"real": -0.29, "map-elites": 0.0, "random-search": 0.29}  # rows, from the middle of the row
LINEAR_UP_TO = 10.0  # log-odds; beyond, the axis is logarithmic
FEW_TICKS = 30.0  # log-odds; if the axis ends beyond, the percentages between 0.01, 50 and 99.99 have no ticks
#: Labels of the axis: confidences where it is linear, log-odds beyond.
TICKS = {
    **{sign * 10.0**power: f"{sign * 10**power:,}" for power in range(2, 7) for sign in (-1, 1)},
    **{log_odds(share): f"{100 * share:g} %" for share in (0.0001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.9999)},
}
KINDS = {False: Look("inputs from N(0, I)", "#0072B2", "", "o"), True: Look("clipped to 0 to 1", "#D55E00", "", "s")}
PANELS = {"rubbish_share": "share with a class above 50 %", "mistaken_confidence": "mean confidence in these"}
APART = 0.18  # rows, from the middle of a row to the marks of one kind of inputs
PUBLISHED_MARKER = "D"
DIRECTIONS = {"image": "real test images", "noise": "random directions"}
THRESHOLD = log_odds(0.9999)
LABELLED = 3  # every third factor has a label
RAY_TICKS = (-10.0, 0.0, 10.0, 100.0, 1000.0, 10_000.0, 100_000.0)


@in_style
def fooled(*, fooled: pd.DataFrame) -> Figure:
    """Draw the log-odds of real images and champions: a row for each kind of model, a panel for each encoding.

    The champions are those at the largest budget that all models of a data set have in this encoding. Numbers at the
    right: the share of the classes whose champion is above the median of the real images.
    """
    kinds = [tuple(row) for row in fooled[list(KIND_OF_MODEL)].drop_duplicates().itertuples(index=False)]
    encodings = [name for name in ENCODINGS if (fooled["encoding"] == name).any()]
    figure = Figure(figsize=(WIDTH, 2.2 + 0.52 * len(kinds)), layout="constrained")
    panels = figure.subplots(1, len(encodings), sharex=True, sharey=True, squeeze=False)[0]
    for axes, encoding in zip(panels, encodings, strict=True):
        shown = list(at_equal_budget(fooled[fooled["encoding"] == encoding]))
        for rows in shown:
            _draw_kind(axes, rows, next(place for place, kind in enumerate(kinds) if _is_kind(rows, kind)))
        axes.set_title(capitalised(ENCODINGS[encoding].label))
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel("confidence; beyond 99.995 %: log-odds")
    several = len({kind[0] for kind in kinds}) > 1
    panels[0].set_yticks(range(len(kinds)), [_name(kind, with_dataset=several) for kind in kinds])
    panels[0].set_ylim(len(kinds) - 0.5, -0.5)
    _use_log_odds(panels[0], fooled)
    draw_title(figure, "Who is fooled? Champions beside the real images of their own model", _handles(fooled))
    draw_note(
        figure,
        "Means over the classifiers of one kind; small dots: medians of single classifiers. Thin lines: from the "
        "lowest to the highest image or champion. Vertical lines: median (solid) and 95th percentile (dotted) of "
        "correctly classified real images. At the right: share of the classes whose champion is above that median, and "
        "in brackets of those where it is equal. Models of one data set have the same number of evaluations. The axis "
        "is linear in log-odds up to 10, then logarithmic. A model that resists these searches with this budget is not "
        "shown to be safe.",
    )
    return figure


def _draw_kind(axes: Axes, rows: pd.DataFrame, place: int) -> None:
    """Draw one row: the real images of its classifiers, and the champions of each search."""
    real = rows.drop_duplicates("classifier").dropna(subset="real_median")
    if len(real):
        least, bound, median, high, most = (
            float(real[f"real_{name}"].mean()) for name in ("least", "bound", "median", "95th", "most")
        )
        lane = place + LANES["real"]
        axes.hlines(lane, least, most, color=REAL, linewidth=1)
        axes.hlines(lane, bound, high, color=REAL, linewidth=5, alpha=0.55)
        axes.vlines(median, place - 0.43, place + 0.43, color=REAL, linewidth=1.4, zorder=1.5)
        axes.vlines(high, place - 0.43, place + 0.43, color=REAL, linewidth=1, linestyle=(0, (1, 1.5)), zorder=1.5)
    for search in searches_in(rows):
        look, lane, of_search = SEARCHES[search], place + LANES[search], rows[rows["search"] == search]
        least, median, most = (float(of_search[f"{name}_log_odds"].mean()) for name in ("least", "median", "most"))
        axes.hlines(lane, least, most, color=look.colour, linewidth=1)
        axes.plot(median, lane, look.marker, color=look.colour, markersize=5)
        axes.plot(
            of_search["median_log_odds"], [lane] * len(of_search), ".", color=look.colour, markersize=2.5, alpha=0.6
        )
        if of_search["above_median"].notna().any():
            above, tied = (float(of_search[name].mean()) for name in ("above_median", "tied"))
            words = whole_percent(above) + (f" (= {whole_percent(tied)})" if tied > 0 else "")
            beside = axes.get_yaxis_transform()
            axes.text(1.015, lane, words, transform=beside, color=look.colour, fontsize=6.5, va="center")
    axes.axhline(place + 0.5, color=FAINT, linewidth=0.5)


def _use_log_odds(axes: Axes, rows: pd.DataFrame) -> None:
    """Limit the axis of log-odds, linear in the middle, to all that is drawn, and label it."""
    drawn = rows[["real_least", "real_most", "least_log_odds", "most_log_odds"]].to_numpy(dtype=np.float64)
    low, high = min(float(np.nanmin(drawn)), -1.0), max(float(np.nanmax(drawn)), log_odds(0.9999))
    axes.set_xscale("symlog", linthresh=LINEAR_UP_TO, linscale=1.5)
    axes.set_xlim(low - 0.06 * abs(low) - 0.5, high + 0.06 * high)
    is_wide = max(-low, high) > FEW_TICKS
    axes.xaxis.set_major_locator(FixedLocator([tick for tick in sorted(TICKS) if not (is_wide and 0 < abs(tick) < 9)]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda value, _: TICKS[min(TICKS, key=lambda tick: abs(tick - value))])
    )


def _handles(rows: pd.DataFrame) -> list[Line2D]:
    found = [Line2D([], [], color=REAL, linewidth=5, alpha=0.55, label="real images: 5 % to 95 %")]
    for search in searches_in(rows):
        look = SEARCHES[search]
        found.append(Line2D([], [], color=look.colour, marker=look.marker, markersize=5, linewidth=1, label=look.label))
    return found


def _is_kind(rows: pd.DataFrame, kind: tuple[object, ...]) -> bool:
    own = rows[list(KIND_OF_MODEL)].iloc[0]
    return all(map(same, own, kind))


def _name(kind: tuple[Any, ...], *, with_dataset: bool) -> str:
    """Return the name of a kind of model, with its data set if there are several."""
    dataset, built_as, weight_decay, part = kind
    words = [name_of_kind(built_as, weight_decay, None, 1, None), *([] if pd.isna(part) else [str(part)])]
    return "\n".join([*words, *([f"on {dataset}"] if with_dataset else [])])


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
            axes.yaxis.set_major_locator(FixedLocator(RAY_TICKS))
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


def _equal(values: pd.Series[float], wanted: float) -> pd.Series[bool]:
    return values.isna() if pd.isna(wanted) else values == wanted
