"""Settings x classes: images that climbed the network's gradient (the paper's Fig. 13 and S3 to S7)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fooling.ascent.record import AscentRecord
from fooling.figures.image_grid import HEAD, place_image, sheet, write, write_class_names, write_head
from fooling.figures.percentages import percent
from fooling.figures.shown_classes import MOST, SHOWN
from fooling.figures.style import QUIET, WIDTH, counted, in_style
from fooling.spread import evenly_spread

LEFT, RIGHT = 0.86, 0.1  # inches beside the images
GAP, CAPTION = 0.068, 0.175  # beside an image, and the confidence under it


@in_style
def draw(*, ascents: Sequence[AscentRecord]) -> Figure:
    """One row for each of ``ascents``, all on one network, with the images of its first start."""
    classes = _shown_classes(ascents)
    names = [ascents[0].class_names[index] for index in classes]
    pitch = (WIDTH - LEFT - RIGHT) / len(names)
    height = pitch - GAP + CAPTION
    figure, axes = sheet(WIDTH, HEAD + len(ascents) * height + 0.06)
    title = f"Images that climbed the gradient of {ascents[0].classifier['name']}"
    note = "the first start of every setting; the network's confidence is cut after two decimals and never rounded up"
    write_head(axes, title, note)
    write_class_names(axes, names, left=LEFT, pitch=pitch)
    for row, ascent in enumerate(ascents):
        _draw_climb(axes, ascent, classes, top=HEAD + row * height, pitch=pitch)
    return figure


def _shown_classes(ascents: Sequence[AscentRecord]) -> list[int]:
    """The classes for which an image climbs in any of ``ascents``, of many ten at even distances."""
    climbed = np.unique(np.concatenate([ascent.classes for ascent in ascents]))
    return [int(climbed[place]) for place in evenly_spread(len(climbed), SHOWN if len(climbed) > MOST else None)]


def _draw_climb(axes: Axes, ascent: AscentRecord, classes: Sequence[int], *, top: float, pitch: float) -> None:
    side = pitch - GAP
    write(axes, LEFT - 0.1, top + side / 2 - 0.01, ascent.name, ha="right", va="bottom", fontweight="bold")
    steps = counted(int(ascent.trajectory.steps[-1]), "step")
    write(axes, LEFT - 0.1, top + side / 2 + 0.03, steps, ha="right", color=QUIET, fontsize=6.5)
    for place in ((ascent.seeds == ascent.seeds[0]) & np.isin(ascent.classes, classes)).nonzero()[0]:
        left = LEFT + classes.index(ascent.classes[place]) * pitch + GAP / 2
        place_image(axes, ascent.images[place], left=left, top=top, side=side)
        write(axes, left + side / 2, top + side + 0.025, percent(float(ascent.confidences[place])), fontsize=6.5)
