"""Confidence in every class against the number of images scored: a small panel for each class, or a map of many."""

from __future__ import annotations

import math

import pandas as pd
from matplotlib.figure import Figure

from fooling.figures.class_map import drawn_map
from fooling.figures.confidence_axis import draw_reference, log_odds, name_reference, use_confidence_ticks
from fooling.figures.search_curves import draw_legend, draw_search_curves, what_is_drawn
from fooling.figures.style import WIDTH, draw_note, in_style

COLUMNS = 5
MOST_PANELS = 20


@in_style
def draw(*, history: pd.DataFrame, champions: pd.DataFrame, reference: float | None) -> Figure:
    """Panels with common axes on the log-odds scale; of more classes than can have one, a map.

    ``champions`` names the classes, ``reference`` is the paper's median.
    """
    classes = champions.groupby("class_index")["class_name"].first()
    if len(classes) > MOST_PANELS:
        return drawn_map(history)
    columns = min(COLUMNS, len(classes))
    rows = math.ceil(len(classes) / columns)
    figure = Figure(figsize=(WIDTH, 0.95 + 1.45 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    values = [*history["log_odds"].quantile([0, 1]), *([log_odds(reference)] if reference else [])]
    for axes in grid.flat[len(classes) :]:
        axes.remove()
    for axes, (index, name) in zip(grid.flat, classes.items(), strict=False):
        draw_search_curves(axes, history[history["class_index"] == index], "log_odds", is_small=True)
        use_confidence_ticks(axes, values, most=6)
        axes.set_title(f"class {name}", fontsize=7.5)
        if reference:
            draw_reference(axes, log_odds(reference))
        if axes.get_subplotspec().rowspan.stop < rows:
            axes.set_xlabel("")
    figure.supylabel("confidence, log-odds scale", fontsize=8)
    if reference:
        name_reference(grid[0, 0], log_odds(reference), "the paper")
    draw_legend(figure, history)
    draw_note(figure, what_is_drawn(history))
    return figure
