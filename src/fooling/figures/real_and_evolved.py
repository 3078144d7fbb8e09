"""A real image of every class above the images evolved for it: one label for both (the paper's Fig. 2)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fooling.datasets.dataset import Dataset
from fooling.evolution.record import RunRecord
from fooling.figures.image_grid import HEAD, place_image, sheet, write, write_class_names, write_head
from fooling.figures.percentages import percent
from fooling.figures.shown_classes import of_classes, shown_classes, told_of_shown
from fooling.figures.style import ENCODINGS, INK, QUIET, REAL, WIDTH, in_style

LEFT, RIGHT, CAPTION = 0.86, 0.06, 0.2  # inches


@in_style
def draw(*, runs: Sequence[RunRecord], dataset: Dataset, real: pd.DataFrame) -> Figure:
    """One row of real images, one for each of ``runs``; one column for each class.

    ``real`` tells what the network says of every test image; shown is the first of each class that it gets right.
    """
    network = runs[0].classifier["name"]
    classes = shown_classes(runs)
    pitch = (WIDTH - LEFT - RIGHT) / len(classes)
    side = pitch - 0.068
    figure, axes = sheet(WIDTH, HEAD + (1 + len(runs)) * (side + CAPTION) + 0.08)
    told_of = told_of_shown(runs, otherwise="truncated to two decimals")
    note = f"under each image its confidence; real: the first correctly classified test image; {told_of}"
    write_head(axes, f"Images to which {network} gives the same label", note)
    write_class_names(axes, [dataset.class_names[index] for index in classes], left=LEFT, pitch=pitch)
    images_right, confidences_right = _first_right(dataset, real)
    told = ([images_right[index] for index in classes], [confidences_right[index] for index in classes])
    rows = [("real", REAL, *told)]
    for run in (of_classes(run, classes) for run in runs):
        look = ENCODINGS[run.encoding]
        images: list[NDArray[np.uint8] | None] = list(run.images)
        rows.append((look.label.replace(" ", "\n"), look.colour, images, [float(value) for value in run.confidences]))
    for row, (label, colour, images, confidences) in enumerate(rows):
        top = HEAD + row * (side + CAPTION)
        write(axes, LEFT - 0.12, top + side / 2, label, ha="right", va="center", color=INK, fontweight="bold")
        for column, (image, confidence) in enumerate(zip(images, confidences, strict=True)):
            left = LEFT + column * pitch + 0.034
            if image is None:
                write(axes, left + side / 2, top + side / 2, "none", va="center", color=QUIET)
                continue
            place_image(axes, image, left=left, top=top, side=side, frame=colour)
            write(axes, left + side / 2, top + side + 0.03, percent(confidence), fontsize=6.5)
    return figure


def _first_right(dataset: Dataset, real: pd.DataFrame) -> tuple[list[NDArray[np.uint8] | None], list[float]]:
    """For every class the first test image with the right label and its confidence; None where there is none."""
    right = real[real["label"] == real["predicted"]].sort_values("image").drop_duplicates("label")
    images: list[NDArray[np.uint8] | None] = [None] * len(dataset.class_names)
    confidences = [math.nan] * len(dataset.class_names)
    for label, image, confidence in zip(right["label"], right["image"], right["confidence"], strict=True):
        images[label], confidences[label] = dataset.test_images[image], float(confidence)
    return images, confidences
