"""Adversarial examples and universal perturbations: how many images are changed by how much, and examples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from fooling.attacks.adversarial.record import NORM_OF, NORMS, SIZED, AdversarialRecord, Change
from fooling.attacks.universal.record import UniversalRecord
from fooling.figures.image_grid import HEAD, place_image, sheet, write, write_head
from fooling.figures.style import (
    BACKGROUND,
    FAINT,
    INCHES_PER_LETTER,
    INK,
    QUIET,
    SERIES,
    WIDTH,
    Look,
    draw_note,
    draw_title,
    in_style,
    on_networks,
)
from fooling.findings.adversarial import METHOD, NOISE
from fooling.findings.universal import found_on_all
from fooling.messages import counted, percent, share_percent
from fooling.reproducibility import evenly_spaced

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
#: The panels of universal perturbations: the column along the x axis, and its label.
UNIVERSAL_PANELS = {
    "linf": ("size", "size (linf)"),
    "l2": ("size", "size (l2)"),
    "images": ("images", "images used"),
    "round": ("round", "rounds of fine-tuning"),
}
UNIVERSAL_LOOKS = {
    "unseen": Look("unseen images", "#0072B2"),
    "seen": Look("images on which it was found", "#E69F00", (4, 1.6), "s"),
    "former": Look("perturbation of the round before", "#B4568C", (5, 1.4, 1.2, 1.4), "D"),
    "random": Look("random perturbations of the same norm", QUIET, (1.2, 1.4), "x"),
}
TARGET_RATE, ROWS = 0.8, 6  # 1 - delta of the source; perturbations of a gallery
SHOWN = 5  # images of a gallery
LEFT, RIGHT, GAP, CAPTION = 1.06, 0.06, 0.05, 0.26  # inches
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


@in_style
def universal_rates(*, universal_means: pd.DataFrame) -> Figure:
    """Draw the share of images that universal perturbations fool, a row for each attack, beside random ones.

    Panels: against the size for each norm, with the perturbations found on all images; against the number of images on
    which one was found; and after each round of fine-tuning. Shares are means over the networks.
    """
    attacks = list(dict.fromkeys(universal_means["attack"]))
    chosen = {attack: _panels_of(universal_means[universal_means["attack"] == attack]) for attack in attacks}
    shown = [name for name in UNIVERSAL_PANELS if any(len(panels[name]) for panels in chosen.values())]
    figure = Figure(figsize=(WIDTH, 0.9 + 2.1 * len(attacks)), layout="constrained")
    rows = figure.subplots(len(attacks), len(shown), squeeze=False, sharey=True)
    for attack, row in zip(attacks, rows, strict=True):
        for name, axes in zip(shown, row, strict=True):
            x, label = UNIVERSAL_PANELS[name]
            found = chosen[attack][name].sort_values(x)
            axes.set(xlabel=label, ylim=(-0.03, 1.03), xscale="log" if x == "images" else "linear")
            axes.set_visible(len(found) > 0)
            axes.axhline(TARGET_RATE, color=FAINT, linewidth=0.8)
            for column, look in UNIVERSAL_LOOKS.items():
                if name == {"seen": "images", "former": "round"}.get(column, name):
                    places, shares = (found[name].to_numpy(dtype=float) for name in (x, column))
                    style = {"color": look.colour, "linestyle": look.linestyle, "marker": look.marker}
                    axes.plot(places, shares, markersize=4, markerfacecolor=BACKGROUND, **style)
                    low, high = (found[f"{column}_{end}"].to_numpy(dtype=float) for end in ("low", "high"))
                    axes.vlines(places, low, high, color=look.colour, linewidth=0.9)
            if x == "size" and len(found):
                axes.set_xlim(0, 1.06 * float(found[x].max()))
            elif len(found):
                axes.set_xticks(found[x], [f"{place:,}" for place in found[x]], minor=False)
                axes.set_xticks([], minor=True)
        row[0].yaxis.set_major_formatter(PercentFormatter(1.0))
        units = int(universal_means.loc[universal_means["attack"] == attack, "units"].max())
        row[0].set_title(f"{attack}: {counted(units, 'network')}", loc="left")
        row[0].set_ylabel("images fooled")
    handles = [
        Line2D([], [], color=look.colour, linestyle=look.linestyle, marker=look.marker, markersize=4,
               markerfacecolor=BACKGROUND, label=look.label)
        for look in UNIVERSAL_LOOKS.values()
    ]  # fmt: skip
    draw_title(figure, "One perturbation for all images: how many does it fool?", handles)
    draw_note(
        figure,
        "Fooled: the stored image gets another label with the perturbation than without. Sizes (on the 0..1 scale): "
        "largest change for linf, root mean square for l2. Line: the source's target. Bars: 95 % intervals.",
    )
    return figure


@in_style
def universal_gallery(*, examples: Sequence[UniversalRecord]) -> Figure:
    """Draw the universal perturbations of the first of ``examples``, each with the images that it changes.

    At most :data:`ROWS` are shown, found on all images, and magnified around grey by a factor that the row states.
    """
    record = examples[0]
    every = list(found_on_all(record))
    places = [every[index] for index in evenly_spaced(len(every), ROWS)]
    images = evenly_spaced(len(record.real), SHOWN)
    left, pitch = LEFT + 0.5, (WIDTH - LEFT - 0.5 - RIGHT) / (len(images) + 1)
    side = min(pitch - GAP, 0.95)
    figure, axes = sheet(WIDTH, HEAD + (len(places) + 1) * (side + CAPTION) + 0.06)
    note = "first row: real images that were not used; then each perturbation, and the stored images with it"
    write_head(axes, f"Universal perturbations of {record.classifier['name']}", note)
    write(axes, left - 0.1, HEAD + side / 2, "real image", ha="right", va="center", fontweight="bold")
    for number, index in enumerate(images, start=1):
        place_image(axes, record.real[index], left=left + number * pitch, top=HEAD, side=side)
        name = record.class_names[record.unseen_labels[places[0][0], index]]
        write(axes, left + number * pitch + side / 2, HEAD + side + 0.025, _short(name, pitch))
    for row, (place, made) in enumerate(places, start=1):
        top = HEAD + row * (side + CAPTION)
        change, before, after = record.perturbations[place], record.unseen_labels[place], record.unseen_changed[place]
        factor = max(AMPLITUDE / 255 / max(float(np.percentile(np.abs(change), WITHIN)), 1e-6), 1.0)
        magnified = (GREY + factor * 255 * change.astype(float)).clip(0, 255).astype(np.uint8)
        place_image(axes, magnified, left=left, top=top, side=side)
        fooled, by_random = after != before, float((record.control_changed[place] != before).mean())
        norm = f"{made.norm} {made.size:g}"
        write(axes, left - 0.1, top + side / 2 - 0.1, norm, ha="right", va="bottom", fontweight="bold")
        lines = [f"fools {share_percent(float(fooled.mean()))}", f"random: {share_percent(by_random)}"]
        if fooled.any():
            counts = np.bincount(after[fooled], minlength=len(record.class_names))
            name, share = record.class_names[counts.argmax()], float(counts.max() / fooled.sum())
            lines += [f"most get: {_short(name, LEFT)}", f"({share_percent(share)} of them)"]
        words = "\n".join([*lines, f"magnified {factor:.1f}-fold"])
        write(axes, left - 0.1, top + side / 2 - 0.08, words, ha="right", color=QUIET, fontsize=6.5)
        for number, index in enumerate(images, start=1):
            example, at, wrong = record.examples_of(place).start + index, left + number * pitch, bool(fooled[index])
            place_image(axes, record.images[example], left=at, top=top, side=side, frame=INK if wrong else FAINT)
            words = f"{_short(record.class_names[after[index]], pitch)}\n{percent(float(record.confidences[example]))}"
            write(axes, at + side / 2, top + side + 0.025, words, color=INK if wrong else QUIET)
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


def _shown_columns(record: AdversarialRecord) -> list[tuple[Change, slice]]:
    """Return one column of each method."""
    chosen: dict[str, tuple[Change, slice, float]] = {}
    for column, rows in record.columns():
        wrong = float((record.labels[rows] != record.real.classes).mean())
        known = chosen.get(column.method)
        if known is None or known[2] <= 0.5:
            chosen[column.method] = (column, rows, wrong)
    return [(column, rows) for column, rows, _ in chosen.values()]


def _draw_row(
    axes: Axes,
    record: AdversarialRecord,
    column: Change,
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


def _panels_of(means: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the rows of ``universal_means`` of one attack that each panel shows; none where there is one alone."""
    compared = means[(means["norm"] == "linf") & (means["size"] == _compared_size(means))]
    whole, plain = means["images"] == means["images"].max(), means["round"] == 0
    panels = {norm: means[whole & plain & (means["norm"] == norm)] for norm in ("linf", "l2")}
    panels["images"] = compared[compared["round"] == 0]
    panels["round"] = compared[compared["images"] == means["images"].max()]
    alone = {name for name in ("images", "round") if len(panels[name]) < 2}
    return {name: rows.iloc[:0] if name in alone else rows for name, rows in panels.items()}


def _compared_size(means: pd.DataFrame) -> float:
    """Return the size at which numbers of images and rounds are compared: the one with the most rows for linf."""
    return float(means.loc[means["norm"] == "linf", "size"].value_counts(sort=False).idxmax())


def _short(name: str, width: float) -> str:
    """Return a name that fits ``width`` inches, with dots in place of its end if need be."""
    most = max(int(width / INCHES_PER_LETTER["label"]), 2)
    return name if len(name) <= most else f"{name[: most - 1]}…"
