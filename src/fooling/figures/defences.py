"""What detectors and training against fooling change."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from fooling.figures.image_grid import HEAD, place_image, sheet, write, write_class_names, write_head
from fooling.figures.style import (
    BACKGROUND,
    EXPLAINED,
    FAINT,
    INK,
    LABEL,
    QUIET,
    SEARCHES,
    WIDTH,
    Look,
    draw_note,
    draw_title,
    finite_log_odds,
    in_style,
    use_confidence_ticks,
    use_percent_ticks,
    visible,
)
from fooling.findings.detectors import NONE
from fooling.findings.random_images import picture_in
from fooling.messages import counted, percent, share_percent

STATIC = Look("found without the detector", "#56B4E9", "", "o")
ADAPTIVE = Look("found by attacks that know it", "#D55E00", "", "s")
RANDOM = Look("random search", QUIET, "", "|")
NAMES = {
    NONE: "no detector",
    "maximum-softmax": "maximum softmax",
    "temperature": "temperature-scaled softmax",
    "energy": "energy",
    "mahalanobis": "Mahalanobis distance",
    "neighbours": "nearest neighbours",
    "openmax": "OpenMax",
    "disagreement": "disagreement of networks",
}
PANELS = {"sure": "classes at 99.99 % or more", "median": "median confidence if accepted"}
APART = 0.17  # rows, between the marks of a detector
MARGIN, MOST_PITCH = 1.35, 0.58  # inches: left of the images, and between two images
SEARCHES_APART = 0.16  # rows, from the middle of a row to the marks of one search
LONGEST = 30  # letters of a line of the name of a way
SHOWN = ("map-elites", "random-search")
ROW = 0.52  # inches

_ENDS = ("median", "median_low", "median_high")


@in_style
def detectors(*, detectors: pd.DataFrame, detector_means: pd.DataFrame) -> Figure:
    """Draw, for each detector (row), what the images found without it reach, and what an attack that knows it does."""
    entries = list(dict.fromkeys(detector_means["guards"]))
    counts = [int((detector_means["guards"] == name).sum()) for name in entries]
    figure = Figure(figsize=(WIDTH, 1.5 + sum(0.55 + 0.36 * count for count in counts)), layout="constrained")
    grid = figure.subplots(len(entries), len(PANELS), squeeze=False, gridspec_kw={"height_ratios": counts})
    for name, panels in zip(entries, grid, strict=True):
        single = detectors[detectors["guards"] == name]
        means = detector_means[detector_means["guards"] == name].sort_values("rank", ascending=False, kind="stable")
        order = [NONE, *(kind for kind in means["detector"] if kind != NONE)]
        means = means.set_index("detector")
        for axes, (ending, label) in zip(panels, PANELS.items(), strict=True):
            for place, kind in enumerate(order):
                _draw_row(axes, single[single["detector"] == kind], means.loc[kind], ending, place)
            use_percent_ticks(axes, which="x")
            axes.set(xlabel=label, xlim=(-0.04, 1.04), ylim=(len(order) - 0.5, -0.5))
            axes.grid(visible=False, axis="y")
            axes.tick_params(axis="y", length=0)
        panels[0].set_yticks(range(len(order)), [_label(kind, means) for kind in order])
        panels[1].set_yticks(range(len(order)), [""] * len(order))
        networks = counted(single["classifier"].nunique(), "network")
        classes = counted(int(single["classes"].max()), "class", "classes")
        scored = f"{int(single['evaluations'].max()):,} images a run"
        panels[0].set_title(f"{name}: {networks}, {scored}, {classes}", loc="left")
    handles = [
        Line2D([], [], color=look.colour, marker=look.marker, linestyle="", markersize=5, label=look.label)
        for look in (STATIC, ADAPTIVE, RANDOM)
    ]
    draw_title(figure, "What remains of a detector under attack", handles)
    draw_note(
        figure,
        "A rejected image has confidence 0. Large marks: means over the networks, with confidence intervals from 3 "
        "networks on; small marks: networks. Images found without the detector were not selected against it and "
        "flatter it: detectors are in the order of what attacks reach that know them.",
    )
    return figure


@in_style
def detector_gallery(*, detector_images: pd.DataFrame) -> Figure:
    """Draw the images that get through: a row for each detector on the first network of an entry, a column a class."""
    shown = detector_images[detector_images["png"].notna()]
    entries = [entry for _, entry in shown.groupby("guards", sort=False)]
    lines = [list(dict.fromkeys(entry["detector"])) for entry in entries]
    classes = [entry.drop_duplicates("class_index").sort_values("class_index") for entry in entries]
    pitch = min(MOST_PITCH, (WIDTH - MARGIN - 0.06) / max(map(len, classes)))
    side, height, gap = pitch - 0.06, pitch + 0.17, 0.42
    figure, axes = sheet(WIDTH, HEAD + sum(height * len(rows) + gap for rows in lines) - gap + 0.05)
    write_head(
        axes,
        "Images that get through a detector",
        "The best image of each class by attacks that know the detector; below: the confidence. Pale: rejected.",
    )
    top = HEAD
    for number, (entry, kinds, columns) in enumerate(zip(entries, lines, classes, strict=True)):
        if number == 0:
            write_class_names(axes, columns["class_name"].tolist(), left=MARGIN, pitch=pitch)
        rows = entry.set_index(["detector", "class_index"])
        for kind in kinds:
            write(
                axes, MARGIN - 0.1, top + side / 2, NAMES.get(kind, kind).replace(" ", "\n", 1), ha="right", va="center"
            )
            for column, index in enumerate(columns["class_index"]):
                if (kind, index) not in rows.index:
                    continue
                row = rows.loc[(kind, index)]
                left, accepted = MARGIN + column * pitch + 0.03, float(row["confidence"]) > 0
                image = picture_in(row["png"], source=f"{kind}, class {index}")
                place_image(axes, image, left=left, top=top, side=side, frame=INK if accepted else FAINT)
                text = percent(float(row["confidence"])) if accepted else "rejected"
                write(axes, left + side / 2, top + side + 0.025, text, fontsize=5.5, color=INK if accepted else FAINT)
            top += height
        top += gap
    return figure


def _draw_row(axes: Axes, networks: pd.DataFrame, means: pd.Series[float], ending: str, place: int) -> None:
    """Draw static, adaptive and random numbers of one detector: means and single networks."""
    columns = {f"static_{ending}": (STATIC, -APART), f"adaptive_{ending}": (ADAPTIVE, APART)}
    values = [float(networks[column].mean()) for column in columns]
    axes.plot(values, [place - APART, place + APART], color=FAINT, linewidth=1, zorder=1)
    axes.plot(networks[f"random_{ending}"].mean(), place, RANDOM.marker, color=RANDOM.colour, markersize=7, zorder=2)
    for (column, (look, shift)), value in zip(columns.items(), values, strict=True):
        spread = place + shift + np.linspace(-0.05, 0.05, len(networks)) if len(networks) > 1 else [place + shift]
        axes.plot(networks[column], spread, look.marker, color=look.colour, markersize=2, alpha=0.6, zorder=2)
        low, high = (float(means.get(f"{column}_{end}", np.nan)) for end in ("low", "high"))
        bars = np.nan_to_num(np.clip([[value - low], [high - value]], 0, None))
        axes.errorbar(
            [value], [place + shift], xerr=bars, color=look.colour, marker=look.marker, markersize=5, capsize=2,
            elinewidth=0.9, markeredgecolor=BACKGROUND, markeredgewidth=0.4, zorder=3,
        )  # fmt: skip


def _label(kind: str, means: pd.DataFrame) -> str:
    rejected = means["rejected_real"].get(kind, np.nan)
    name = NAMES.get(kind, kind)
    return name if pd.isna(rejected) else f"{name}\n(rejects {share_percent(float(rejected))} of real images)"


@in_style
def hardening(*, hardened: pd.DataFrame, hardening: pd.DataFrame) -> Figure:
    """Draw the fooling confidence of each way of training (left) and the champions accepted at equal refusal (right).

    Each experiment has a row of panels. ``hardened`` has a row for each network, ``hardening`` their means.
    """
    experiments = list(dict.fromkeys(hardening["experiment"]))
    ways = list(dict.fromkeys([*hardening["way"], *hardened["way"]]))
    figure = Figure(figsize=(WIDTH, 2.3 + len(experiments) * (0.95 + ROW * len(ways))), layout="constrained")
    grid = figure.subplots(len(experiments), 2, sharey=True, sharex="col", squeeze=False)
    for panels, experiment in zip(grid, experiments, strict=True):
        means, single = (table[table["experiment"] == experiment] for table in (hardening, hardened))
        for place, search in zip((-SEARCHES_APART, SEARCHES_APART), SHOWN, strict=True):
            _draw_confidence(panels[0], means, single, ways, search, place)
            _draw_accepted(panels[1], means, single, ways, search, place)
        panels[0].set_title(f"{experiment}: confidence of the champions")
        panels[1].set_title("Champions accepted at equal refusal")
        _use_rows(panels, ways, hardening)
    odds = np.concatenate(
        [visible(hardened["log_odds"]), *(finite_log_odds(hardening[name].dropna()) for name in _ENDS)]
    )
    for panels in grid:
        use_confidence_ticks(panels[0], odds.tolist(), which="x", most=6)
        use_percent_ticks(panels[1], which="x")
    grid[-1, 0].set_xlabel(LABEL)
    grid[-1, 1].set_xlabel("share of the champions")
    handles = [
        Line2D([], [], color=look.colour, marker=look.marker, linestyle="", markersize=4.5, label=look.label)
        for look in (SEARCHES[search] for search in SHOWN)
    ]
    draw_title(figure, "Does training make a network harder to fool?", handles)
    draw_note(
        figure,
        "Large marks: means over networks, with confidence intervals from 3 networks on; small dots: networks. The "
        f"images were evolved against each network itself.{_refusal_in_words(hardening)} Fooling classes have no "
        f"random search. {EXPLAINED}",
    )
    return figure


def _refusal_in_words(means: pd.DataFrame) -> str:
    refused = means["refused"].astype(float).dropna()
    if refused.empty:
        return " No network classifies enough real test images correctly for a threshold."
    low, high = (share_percent(float(bound)) for bound in (refused.min(), refused.max()))
    return (
        " At equal refusal each network refuses images below a threshold of its own, by which it also refuses "
        f"{low if low == high else f'{low} to {high}'} of the real test images that it classifies correctly."
    )


def _draw_confidence(
    axes: Axes, means: pd.DataFrame, single: pd.DataFrame, ways: Sequence[str], search: str, shift: float
) -> None:
    rows = means[means["search"] == search]
    middle, low, high = (finite_log_odds(rows[name].astype(float)) for name in _ENDS)
    _draw(axes, middle, low, high, [ways.index(way) + shift for way in rows["way"]], search)
    dots = single[single["search"] == search]
    places = [ways.index(way) + shift for way in dots["way"]]
    axes.plot(visible(dots["log_odds"]), places, ".", color=SEARCHES[search].colour, markersize=2.5, alpha=0.6)


def _draw_accepted(
    axes: Axes, means: pd.DataFrame, single: pd.DataFrame, ways: Sequence[str], search: str, shift: float
) -> None:
    rows = means[means["search"] == search]
    middle, low, high = (rows[name].to_numpy(float) for name in ("accepted", "accepted_low", "accepted_high"))
    _draw(axes, middle, low, high, [ways.index(way) + shift for way in rows["way"]], search)
    dots = single[single["search"] == search].dropna(subset="accepted")
    places = [ways.index(way) + shift for way in dots["way"]]
    if places:  # marks that are not clipped count in the layout, and without any it would include the figure's corner
        axes.plot(
            dots["accepted"], places, ".", color=SEARCHES[search].colour, markersize=2.5, alpha=0.6, clip_on=False
        )


def _draw(
    axes: Axes,
    middle: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    places: Sequence[float],
    search: str,
) -> None:
    look = SEARCHES[search]
    bars = np.nan_to_num(np.clip([middle - low, high - middle], 0, None))
    axes.errorbar(
        middle, places, xerr=bars, color=look.colour, marker=look.marker, markersize=4.5, linestyle="", capsize=2,
        elinewidth=0.9, markeredgecolor=BACKGROUND, markeredgewidth=0.4,
    )  # fmt: skip


def _use_rows(panels: Sequence[Axes], ways: Sequence[str], means: pd.DataFrame) -> None:
    """Name the ways at the left, with the number of networks and their mean test error.

    All rows of panels share the names, also of a way that one of the experiments lacks.
    """
    evolved = means[means["search"] == SHOWN[0]].drop_duplicates("way").set_index("way")
    names = []
    for way in ways:
        lines = textwrap.wrap(way, LONGEST)
        if way in evolved.index:
            row = evolved.loc[way]
            networks, error = int(row["networks"]), share_percent(float(row["test_error"]))
            lines.append(f"{counted(networks, 'network')}, test error {error}")
        names.append("\n".join(lines))
    panels[0].set_yticks(range(len(ways)), names)
    panels[0].set_ylim(len(ways) - 0.5, -0.5)
    for axes in panels:
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
        for place in range(1, len(ways)):
            axes.axhline(place - 0.5, color=FAINT, linewidth=0.4, zorder=0)
    panels[0].tick_params(axis="y", labelcolor=QUIET)
