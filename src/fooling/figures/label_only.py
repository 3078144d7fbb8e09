"""What labels alone reach: the confidence that is revealed afterwards, against the queries, and images."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fooling.figures.image_grid import HEAD, place_image, sheet, write, write_class_names, write_head
from fooling.figures.style import (
    EXPLAINED,
    FAINT,
    INK,
    LABEL,
    QUIET,
    SEARCHES,
    WIDTH,
    Look,
    draw_note,
    draw_title,
    finite_log_odds,
    in_style,
    limit_evaluations,
    on_networks,
    search_handles,
    searches_in,
    use_confidence_ticks,
    visible,
)
from fooling.findings.label_only import MAP_ELITES, RANDOM, TRANSFER
from fooling.findings.random_images import pictures_in
from fooling.formatting import percent

BAND, POINTS = 0.16, 60  # the opacity of a band, and points of a curve
TRANSFERRED = Look("champions of another network", "#009E73", marker="D")
#: Rows of the images found with labels alone, and the inches beside them and between the images at most.
ROWS = {MAP_ELITES: "MAP-Elites", RANDOM: "random search", TRANSFER: "another network's\nchampions"}
MARGIN, MOST_PITCH = 1.12, 0.68


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
        _draw_curves(panels[0], known, "log_odds")
        _draw_curves(panels[1], runs, "noise")
        first, last = int(runs["evaluations"].min()), int(runs["evaluations"].max())
        if len(medians):
            look, first = TRANSFERRED, int(by_run.size().median())
            panels[0].vlines(first, medians.min(), medians.max(), color=look.colour, linewidth=1)
            panels[0].plot(first, np.median(medians), color=look.colour, marker=look.marker, markersize=5)
        use_confidence_ticks(panels[0], [*visible(known["log_odds"]), *medians, 0.0], most=6)
        panels[0].set_title(f"{attack}: {on_networks(curves)}", loc="left")
        panels[0].set(ylabel=LABEL)
        panels[1].set(ylabel="noise survived (levels)", ylim=(0, None))
        for axes in panels:
            axes.set(xlabel="queries", xscale="log")
            lowest = first if axes is panels[0] else int(runs["evaluations"].min())
            limit_evaluations(axes, lowest, last, apart=4.5)
        panels[0].set_xlim(first / 1.3, last)
    handles = search_handles(label_only_curves)
    if (label_only["search"] == TRANSFER).any():
        look = TRANSFERRED
        handles.append(Line2D([], [], color=look.colour, marker=look.marker, linestyle="", label=look.label))
    draw_title(figure, "What do labels alone reach?", handles)
    draw_note(
        figure,
        "Median over the classes; a class without an image counts as confidence 0. Lines: medians over networks and "
        "seeds; band: all runs of MAP-Elites. Confidences are revealed after the last query. Of two images with "
        f"one label, the better one keeps it under more noise. {EXPLAINED}",
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


def _draw_curves(axes: Axes, runs: pd.DataFrame, column: str) -> None:
    """Draw the median of the runs of each search, and a band that covers all of MAP-Elites."""
    for search in searches_in(runs):
        look = SEARCHES[search]
        levels = runs[runs["search"] == search].groupby("evaluations")[column]
        middle = levels.median()
        axes.plot(middle, color=look.colour, linestyle=look.linestyle)
        if search == MAP_ELITES:
            axes.fill_between(middle.index, levels.min(), levels.max(), color=look.colour, alpha=BAND, linewidth=0)


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
