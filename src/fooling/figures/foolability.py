"""How easily each network is fooled, side by side: the curve of its confidence, its end, and of how much it is sure."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fooling.figures.confidence_axis import use_percent_ticks
from fooling.figures.search_curves import draw_legend, present
from fooling.figures.style import FAINT, SEARCHES, WIDTH, Look, draw_note, in_style

PANELS = {
    "area": "Area under the curve",
    "median": "Median confidence at the end",
    "share_sure": "Classes with high confidence",
}
SPREAD = 0.5  # of the height of a row, shared by the marks of its searches


@in_style
def draw(*, foolability: pd.DataFrame) -> Figure:
    """A row for each network of each experiment, those that evolution fools most easily first; a mark a search."""
    searches = present(foolability)
    order = _most_easily_fooled_first(foolability)
    figure = Figure(figsize=(WIDTH, 1.2 + 0.36 * len(order)), layout="constrained")
    panels = figure.subplots(1, len(PANELS), sharey=True)
    for axes, (measure, title) in zip(panels, PANELS.items(), strict=True):
        for place, search in enumerate(searches):
            rows = foolability[foolability["search"] == search].set_index(["experiment", "classifier"]).reindex(order)
            heights = np.arange(len(order)) + SPREAD * ((place + 0.5) / len(searches) - 0.5)
            _draw_marks(axes, rows, measure, heights, SEARCHES[search])
        use_percent_ticks(axes, which="x")
        axes.set(title=title)
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
    panels[0].set_yticks(range(len(order)), [f"{network}\n{experiment}" for experiment, network in order])
    panels[0].set_ylim(len(order) - 0.5, -0.5)
    draw_legend(figure, foolability, marks=True)
    runs = foolability["runs"]
    counted = f"{runs.min()} to {runs.max()}" if runs.min() < runs.max() else f"{runs.max()}"
    draw_note(
        figure,
        "Area: under the curve of the median confidence over the classes by images scored, divided by its range. "
        f"Hollow: after temperature scaling on real images. High confidence: findings.sure or more. Runs per network: "
        f"{counted}; bars: confidence intervals over these.",
    )
    return figure


def _most_easily_fooled_first(foolability: pd.DataFrame) -> list[tuple[str, str]]:
    """Experiments in the order of the table, the networks of each by the area under the curve of evolution."""
    ranks = {name: place for place, name in enumerate(dict.fromkeys(foolability["experiment"]))}
    evolved = foolability[foolability["search"] == "map-elites"].assign(rank=lambda rows: rows["experiment"].map(ranks))
    ordered = evolved.sort_values(["rank", "area"], ascending=[True, False], kind="stable")
    return list(zip(ordered["experiment"], ordered["classifier"], strict=True))


def _draw_marks(axes: Axes, rows: pd.DataFrame, measure: str, heights: np.ndarray, look: Look) -> None:
    values = rows[measure]
    bars = np.clip([values - rows[f"{measure}_low"], rows[f"{measure}_high"] - values], 0, None)
    axes.errorbar(
        values, heights, xerr=np.nan_to_num(bars), color=look.colour, marker=look.marker, markersize=4.5,
        linestyle="", capsize=2, elinewidth=0.9,
    )  # fmt: skip
    if measure == "median":
        calibrated = rows["calibrated_median"]
        for raw, after, height in zip(values, calibrated, heights, strict=True):
            axes.plot([raw, after], [height, height], color=FAINT, linewidth=0.8, zorder=1)
        axes.plot(
            calibrated, heights, color=look.colour, marker=look.marker, markersize=4.5, markerfacecolor="white",
            linestyle="",
        )  # fmt: skip
