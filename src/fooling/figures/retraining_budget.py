"""What a larger budget changes against the last networks of the chains: confidence over evaluations."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from fooling.figures.confidence_axis import use_confidence_ticks
from fooling.figures.fillings import FILLINGS, line_of, stretched, whole
from fooling.figures.style import FAINT, WIDTH, counted, draw_note, in_style


@in_style
def draw(*, budget: pd.DataFrame) -> Figure:
    """One line for each filling: the median confidence of all champions, over chains with its interval.

    ``budget`` has a row for each kept generation of the last network of each chain, and one for all chains.
    """
    figure = Figure(figsize=(WIDTH, 3.4), layout="constrained")
    axes = figure.subplots()
    shown = []
    for filling, look in FILLINGS.items():
        rows = budget[budget["filled_with"] == filling]
        for _, single in rows.groupby("first"):
            axes.plot(single["evaluations"], stretched(single["median"]), color=look.colour, alpha=0.25, linewidth=0.8)
        together = whole(rows)
        if together.empty:
            continue
        middle, low, high = (stretched(together[name]) for name in ("median", "median_low", "median_high"))
        axes.plot(together["evaluations"], middle, color=look.colour, label=look.label, linestyle=line_of(look))
        if np.isfinite(low).all():
            axes.fill_between(together["evaluations"], low, high, color=look.colour, alpha=0.12, linewidth=0)
        shown += [middle, low[np.isfinite(low)], high[np.isfinite(high)]]
    use_confidence_ticks(axes, np.concatenate(shown).tolist())
    axes.set(xscale="log", xlabel="images scored", title="Median confidence of all champions against the last network")
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.grid(color=FAINT, linewidth=0.4)
    axes.legend(fontsize=7, loc="lower right")
    draw_note(figure, _note(budget))
    return figure


def _note(budget: pd.DataFrame) -> str:
    together = whole(budget)
    chains, last = int(together["units"].max()), int(together["generation"].max())
    bands = "bands: 95 % confidence intervals over chains" if chains > 2 else "too few chains for an interval"
    return (
        f"Network {int(budget['number'].max())} of {counted(chains, 'chain')}, {counted(last, 'generation')}, "
        f"{counted(int(together['runs'].min()), 'run')} for each filling; pale: single chains; {bands}."
    )
