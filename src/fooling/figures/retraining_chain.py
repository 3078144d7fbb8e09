"""Evolution against each network of one retraining chain: images and curves (the paper's Figs 11 and 12)."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from fooling.attacks.evolution.record import RunRecord
from fooling.figures.class_map import IMAGENET_CLASSES, PUBLISHED
from fooling.figures.image_grid import (
    HEAD,
    note_on_classes,
    of_classes,
    place_image,
    sheet,
    shown_classes,
    write,
    write_class_names,
    write_head,
)
from fooling.figures.style import (
    CHART,
    ENCODINGS,
    EXPLAINED,
    INK,
    LABEL,
    PAPER,
    QUIET,
    WIDTH,
    draw_note,
    draw_title,
    in_style,
    log_odds,
    use_confidence_ticks,
    visible,
)
from fooling.messages import counted, percent

LEFT, RIGHT = 0.98, 0.1  # inches beside the images
GAP, CAPTION = 0.068, 0.175  # inches: between images, and the confidence under one
NAMED = 8  # networks in the legend; if there are more, only the first and the last
FIRST, LAST = 0.0, 0.85  # places in the colour map
#: The paper's median against its network with class 1001, by generation, read off the figure.
PUBLISHED_RETRAINED = {60: 0.048, 200: 0.087, 500: 0.098, 2350: 0.100, 4010: 0.110}


@in_style
def retraining_gallery(*, batches: Sequence[Sequence[RunRecord]], retraining: pd.DataFrame) -> Figure:
    """Draw the champions of the first run against each network, in the order of the chain.

    ``batches`` has some runs for each network of one chain filled with champions; ``retraining`` holds its medians.
    """
    runs = [batch[0] for batch in batches]
    classes = shown_classes(runs)
    note = note_on_classes(runs, otherwise="Left: the median of all runs")
    runs = [of_classes(run, classes) for run in runs]
    first = runs[0].classifier["name"]
    medians = _medians(retraining, first=first)
    pitch = (WIDTH - LEFT - RIGHT) / len(runs[0].class_names)
    row = pitch - GAP + CAPTION
    figure, axes = sheet(WIDTH, HEAD + len(runs) * row + 0.1)
    networks = f"{counted(len(runs), 'network')} of {first}'s chain"
    title = f"Images evolved with the {ENCODINGS[runs[0].encoding].label} against {networks}"
    write_head(axes, title, f"Each network has learned the images of those above it as an additional class. {note}.")
    write_class_names(axes, runs[0].class_names, left=LEFT, pitch=pitch)
    side = pitch - GAP
    for number, run in enumerate(runs, start=1):
        top = HEAD + (number - 1) * row
        write(axes, LEFT - 0.1, top + side / 2 - 0.08, f"DNN {number}", ha="right", va="center", color=INK)
        if number in medians.index:
            median = f"median {percent(float(medians[number]))}"
            write(axes, LEFT - 0.1, top + side / 2 + 0.06, median, ha="right", va="center", color=QUIET, fontsize=6.5)
        for column, (image, confidence) in enumerate(zip(run.images, run.confidences, strict=True)):
            left = LEFT + column * pitch + GAP / 2
            place_image(axes, image, left=left, top=top, side=side)
            write(axes, left + side / 2, top + side + 0.025, percent(float(confidence)), fontsize=6.5)
    return figure


def _medians(retraining: pd.DataFrame, *, first: str) -> pd.Series[float]:
    """Return the median confidence against each network of the chain, by its number."""
    chain = retraining[(retraining["first"] == first) & (retraining["filled_with"] == "champions")]
    return chain.set_index("number")["median"]


@in_style
def retraining_over_generations(*, batches: Sequence[Sequence[RunRecord]]) -> Figure:
    """Draw the median and the highest confidence over the classes by generation.

    ``batches`` has some runs for each network of one chain.
    """
    figure = Figure(figsize=(CHART, 3.8), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    colours = matplotlib.colormaps["viridis"](np.linspace(FIRST, LAST, len(batches)))
    drawn = []
    for number, (runs, colour) in enumerate(zip(batches, colours, strict=True), start=1):
        generations = runs[0].history.generations
        levels = visible(np.stack([run.history.log_odds for run in runs]))
        is_named = len(batches) <= NAMED or number in (1, len(batches))
        for axes, of_runs in zip(panels, (np.median(levels, axis=2), levels.max(axis=2)), strict=True):
            _draw_runs(axes, generations, of_runs, colour, label=f"DNN {number}" if is_named else "")
            drawn.append(of_runs)
    if len(batches[0][0].class_names) == IMAGENET_CLASSES:
        drawn += _draw_published(panels[0], last=int(batches[0][0].history.generations[-1]))
    use_confidence_ticks(panels[0], np.concatenate([values.ravel() for values in drawn]).tolist())
    for axes, title in zip(panels, ("Median over the classes", "The most confident class"), strict=True):
        axes.set(title=title, xlabel="generation")
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.set_xlim(0, max(runs[0].history.generations[-1] for runs in batches))
    panels[0].set_ylabel(LABEL)
    handles, _ = panels[0].get_legend_handles_labels()
    encoding = ENCODINGS[batches[0][0].encoding].label
    draw_title(figure, f"Evolution against each network of the chain: {encoding}", handles)
    draw_note(figure, f"{_generations_note(batches)} {EXPLAINED}")
    return figure


def _draw_runs(
    axes: Axes, generations: NDArray[np.int64], of_runs: NDArray[np.float64], colour: NDArray[np.float64], *, label: str
) -> None:
    """Draw the median of the runs ``(R, T)``, and a band that covers all of them."""
    axes.plot(generations, np.median(of_runs, axis=0), color=colour, label=label)
    if len(of_runs) > 1:
        axes.fill_between(
            generations, of_runs.min(axis=0), of_runs.max(axis=0), color=colour, alpha=0.12, linewidth=0
        )  # fmt: skip


def _draw_published(axes: Axes, *, last: int) -> list[NDArray[np.float64]]:
    """Draw and return the paper's medians up to generation ``last``."""
    drawn = []
    for marker, label, medians in (
        ("D", "the paper, 1000 classes", PUBLISHED["cppn"].medians),
        ("v", "the paper, 1001 classes", PUBLISHED_RETRAINED),
    ):
        places = [generation for generation in medians if generation <= last]
        values = np.array([log_odds(medians[generation]) for generation in places])
        axes.plot(places, values, color=PAPER, marker=marker, markersize=3.5, linewidth=0, label=label)
        drawn.append(values)
    return drawn


def _generations_note(batches: Sequence[Sequence[RunRecord]]) -> str:
    runs = min(len(batch) for batch in batches)
    more = ", at least" if any(len(batch) > runs for batch in batches) else ""
    return (
        f"{counted(len(batches), 'network')} of {batches[0][0].classifier['name']}'s chain, from dark to light; "
        f"{counted(runs, 'run')} against each{more}. Each network has learned the images evolved against those before "
        "it as an additional class. Lines: medians of the runs; bands: all runs."
    )
