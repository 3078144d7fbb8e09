"""Gradient ascent beside the searches that know no gradient: confidence against evaluations of the network."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator, StrMethodFormatter

from fooling.figures.confidence_axis import draw_reference, log_odds, name_reference, use_confidence_ticks
from fooling.figures.style import SEARCHES, WIDTH, Look, draw_note, in_style, series

CLIMB = "gradient-ascent"


@in_style
def draw(*, ascent_curves: pd.DataFrame, reference: float | None) -> Figure:
    """A line for each setting of gradient ascent, and for evolution and random search of each experiment.

    Lines are medians over the runs, bands hold all of them; ``reference`` is the paper's median.
    """
    network = ascent_curves["classifier"].iloc[0]
    figure = Figure(figsize=(WIDTH, 3.6), layout="constrained")
    axes = figure.subplots()
    for look, runs in _lines(ascent_curves):
        spread = runs.groupby("evaluations")["log_odds"].agg(["median", "min", "max"])
        dashes = look.dashes or (None, None)
        axes.plot(spread.index, spread["median"], color=look.colour, dashes=dashes, label=look.label)
        axes.fill_between(spread.index, spread["min"], spread["max"], color=look.colour, alpha=0.12, linewidth=0)
    axes.set(xscale="log", xlabel="evaluations of the network", ylabel="confidence, log-odds scale")
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlim(ascent_curves["evaluations"].min(), ascent_curves["evaluations"].max())
    values = [*ascent_curves["log_odds"], *([log_odds(reference)] if reference else [])]
    use_confidence_ticks(axes, np.clip(values, -17, 17))
    axes.set_title(f"Median class on {network}")
    if reference:
        draw_reference(axes, log_odds(reference))
        name_reference(axes, log_odds(reference), "the paper's median")
    figure.legend(loc="outside right upper")
    draw_note(
        figure,
        "Line: median of the runs; band: all runs. Evaluations are summed over all classes, even if gradient ascent "
        "covers only some. A step counts as three evaluations: one for the forward pass, two for the backward pass.",
    )
    return figure


def _lines(curves: pd.DataFrame) -> Iterator[tuple[Look, pd.DataFrame]]:
    """Each line's look with its runs: the climbs solid, each in a colour; a search in the colour of its experiment."""
    climbs = curves[curves["search"] == CLIMB]
    searches = curves[curves["search"] != CLIMB]
    names = [*dict.fromkeys(climbs["experiment"]), *dict.fromkeys(searches["experiment"])]
    colours = {name: look.colour for name, look in zip(names, series(len(names)), strict=True)}
    for name, runs in climbs.groupby("experiment", sort=False):
        yield Look(f"gradient ascent, {name}", colours[str(name)]), runs
    for group, runs in searches.groupby(["experiment", "search"], sort=False):
        name, search = map(str, group)
        look = SEARCHES[search]
        yield Look(f"{name}, {look.label}", colours[name], look.dashes or (1.2, 1.4)), runs
