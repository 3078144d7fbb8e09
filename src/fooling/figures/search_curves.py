"""Confidence against the number of images scored, for evolution, random search and drift."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import pandas as pd
import seaborn as sns  # type: ignore[import-untyped]
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from numpy.typing import NDArray

from fooling.figures.class_map import draw_class_map
from fooling.figures.confidence_axis import (
    draw_reference,
    log_odds,
    name_reference,
    use_confidence_ticks,
    use_percent_ticks,
)
from fooling.figures.style import (
    ENCODINGS,
    SEARCHES,
    WIDTH,
    counted,
    draw_note,
    draw_search_legend,
    in_style,
    searches_in,
)

RUN = ["search", "classifier", "seed", "evaluations"]
COLUMNS, MOST_PANELS = 5, 20  # of the figure by class; more classes are a map
#: The opacity of each band, by the share of the runs in percent that it covers.
BANDS = {100: 0.12, 50: 0.24}
POINTS = 60  # of a curve, at most: more cannot be distinguished in print


@in_style
def confidence_over_evaluations(*, history: pd.DataFrame, reference: float | None) -> Figure:
    """Draw the median confidence of every search, on a linear axis and in log-odds.

    A run is represented by its median over the classes. ``reference`` is the paper's median.
    """
    runs = history.groupby(RUN, as_index=False)[["confidence", "log_odds"]].median()
    figure = Figure(figsize=(WIDTH, 3.3), layout="constrained")
    linear, in_log_odds = figure.subplots(1, 2)
    _draw_search_curves(linear, runs, "confidence")
    use_percent_ticks(linear)
    linear.set(title="Median confidence", ylabel="confidence")
    _draw_search_curves(in_log_odds, runs, "log_odds")
    values = [*runs["log_odds"], *([log_odds(reference)] if reference else [])]
    use_confidence_ticks(in_log_odds, values)
    in_log_odds.set(title="Median confidence (log-odds axis)", ylabel="confidence, log-odds scale")
    if reference:
        draw_reference(in_log_odds, log_odds(reference))
        name_reference(in_log_odds, log_odds(reference), "the paper's median")
    draw_search_legend(figure, history)
    draw_note(figure, _curves_note(history))
    return figure


@in_style
def classes_over_evaluations(*, history: pd.DataFrame, champions: pd.DataFrame, reference: float | None) -> Figure:
    """Draw a panel for each class, in log-odds; if there are too many classes, a map.

    ``champions`` holds the names of the classes, ``reference`` is the paper's median.
    """
    classes = champions.groupby("class_index")["class_name"].first()
    if len(classes) > MOST_PANELS:
        return draw_class_map(history)
    columns = min(COLUMNS, len(classes))
    rows = math.ceil(len(classes) / columns)
    figure = Figure(figsize=(WIDTH, 0.95 + 1.45 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    values = [*history["log_odds"].quantile([0, 1]), *([log_odds(reference)] if reference else [])]
    for axes in grid.flat[len(classes) :]:
        axes.remove()
    for axes, (index, name) in zip(grid.flat, classes.items(), strict=False):
        _draw_search_curves(axes, history[history["class_index"] == index], "log_odds", is_small=True)
        use_confidence_ticks(axes, values, most=6)
        axes.set_title(f"class {name}", fontsize=7.5)
        if reference:
            draw_reference(axes, log_odds(reference))
        if axes.get_subplotspec().rowspan.stop < rows:
            axes.set_xlabel("")
    figure.supylabel("confidence, log-odds scale", fontsize=8)
    if reference:
        name_reference(grid[0, 0], log_odds(reference), "the paper")
    draw_search_legend(figure, history)
    draw_note(figure, _curves_note(history))
    return figure


def _draw_search_curves(
    axes: Axes, runs: pd.DataFrame, column: Literal["confidence", "log_odds"], *, is_small: bool = False
) -> None:
    """Draw the median of the runs for each search, with two bands.

    A light band covers all runs, a darker one the middle 50 %. ``runs`` has a row for each run and number of
    evaluations, with the columns ``search``, ``evaluations`` and ``column``. A panel that ``is_small`` gets fewer
    ticks.
    """
    searches = searches_in(runs)
    runs = runs[runs["evaluations"].isin(_distinguishable(runs["evaluations"]))]
    for share, alpha in BANDS.items():
        sns.lineplot(
            runs,
            x="evaluations",
            y=column,
            hue="search",
            hue_order=searches,
            palette={search: SEARCHES[search].colour for search in searches},
            style="search",
            style_order=searches,
            dashes={search: SEARCHES[search].dashes for search in searches},
            estimator="median",
            errorbar=("pi", share),
            err_kws={"alpha": alpha, "linewidth": 0},
            linewidth=1.5 if share == min(BANDS) else 0,
            legend=False,
            ax=axes,
        )
    axes.set(xscale="log", xlabel="images scored", ylabel="")
    _limit_evaluations(axes, runs["evaluations"].min(), runs["evaluations"].max(), apart=4.5 if is_small else 2)


def _distinguishable(evaluations: pd.Series[int]) -> NDArray[np.int64]:
    """Return numbers of evaluations that are evenly spaced on a logarithmic axis."""
    kept = np.unique(evaluations)
    spread = np.geomspace(kept[0], kept[-1], POINTS)
    return np.unique(kept[np.searchsorted(kept, spread - 0.5).clip(max=len(kept) - 1)])


def _limit_evaluations(axes: Axes, first: int, last: int, *, apart: float) -> None:
    """Set ticks at both ends, and at powers of ten a factor ``apart`` or more away."""
    powers = [10**power for power in range(1, 12) if apart * first <= 10**power <= last / apart]
    ticks = [first, *powers, last]
    axes.set_xlim(first, last)
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())


def _curves_note(history: pd.DataFrame) -> str:
    """Return the note of a figure: encoding, runs, and the meaning of line and bands."""
    encoding = ENCODINGS[history["encoding"].iloc[0]].label
    runs = len(history[["classifier", "seed"]].drop_duplicates())
    networks = counted(history["classifier"].nunique(), "network")
    shown = f"{encoding[0].upper()}{encoding[1:]}, {counted(runs, 'run')} of each search on {networks}."
    if runs < 3:
        return f"{shown} Line: median."
    return f"{shown} Line: median; dark band: middle 50 %; light band: all runs."
