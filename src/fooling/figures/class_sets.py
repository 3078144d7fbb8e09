"""Whether some classes are harder to fool a network with: their confidences beside those of all other classes."""

from __future__ import annotations

import math

import pandas as pd
import seaborn as sns  # type: ignore[import-untyped]
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from scipy.special import logit

from fooling.figures.confidence_axis import use_confidence_ticks
from fooling.figures.style import FAINT, QUIET, SEARCHES, WIDTH, counted, draw_note, in_style

LEAST, SUREST = 1e-7, 1 - 2.0**-24  # where confidences beyond are drawn: 1 in float32 has no log-odds
COLOURS = {"in the set": "#B4568C", "elsewhere": FAINT}


@in_style
def draw(*, class_sets: pd.DataFrame, set_classes: pd.DataFrame) -> Figure:
    """A panel for each set; in it, for each search of each experiment on each network, its classes and the others."""
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
        f"A class has one value, its median over {runs}. Box: the middle half of the classes and their median; "
        "whiskers: from 5 to 95 % of them. In the margin: the probability that a class of the set has a higher "
        "confidence than one of the others, with its interval over groups of classes that share champions; 50 % "
        "means no difference.",
    )
    return figure


def _draw_set(axes: Axes, found: pd.DataFrame, classes: pd.DataFrame) -> None:
    order = [_named(row) for row in found.itertuples()]
    shown = classes.assign(
        what=[_named(row) for row in classes.itertuples()],
        where=classes["inside"].map({True: "in the set", False: "elsewhere"}),
        stretched=logit(classes["confidence"].clip(LEAST, SUREST)),
    )
    sns.boxplot(
        shown, x="stretched", y="what", order=order, hue="where", hue_order=list(COLOURS), palette=COLOURS,
        whis=(5, 95), showfliers=False, linewidth=0.8, width=0.7, gap=0.15, legend=False, ax=axes,
    )  # fmt: skip
    use_confidence_ticks(axes, shown["stretched"].quantile([0.005, 0.995]).tolist(), which="x", most=5)
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
    """The experiment, the network and the search of a row."""
    experiment, classifier, search = (getattr(row, name) for name in ("experiment", "classifier", "search"))
    return f"{experiment} on {classifier}\n{SEARCHES[search].label}"
