"""How fast presets reach the threshold: Kaplan-Meier curves and mean times, and the effect of each option."""

from __future__ import annotations

from itertools import takewhile

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter, StrMethodFormatter

from fooling.errors import FoolingError
from fooling.figures.style import CHART, INK, QUIET, WIDTH, Look, draw_note, draw_title, in_style, series

COLOURED = 6  # at most this many curves get their own style; among more, only the reference does
CURVES, LINE, SPARE = 1.75, 0.19, 0.75  # inches: a panel of curves, a line of dots, titles and axes


@in_style
def preset_comparison(*, survival: pd.DataFrame, presets: pd.DataFrame) -> Figure:
    """Draw a row of panels for each family of presets.

    A family is the experiments that are compared with the same reference; variants of one experiment, which differ in
    single options, are left to :func:`option_effects`. On the left the share of runs whose median class has reached the
    threshold, against the images scored (one minus the Kaplan-Meier estimate); on the right the mean number of images
    until then, up to the common horizon. Raises :class:`FoolingError` if ``presets`` has no such family.
    """
    survival, presets = _of_evolution(survival), _of_evolution(presets)
    means = presets[presets["contrast"] == "mean"].set_index("experiment")
    varied = set(presets.loc[presets["contrast"] == "main effect", "experiment"])
    families = [family for family in _families(presets) if family[0] not in varied]
    if not families:
        raise FoolingError(
            "the table of presets has no mean of evolution, apart from variants",
            expected="at least one experiment without `cross`",
        )
    heights = [SPARE + max(CURVES, LINE * len(family)) for family in families]
    figure = Figure(figsize=(WIDTH, sum(heights) + 0.7), layout="constrained")
    panels = figure.subplots(len(families), 2, width_ratios=(1, 1.1), height_ratios=heights, squeeze=False)
    for (left, right), family in zip(panels, families, strict=True):
        looks = _looks(family)
        _draw_curves(left, survival, looks)
        _draw_means(right, means.loc[family], list(looks.values()))
    draw_title(figure, "How soon do runs reach the threshold?")
    draw_note(
        figure,
        "A run has reached the threshold when its median class has. In the mean, a run that never reaches it counts "
        "with the horizon, where the axis ends. Bars and band: confidence intervals. Curves have the colours of the "
        "experiments on the right.",
    )
    return figure


@in_style
def option_effects(*, presets: pd.DataFrame) -> Figure:
    """Draw, in a panel for each family of variants, how each option changes the mean number of images.

    Raises :class:`FoolingError` if ``presets`` has no effect of an option.
    """
    presets = _of_evolution(presets)
    effects = presets[presets["contrast"] == "main effect"]
    if effects.empty:
        raise FoolingError(
            "the table of presets has no effect of an option", expected="at least one experiment with `cross`"
        )
    names = {family[0]: _common_prefix(family) for family in _families(presets)}
    groups = [(names[str(reference)], rows) for reference, rows in effects.groupby("experiment", sort=False)]
    heights = [SPARE + LINE * len(rows) for _, rows in groups]
    figure = Figure(figsize=(CHART, sum(heights) + 0.6), layout="constrained")
    panels = figure.subplots(len(groups), 1, height_ratios=heights, squeeze=False)[:, 0]
    for axes, (name, rows) in zip(panels, groups, strict=True):
        _draw_effects(axes, rows)
        axes.set_title(f"{name}: additional images until the threshold")
    draw_title(figure, "Which options make evolution slower or faster?")
    draw_note(
        figure,
        "Each effect is the mean with the option minus the mean without it, averaged over all other options: right of "
        "0 the option needs more images. A run has reached the threshold when its median class has; one that never "
        "reaches it counts with its last image. Bars: confidence intervals.",
    )
    return figure


def _of_evolution(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows about the median class under evolution, with times in images."""
    chosen = table[(table["target"] == "median") & (table["search"] == "map-elites")]
    return chosen[chosen["unit"] == "evaluations"] if "unit" in chosen else chosen


def _families(presets: pd.DataFrame) -> list[list[str]]:
    """Return each reference with the experiments compared with it; the rest are one family."""
    differences = presets[presets["contrast"] == "difference"]
    families = [
        [str(reference), *members["experiment"]] for reference, members in differences.groupby("reference", sort=False)
    ]
    compared = {experiment for family in families for experiment in family}
    names = presets.loc[presets["contrast"] == "mean", "experiment"]
    alone = [name for name in names if name not in compared]
    return [*families, *([alone] if alone else [])]


def _looks(family: list[str]) -> dict[str, Look]:
    """Return a look for each experiment; in a large family all but the reference are grey."""
    if len(family) <= COLOURED:
        return dict(zip(family, series(len(family)), strict=True))
    return {name: Look(name, QUIET, "", "o") if place else series(1)[0] for place, name in enumerate(family)}


def _common_prefix(family: list[str]) -> str:
    """Return the words with which all names of a family begin, or else the first name."""
    words = zip(*(name.split("-") for name in family), strict=False)
    shared = [places[0] for places in takewhile(lambda places: len(set(places)) == 1, words)]
    return "-".join(shared) or family[0]


def _draw_curves(axes: Axes, survival: pd.DataFrame, looks: dict[str, Look]) -> None:
    grey = len(looks) > COLOURED
    for place, (name, look) in enumerate(looks.items()):
        steps = survival[survival["experiment"] == name].sort_values("evaluations")
        axes.step(
            steps["evaluations"],
            1 - steps["survival"],
            where="post",
            color=look.colour,
            linestyle=look.linestyle,
            linewidth=1.0 if grey and place else 1.6,
            alpha=0.55 if grey and place else 1,
            zorder=2 if place else 3,
        )
        if place == 0:
            low, high = 1 - steps["high"], 1 - steps["low"]
            axes.fill_between(steps["evaluations"], low, high, step="post", color=look.colour, alpha=0.15, linewidth=0)
    axes.set(title="Runs that have reached the threshold", xlabel="images scored", ylim=(-0.02, 1.02))
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))


def _draw_means(axes: Axes, means: pd.DataFrame, looks: list[Look]) -> None:
    """Draw each mean with its interval; write the number of successful runs in the margin."""
    _draw_dots(axes, means, list(means.index), [look.colour for look in looks], [look.marker for look in looks])
    axes.set(title="Mean number of images to reach the threshold", xlabel="images scored")
    axes.set_xlim(0, 1.03 * means["horizon"].max())
    for place, (reached, runs) in enumerate(zip(means["reached"], means["runs"], strict=True)):
        text = f"{round(reached * runs)} of {runs:.0f} runs"
        axes.annotate(
            text,
            (1, place),
            xycoords=axes.get_yaxis_transform(),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=6.5,
            color=QUIET,
        )


def _draw_effects(axes: Axes, effects: pd.DataFrame) -> None:
    changes = zip(effects["factor"], effects["level"], effects["reference"], strict=True)
    labels = [
        f"{factor.rpartition('.')[2].replace('_', ' ')}: {level} instead of {reference}"
        for factor, level, reference in changes
    ]
    _draw_dots(axes, effects, labels, [INK] * len(labels), ["o"] * len(labels))
    axes.axvline(0, color=QUIET, linewidth=0.8)


def _draw_dots(axes: Axes, table: pd.DataFrame, labels: list[str], colours: list[str], markers: list[str]) -> None:
    """Draw a forest plot: the value of each row of ``table`` with its interval, if any."""
    places = range(len(labels))
    axes.hlines(places, table["low"], table["high"], colors=colours, linewidth=1.4)
    for place, value, colour, marker in zip(places, table["value"], colours, markers, strict=True):
        axes.plot(value, place, marker, color=colour, markersize=4.5)
    axes.set_yticks(places, labels, fontsize=6.5)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
