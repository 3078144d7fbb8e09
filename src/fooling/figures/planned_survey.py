"""The human study before anyone has answered: the stimuli of a condition, without and with labels, and the power."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fooling.figures.image_grid import INCHES_PER_CHARACTER_POINT, LEAST_SIZE, place_image, sheet, write, write_head
from fooling.figures.style import QUIET, WIDTH, draw_note, draw_title, in_style, series, use_percent_ticks
from fooling.messages import counted, percent
from fooling.survey.questionnaire import ConditionStimuli, Stimulus

IN_ROW = 10
MARGIN, HEAD, GAP = 0.06, 0.46, 0.09  # inches: beside the images, above them and between them
LINE, LARGEST = 0.115, 7.0  # inches: the height of a line of text; points: its largest size
PITCH = (WIDTH - 2 * MARGIN) / IN_ROW

#: Writes below an image: axes, stimulus, its number from 1, and the upper middle of the text (x, y) in inches.
WriteBelow = Callable[[Axes, Stimulus, int, float, float], None]
#: What the labels below the images are, by the kind of the images.
ANSWERS = {
    "champion": "the classes for which they were evolved",
    "ascent": "the target classes of gradient ascent",
    "noise": "the network's top classes",
    "real": "their true classes",
}
ENOUGH = 0.8  # of the studies: the usual target for power


@in_style
def stimuli_hidden(*, stimuli: ConditionStimuli) -> Figure:
    """Draw every stimulus of one condition with its number."""
    count = counted(len(stimuli.stimuli), "image")
    return _draw_sheet(
        stimuli,
        title=f"What do these images show? Condition {stimuli.condition}",
        note=f"{count} in their random order",
        write_below=_write_number,
    )


def _write_number(axes: Axes, stimulus: Stimulus, number: int, x: float, y: float) -> None:
    write(axes, x, y, str(number), color=QUIET)


@in_style
def stimuli_shown(*, stimuli: ConditionStimuli) -> Figure:
    """Draw every stimulus of one condition with its class and the network's confidence."""
    network = stimuli.questionnaire.network.name
    return _draw_sheet(
        stimuli,
        title=f"The same images with {ANSWERS[stimuli.stimuli[0].kind]}: condition {stimuli.condition}",
        note=f"below each class: the confidence of {network} in it",
        write_below=_write_answer,
    )


def _write_answer(axes: Axes, stimulus: Stimulus, number: int, x: float, y: float) -> None:
    _write_name(axes, stimulus.class_name, x, y)
    lines = _wrapped(stimulus.class_name).count("\n") + 1
    write(axes, x, y + lines * LINE, percent(stimulus.confidence), fontsize=6.5)


def _draw_sheet(shown: ConditionStimuli, *, title: str, note: str, write_below: WriteBelow) -> Figure:
    """Draw all stimuli of a condition in their random order."""
    height = PITCH - GAP + (_lines_of_names(shown.stimuli) + 1) * LINE + 0.1
    rows = -(-len(shown.stimuli) // IN_ROW)
    figure, axes = sheet(WIDTH, HEAD + rows * height + 0.02)
    write_head(axes, title, note)
    for place, (stimulus, image) in enumerate(zip(shown.stimuli, shown.images, strict=True)):
        left = MARGIN + place % IN_ROW * PITCH + GAP / 2
        top, side = HEAD + place // IN_ROW * height, PITCH - GAP
        place_image(axes, image, left=left, top=top, side=side)
        write_below(axes, stimulus, place + 1, left + side / 2, top + side + 0.03)
    return figure


def _lines_of_names(stimuli: Sequence[Stimulus]) -> int:
    """Return the largest number of lines that the name of a class takes below an image."""
    return max(_wrapped(stimulus.class_name).count("\n") + 1 for stimulus in stimuli)


def _wrapped(name: str) -> str:
    """Return a name wrapped to lines that fit below an image."""
    fits = int(PITCH / (LEAST_SIZE * INCHES_PER_CHARACTER_POINT))
    return textwrap.fill(name, fits, break_long_words=False)


def _write_name(axes: Axes, name: str, x: float, y: float) -> None:
    """Write the name of a class, as large as it fits."""
    longest = max(len(line) for line in _wrapped(name).splitlines())
    size = min(LARGEST, PITCH / (longest * INCHES_PER_CHARACTER_POINT))
    write(axes, x, y, _wrapped(name), fontsize=size, fontweight="bold", linespacing=1.0)


@in_style
def survey_power(*, survey_power: pd.DataFrame) -> Figure:
    """Draw the power to detect an effect and to show its absence, and interval widths.

    ``survey_power`` has a row for each number of participants and of images.
    """
    first = survey_power.iloc[0]
    chance, accuracy, margin = (float(first[name]) for name in ("chance", "accuracy", "margin"))
    panels_of = {
        "above_chance": f"detect {_percent(accuracy)} as above chance",
        "equivalent": f"show chance to be below {_percent(chance + margin)}",
        "half_width": "half the interval's width",
    }
    figure = Figure(figsize=(WIDTH, 2.9), layout="constrained")
    panels = figure.subplots(1, len(panels_of))
    by_images = list(survey_power.groupby("images"))
    for axes, (measure, words) in zip(panels, panels_of.items(), strict=True):
        for (images, rows), look in zip(by_images, series(len(by_images)), strict=True):
            axes.plot(
                rows["people"], rows[measure], color=look.colour, linestyle=look.linestyle,
                marker=look.marker, markersize=4, label=f"{images} images",
            )  # fmt: skip
        axes.set_xscale("log")
        ticks = sorted(set(survey_power["people"]))
        axes.set_xticks(ticks, [str(tick) for tick in ticks])
        axes.minorticks_off()
        axes.set_title(words, fontsize=7.5)
        axes.set_xlabel("participants")
    for axes in panels[:2]:
        use_percent_ticks(axes)
        axes.axhline(ENOUGH, color=QUIET, linewidth=0.8, linestyle=(0, (1, 1.5)))
    panels[0].set_ylabel("share of simulated studies")
    panels[2].set_ylim(bottom=0)
    handles, _ = panels[0].get_legend_handles_labels()
    draw_title(figure, "Power of the human study", handles)
    studies = counted(int(survey_power["studies"].iloc[0]), "simulated study", "simulated studies")
    draw_note(
        figure,
        f"{studies} of each size; each participant sees at most {survey_power['trials'].max()} images of a condition "
        f"in a block; chance is {_percent(chance)}. Dotted: {_percent(ENOUGH)}.",
    )
    return figure


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
