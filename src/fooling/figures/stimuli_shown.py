"""The images of one condition with what the network says of them, in the places of the sheet without labels."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fooling.figures.image_grid import write
from fooling.figures.percentages import percent
from fooling.figures.stimulus_sheet import LINE, broken, stimulus_sheet, write_name
from fooling.figures.style import in_style
from fooling.survey.pictures import ConditionStimuli
from fooling.survey.questionnaire import Stimulus

#: What the classes are, by the kind of the images.
ANSWERS = {
    "champion": "the classes that they were evolved for",
    "ascent": "the target classes of gradient ascent",
    "noise": "the network's top classes",
    "real": "their true classes",
}


@in_style
def draw(*, stimuli: ConditionStimuli) -> Figure:
    """Every stimulus of one condition with its class and the network's confidence."""
    network = stimuli.questionnaire.network.name
    return stimulus_sheet(
        stimuli,
        title=f"The same images, and {ANSWERS[stimuli.stimuli[0].kind]}: condition {stimuli.condition}",
        note=f"below each class: the confidence of {network} in it, truncated, never rounded up",
        write_below=_write_answer,
    )


def _write_answer(axes: Axes, stimulus: Stimulus, number: int, x: float, y: float) -> None:
    write_name(axes, stimulus.class_name, x, y)
    lines = broken(stimulus.class_name).count("\n") + 1
    write(axes, x, y + lines * LINE, percent(stimulus.confidence), fontsize=6.5)
