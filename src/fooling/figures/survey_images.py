"""Right answers image by image: one dot for each, sorted, so that a few images that all recognise are seen."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fooling.figures.confidence_axis import use_percent_ticks
from fooling.figures.style import WIDTH, draw_note, in_style
from fooling.figures.survey import BLOCKS, blocks_of, draw_chance, looks_of, mark_synthetic, title

SURE = 0.05  # below this p, after Holm's correction, a dot is filled


@in_style
def draw(*, survey_images: pd.DataFrame) -> Figure:
    """A row of panels for each way of asking, a column for each condition; a dot an image, the best known left."""
    blocks = blocks_of(survey_images)
    conditions = list(dict.fromkeys(survey_images["condition"]))
    looks = looks_of(conditions)
    figure = Figure(figsize=(WIDTH, 0.9 + 1.25 * len(blocks)), layout="constrained")
    panels = figure.subplots(len(blocks), len(conditions), sharex="col", sharey=True, squeeze=False)
    for row, (block, of_block) in zip(panels, blocks.items(), strict=True):
        for axes, condition in zip(row, conditions, strict=True):
            _draw_images(axes, of_block[of_block["condition"] == condition], looks[condition].colour)
        row[0].set_ylabel(BLOCKS[block], fontsize=6.5)
    for axes, condition in zip(panels[0], conditions, strict=True):
        axes.set_title(condition, fontsize=7.5)
    title(figure, "Correct answers by image")
    draw_note(
        figure,
        "Each dot is one image, sorted within its panel; bars: Wilson's interval over the people who saw it. Dashed: "
        f"chance. Filled: the exact binomial test against chance has p < {SURE} after Holm's correction over all "
        "images of the row. Without a chance level there is no test.",
    )
    mark_synthetic(figure, survey_images)
    return figure


def _draw_images(axes: Axes, images: pd.DataFrame, colour: str) -> None:
    ordered = images.sort_values(["share", "stimulus"], ascending=[False, True])
    share, low, high = (ordered[column].to_numpy(dtype=float) for column in ("share", "low", "high"))
    places = np.arange(len(ordered))
    is_sure = ordered["p_holm"].to_numpy(dtype=float) < SURE
    axes.vlines(places, low, high, color=colour, linewidth=0.7, alpha=0.45)
    for chosen, face in ((is_sure, colour), (~is_sure, "white")):
        axes.plot(
            places[chosen], share[chosen], "o", color=colour, markersize=3, markerfacecolor=face, markeredgewidth=0.8
        )
    if len(ordered):
        draw_chance(axes, float(ordered["chance"].astype(float).iloc[0]), vertical=False)
    use_percent_ticks(axes)
    axes.set_yticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])
    axes.set_xticks([])
    axes.grid(visible=False, axis="x")
