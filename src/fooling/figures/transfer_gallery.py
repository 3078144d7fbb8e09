"""Images that two networks agree on (paper, Fig. S1): evolved on one, taken for the same class by another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fooling.evolution.record import RunRecord
from fooling.figures.image_grid import (
    HEAD,
    INCHES_PER_CHARACTER_POINT,
    place_image,
    sheet,
    write,
    write_class_names,
    write_head,
)
from fooling.figures.percentages import percent
from fooling.figures.shown_classes import SHOWN, are_many
from fooling.figures.style import ENCODINGS, FAINT, QUIET, WIDTH, in_style

LEFT, RIGHT = 0.98, 0.1  # inches beside the images
GAP, CAPTION = 0.068, 0.29  # beside an image, and the two confidences under it
NAME = 0.13  # the name of a class above its image


@in_style
def draw(*, runs: Sequence[RunRecord], shown: pd.DataFrame) -> Figure:
    """One row for each other network, one column for each class: the champion of ``runs`` that it is surest of.

    ``shown`` has what every network says of every champion. Where a network takes none for the class, none is drawn.
    Of many classes those are shown, in each row, of which the network of that row is surest.
    """
    own = runs[0].classifier["name"]
    images = {(run.seed, index): image for run in runs for index, image in enumerate(run.images)}
    table = shown[(shown["source"] == own) & shown["seed"].isin([run.seed for run in runs])]
    others = [str(name) for name in dict.fromkeys(table["target"]) if name != own]
    names, many = runs[0].class_names, are_many(runs)
    pitch = (WIDTH - LEFT - RIGHT) / (SHOWN if many else len(names))
    row = pitch - GAP + CAPTION + (NAME if many else 0.0)
    figure, axes = sheet(WIDTH, HEAD + max(len(others), 1) * row + 0.1)
    title = f"Images evolved on {own} with the {ENCODINGS[runs[0].encoding].label} that other networks label alike"
    chosen = f", of its {SHOWN} most confident classes" if many else ""
    note = f"under each image the confidence of {own} (evolved) and that of the network of the row (shown){chosen}"
    write_head(axes, title, note)
    if not many:
        write_class_names(axes, names, left=LEFT, pitch=pitch)
    for place, other in enumerate(others):
        top = HEAD + place * row
        write(axes, LEFT - 0.1, top + (pitch - GAP) / 2, other, ha="right", va="center", color=QUIET)
        told = table[table["target"] == other]
        agreed = told[(told["target_label"] == told["class_index"]) & (told["source_label"] == told["class_index"])]
        best = agreed.sort_values("target_confidence", ascending=False, kind="stable").drop_duplicates("class_index")
        classes = best["class_index"].head(SHOWN).tolist() if many else range(len(names))
        for column, index in enumerate(classes):
            of_class, left = best[best["class_index"] == index], LEFT + column * pitch + GAP / 2
            _draw_best(axes, of_class, images, left=left, top=top, side=pitch - GAP)
            if many:
                size = min(6.0, pitch / (len(names[index]) * INCHES_PER_CHARACTER_POINT))
                middle = left + (pitch - GAP) / 2
                write(axes, middle, top - 0.02, names[index], va="bottom", fontsize=size, fontweight="bold")
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
