"""Who is fooled: the champions of each model beside its own real test images."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from fooling.figures.far import name_of_kind, same
from fooling.figures.style import (
    ENCODINGS,
    FAINT,
    REAL,
    SEARCHES,
    WIDTH,
    capitalised,
    draw_note,
    draw_title,
    in_style,
    log_odds,
    searches_in,
)
from fooling.findings.fooled import KIND_OF_MODEL, at_equal_budget
from fooling.messages import whole_percent

LANES = {"real": -0.29, "map-elites": 0.0, "random-search": 0.29}  # rows, from the middle of the row
LINEAR_UP_TO = 10.0  # log-odds; beyond, the axis is logarithmic
FEW_TICKS = 30.0  # log-odds; if the axis ends beyond, the percentages between 0.01, 50 and 99.99 have no ticks
#: Labels of the axis: confidences where it is linear, log-odds beyond.
TICKS = {
    **{sign * 10.0**power: f"{sign * 10**power:,}" for power in range(2, 7) for sign in (-1, 1)},
    **{log_odds(share): f"{100 * share:g} %" for share in (0.0001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.9999)},
}


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
