"""Images evolved against every network of a chain, in the form of the paper's Fig. 11: one row for each network."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from fooling.evolution.record import RunRecord
from fooling.figures.image_grid import HEAD, place_image, sheet, write, write_class_names, write_head
from fooling.figures.percentages import percent
from fooling.figures.shown_classes import of_classes, shown_classes, told_of_shown
from fooling.figures.style import ENCODINGS, INK, QUIET, WIDTH, counted, in_style

LEFT, RIGHT = 0.98, 0.1  # inches beside the images
GAP, CAPTION = 0.068, 0.175  # beside an image, and the confidence under it


@in_style
def draw(*, batches: Sequence[Sequence[RunRecord]], retraining: pd.DataFrame) -> Figure:
    """The champions of the first run against each network, in the order of the chain.

    ``batches`` has some runs for each network of one chain filled with champions; ``retraining`` its medians.
    """
    runs = [batch[0] for batch in batches]
    classes = shown_classes(runs)
    note = told_of_shown(runs, otherwise="Under each image its confidence; left: the median of all runs")
    runs = [of_classes(run, classes) for run in runs]
    first = runs[0].classifier["name"]
    medians = _medians(retraining, first=first)
    pitch = (WIDTH - LEFT - RIGHT) / len(runs[0].class_names)
    row = pitch - GAP + CAPTION
    _, axes = (drawn := sheet(WIDTH, HEAD + len(runs) * row + 0.1))
    networks = f"{counted(len(runs), 'network')} of {first}'s chain"
    title = f"Images evolved with the {ENCODINGS[runs[0].encoding].label} against {networks}"
    write_head(axes, title, f"Each network has learned the images of those above it as an additional class. {note}")
    write_class_names(axes, runs[0].class_names, left=LEFT, pitch=pitch)
    side = pitch - GAP
    for number, run in enumerate(runs, start=1):
        top = HEAD + (number - 1) * row
        write(axes, LEFT - 0.1, top + side / 2 - 0.08, f"DNN {number}", ha="right", va="center", color=INK)
        if number in medians.index:
            told = f"median {percent(float(medians[number]))}"
            write(axes, LEFT - 0.1, top + side / 2 + 0.06, told, ha="right", va="center", color=QUIET, fontsize=6.5)
        for column, (image, confidence) in enumerate(zip(run.images, run.confidences, strict=True)):
            left = LEFT + column * pitch + GAP / 2
            place_image(axes, image, left=left, top=top, side=side)
            write(axes, left + side / 2, top + side + 0.025, percent(float(confidence)), fontsize=6.5)
    return drawn[0]


def _medians(retraining: pd.DataFrame, *, first: str) -> pd.Series[float]:
    """The median against each network of the chain, by its number."""
    chain = retraining[(retraining["first"] == first) & (retraining["filled_with"] == "champions")]
    return chain.set_index("number")["median"]
