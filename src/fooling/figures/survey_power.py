"""Power of a planned human study by the number of participants and images."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from fooling.figures.confidence_axis import use_percent_ticks
from fooling.figures.style import QUIET, WIDTH, counted, draw_note, draw_title, in_style, series

ENOUGH = 0.8  # of the studies: the usual target for power


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
