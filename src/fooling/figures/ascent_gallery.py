"""Settings x classes: images that climbed the network's gradient (the paper's Fig. 13 and S3 to S7)."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fooling.ascent.record import AscentRecord
from fooling.figures.image_grid import HEAD, place_image, sheet, write, write_class_names, write_head
from fooling.figures.percentages import percent
from fooling.figures.style import QUIET, WIDTH, counted, in_style

LEFT, RIGHT = 0.86, 0.1  # inches beside the images
GAP, CAPTION = 0.068, 0.175  # beside an image, and the confidence under it


@in_style
def draw(*, ascents: Sequence[AscentRecord]) -> Figure:
    """One row for each of ``ascents``, all on one network, with the images of its first start."""
    names = ascents[0].class_names
    pitch = (WIDTH - LEFT - RIGHT) / len(names)
    height = pitch - GAP + CAPTION
    figure, axes = sheet(WIDTH, HEAD + len(ascents) * height + 0.06)
    title = f"Images that climbed the gradient of {ascents[0].classifier['name']}"
    note = "the first start of every setting; the network's confidence is cut after two decimals and never rounded up"
    write_head(axes, title, note)
    write_class_names(axes, names, left=LEFT, pitch=pitch)
    for row, ascent in enumerate(ascents):
        _draw_climb(axes, ascent, top=HEAD + row * height, pitch=pitch)
    return figure


def _draw_climb(axes: Axes, ascent: AscentRecord, *, top: float, pitch: float) -> None:
    side = pitch - GAP
    write(axes, LEFT - 0.1, top + side / 2 - 0.01, ascent.name, ha="right", va="bottom", fontweight="bold")
    steps = counted(int(ascent.trajectory.steps[-1]), "step")
    write(axes, LEFT - 0.1, top + side / 2 + 0.03, steps, ha="right", color=QUIET, fontsize=6.5)
    for place in (ascent.seeds == ascent.seeds[0]).nonzero()[0]:
        left = LEFT + ascent.classes[place] * pitch + GAP / 2
        place_image(axes, ascent.images[place], left=left, top=top, side=side)
        write(axes, left + side / 2, top + side + 0.025, percent(float(ascent.confidences[place])), fontsize=6.5)
