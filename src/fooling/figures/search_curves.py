"""Confidence against the number of images scored, for evolution, random search and drift."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from numpy.typing import NDArray

from fooling.figures.class_map import draw_class_map
from fooling.figures.confidence_axis import (
    EXPLAINED,
    LABEL,
    draw_reference,
    log_odds,
    reference_handle,
    use_confidence_ticks,
    visible,
)
from fooling.figures.style import (
    CHART,
    ENCODINGS,
    SEARCHES,
    WIDTH,
    counted,
    draw_note,
    draw_title,
    in_style,
    on_networks,
    search_handles,
    searches_in,
)

RUN = ["search", "classifier", "seed", "evaluations"]
COLUMNS, MOST_PANELS = 5, 20  # of the figure by class; more classes are a map
POINTS = 60  # of a curve, at most: more cannot be distinguished in print
BAND = 0.16  # its opacity


@in_style
def confidence_over_evaluations(*, history: pd.DataFrame, reference: float | None) -> Figure:
    """Draw the median confidence of every search, in log-odds.

    A run is represented by its median over the classes. ``reference`` is the paper's median.
    """
    runs = history.groupby(RUN)["log_odds"].median().reset_index()
    figure = Figure(figsize=(CHART, 3.5), layout="constrained")
    axes = figure.subplots()
    for search in searches_in(runs):
        _draw_curve(axes, runs, search, with_band=search == "map-elites")
    use_confidence_ticks(axes, [*visible(runs["log_odds"]), *([log_odds(reference)] if reference else [])])
    axes.set_ylabel(LABEL)
    _finish(figure, history, reference, title="Median confidence over the classes")
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
    figure = Figure(figsize=(WIDTH, 1.3 + 1.45 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    range_of_all = visible(history["log_odds"].quantile([0, 1]))
    values = [*range_of_all, *([log_odds(reference)] if reference else [])]
    for axes in grid.flat[len(classes) :]:
        axes.remove()
    for axes, (index, name) in zip(grid.flat, classes.items(), strict=False):
        of_class = history[history["class_index"] == index]
        for search in searches_in(of_class):
            _draw_curve(axes, of_class, search, with_band=search == "map-elites", apart=4.5)
        use_confidence_ticks(axes, values, most=6)
        axes.set_title(f"class {name}", fontsize=7.5)
        if axes.get_subplotspec().rowspan.stop < rows:
            axes.set_xlabel("")
    figure.supylabel(LABEL, fontsize=8)
    _finish(figure, history, reference, title="Confidence in each class")
    return figure


def _draw_curve(axes: Axes, runs: pd.DataFrame, search: str, *, with_band: bool, apart: float = 2.0) -> None:
    """Draw the median of the runs of one search and, if asked, a band that covers all of them.

    ``runs`` has a row for each run and number of evaluations, with the columns ``search``, ``evaluations`` and
    ``log_odds``. Ticks are a factor ``apart`` or more from both ends.
    """
    look, those = SEARCHES[search], runs[runs["search"] == search]
    those = those[those["evaluations"].isin(_distinguishable(those["evaluations"]))]
    levels = those.assign(height=visible(those["log_odds"])).groupby("evaluations")["height"]
    middle = levels.median()
    axes.plot(middle.index, middle, color=look.colour, linestyle=look.linestyle)
    if with_band:
        axes.fill_between(middle.index, levels.min(), levels.max(), color=look.colour, alpha=BAND, linewidth=0)
    axes.set(xscale="log", xlabel="images scored")
    _limit_evaluations(axes, int(middle.index[0]), int(middle.index[-1]), apart=apart)


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


def _finish(figure: Figure, history: pd.DataFrame, reference: float | None, *, title: str) -> None:
    """Draw the lines at the paper's median, the title with the legend, and the note."""
    handles = search_handles(history)
    if reference:
        for axes in figure.axes:
            draw_reference(axes, log_odds(reference))
        handles.append(reference_handle(reference))
    encoding = ENCODINGS[history["encoding"].iloc[0]].label
    draw_title(figure, f"{title}: {encoding} on {on_networks(history)}", handles)
    runs = len(history[["classifier", "seed"]].drop_duplicates())
    spread = (
        "Lines: medians; band: all runs of evolution." if runs > 1 else "One run: an illustration, without statistics."
    )
    draw_note(figure, f"{counted(runs, 'run')} of each search. {spread} {EXPLAINED}")
