"""Evolution compared with its controls: random search, drift and single random images."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn as sns  # type: ignore[import-untyped]
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fooling.errors import FoolingError
from fooling.figures.confidence_axis import (
    EXPLAINED,
    LABEL,
    draw_reference,
    finite_log_odds,
    log_odds,
    reference_handle,
    use_confidence_ticks,
    visible,
)
from fooling.figures.style import (
    CHART,
    ENCODINGS,
    QUIET,
    SEARCHES,
    counted,
    draw_note,
    draw_title,
    in_style,
    search_handles,
    searches_in,
)
from fooling.formatting import short_percent, whole_percent

BOXES = 0.76  # of the height of an experiment, divided among the boxes of its searches
RUN = ["experiment", "search", "classifier", "seed"]
WHISKERS = (5, 95)  # percentiles, of single random images


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
