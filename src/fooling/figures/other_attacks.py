"""Gradient ascent, and evolution on labels alone, beside evolution."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator, StrMethodFormatter
from numpy.typing import NDArray

from fooling.attacks.record import TargetedRecord
from fooling.figures.image_grid import HEAD, MOST, SHOWN, place_image, sheet, write, write_class_names, write_head
from fooling.figures.style import (
    BACKGROUND,
    CHART,
    EXPLAINED,
    FAINT,
    INK,
    LABEL,
    QUIET,
    SEARCHES,
    WIDTH,
    Look,
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
    series,
    use_confidence_ticks,
    visible,
)
from fooling.findings.label_only import MAP_ELITES, RANDOM, TRANSFER
from fooling.findings.random_images import pictures_in
from fooling.messages import counted, percent
from fooling.reproducibility import evenly_spaced

ASCENT = "gradient-ascent"  # the search, in the table of curves
LEFT, RIGHT = 1.06, 0.06  # inches beside the images
GAP, CAPTION = 0.068, 0.175  # inches: between images, and the confidence under one
GREY, AMPLITUDE, WITHIN = 128, 110, 98  # the median pixel of magnified images; the difference that 98 % do not exceed


@in_style
def ascent_gallery(*, ascents: Sequence[TargetedRecord]) -> Figure:
    """Draw a row of images for each of ``ascents``, which are all on one network.

    Shown are the images of its first start. If the images of a row are close to one even colour, their contrast is
    magnified, by a factor that the row states.
    """
    classes = _shown_classes(ascents)
    names = [ascents[0].class_names[index] for index in classes]
    pitch = (WIDTH - LEFT - RIGHT) / len(names)
    height = pitch - GAP + CAPTION
    figure, axes = sheet(WIDTH, HEAD + len(ascents) * height + 0.06)
    title = f"Images made by gradient ascent on {ascents[0].classifier['name']}"
    note = "the first start of each setting, with the network's confidence in the target class (column)"
    write_head(axes, title, note)
    write_class_names(axes, names, left=LEFT, pitch=pitch)
    for row, ascent in enumerate(ascents):
        _draw_row(axes, ascent, classes, top=HEAD + row * height, side=pitch - GAP)
    return figure


def _shown_classes(ascents: Sequence[TargetedRecord]) -> list[int]:
    """Return the target classes of any of ``ascents``; if there are many, ten at even distances."""
    targets = np.unique(np.concatenate([ascent.classes for ascent in ascents]))
    return [int(targets[place]) for place in evenly_spaced(len(targets), SHOWN if len(targets) > MOST else None)]


def _draw_row(axes: Axes, ascent: TargetedRecord, classes: Sequence[int], *, top: float, side: float) -> None:
    of_first_start = ((ascent.seeds == ascent.seeds[0]) & np.isin(ascent.classes, classes)).nonzero()[0]
    images, factor = _magnified(ascent.images[of_first_start])
    write(axes, LEFT - 0.1, top + side / 2 - 0.01, ascent.name, ha="right", va="bottom", fontweight="bold")
    lines = [counted(int(ascent.trajectory.steps[-1]), "step"), *_regularisation(ascent.settings)]
    lines += [f"contrast {factor}-fold"] if factor > 1 else []
    write(axes, LEFT - 0.1, top + side / 2 + 0.03, "\n".join(lines), ha="right", color=QUIET, fontsize=6.5)
    for place, image in zip(of_first_start, images, strict=True):
        left = LEFT + classes.index(ascent.classes[place]) * (side + GAP) + GAP / 2
        place_image(axes, image, left=left, top=top, side=side)
        write(axes, left + side / 2, top + side + 0.025, percent(float(ascent.confidences[place])), fontsize=6.5)


def _regularisation(settings: Mapping[str, Any]) -> list[str]:
    """Return what a setting adds to plain gradient ascent, a line for each."""
    lines = []
    if settings.get("decay"):
        lines.append(f"decay {100 * settings['decay']:g} %")
    if settings.get("blur_radius"):
        lines.append(f"blur {settings['blur_radius']:g} px")
    if any(value for key, value in settings.items() if key.endswith("_percentile")):
        lines.append("pixels reset")
    return lines


def _magnified(images: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], int]:
    """Return uint8 images ``(N, C, H, W)``, with more contrast if they are faint, and its factor."""
    differing = images - np.median(images, axis=(0, 2, 3), keepdims=True)
    factor = int(AMPLITUDE // max(np.percentile(np.abs(differing), WITHIN), 1.0))
    if factor < 2:
        return images, 1
    return (GREY + factor * differing).clip(0, 255).astype(np.uint8), factor


@in_style
def ascent_over_evaluations(*, ascent_curves: pd.DataFrame, reference: float | None) -> Figure:
    """Draw the confidence of gradient ascent, evolution and random search.

    Each setting of gradient ascent and each search of an experiment is a line: it is the median over the runs, a band
    covers all of them; ``reference`` is the paper's median.
    """
    network = ascent_curves["classifier"].iloc[0]
    lines = list(_lines(ascent_curves))
    figure = Figure(figsize=(CHART, 3.4 + 0.11 * len(lines)), layout="constrained")
    axes = figure.subplots()
    handles = []
    for look, runs, search in lines:
        heights = runs.assign(height=visible(runs["log_odds"])).groupby("evaluations")["height"]
        middle = heights.median()
        handles += axes.plot(
            middle.index, middle, color=look.colour, linestyle=look.linestyle, marker=look.marker, markersize=4,
            markerfacecolor=BACKGROUND if search == ASCENT else look.colour, markevery=max(1, len(middle) // 6),
            label=look.label,
        )  # fmt: skip
        if search != "random-search":
            axes.fill_between(middle.index, heights.min(), heights.max(), color=look.colour, alpha=0.14, linewidth=0)
    axes.set(xscale="log", xlabel="evaluations of the network", ylabel=LABEL)
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlim(ascent_curves["evaluations"].min(), ascent_curves["evaluations"].max())
    use_confidence_ticks(axes, [*visible(ascent_curves["log_odds"]), *([log_odds(reference)] if reference else [])])
    if reference:
        draw_reference(axes, log_odds(reference))
        handles.append(reference_handle(reference))
    draw_title(figure, f"Gradient ascent compared with evolution on {network}", handles)
    draw_note(
        figure,
        "Each line: the median class, median of the runs. Band: all runs, not drawn for random search. Evaluations are "
        "summed over all classes, even if gradient ascent covers only some. A step counts as three evaluations: one "
        "for the forward "
        f"pass, two for the backward pass. {EXPLAINED}",
    )
    return figure


def _lines(curves: pd.DataFrame) -> Iterator[tuple[Look, pd.DataFrame, str]]:
    """Yield look, runs and search of each line; the lines of an experiment share a colour."""
    ascents = curves[curves["search"] == ASCENT]
    searches = curves[curves["search"] != ASCENT]
    names = [*dict.fromkeys(searches["experiment"]), *dict.fromkeys(ascents["experiment"])]
    looks = dict(zip(names, series(len(names)), strict=True))
    for name, runs in ascents.groupby("experiment", sort=False):
        look = looks[str(name)]
        yield Look(f"gradient ascent, {name}", look.colour, look.dashes, look.marker), runs, ASCENT
    for group, runs in searches.groupby(["experiment", "search"], sort=False):
        name, search = map(str, group)
        words = f"{name}, {SEARCHES[search].label.removesuffix(' (MAP-Elites)')}"
        dashes = "" if search == "map-elites" else (1.2, 1.4)
        yield Look(words, looks[name].colour, dashes, looks[name].marker), runs, search


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
