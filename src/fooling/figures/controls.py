"""Evolution compared with its controls: random search, drift and single random images."""

from __future__ import annotations

import pandas as pd
import seaborn as sns  # type: ignore[import-untyped]
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fooling.errors import FoolingError
from fooling.figures.confidence_axis import draw_reference, log_odds, use_confidence_ticks, use_percent_ticks
from fooling.figures.style import (
    ENCODINGS,
    QUIET,
    SEARCHES,
    WIDTH,
    counted,
    draw_note,
    draw_search_legend,
    in_style,
    searches_in,
)
from fooling.percentages import short_percent

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
    figure = Figure(figsize=(WIDTH, 1.15 + 0.72 * runs["experiment"].nunique()), layout="constrained")
    panels = figure.subplots(1, 2 if reference else 1, sharey=True, squeeze=False)[0]
    _draw_runs(panels[0], runs, "log_odds")
    values = [*runs["log_odds"], *([log_odds(reference)] if reference else [])]
    use_confidence_ticks(panels[0], values, which="x", most=6)
    panels[0].set(title="Median confidence", xlabel="confidence, log-odds scale")
    if reference:
        draw_reference(panels[0], log_odds(reference), which="x")
        _draw_reached(panels[1], champions, reference)
    draw_search_legend(figure, champions, marks=True)
    most = runs.groupby("experiment").size().max() // runs["search"].nunique()
    more = " Dotted line: the paper's median. In the right margin: mean over the runs." if reference else ""
    draw_note(
        figure,
        f"Each dot is a run (at most {counted(most, 'run')} per search). Box: middle 50 % of the runs and median; "
        f"whiskers: all runs.{more}",
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
    """Draw the confidence in single random images, and in the best of a random start.

    ``start`` has a row for every single image, ``history`` one for every class and generation of the runs.
    """
    encodings = history.drop_duplicates("experiment").set_index("experiment")["encoding"]
    first = history[(history["generation"] == 0) & (history["search"] == "map-elites")]
    single, archive = _labelled(start, encodings), _labelled(first, encodings)
    rows = list(dict.fromkeys(single["row"]))
    figure = Figure(figsize=(WIDTH, 1.2 + 0.34 * len(rows)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    _draw_boxes(left, single, "top_confidence", rows)
    _draw_boxes(right, archive, "confidence", rows)
    left.set_title("Single random images")
    right.set_title(f"The best of {first['evaluations'].max():,} for each class")
    _write_shares(left, single, rows)
    draw_note(
        figure,
        f"Left: confidence of {single.groupby('row').size().min():,} images per row in their top class; in the margin: "
        "the share above 50 %. Right: the champions of all classes and runs after the random start. Box: middle 50 % "
        f"and median; whiskers: {WHISKERS[0]} % to {WHISKERS[1]} % quantile.",
    )
    return figure


def _labelled(table: pd.DataFrame, encodings: pd.Series[str]) -> pd.DataFrame:
    """Return ``table`` with two more columns: the row of the figure, and the encoding."""
    return table.assign(
        row=table["classifier"] + ", " + table["experiment"], encoding=table["experiment"].map(encodings)
    )


def _draw_boxes(axes: Axes, table: pd.DataFrame, column: str, rows: list[str]) -> None:
    sns.boxplot(
        table,
        x=column,
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
    use_percent_ticks(axes, which="x")
    axes.set(xlabel="confidence", ylabel="")
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)


def _write_shares(axes: Axes, single: pd.DataFrame, rows: list[str]) -> None:
    """Write to the right of every row the share of images with more than 50 % confidence."""
    shares = (single["top_confidence"] > 0.5).groupby(single["row"]).mean()
    for place, row in enumerate(rows):
        text = f"{shares[row]:.0%}".replace("%", " %")
        axes.annotate(text, (1.04, place), va="center", color=QUIET, fontsize=6.5, annotation_clip=False)
