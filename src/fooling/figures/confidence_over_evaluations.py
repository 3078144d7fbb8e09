"""Confidence of the median class against the number of images scored, for evolution and its two controls."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from fooling.figures.confidence_axis import (
    draw_reference,
    log_odds,
    name_reference,
    use_confidence_ticks,
    use_percent_ticks,
)
from fooling.figures.search_curves import draw_legend, draw_search_curves, what_is_drawn
from fooling.figures.style import WIDTH, draw_note, in_style

RUN = ["search", "classifier", "seed", "evaluations"]


@in_style
def draw(*, history: pd.DataFrame, reference: float | None) -> Figure:
    """The same curves twice: confidence as it is, and stretched so that 99 and 99.99 % lie apart.

    In each run the median over the classes is taken. ``reference`` is the paper's median.
    """
    runs = history.groupby(RUN, as_index=False)[["confidence", "log_odds"]].median()
    figure = Figure(figsize=(WIDTH, 3.3), layout="constrained")
    plain, stretched = figure.subplots(1, 2)
    draw_search_curves(plain, runs, "confidence")
    use_percent_ticks(plain)
    plain.set(title="Median confidence", ylabel="confidence")
    draw_search_curves(stretched, runs, "log_odds")
    values = [*runs["log_odds"], *([log_odds(reference)] if reference else [])]
    use_confidence_ticks(stretched, values)
    stretched.set(title="Median confidence (log-odds axis)", ylabel="confidence, log-odds scale")
    if reference:
        draw_reference(stretched, log_odds(reference))
        name_reference(stretched, log_odds(reference), "the paper's median")
    draw_legend(figure, history)
    draw_note(figure, what_is_drawn(history))
    return figure
