"""Images that two networks agree on (paper, Fig. S1): evolved on one, taken for the same class by another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fooling.evolution.record import RunRecord
from fooling.figures.image_grid import HEAD, place_image, sheet, write, write_class_names, write_head
from fooling.figures.percentages import percent
from fooling.figures.shown_classes import shown_classes, told_of_shown
from fooling.figures.style import ENCODINGS, FAINT, QUIET, WIDTH, in_style

LEFT, RIGHT = 0.98, 0.1  # inches beside the images
GAP, CAPTION = 0.068, 0.29  # beside an image, and the two confidences under it


@in_style
def draw(*, runs: Sequence[RunRecord], shown: pd.DataFrame) -> Figure:
    """One row for each other network, one column for each class: the champion of ``runs`` that it is surest of.

    ``shown`` has what every network says of every champion. Where a network takes none for the class, none is drawn.
    """
    own = runs[0].classifier["name"]
    classes = shown_classes(runs)
    images = {(run.seed, index): image for run in runs for index, image in enumerate(run.images)}
    table = shown[(shown["source"] == own) & shown["seed"].isin([run.seed for run in runs])]
    others = [str(name) for name in dict.fromkeys(table["target"]) if name != own]
    pitch = (WIDTH - LEFT - RIGHT) / len(classes)
    row = pitch - GAP + CAPTION
    figure, axes = sheet(WIDTH, HEAD + len(others) * row + 0.1)
    title = f"Images evolved on {own} with the {ENCODINGS[runs[0].encoding].label} that other networks agree on"
    told_of = told_of_shown(runs, otherwise="cut after two decimals")
    note = f"under every image the confidence of {own} (evolved) and that of the network of the row (shown); {told_of}"
    write_head(axes, title, note)
    write_class_names(axes, [runs[0].class_names[index] for index in classes], left=LEFT, pitch=pitch)
    for place, other in enumerate(others):
        top = HEAD + place * row
        write(axes, LEFT - 0.1, top + (pitch - GAP) / 2, other, ha="right", va="center", color=QUIET)
        told = table[table["target"] == other]
        agreed = told[(told["target_label"] == told["class_index"]) & (told["source_label"] == told["class_index"])]
        for column, index in enumerate(classes):
            of_class = agreed[agreed["class_index"] == index].nlargest(1, "target_confidence")
            _draw_best(axes, of_class, images, left=LEFT + column * pitch + GAP / 2, top=top, side=pitch - GAP)
    return figure


def _draw_best(
    axes: Axes, best: pd.DataFrame, images: dict[tuple[int, int], np.ndarray], *, left: float, top: float, side: float
) -> None:
    if best.empty:
        write(axes, left + side / 2, top + side / 2, "none", va="center", color=FAINT)
        return
    chosen = best.iloc[0]
    place_image(axes, images[int(chosen["seed"]), int(chosen["class_index"])], left=left, top=top, side=side)
    for line, column in enumerate(("source_confidence", "target_confidence")):
        told = percent(float(chosen[column]))
        write(axes, left + side / 2, top + side + 0.025 + 0.115 * line, told, fontsize=6.5,
              fontweight="bold" if line else "normal")  # fmt: skip
