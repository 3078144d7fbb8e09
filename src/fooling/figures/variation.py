"""How fooling varies between networks, classes and seeds."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import seaborn as sns  # type: ignore[import-untyped]
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import PercentFormatter

from fooling.figures.confidence_axis import finite_log_odds, use_confidence_ticks, use_percent_ticks
from fooling.figures.style import (
    FAINT,
    INK,
    QUIET,
    SEARCHES,
    WIDTH,
    Look,
    counted,
    draw_note,
    draw_search_legend,
    in_style,
    searches_in,
)

PANELS = {
    "area": "Area under the curve",
    "median": "Median confidence at the end",
    "share_sure": "Classes with high confidence",
}
SPREAD = 0.5  # of the height of a row, divided among the marks of its searches
COLOURS = {"in the set": "#B4568C", "other classes": FAINT}
#: In the order of the bar: label, colour, and colour of the number on it. Interactions are lighter.
COMPONENTS = {
    "classifier": ("network", "#0072B2", "white"),
    "seed": ("seed", "#D55E00", "white"),
    "classifier:seed": ("run (network and seed)", "#8CC5E8", INK),
    "class": ("class", "#00805E", "white"),
    "classifier:class": ("network and class", "#8FD3BC", INK),
    "seed:class": ("seed and class", "#F3B183", INK),
    "residual": ("all three, and residual", "#DADADA", INK),
}
LABELLED = 0.06  # the smallest share whose number is written in the bar


@in_style
def foolability(*, foolability: pd.DataFrame) -> Figure:
    """Draw how easily each network is fooled, the most easily fooled one first."""
    searches = searches_in(foolability)
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
    draw_search_legend(figure, foolability, marks=True)
    runs = foolability["runs"]
    each = f"{runs.min()} to {runs.max()}" if runs.min() < runs.max() else f"{runs.max()}"
    draw_note(
        figure,
        "Area: under the curve of the median class's confidence by images scored, divided by its range. Hollow: after "
        f"temperature scaling on real images. High confidence: at least the setting findings.sure. {each} runs per "
        "network; bars: confidence intervals over these.",
    )
    return figure


def _most_easily_fooled_first(foolability: pd.DataFrame) -> list[tuple[str, str]]:
    """Return experiments in their order, with networks by the area under evolution's curve."""
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


@in_style
def class_sets(*, class_sets: pd.DataFrame, set_classes: pd.DataFrame) -> Figure:
    """Draw, in a panel for each set, the confidence in its classes and in all other classes."""
    names = list(dict.fromkeys(class_sets["class_set"]))
    rows = len(class_sets) // max(len(names), 1)
    figure = Figure(figsize=(WIDTH, 1.1 + 0.42 * rows), layout="constrained")
    if not names:
        figure.text(0.5, 0.5, "This study defines no sets of classes.", ha="center", color=QUIET)
        return figure
    for axes, name in zip(figure.subplots(1, len(names), sharey=True, squeeze=False)[0], names, strict=True):
        chosen = class_sets[class_sets["class_set"] == name]
        _draw_set(axes, chosen, set_classes[set_classes["class_set"] == name])
    figure.legend(
        handles=[Patch(facecolor=colour, label=where) for where, colour in COLOURS.items()],
        loc="outside upper left",
        ncols=2,
    )
    runs = counted(int(class_sets["runs"].max()), "run")
    draw_note(
        figure,
        f"Each class has one value, its median over {runs}. Box: middle 50 % of the classes and median; whiskers: "
        "5 % to 95 % quantile. In the margin: the probability that a class of the set has a higher confidence than one "
        "of the others, with its interval over groups of classes that share champions; 50 % means no difference.",
    )
    return figure


def _draw_set(axes: Axes, found: pd.DataFrame, classes: pd.DataFrame) -> None:
    order = [_named(row) for row in found.itertuples()]
    shown = classes.assign(
        what=[_named(row) for row in classes.itertuples()],
        where=classes["inside"].map({True: "in the set", False: "other classes"}),
        log_odds=finite_log_odds(classes["confidence"]),
    )
    sns.boxplot(
        shown, x="log_odds", y="what", order=order, hue="where", hue_order=list(COLOURS), palette=COLOURS,
        whis=(5, 95), showfliers=False, linewidth=0.8, width=0.7, gap=0.15, legend=False, ax=axes,
    )  # fmt: skip
    use_confidence_ticks(axes, shown["log_odds"].quantile([0.005, 0.995]).tolist(), which="x", most=5)
    first = found.iloc[0]
    axes.set(title=f"{first['class_set']} ({first['classes']} classes)", ylabel="", xlabel="confidence, log-odds scale")
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    bounds = zip(*(100 * found[name] for name in ("superiority", "low", "high")), strict=True)
    for place, (share, low, high) in enumerate(bounds):
        interval = "no interval" if math.isnan(low) else f"{low:.0f} to {high:.0f} %"
        axes.annotate(
            f"{share:.0f} %\n{interval}", (1.02, place), xycoords=axes.get_yaxis_transform(),
            va="center", fontsize=5.5, color=QUIET, annotation_clip=False,
        )  # fmt: skip


def _named(row: object) -> str:
    """Return the experiment, the network and the search of a row, as its label."""
    experiment, classifier, search = (getattr(row, name) for name in ("experiment", "classifier", "search"))
    return f"{experiment} on {classifier}\n{SEARCHES[search].label}"


@in_style
def variance_components(*, variance: pd.DataFrame) -> Figure:
    """Draw the shares of the components of ``variance``, a bar for each search."""
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
    """Draw this component in every bar, with its number if that fits."""
    label, colour, ink = COMPONENTS[component]
    bars = axes.barh(range(len(shares)), shares, left=start, color=colour, label=label, edgecolor="white", height=0.74)
    numbers = [f"{share:.0%}".replace("%", " %") if share >= LABELLED else "" for share in shares]
    axes.bar_label(bars, numbers, label_type="center", color=ink, fontsize=7)
