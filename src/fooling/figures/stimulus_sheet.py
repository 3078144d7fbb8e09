"""The stimuli of one condition on a sheet, with a line of text under each; the two figures of them share its places."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fooling.figures.image_grid import INCHES_PER_CHARACTER_POINT, LEAST_SIZE, place_image, sheet, write, write_head
from fooling.figures.style import WIDTH
from fooling.survey.pictures import ConditionStimuli
from fooling.survey.questionnaire import Stimulus

IN_ROW = 10
MARGIN, HEAD, GAP = 0.06, 0.46, 0.09  # inches beside the images, above them and between them
LINE, LARGEST = 0.115, 7.0  # height of a line of text in inches, and its size in points
PITCH = (WIDTH - 2 * MARGIN) / IN_ROW

#: Writes under an image: given the axes, the stimulus and its number from 1, the middle and the upper edge in inches.
WriteBelow = Callable[[Axes, Stimulus, int, float, float], None]


def stimulus_sheet(shown: ConditionStimuli, *, title: str, note: str, write_below: WriteBelow) -> Figure:
    """All stimuli of a condition in the order in which they were drawn."""
    height = PITCH - GAP + (lines_of_names(shown.stimuli) + 1) * LINE + 0.1
    rows = -(-len(shown.stimuli) // IN_ROW)
    figure, axes = sheet(WIDTH, HEAD + rows * height + 0.02)
    write_head(axes, title, note)
    for place, (stimulus, image) in enumerate(zip(shown.stimuli, shown.images, strict=True)):
        left = MARGIN + place % IN_ROW * PITCH + GAP / 2
        top, side = HEAD + place // IN_ROW * height, PITCH - GAP
        place_image(axes, image, left=left, top=top, side=side)
        write_below(axes, stimulus, place + 1, left + side / 2, top + side + 0.03)
    return figure


def lines_of_names(stimuli: Sequence[Stimulus]) -> int:
    """Lines that the longest name of a class takes under an image."""
    return max(broken(stimulus.class_name).count("\n") + 1 for stimulus in stimuli)


def broken(name: str) -> str:
    """A name in lines that fit under an image."""
    fits = int(PITCH / (LEAST_SIZE * INCHES_PER_CHARACTER_POINT))
    return textwrap.fill(name, fits, break_long_words=False)


def write_name(axes: Axes, name: str, x: float, y: float) -> None:
    """The name of a class in as large letters as fit."""
    longest = max(len(line) for line in broken(name).splitlines())
    size = min(LARGEST, PITCH / (longest * INCHES_PER_CHARACTER_POINT))
    write(axes, x, y, broken(name), fontsize=size, fontweight="bold", linespacing=1.0)
