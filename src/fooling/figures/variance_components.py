"""Where the differences between champions come from: network, seed, class and what these do together."""

from __future__ import annotations

import itertools

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from fooling.figures.style import INK, SEARCHES, WIDTH, draw_note, in_style

#: In the order of the bar: label, colour, colour of the number written on it. What factors do together is lighter.
COMPONENTS = {
    "classifier": ("network", "#0072B2", "white"),
    "seed": ("seed", "#D55E00", "white"),
    "classifier:seed": ("run (network and seed)", "#8CC5E8", INK),
    "class": ("class", "#00805E", "white"),
    "classifier:class": ("network and class", "#8FD3BC", INK),
    "seed:class": ("seed and class", "#F3B183", INK),
    "residual": ("all three, and residual", "#DADADA", INK),
}
LABELLED = 0.06  # the smallest share that has its number written in the bar


@in_style
def draw(*, variance: pd.DataFrame) -> Figure:
    """One bar for each experiment and search, cut into the shares of the components of ``variance``."""
    present = set(zip(variance["experiment"], variance["search"], strict=True))
    experiments = dict.fromkeys(variance["experiment"])
    bars = [bar for bar in itertools.product(experiments, SEARCHES) if bar in present]
    shares = variance.set_index(["experiment", "search", "component"])["share"].unstack("component").fillna(0).loc[bars]
    figure = Figure(figsize=(WIDTH, 1.45 + 0.3 * len(bars)), layout="constrained")
    axes = figure.subplots()
    start = pd.Series(0.0, shares.index)
    for component in COMPONENTS:
        if component in shares and shares[component].any():
            _draw_component(axes, component, shares[component], start)
            start += shares[component]
    axes.set_yticks(range(len(bars)), [f"{experiment}: {SEARCHES[search].label}" for experiment, search in bars])
    axes.set(xlim=(0, 1), ylim=(len(bars) - 0.5, -0.5), xlabel="share of the variance")
    axes.xaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    if axes.containers:
        figure.legend(loc="outside upper left", ncols=3)
    draw_note(
        figure,
        "Variance of the champions' log-odds. A component that cannot be separated from another is omitted."
        + " No bar: all champions are equal." * bool((shares.sum(axis=1) == 0).any()),
    )
    return figure


def _draw_component(axes: Axes, component: str, shares: pd.Series[float], start: pd.Series[float]) -> None:
    """The piece of this component in every bar, with its number where there is room."""
    label, colour, ink = COMPONENTS[component]
    bars = axes.barh(range(len(shares)), shares, left=start, color=colour, label=label, edgecolor="white", height=0.74)
    numbers = [f"{share:.0%}".replace("%", " %") if share >= LABELLED else "" for share in shares]
    axes.bar_label(bars, numbers, label_type="center", color=ink, fontsize=7)
