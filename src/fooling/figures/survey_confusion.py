"""What people say (columns) of images to which the network gives each label (rows), condition by condition."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fooling.figures.style import FAINT, INK, WIDTH, draw_note, in_style
from fooling.figures.survey import blocks_of, mark_synthetic, title
from fooling.figures.transfer_heat_map import SHARES

ACROSS = 3  # panels
MOST_WITH_NUMBERS = 12  # classes: with more there is no room for numbers


@in_style
def draw(*, survey_confusion: pd.DataFrame) -> Figure:
    """A panel for each condition, of the block where all labels are offered; else of that with none of them."""
    rows = next(iter(blocks_of(survey_confusion).values()))
    conditions = list(dict.fromkeys(rows["condition"]))
    labels = sorted({*rows["class_name"]}, key=_naturally)
    said = [*labels, *sorted({*rows["response"]} - {*labels}, key=_naturally)]
    columns = min(ACROSS, len(conditions))
    lines = math.ceil(len(conditions) / columns)
    side = WIDTH / columns
    height = 0.9 * side * len(labels) / len(said) + 0.3
    figure = Figure(figsize=(WIDTH, 0.7 + lines * height), layout="constrained")
    panels = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes, condition in zip(panels, conditions, strict=False):
        _draw_condition(axes, rows[rows["condition"] == condition], labels, said)
        axes.set_title(condition, fontsize=7.5)
    for axes in panels[len(conditions) :]:
        axes.set_axis_off()
    figure.supylabel("the network's label (real images: the true class)", fontsize=7)
    title(figure, "People's answers to images of each label")
    draw_note(
        figure,
        "Percent of all answers about images of a label, people's answers from left to right"
        + ("; all labels are offered." if (rows["block"] == "all-way").all() else "; or none of these."),
    )
    mark_synthetic(figure, survey_confusion)
    return figure


def _draw_condition(axes: Axes, rows: pd.DataFrame, labels: list[str], said: list[str]) -> None:
    grid = rows.pivot(index="class_name", columns="response", values="share").reindex(index=labels, columns=said)
    asked = grid.notna().any(axis=1).to_numpy()
    shares = np.where(asked[:, None], grid.fillna(0).to_numpy(dtype=float), np.nan)
    axes.imshow(np.ma.masked_invalid(shares), cmap=SHARES, vmin=0, vmax=1, aspect="equal")
    axes.grid(visible=False)
    axes.tick_params(length=0, labelsize=6)
    axes.set_xticks(range(len(said)), said, rotation=90 if max(map(len, said)) > 2 else 0)
    axes.set_yticks(range(len(labels)), labels)
    if len(said) > MOST_WITH_NUMBERS:
        return
    for (row, column), share in np.ndenumerate(shares):
        if share >= 0.01:
            ink = "white" if share > 0.6 else INK
            axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", fontsize=5, color=ink)
    for row in np.flatnonzero(~asked):
        axes.text(len(said) / 2 - 0.5, float(row), "no such image", ha="center", va="center", fontsize=5, color=FAINT)


def _naturally(name: str) -> tuple[bool, int, str]:
    return not name.isdecimal(), int(name) if name.isdecimal() else 0, name
