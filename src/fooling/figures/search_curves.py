"""Confidence against the number of images scored, for evolution and its controls, and with labels alone."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator
from numpy.typing import NDArray

from fooling.figures.class_map import draw_class_map
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
from fooling.figures.image_grid import HEAD, place_image, sheet, write, write_class_names, write_head
from fooling.figures.style import (
    CHART,
    ENCODINGS,
    FAINT,
    INK,
    QUIET,
    SEARCHES,
    WIDTH,
    Look,
    counted,
    draw_note,
    draw_title,
    in_style,
    on_networks,
    search_handles,
    searches_in,
)
from fooling.findings.families import pictures_in
from fooling.findings.label_only import MAP_ELITES, RANDOM, TRANSFER
from fooling.formatting import percent

RUN = ["search", "classifier", "seed", "evaluations"]
COLUMNS, MOST_PANELS = 5, 20  # of the figure by class; more classes are a map
POINTS = 60  # of a curve, at most: more cannot be distinguished in print
BAND = 0.16  # its opacity
TRANSFERRED = Look("champions of another network", "#009E73", marker="D")
#: Rows of the images found with labels alone, and the inches beside them and between the images at most.
ROWS = {MAP_ELITES: "MAP-Elites", RANDOM: "random search", TRANSFER: "another network's\nchampions"}
MARGIN, MOST_PITCH = 1.12, 0.68


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


@in_style
def label_only(*, label_only: pd.DataFrame, label_only_curves: pd.DataFrame) -> Figure:
    """Draw what labels alone reach: for each attack (row), the revealed confidence and the noise that labels survive.

    A run is represented by its median over the classes. Champions of another network have one query for each class;
    their mark is the median over the pairs of networks and seeds, with the range.
    """
    attacks = list(dict.fromkeys(label_only_curves["attack"]))
    figure = Figure(figsize=(WIDTH, 1.0 + 2.5 * len(attacks)), layout="constrained")
    for attack, panels in zip(attacks, figure.subplots(len(attacks), 2, squeeze=False), strict=True):
        curves = label_only_curves[label_only_curves["attack"] == attack]
        runs = pd.concat([_on_grid(curves[curves["search"] == search]) for search in searches_in(curves)])
        runs = runs.assign(log_odds=finite_log_odds(runs["confidence"].fillna(0.0)))
        known = runs[runs["confidence"] > 0]  # below: fewer than half of the classes have an image
        moved = label_only[(label_only["attack"] == attack) & (label_only["search"] == TRANSFER)]
        by_run = moved.groupby(["classifier", "source", "seed"])
        medians = visible(by_run["log_odds"].median().dropna())
        for search in searches_in(known):
            _draw_curve(panels[0], known, search, with_band=search == "map-elites")
        first, last = int(runs["evaluations"].min()), int(runs["evaluations"].max())
        if len(medians):
            look, first = TRANSFERRED, int(by_run.size().median())
            panels[0].vlines(first, medians.min(), medians.max(), color=look.colour, linewidth=1)
            panels[0].plot(first, np.median(medians), color=look.colour, marker=look.marker, markersize=5)
        use_confidence_ticks(panels[0], [*visible(known["log_odds"]), *medians, 0.0], most=6)
        for search in searches_in(runs):
            look, those = SEARCHES[search], runs[runs["search"] == search].groupby("evaluations")["noise"]
            panels[1].plot(those.median(), color=look.colour, linestyle=look.linestyle)
            if search == "map-elites":
                panels[1].fill_between(
                    those.median().index, those.min(), those.max(), color=look.colour, alpha=BAND, linewidth=0
                )
        panels[0].set_title(f"{attack}: {on_networks(curves)}", loc="left")
        panels[0].set(ylabel=LABEL)
        panels[1].set(ylabel="noise survived (levels)", ylim=(0, None))
        for axes in panels:
            axes.set(xlabel="queries", xscale="log")
            lowest = first if axes is panels[0] else int(runs["evaluations"].min())
            _limit_evaluations(axes, lowest, last, apart=2.0)
        panels[0].set_xlim(first / 1.3, last)
    handles = search_handles(label_only_curves)
    if (label_only["search"] == TRANSFER).any():
        look = TRANSFERRED
        handles.append(Line2D([], [], color=look.colour, marker=look.marker, linestyle="", label=look.label))
    draw_title(figure, "What do labels alone reach?", handles)
    draw_note(
        figure,
        "Median over the classes; a class without an image counts as confidence 0. Lines: medians over networks and "
        "seeds; band: all runs of MAP-Elites. Confidences are revealed after the last query. An image is the better, "
        f"the more noise its label survives. {EXPLAINED}",
    )
    return figure


@in_style
def label_only_gallery(*, label_only: pd.DataFrame) -> Figure:
    """Draw the images of the first attack on its first network: a row for each search, a column for each class."""
    shown = label_only[label_only["attack"] == label_only["attack"].iloc[0]]
    shown = shown[shown["png"].notna()]
    pictures = pictures_in(shown.rename(columns={"search": "family"}))
    classes = shown.drop_duplicates("class_index").sort_values("class_index")
    searches = [search for search in ROWS if search in set(shown["search"])]
    rows = shown.set_index(["search", "class_index"])
    pitch = min(MOST_PITCH, (WIDTH - MARGIN - 0.06) / len(classes))
    side, height = pitch - 0.06, pitch + 0.17
    figure, axes = sheet(WIDTH, HEAD + height * len(searches) + 0.05)
    write_head(
        axes,
        f"Images found with labels alone on {shown['classifier'].iloc[0]}",
        "Below each image: the confidence in the class of its column, revealed afterwards. Pale: another label.",
    )
    write_class_names(axes, classes["class_name"].tolist(), left=MARGIN, pitch=pitch)
    for line, search in enumerate(searches):
        top = HEAD + line * height
        write(axes, MARGIN - 0.1, top + side / 2, ROWS[search], ha="right", va="center")
        for column, index in enumerate(classes["class_index"].astype(int)):
            left = MARGIN + column * pitch + 0.03
            if (search, index) not in pictures:
                write(axes, left + side / 2, top + side / 2, "none", va="center", color=QUIET)
                continue
            row = rows.loc[(search, index)]
            colour = INK if row["label_correct"] else FAINT
            place_image(axes, pictures[search, index], left=left, top=top, side=side, frame=colour)
            text = percent(float("nan") if pd.isna(row["confidence"]) else float(row["confidence"]))
            write(axes, left + side / 2, top + side + 0.025, text, fontsize=5.5, color=colour)
    return figure


def _on_grid(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the state of each run at common numbers of queries, from the first one that all runs have reached."""
    by_run = [rows.sort_values("queries") for _, rows in runs.groupby(["classifier", "seed"])]
    first, last = (max(int(rows["queries"].iloc[place]) for rows in by_run) for place in (0, -1))
    grid = np.unique(np.geomspace(first, last, POINTS).round().astype(np.int64))
    parts = []
    for rows in by_run:
        place = np.searchsorted(rows["queries"].to_numpy(), grid, side="right") - 1
        parts.append(rows.iloc[place].assign(evaluations=grid))
    return pd.concat(parts)
