"""Evolution compared with its controls, at the end and over the images scored: random search, drift, single images."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import seaborn as sns  # type: ignore[import-untyped]
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fooling.figures.class_map import draw_class_map
from fooling.figures.style import (
    CHART,
    ENCODINGS,
    EXPLAINED,
    LABEL,
    QUIET,
    SEARCHES,
    WIDTH,
    draw_note,
    draw_reference,
    draw_title,
    finite_log_odds,
    in_style,
    limit_evaluations,
    log_odds,
    on_networks,
    reference_handle,
    search_handles,
    searches_in,
    use_confidence_ticks,
    visible,
)
from fooling.messages import FoolingError, counted, short_percent, whole_percent

BOXES = 0.76  # of the height of an experiment, divided among the boxes of its searches
RUN = ["experiment", "search", "classifier", "seed"]
WHISKERS = (5, 95)  # percentiles, of single random images
RUN_POINT = ["search", "classifier", "seed", "evaluations"]
COLUMNS, MOST_PANELS = 5, 20  # of the figure by class; more classes are a map
POINTS = 60  # of a curve, at most: more cannot be distinguished in print
BAND = 0.16  # its opacity


@in_style
def search_comparison(*, champions: pd.DataFrame, reference: float | None) -> Figure:
    """Draw the median class of every run, and its number of fooled classes.

    The right panel counts the classes at or above ``reference``, the paper's median; if that is None, there is no such
    panel. Experiments without a control are left out. Raises :class:`FoolingError` if no experiment has one.
    """
    champions = _with_controls(champions)
    if champions.empty:
        raise FoolingError(
            "no experiment has a control to compare it with",
            found="one search in every experiment",
            expected="evolution, and random search or drift",
            remedy="include the runs of the controls in the table of champions",
        )
    runs = champions.groupby(RUN, sort=False)["log_odds"].median().reset_index()
    runs["log_odds"] = visible(runs["log_odds"])
    figure = Figure(figsize=(CHART, 1.9 + 0.72 * runs["experiment"].nunique()), layout="constrained")
    panels = figure.subplots(1, 2 if reference else 1, sharey=True, squeeze=False)[0]
    _draw_runs(panels[0], runs, "log_odds")
    values = [*runs["log_odds"], *([log_odds(reference)] if reference else [])]
    use_confidence_ticks(panels[0], values, which="x", most=4)
    panels[0].set(title="Median confidence", xlabel=LABEL)
    handles = search_handles(champions, marks=True)
    if reference:
        draw_reference(panels[0], log_odds(reference), which="x")
        _draw_reached(panels[1], champions, reference)
        handles.append(reference_handle(reference))
    draw_title(figure, "Evolution compared with random search and drift at the same budget", handles)
    most = runs.groupby("experiment").size().max() // runs["search"].nunique()
    more = " In the right margin: the mean over the runs." if reference else ""
    draw_note(
        figure,
        f"Each dot is a run (at most {counted(most, 'run')} per search). Box: middle 50 % of the runs and median; "
        f"whiskers: all runs.{more} {EXPLAINED}",
    )
    return figure


def _with_controls(champions: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of experiments with more than one search."""
    searches = champions.groupby("experiment")["search"].transform("nunique")
    return champions[searches > 1]


def _draw_reached(axes: Axes, champions: pd.DataFrame, reference: float) -> None:
    """Draw the classes of every run at or above ``reference``; write the mean in the margin."""
    reached = champions.assign(reached=champions["confidence"].astype(float) >= reference)
    runs = reached.groupby(RUN, sort=False)["reached"].sum().reset_index()
    _draw_runs(axes, runs, "reached")
    classes, searches = champions["class_index"].nunique(), searches_in(runs)
    axes.set(title=f"Classes at {short_percent(reference)} or more", xlabel=f"classes of {classes}")
    axes.set_xlim(-0.4, classes + 0.4)
    means = runs.groupby(["experiment", "search"], sort=False)["reached"].mean()
    for row, experiment in enumerate(dict.fromkeys(runs["experiment"])):
        for place, search in enumerate(searches):
            y = row + BOXES * ((place + 0.5) / len(searches) - 0.5)
            axes.annotate(
                f"{means[experiment, search]:.1f}", (1.02, y), xycoords=axes.get_yaxis_transform(), va="center",
                color=SEARCHES[search].colour, fontsize=6.5, annotation_clip=False,
            )  # fmt: skip


def _draw_runs(axes: Axes, runs: pd.DataFrame, column: str) -> None:
    searches = searches_in(runs)
    common = {
        "data": runs,
        "x": column,
        "y": "experiment",
        "hue": "search",
        "hue_order": searches,
        "palette": {search: SEARCHES[search].colour for search in searches},
        "legend": False,
        "ax": axes,
    }
    sns.boxplot(**common, whis=(0, 100), fill=False, linewidth=1.0, width=BOXES, gap=0.25)
    sns.stripplot(**common, dodge=True, jitter=False, size=3, alpha=0.45, linewidth=0)
    axes.set(ylabel="")
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)


@in_style
def random_images(*, start: pd.DataFrame, history: pd.DataFrame) -> Figure:
    """Draw the confidence in single random images, and in the best of a random start, in log-odds.

    ``start`` has a row for every single image, ``history`` one for every class and generation of the runs.
    """
    encodings = history.drop_duplicates("experiment").set_index("experiment")["encoding"]
    first = history[(history["generation"] == 0) & (history["search"] == "map-elites")]
    single = _labelled(start, encodings, finite_log_odds(start["top_confidence"]))
    archive = _labelled(first, encodings, visible(first["log_odds"]))
    rows = list(dict.fromkeys(single["row"]))
    figure = Figure(figsize=(CHART, 1.5 + 0.34 * len(rows)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    _draw_boxes(left, single, rows)
    _draw_boxes(right, archive, rows)
    left.set_title("One random image:\nits top class")
    right.set_title(f"The best of {first['evaluations'].max():,}:\neach class")
    _write_shares(left, single, rows)
    draw_title(figure, "Confidence in random images, without any evolution")
    draw_note(
        figure,
        f"Left: {single.groupby('row').size().min():,} single images per row, each with the confidence in the class "
        "that the network prefers; in the margin: the share above 50 %. Right: after the random start of each run, the "
        f"best image of each class, with the confidence in that class. Box: middle 50 % and median; whiskers: "
        f"{WHISKERS[0]} % to {WHISKERS[1]} % quantile. {EXPLAINED}",
    )
    return figure


def _labelled(table: pd.DataFrame, encodings: pd.Series[str], log_odds: NDArray[np.float64]) -> pd.DataFrame:
    """Return ``table`` with three more columns: the row of the figure, the encoding, and the log-odds."""
    return table.assign(
        row=table["classifier"] + ", " + table["experiment"],
        encoding=table["experiment"].map(encodings),
        shown=log_odds,
    )


def _draw_boxes(axes: Axes, table: pd.DataFrame, rows: list[str]) -> None:
    sns.boxplot(
        table,
        x="shown",
        y="row",
        order=rows,
        hue="encoding",
        palette={name: look.colour for name, look in ENCODINGS.items()},
        dodge=False,
        whis=WHISKERS,
        showfliers=False,
        width=0.55,
        linewidth=0.9,
        saturation=0.9,
        legend=False,
        ax=axes,
    )
    ends = table.groupby("row")["shown"].quantile(np.array(WHISKERS) / 100)
    use_confidence_ticks(axes, ends.tolist(), which="x", most=4)
    axes.set(xlabel=LABEL, ylabel="")
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)


def _write_shares(axes: Axes, single: pd.DataFrame, rows: list[str]) -> None:
    """Write to the right of every row the share of images with more than 50 % confidence."""
    shares = (single["top_confidence"] > 0.5).groupby(single["row"]).mean()
    for place, row in enumerate(rows):
        axes.annotate(
            whole_percent(shares[row]), (1.02, place), xycoords=axes.get_yaxis_transform(), va="center", color=QUIET,
            fontsize=6.5, annotation_clip=False,
        )  # fmt: skip


@in_style
def confidence_over_evaluations(*, history: pd.DataFrame, reference: float | None) -> Figure:
    """Draw the median confidence of every search, in log-odds.

    A run is represented by its median over the classes. ``reference`` is the paper's median.
    """
    runs = history.groupby(RUN_POINT)["log_odds"].median().reset_index()
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
    limit_evaluations(axes, int(middle.index[0]), int(middle.index[-1]), apart=apart)


def _distinguishable(evaluations: pd.Series[int]) -> NDArray[np.int64]:
    """Return numbers of evaluations that are evenly spaced on a logarithmic axis."""
    kept = np.unique(evaluations)
    spread = np.geomspace(kept[0], kept[-1], POINTS)
    return np.unique(kept[np.searchsorted(kept, spread - 0.5).clip(max=len(kept) - 1)])


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
