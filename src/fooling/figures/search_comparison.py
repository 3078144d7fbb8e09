"""Evolution against random search and drift at the end of the same budget, one dot for each run."""

from __future__ import annotations

import pandas as pd
import seaborn as sns  # type: ignore[import-untyped]
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fooling.errors import FoolingError
from fooling.figures.confidence_axis import (
    draw_reference,
    log_odds,
    use_confidence_ticks,
)
from fooling.figures.percentages import short_percent
from fooling.figures.search_curves import draw_legend, present
from fooling.figures.style import SEARCHES, WIDTH, counted, draw_note, in_style

BOXES = 0.76  # of the height of an experiment, shared by the boxes of its searches
RUN = ["experiment", "search", "classifier", "seed"]


@in_style
def draw(*, champions: pd.DataFrame, reference: float | None) -> Figure:
    """Left the median class of every run, right how many classes stand at the paper's median ``reference``.

    Without a ``reference`` there is no right panel. Experiments without a control are left out; raises
    :class:`FoolingError` where none has one.
    """
    champions = _with_controls(champions)
    if champions.empty:
        raise FoolingError(
            "no experiment has a control to compare it with",
            found="one search in every experiment",
            expected="evolution and random search, or drift",
            remedy="tabulate the runs of the controls as well",
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
    draw_legend(figure, champions, marks=True)
    most = runs.groupby("experiment").size().max() // runs["search"].nunique()
    more = " Dotted line: the paper's median; in the right margin: mean of the runs." if reference else ""
    draw_note(
        figure,
        f"Each dot is a run (up to {counted(most, 'run')} per search); box: the middle half of the runs and their "
        f"median, whiskers: all.{more}",
    )
    return figure


def _with_controls(champions: pd.DataFrame) -> pd.DataFrame:
    """The experiments in which more than one search was made."""
    searches = champions.groupby("experiment")["search"].transform("nunique")
    return champions[searches > 1]


def _draw_reached(axes: Axes, champions: pd.DataFrame, reference: float) -> None:
    """How many classes of every run stand at ``reference`` or above, and the mean of that in the margin."""
    reached = champions.assign(reached=champions["confidence"].astype(float) >= reference)
    runs = reached.groupby(RUN, sort=False)["reached"].sum().reset_index()
    _draw_runs(axes, runs, "reached")
    classes, searches = champions["class_index"].nunique(), present(runs)
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
    searches = present(runs)
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
