"""Figures of two comparisons: CPPNs without their repeated elements, and the presets and options of evolution."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter, StrMethodFormatter
from numpy.typing import NDArray

from fooling.ablation.elements import FILLS, KINDS, Kind, Mask, removals, repetition_of, without
from fooling.attacks.evolution.record import RunRecord
from fooling.figures.image_grid import INCHES_PER_CHARACTER_POINT, panel, place_image, sheet, write, write_head
from fooling.figures.style import (
    CHART,
    INK,
    QUIET,
    SERIES,
    WIDTH,
    Look,
    draw_note,
    draw_title,
    in_style,
    on_networks,
    series,
)
from fooling.messages import FoolingError, counted, percent

LOOKS = dict(zip(KINDS, SERIES, strict=False))
LABELS = {"copy": "copies removed", "control": "same area removed elsewhere"}
SHORT = {"copy": "one copy\nremoved", "control": "same area\nelsewhere"}  # above a single image
WORDS = {"mean": "mean pixel", "background": "most frequent pixel", "noise": "random pixels"}
TOP, PANEL, LEFT, RIGHT = 0.86, 1.35, 0.66, 0.12  # inches: the height of the panels, and the space around them
EXAMPLES, SHOWN = 4, 4  # at most: champions, and removals from each
SIDE, PITCH, ROW, SPACE = 0.6, 0.66, 1.12, 0.3  # inches: an image of an example, from image to image, a row, between


@in_style
def ablation(*, ablation: pd.DataFrame, runs: Sequence[RunRecord]) -> Figure:
    """Draw how removals change the log-odds of all champions.

    Below, the champions of ``runs`` with the most copies are shown after each removal.

    Raises :class:`FoolingError` if ``ablation`` has no rows of these champions.
    """
    examples = _examples(ablation, runs)
    places, lines = _places([most for _, _, most in examples])
    below = TOP + PANEL + 0.98
    figure, axes = sheet(WIDTH, below + (lines * ROW - 0.2 if examples else 0.1) + 0.05)
    intact = ablation[ablation["kind"] == "intact"]
    repeating = int((intact["copies"] > 0).sum())
    verb = "has" if repeating == 1 else "have"
    share = f"{repeating:,} of {counted(len(intact), 'champion')} {verb} a repeated element"
    note = f"{share}; line: median; band: middle 50 %; in brackets: the number of champions with enough copies"
    write_head(axes, f"Effect of removing repeated elements: {_subject(ablation)}", note)
    panels = [
        _draw_changes(figure, ablation[ablation["fill"] == fill], place=place, title=f"Replaced by {WORDS[fill]}")
        for place, fill in enumerate(FILLS)
    ]
    low = min(panel.get_ylim()[0] for panel in panels)
    high = max(panel.get_ylim()[1] for panel in panels)
    for drawn in panels:
        drawn.set_ylim(low, high)
    handles = [Line2D([], [], color=look.colour, linestyle=look.linestyle) for look in LOOKS.values()]
    figure.legend(
        handles, LABELS.values(), loc="upper left", ncols=2, bbox_to_anchor=(0, 1 - 0.36 / figure.get_figheight())
    )
    if not examples:
        write(axes, 0.06, below - 0.2, "No champion of the runs shown has a repeated element.", ha="left", color=QUIET)
        return figure
    for (run, class_index, most), (left, line) in zip(examples, places, strict=True):
        _draw_example(axes, run, class_index, ablation, left=left, top=below + line * ROW, most=most)
    return figure


def _places(removals_shown: Sequence[int]) -> tuple[list[tuple[float, int]], int]:
    """Return the left edge (in inches) and the line of each example, side by side as far as they fit, and the lines."""
    places, left, line = [], 0.06, 0
    for most in removals_shown:
        width = (1 + len(KINDS) * most) * PITCH
        if left > 0.06 and left + width > WIDTH:
            left, line = 0.06, line + 1
        places.append((left, line))
        left += width + SPACE
    return places, line + 1


def _subject(ablation: pd.DataFrame) -> str:
    return f"{ablation['experiment'].iloc[0]} on {on_networks(ablation)}"


def _examples(ablation: pd.DataFrame, runs: Sequence[RunRecord]) -> list[tuple[RunRecord, int, int]]:
    """Return the champions with the most copies, as run, class and number of removals shown; first come the first."""
    intact = ablation[(ablation["kind"] == "intact") & (ablation["copies"] > 0)]
    intact = intact[intact["classifier"] == runs[0].classifier["name"]]
    by_seed = {run.seed: run for run in runs}
    shown = intact[intact["seed"].isin(list(by_seed))].sort_values(["seed", "class_index"])
    chosen = shown.sort_values("copies", ascending=False, kind="stable").head(EXAMPLES)
    return [
        (by_seed[row.seed], int(row.class_index), min(SHOWN, int(row.copies) - 1, int(ablation["removed"].max())))
        for row in chosen.itertuples()
    ]


def _draw_changes(figure: Figure, rows: pd.DataFrame, *, place: int, title: str) -> Axes:
    """Draw the change by number of removals in a panel, with the number of champions at each tick; return the panel."""
    width = (WIDTH - LEFT - RIGHT) / len(FILLS)
    axes = panel(figure, left=LEFT + place * width, top=TOP, width=width - 0.2, height=PANEL)
    by_champion = rows.groupby(["kind", "removed", "classifier", "seed", "class_index"])["change"].mean()
    for kind, look in LOOKS.items():
        if kind not in by_champion.index.get_level_values("kind"):
            continue
        bands = by_champion[kind].groupby("removed").quantile([0.25, 0.5, 0.75]).unstack()
        axes.plot(bands.index, bands[0.5], color=look.colour, linestyle=look.linestyle, marker=look.marker, ms=3)
        axes.fill_between(bands.index, bands[0.25], bands[0.75], color=look.colour, alpha=0.15, linewidth=0)
    axes.axhline(0, color=QUIET, linewidth=0.6)
    last = int(rows["removed"].max()) if len(rows) else 1
    is_copy = by_champion.index.get_level_values("kind") == "copy"
    counts = by_champion[is_copy].groupby("removed").size()
    axes.set_xticks(range(1, last + 1), [f"{removed}\n({counts.get(removed, 0)})" for removed in range(1, last + 1)])
    axes.set_xlim(0.5, last + 0.5)
    axes.set(xlabel="elements removed", ylabel="change in log-odds" if place == 0 else "")
    axes.tick_params(labelleft=place == 0)
    axes.set_title(title, fontsize=7)
    return axes


def _draw_example(
    axes: Axes, run: RunRecord, class_index: int, ablation: pd.DataFrame, *, left: float, top: float, most: int
) -> None:
    """Draw a champion, then the images after each removal: of copies, and of the same area elsewhere."""
    image = run.images[class_index]
    rows = ablation[(ablation["classifier"] == run.classifier["name"]) & (ablation["fill"] == "mean")]
    rows = rows[(rows["seed"] == run.seed) & (rows["class_index"] == class_index) & (rows["draw"] == 0)]
    confidences = {(row.kind, row.removed): row.confidence for row in rows.itertuples()}
    _draw_image(axes, image, left=left, top=top, text=percent(float(run.confidences[class_index])))
    name = f"class {run.class_names[class_index]}"
    size = min(6.5, PITCH / (len(name) * INCHES_PER_CHARACTER_POINT))
    write(axes, left + SIDE / 2, top + SIDE + 0.15, name, fontsize=size, color=QUIET)
    for block, kind in enumerate(KINDS):
        start = left + (1 + block * most) * PITCH
        _write_above(axes, LABELS[kind] if most > 1 else SHORT[kind], left=start, top=top)
        for place, mask in enumerate(_removals(run, class_index, kind, most=most)):
            if (kind, place + 1) not in confidences:
                missing = f"class {class_index}, seed {run.seed}, {kind}, {place + 1} removals"
                raise FoolingError(
                    "the table of removals is not of these runs",
                    found=f"no row for {missing}",
                    expected="the table that fooling ablate wrote for these runs",
                )
            shown = without(image, mask, fill="mean", seed=run.seed, class_index=class_index)
            text = percent(float(confidences[kind, place + 1]))
            _draw_image(axes, shown, left=start + place * PITCH, top=top, text=text)


def _write_above(axes: Axes, words: str, *, left: float, top: float) -> None:
    write(axes, left, top - 0.03, words, ha="left", va="bottom", fontsize=6.5, color=QUIET)


def _removals(run: RunRecord, class_index: int, kind: Kind, *, most: int) -> list[Mask]:
    """Return the first removals of the first draw; none if the image has no repeated element."""
    repetition = repetition_of(run.images[class_index])
    if repetition is None:
        return []
    return removals(repetition, most=most, kind=kind, seed=run.seed, class_index=class_index, draw=0)


def _draw_image(axes: Axes, image: NDArray[np.uint8], *, left: float, top: float, text: str) -> None:
    place_image(axes, image, left=left, top=top, side=SIDE)
    write(axes, left + SIDE / 2, top + SIDE + 0.025, text, fontsize=6.5)


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
