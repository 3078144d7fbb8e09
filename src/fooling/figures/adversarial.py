"""Adversarial examples, and what labels alone reach: how many images are misclassified, and some of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from fooling.attacks.adversarial.record import NORMS, AdversarialRecord
from fooling.attacks.adversarial.settings import NORM_OF, SIZED, Column
from fooling.figures.image_grid import HEAD, place_image, sheet, write, write_class_names, write_head
from fooling.figures.style import (
    BACKGROUND,
    EXPLAINED,
    FAINT,
    INK,
    LABEL,
    QUIET,
    SEARCHES,
    SERIES,
    WIDTH,
    Look,
    draw_note,
    draw_title,
    finite_log_odds,
    in_style,
    limit_evaluations,
    on_networks,
    search_handles,
    searches_in,
    use_confidence_ticks,
    visible,
)
from fooling.findings.adversarial import METHOD, NOISE
from fooling.findings.label_only import MAP_ELITES, RANDOM, TRANSFER
from fooling.findings.random_images import pictures_in
from fooling.formatting import percent
from fooling.seeding import evenly_spaced

LABELS = {"l2": "root mean square of the change (l2)", "linf": "largest change of a pixel (linf)"}
X = {"l2": "rms", "linf": "linf"}  # column of a table with the distance that a norm is drawn by
NAMES = {
    "l-bfgs": "L-BFGS",
    "fgsm": "FGSM",
    "pgd-l2": "PGD (l2)",
    "pgd-linf": "PGD (linf)",
    "deepfool": "DeepFool",
    "hop-skip-jump": "HopSkipJump (labels alone)",
}
LOOKS: dict[str, Look] = {
    method: Look(NAMES[method], look.colour, look.dashes, look.marker)
    for method, look in zip(NORM_OF, SERIES, strict=True)
}
SHOWN = 5  # images of a gallery
LEFT, RIGHT, GAP, CAPTION = 1.06, 0.06, 0.05, 0.26  # inches
BAND, POINTS = 0.16, 60  # the opacity of a band, and points of a curve
TRANSFERRED = Look("champions of another network", "#009E73", marker="D")
#: Rows of the images found with labels alone, and the inches beside them and between the images at most.
ROWS = {MAP_ELITES: "MAP-Elites", RANDOM: "random search", TRANSFER: "another network's\nchampions"}
MARGIN, MOST_PITCH = 1.12, 0.68
GREY, AMPLITUDE, WITHIN = 128, 110, 98  # levels of no change; the change that 98 % of the pixels do not exceed


@in_style
def adversarial_success(*, adversarial: pd.DataFrame, adversarial_means: pd.DataFrame) -> Figure:
    """Draw the share of images misclassified against the size of the change: a row for each attack, a panel for a norm.

    Methods with sizes have a marker at each size, with the interval over the networks. Of methods that look for the
    smallest change, the line is the share of images whose change is at most as large. Shares are those before
    rounding to levels, and means over the networks. Noise of the same norm is drawn in grey.
    """
    attacks = list(dict.fromkeys(adversarial["attack"]))
    norms = [norm for norm in LABELS if norm in set(adversarial["norm"])]
    figure = Figure(figsize=(WIDTH, 0.9 + 2.4 * len(attacks)), layout="constrained")
    panels = figure.subplots(len(attacks), len(norms), squeeze=False, sharey=True)
    for attack, row in zip(attacks, panels, strict=True):
        for norm, axes in zip(norms, row, strict=True):
            images = adversarial[(adversarial["attack"] == attack) & (adversarial["norm"] == norm)]
            means = adversarial_means[(adversarial_means["attack"] == attack) & (adversarial_means["norm"] == norm)]
            axes.set_xlabel(LABELS[norm])
            axes.set_visible(not images.empty)
            if not images.empty:
                _draw_panel(axes, images, means, distance=X[norm])
        networks = on_networks(adversarial[adversarial["attack"] == attack])
        row[0].set_title(f"{attack}: {networks}", loc="left")
        row[0].set_ylabel("images misclassified")
    methods = [method for method in LOOKS if method in set(adversarial["method"])]
    handles = [
        Line2D([], [], color=LOOKS[name].colour, linestyle=LOOKS[name].linestyle, marker=_marker(name),
               markersize=4, markerfacecolor=BACKGROUND, label=LOOKS[name].label)
        for name in methods
    ]  # fmt: skip
    handles.append(Line2D([], [], color=QUIET, linestyle=":", marker="x", markersize=4, label="noise of the same norm"))
    draw_title(figure, "How large a change makes a network wrong?", handles)
    draw_note(
        figure,
        "Real test images that the network gets right. Labels are those before rounding to levels; sizes are on the "
        "0..1 scale of levels. Panels show different norms, which cannot be compared. Bars: 95 % intervals over the "
        "networks, if there are three or more. An image that no method here changes may still be changed by another.",
    )
    return figure


@in_style
def adversarial_gallery(*, examples: Sequence[AdversarialRecord]) -> Figure:
    """Draw real images of the first of ``examples``, and for each method the change and the changed image.

    Of methods with several sizes, the smallest is shown with which most of the images are misclassified, or else the
    largest. Changes are magnified around grey, by a factor that the row states.
    """
    record = examples[0]
    places = evenly_spaced(len(record.real.indices), SHOWN)
    columns = _shown_columns(record)
    pitch = (WIDTH - LEFT - RIGHT) / len(places) / 2
    side = pitch - GAP
    height = side + CAPTION
    figure, axes = sheet(WIDTH, HEAD + (len(columns) + 1) * height + 0.06)
    title = f"Adversarial examples on {record.classifier['name']}"
    write_head(
        axes, title, "first row: real images; then the change (left) and the stored image with its label (right)"
    )
    for column, place in enumerate(places):
        left = LEFT + (2 * column + 1) * pitch
        place_image(axes, record.real.images[place], left=left, top=HEAD, side=side)
        name = record.class_names[record.real.classes[place]]
        write(axes, left + side / 2, HEAD + side + 0.025, _label(name, float(record.real.confidences[place])))
    write(axes, LEFT - 0.1, HEAD + side / 2, "real image", ha="right", va="center", fontweight="bold")
    for row, (made, rows) in enumerate(columns, start=1):
        _draw_row(axes, record, made, rows, places, top=HEAD + row * height, pitch=pitch)
    return figure


def _draw_panel(axes: Axes, images: pd.DataFrame, means: pd.DataFrame, *, distance: str) -> None:
    """Draw the methods of one norm, whose ``distance`` is a column of ``images``, and noise."""
    largest = [1e-6]
    for method in dict.fromkeys(images["method"]):
        look = LOOKS[method]
        found = images[(images["method"] == method) & (images["change"] == METHOD)]
        if method in SIZED:
            rows = means[(means["method"] == method) & (means["change"] == METHOD)].sort_values("size")
            shares = rows["unrounded_misclassified"].astype(float)
            sizes = rows["size"].astype(float)
            axes.plot(
                sizes, shares, color=look.colour, linestyle=look.linestyle, marker=look.marker, markersize=4,
                markerfacecolor=BACKGROUND,
            )  # fmt: skip
            low, high = (rows[f"unrounded_misclassified_{end}"].astype(float) for end in ("low", "high"))
            axes.vlines(sizes, low, high, color=look.colour, linewidth=0.9)
            largest += sizes.tolist()
        else:
            places, wrong = _cumulated(found, distance)
            axes.step(places, wrong, where="post", color=look.colour, linestyle=look.linestyle)
            largest.append(float(places.max()))
    noise = images[images["change"] == NOISE]
    sized = means[(means["change"] == NOISE) & means["method"].isin(SIZED)]
    if len(sized):
        of_sizes = sized.astype({"size": float}).groupby("size")["unrounded_misclassified"].mean()
        places, wrong = of_sizes.index.to_numpy(dtype=float), of_sizes.to_numpy(dtype=float)
    else:
        by_method = noise.groupby("method", sort=False)
        places, wrong = (by_method[name].mean().to_numpy(dtype=float) for name in (distance, "unrounded_misclassified"))
    axes.plot(places, wrong, color=QUIET, linestyle=":", marker="x", markersize=4)
    axes.set(ylim=(-0.03, 1.03), xlim=(0, 1.04 * np.nanmax([*largest, *places])))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))


def _cumulated(images: pd.DataFrame, distance: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return distances, ascending from 0, and the share of the images misclassified with changes up to each.

    The share is the mean over the networks, which all count alike.
    """
    networks = images.groupby("classifier")["image"].transform("size") * images["classifier"].nunique()
    wrong = images.assign(weight=1 / networks)[images["unrounded_misclassified"]].sort_values(distance, kind="stable")
    places = np.concatenate([[0.0], wrong[distance].to_numpy(dtype=float)])
    return places, np.concatenate([[0.0], wrong["weight"].cumsum().to_numpy(dtype=float)])


def _shown_columns(record: AdversarialRecord) -> list[tuple[Column, slice]]:
    """Return one column of each method."""
    chosen: dict[str, tuple[Column, slice, float]] = {}
    for column, rows in record.columns():
        wrong = float((record.labels[rows] != record.real.classes).mean())
        known = chosen.get(column.method)
        if known is None or known[2] <= 0.5:
            chosen[column.method] = (column, rows, wrong)
    return [(column, rows) for column, rows, _ in chosen.values()]


def _draw_row(
    axes: Axes,
    record: AdversarialRecord,
    column: Column,
    rows: slice,
    places: Sequence[int],
    *,
    top: float,
    pitch: float,
) -> None:
    side = pitch - GAP
    shown = [rows.start + place for place in places]
    changes = record.images[shown].astype(np.int64) - record.real.images[list(places)]
    factor = max(int(AMPLITUDE // max(np.percentile(np.abs(changes), WITHIN), 1)), 1)
    magnified = (GREY + factor * changes).clip(0, 255).astype(np.uint8)
    write(
        axes, LEFT - 0.1, top + side / 2 - 0.01, NAMES[column.method].partition(" (labels")[0], ha="right", va="bottom",
        fontweight="bold",
    )  # fmt: skip
    norm = record.norms[rows, NORMS.index(X[column.norm])]
    size = f"mean size {norm.mean():.3f}" if column.size is None else f"size {column.size:g}"
    lines = f"{size}\nmagnified {factor}-fold"
    write(axes, LEFT - 0.1, top + side / 2 + 0.03, lines, ha="right", color=QUIET, fontsize=6.5)
    for number, (place, row) in enumerate(zip(places, shown, strict=True)):
        left = LEFT + 2 * number * pitch
        place_image(axes, magnified[number], left=left, top=top, side=side)
        wrong = record.labels[row] != record.real.classes[place]
        place_image(axes, record.images[row], left=left + pitch, top=top, side=side, frame=INK if wrong else FAINT)
        words = _label(record.class_names[record.labels[row]], float(record.confidences[row]))
        colour = INK if wrong else QUIET
        write(axes, left + pitch + side / 2, top + side + 0.025, words, color=colour)


def _label(name: str, confidence: float) -> str:
    return f"{name}\n{percent(confidence)}"


def _marker(method: str) -> str:
    return LOOKS[method].marker if method in SIZED else ""


@in_style
def label_only(*, label_only: pd.DataFrame, label_only_curves: pd.DataFrame) -> Figure:
    """Draw what labels alone reach: for each attack (row), the revealed confidence and the noise that labels survive.

    A run is represented by its median over the classes. Champions of another network have one query for each class;
    their mark is the median over the pairs of networks and seeds, with the range.
    """
    attacks = list(dict.fromkeys(label_only_curves["attack"]))
    figure = Figure(figsize=(WIDTH, 1.0 + 2.5 * len(attacks)), layout="constrained")
    for attack, panels in zip(attacks, figure.subplots(len(attacks), 2, squeeze=False), strict=True):
        curves = label_only_curves[label_only_curves["attack"] == attack]
        runs = pd.concat([_on_grid(curves[curves["search"] == search]) for search in searches_in(curves)])
        runs = runs.assign(log_odds=finite_log_odds(runs["confidence"].fillna(0.0)))
        known = runs[runs["confidence"] > 0]  # below: fewer than half of the classes have an image
        moved = label_only[(label_only["attack"] == attack) & (label_only["search"] == TRANSFER)]
        by_run = moved.groupby(["classifier", "source", "seed"])
        medians = visible(by_run["log_odds"].median().dropna())
        _draw_curves(panels[0], known, "log_odds")
        _draw_curves(panels[1], runs, "noise")
        first, last = int(runs["evaluations"].min()), int(runs["evaluations"].max())
        if len(medians):
            look, first = TRANSFERRED, int(by_run.size().median())
            panels[0].vlines(first, medians.min(), medians.max(), color=look.colour, linewidth=1)
            panels[0].plot(first, np.median(medians), color=look.colour, marker=look.marker, markersize=5)
        use_confidence_ticks(panels[0], [*visible(known["log_odds"]), *medians, 0.0], most=6)
        panels[0].set_title(f"{attack}: {on_networks(curves)}", loc="left")
        panels[0].set(ylabel=LABEL)
        panels[1].set(ylabel="noise survived (levels)", ylim=(0, None))
        for axes in panels:
            axes.set(xlabel="queries", xscale="log")
            lowest = first if axes is panels[0] else int(runs["evaluations"].min())
            limit_evaluations(axes, lowest, last, apart=4.5)
        panels[0].set_xlim(first / 1.3, last)
    handles = search_handles(label_only_curves)
    if (label_only["search"] == TRANSFER).any():
        look = TRANSFERRED
        handles.append(Line2D([], [], color=look.colour, marker=look.marker, linestyle="", label=look.label))
    draw_title(figure, "What do labels alone reach?", handles)
    draw_note(
        figure,
        "Median over the classes; a class without an image counts as confidence 0. Lines: medians over networks and "
        "seeds; band: all runs of MAP-Elites. Confidences are revealed after the last query. An image is the better, "
        f"the more noise its label survives. {EXPLAINED}",
    )
    return figure


@in_style
def label_only_gallery(*, label_only: pd.DataFrame) -> Figure:
    """Draw the images of the first attack on its first network: a row for each search, a column for each class."""
    shown = label_only[label_only["attack"] == label_only["attack"].iloc[0]]
    shown = shown[shown["png"].notna()]
    pictures = pictures_in(shown.rename(columns={"search": "family"}))
    classes = shown.drop_duplicates("class_index").sort_values("class_index")
    searches = [search for search in ROWS if search in set(shown["search"])]
    rows = shown.set_index(["search", "class_index"])
    pitch = min(MOST_PITCH, (WIDTH - MARGIN - 0.06) / len(classes))
    side, height = pitch - 0.06, pitch + 0.17
    figure, axes = sheet(WIDTH, HEAD + height * len(searches) + 0.05)
    write_head(
        axes,
        f"Images found with labels alone on {shown['classifier'].iloc[0]}",
        "Below each image: the confidence in the class of its column, revealed afterwards. Pale: another label.",
    )
    write_class_names(axes, classes["class_name"].tolist(), left=MARGIN, pitch=pitch)
    for line, search in enumerate(searches):
        top = HEAD + line * height
        write(axes, MARGIN - 0.1, top + side / 2, ROWS[search], ha="right", va="center")
        for column, index in enumerate(classes["class_index"].astype(int)):
            left = MARGIN + column * pitch + 0.03
            if (search, index) not in pictures:
                write(axes, left + side / 2, top + side / 2, "none", va="center", color=QUIET)
                continue
            row = rows.loc[(search, index)]
            colour = INK if row["label_correct"] else FAINT
            place_image(axes, pictures[search, index], left=left, top=top, side=side, frame=colour)
            text = percent(float("nan") if pd.isna(row["confidence"]) else float(row["confidence"]))
            write(axes, left + side / 2, top + side + 0.025, text, fontsize=5.5, color=colour)
    return figure


def _draw_curves(axes: Axes, runs: pd.DataFrame, column: str) -> None:
    """Draw the median of the runs of each search, and a band that covers all of MAP-Elites."""
    for search in searches_in(runs):
        look = SEARCHES[search]
        levels = runs[runs["search"] == search].groupby("evaluations")[column]
        middle = levels.median()
        axes.plot(middle, color=look.colour, linestyle=look.linestyle)
        if search == MAP_ELITES:
            axes.fill_between(middle.index, levels.min(), levels.max(), color=look.colour, alpha=BAND, linewidth=0)


def _on_grid(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the state of each run at common numbers of queries, from the first one that all runs have reached."""
    by_run = [rows.sort_values("queries") for _, rows in runs.groupby(["classifier", "seed"])]
    first, last = (max(int(rows["queries"].iloc[place]) for rows in by_run) for place in (0, -1))
    grid = np.unique(np.geomspace(first, last, POINTS).round().astype(np.int64))
    parts = []
    for rows in by_run:
        place = np.searchsorted(rows["queries"].to_numpy(), grid, side="right") - 1
        parts.append(rows.iloc[place].assign(evaluations=grid))
    return pd.concat(parts)
