"""How often people give the right answer, per condition and way of asking, beside chance."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fooling.figures.confidence_axis import use_percent_ticks
from fooling.figures.style import FAINT, WIDTH, counted, draw_note, in_style
from fooling.figures.survey import BLOCKS, blocks_of, draw_chance, label_rows, looks_of, mark_synthetic, title

RIGHT, NONE = "right answer", "none of these"


@in_style
def draw(*, survey_accuracy: pd.DataFrame) -> Figure:
    """A panel for each way of asking, a row for each condition; dashed: chance; shaded: what counts as chance."""
    blocks = blocks_of(survey_accuracy)
    conditions = list(dict.fromkeys(survey_accuracy["condition"]))
    figure = Figure(figsize=(WIDTH, 1.5 + 0.27 * len(conditions)), layout="constrained")
    panels = figure.subplots(1, len(blocks), sharey=True, squeeze=False)[0]
    for axes, (block, rows) in zip(panels, blocks.items(), strict=True):
        _draw_block(axes, rows, conditions)
        axes.set_title(BLOCKS[block], fontsize=7.5)
    label_rows(panels[0], conditions)
    title(figure, "Correct answers of people: the network's label, or the true class of a real image")
    people, answers = (
        survey_accuracy["people"].max(),
        survey_accuracy.loc[survey_accuracy["outcome"] == RIGHT, "answers"],
    )
    level = "Bars: intervals over people and images."
    draw_note(
        figure,
        f"{counted(int(people), 'participant')}, {counted(int(answers.sum()), 'answer')}. {level} Dashed: chance. "
        "Shaded: the declared margin above chance, which counts as chance; hollow: a one-sided bound is within it. "
        "Grey: the share of 'none of these', if people can answer so.",
    )
    mark_synthetic(figure, survey_accuracy)
    return figure


def _draw_block(axes: Axes, rows: pd.DataFrame, conditions: list[str]) -> None:
    looks = looks_of(conditions)
    right = rows[rows["outcome"] == RIGHT].set_index("condition").reindex(conditions)
    chance, limit = right["chance"].astype(float).max(), right["limit"].astype(float).max()
    draw_chance(axes, chance, vertical=True)
    if np.isfinite(limit):
        axes.axvspan(chance, limit, color=FAINT, alpha=0.35, linewidth=0, zorder=0.5)
    none = rows[rows["outcome"] == NONE].set_index("condition").reindex(conditions)
    axes.barh(range(len(conditions)), none["share"].to_numpy(dtype=float), height=0.6, color=FAINT, alpha=0.5, zorder=1)
    is_chance = right["equivalent"].eq(True).to_numpy()
    for height, (condition, row) in enumerate(right.iterrows()):
        look, share = looks[str(condition)], float(row["share"])
        bars = np.clip([[share - row["low"]], [row["high"] - share]], 0, None).astype(float)
        axes.errorbar(
            [share], [height], xerr=np.nan_to_num(bars), color=look.colour, marker=look.marker, markersize=5,
            markerfacecolor="white" if is_chance[height] else look.colour, capsize=2.5, elinewidth=1.2,
        )  # fmt: skip
    use_percent_ticks(axes, which="x")
    axes.set_xticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
