"""Images made by gradient ascent, and their confidence over evaluations beside evolution's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator, StrMethodFormatter
from numpy.typing import NDArray

from fooling.attacks.record import TargetedRecord
from fooling.figures.image_grid import HEAD, MOST, SHOWN, place_image, sheet, write, write_class_names, write_head
from fooling.figures.style import (
    BACKGROUND,
    CHART,
    EXPLAINED,
    LABEL,
    QUIET,
    SEARCHES,
    WIDTH,
    Look,
    counted,
    draw_note,
    draw_reference,
    draw_title,
    in_style,
    log_odds,
    reference_handle,
    series,
    use_confidence_ticks,
    visible,
)
from fooling.formatting import percent
from fooling.seeding import evenly_spaced

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
