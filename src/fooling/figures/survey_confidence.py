"""Human confidence against the network's: whether people know the images better of which the network is surer."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fooling.figures.confidence_axis import log_odds, use_confidence_ticks, use_percent_ticks
from fooling.figures.style import WIDTH, draw_note, in_style
from fooling.figures.survey import BLOCKS, blocks_of, draw_chance, looks_of, mark_synthetic, title

MEASURES = {"share": "correct answers of people", "rating": "certainty of people, 1 to 5"}
#: float32 has no confidence between this one and 1: what stands at 1 is drawn here.
HIGHEST = 1 - 2.0**-25
ALL = "all"


@in_style
def draw(*, survey_images: pd.DataFrame, survey_confidence: pd.DataFrame) -> Figure:
    """A column of panels for each way of asking: above right answers, below ratings; a mark for each image."""
    blocks = blocks_of(survey_images)
    correlations = blocks_of(survey_confidence)
    looks = looks_of(list(dict.fromkeys(survey_images["condition"])))
    figure = Figure(figsize=(WIDTH, 4.3), layout="constrained")
    panels = figure.subplots(2, len(blocks), sharex=True, sharey="row", squeeze=False)
    for column, (block, images) in enumerate(blocks.items()):
        for axes, measure in zip(panels[:, column], MEASURES, strict=True):
            for condition, rows in images.groupby("condition", sort=False):
                look = looks[str(condition)]
                axes.plot(
                    _stretched(rows["confidence"]), rows[measure].astype(float), look.marker, color=look.colour,
                    markersize=3, alpha=0.75, markeredgewidth=0,
                )  # fmt: skip
            axes.set_title(_told(correlations.get(block), measure), fontsize=6.5, fontweight="normal", loc="right")
        panels[0, column].annotate(
            BLOCKS[block], (0, 1), xycoords="axes fraction", xytext=(0, 16), textcoords="offset points", fontsize=7.5,
            fontweight="bold", va="bottom",
        )  # fmt: skip
        draw_chance(panels[0, column], float(images["chance"].astype(float).iloc[0]), vertical=False)
    use_percent_ticks(panels[0, 0])
    panels[1, 0].set_ylim(0.9, 5.1)
    for axes, words in zip(panels[:, 0], MEASURES.values(), strict=True):
        axes.set_ylabel(words)
    _set_confidences(panels[1], survey_images)
    handles = [
        Line2D([], [], marker=look.marker, linestyle="", color=look.colour, label=name) for name, look in looks.items()
    ]
    figure.legend(handles=handles, loc="outside upper right", ncols=len(handles), handlelength=1)
    title(figure, "People and the network's confidence")
    draw_note(
        figure,
        "Each mark is one image. Above each panel: Spearman's rank correlation over all its images, with its interval "
        "over resampled images. Dashed: chance. Confidence in the correct answer, on a log-odds scale.",
    )
    mark_synthetic(figure, survey_images)
    return figure


def _stretched(confidences: pd.Series[float]) -> pd.Series[float]:
    return confidences.astype(float).clip(1 - HIGHEST, HIGHEST).map(log_odds)


def _set_confidences(row: np.ndarray[tuple[int], np.dtype[np.object_]], images: pd.DataFrame) -> None:
    values = list(_stretched(images["confidence"]))
    for place, axes in enumerate(row):
        use_confidence_ticks(axes, values, which="x", most=3)
        axes.set_xlabel("network's confidence" if place == 0 else "")


def _told(rows: pd.DataFrame | None, measure: str) -> str:
    chosen = None if rows is None else rows[(rows["condition"] == ALL) & (rows["measure"] == measure)]
    if chosen is None or chosen.empty or chosen["correlation"].isna().all():
        return "no correlation can be computed"
    value, low, high = chosen[["correlation", "low", "high"]].to_numpy(dtype=float)[0]
    return f"rank correlation {value:.2f}" + ("" if np.isnan(low) else f" [{low:.2f}, {high:.2f}]")
