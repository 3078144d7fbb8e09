"""The images of one condition as people are shown them: without a label."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fooling.figures.image_grid import write
from fooling.figures.stimulus_sheet import stimulus_sheet
from fooling.figures.style import QUIET, counted, in_style
from fooling.survey.pictures import ConditionStimuli
from fooling.survey.questionnaire import Stimulus


@in_style
def draw(*, stimuli: ConditionStimuli) -> Figure:
    """Every stimulus of one condition with its number."""
    count = counted(len(stimuli.stimuli), "image")
    return stimulus_sheet(
        stimuli,
        title=f"What do these images show? Condition {stimuli.condition}",
        note=f"{count} in their random order; questionnaire {stimuli.questionnaire.version}",
        write_below=_write_number,
    )


def _write_number(axes: Axes, stimulus: Stimulus, number: int, x: float, y: float) -> None:
    write(axes, x, y, str(number), color=QUIET)
