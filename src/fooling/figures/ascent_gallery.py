"""Settings x classes: images that climbed the network's gradient (the paper's Fig. 13 and S3 to S7)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fooling.ascent.record import AscentRecord
from fooling.figures.image_grid import HEAD, place_image, sheet, write, write_class_names, write_head
from fooling.figures.percentages import percent
from fooling.figures.shown_classes import MOST, SHOWN
from fooling.figures.style import QUIET, WIDTH, counted, in_style
from fooling.spread import evenly_spread

LEFT, RIGHT = 0.86, 0.1  # inches beside the images
GAP, CAPTION = 0.068, 0.175  # beside an image, and the confidence under it
GREY, FULL = 128, 110  # what stands for the median pixel of faint images, and how far from it they are magnified


@in_style
def draw(*, ascents: Sequence[AscentRecord]) -> Figure:
    """One row for each of ``ascents``, all on one network, with the images of its first start.

    Where images hardly differ from one even colour, what differs is magnified, and the row says how much.
    """
    classes = _shown_classes(ascents)
    names = [ascents[0].class_names[index] for index in classes]
    pitch = (WIDTH - LEFT - RIGHT) / len(names)
    height = pitch - GAP + CAPTION
    figure, axes = sheet(WIDTH, HEAD + len(ascents) * height + 0.06)
    title = f"Images made by gradient ascent on {ascents[0].classifier['name']}"
    note = "the first start of each setting; the network's confidence is truncated, never rounded up"
    write_head(axes, title, note)
    write_class_names(axes, names, left=LEFT, pitch=pitch)
    for row, ascent in enumerate(ascents):
        _draw_climb(axes, ascent, classes, top=HEAD + row * height, side=pitch - GAP)
    return figure


def _shown_classes(ascents: Sequence[AscentRecord]) -> list[int]:
    """The classes for which an image climbs in any of ``ascents``, of many ten at even distances."""
    climbed = np.unique(np.concatenate([ascent.classes for ascent in ascents]))
    return [int(climbed[place]) for place in evenly_spread(len(climbed), SHOWN if len(climbed) > MOST else None)]


def _draw_climb(axes: Axes, ascent: AscentRecord, classes: Sequence[int], *, top: float, side: float) -> None:
    of_first_start = ((ascent.seeds == ascent.seeds[0]) & np.isin(ascent.classes, classes)).nonzero()[0]
    images, factor = _visible(ascent.images[of_first_start])
    write(axes, LEFT - 0.1, top + side / 2 - 0.01, ascent.name, ha="right", va="bottom", fontweight="bold")
    told = [counted(int(ascent.trajectory.steps[-1]), "step"), *([f"contrast x{factor}"] if factor > 1 else [])]
    write(axes, LEFT - 0.1, top + side / 2 + 0.03, "\n".join(told), ha="right", color=QUIET, fontsize=6.5)
    for place, image in zip(of_first_start, images, strict=True):
        left = LEFT + classes.index(ascent.classes[place]) * (side + GAP) + GAP / 2
        place_image(axes, image, left=left, top=top, side=side)
        write(axes, left + side / 2, top + side + 0.025, percent(float(ascent.confidences[place])), fontsize=6.5)


def _visible(images: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], int]:
    """Images ``(N, C, H, W)``, faint ones with their contrast around the median pixel magnified, and by how much."""
    differing = images - np.median(images, axis=(0, 2, 3), keepdims=True)
    factor = int(FULL // max(np.percentile(np.abs(differing), 99.9), 1.0))
    if factor < 2:
        return images, 1
    return (GREY + factor * differing).clip(0, 255).astype(np.uint8), factor
