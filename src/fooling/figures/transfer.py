"""Transfer: how other networks classify images that were evolved on one network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fooling.attacks.evolution.record import RunRecord
from fooling.figures.image_grid import (
    HEAD,
    INCHES_PER_CHARACTER_POINT,
    place_image,
    sheet,
    write,
    write_class_names,
    write_head,
)
from fooling.figures.shown_classes import SHOWN, are_many
from fooling.figures.style import ENCODINGS, FAINT, INK, QUIET, SHARES, WIDTH, draw_note, in_style
from fooling.percentages import percent

MOST_WITH_INTERVALS = 7  # networks in a heat map: if there are more, the intervals do not fit
LEFT, RIGHT = 0.98, 0.1  # inches beside the images of the gallery
GAP, CAPTION = 0.068, 0.29  # inches: between images, and the two confidences under one
NAME = 0.13  # inches: the name of a class above its image


@in_style
def transfer(*, transfer: pd.DataFrame) -> Figure:
    """Draw the transfer rates of an experiment: rows evolved on, columns shown to."""
    names = {name: name for name in transfer["target"]}
    title = f"Do images of the experiment {transfer['experiment'].iloc[0]} fool other networks?"
    return _draw_heat_map(transfer, names=names, title=title, axis="network")


@in_style
def retraining_transfer(*, transfer: pd.DataFrame) -> Figure:
    """Draw the transfer rates of a chain; above the diagonal from earlier to later networks."""
    numbers = {name: str(number) for number, name in enumerate(dict.fromkeys(transfer["target"]), start=1)}
    title = f"Do images that fooled one network of {next(iter(numbers))}'s chain fool the others?"
    return _draw_heat_map(transfer, names=numbers, title=title, axis="DNN")


def _draw_heat_map(transfer: pd.DataFrame, *, names: Mapping[str, str], title: str, axis: str) -> Figure:
    """Draw the transfer rates of all images and of those with high confidence.

    The latter are confident on the network on which they were evolved. ``transfer`` has a row for each pair of
    networks, set of images and kind of label; ``names`` holds the names of the networks in the figure.
    """
    rows = transfer[transfer["label"] == "class"]
    sources, targets = (list(dict.fromkeys(rows[end])) for end in ("source", "target"))
    height = 0.47 * WIDTH * len(sources) / len(targets)
    figure = Figure(figsize=(WIDTH, height + 1.1), layout="constrained")
    for axes, subset in zip(figure.subplots(1, 2), ("all", "sure"), strict=True):
        _draw_shares(axes, rows[rows["images"] == subset], sources, targets)
        axes.set_title(
            {"all": "all champions", "sure": "champions confident on their own network"}[subset],
            fontsize=7.5,
        )
        axes.set_xticks(range(len(targets)), [names[target] for target in targets], fontsize=6.5)
        if max(map(len, names.values())) > 4:
            axes.tick_params(axis="x", rotation=30)
        axes.set_yticks(range(len(sources)), [names[source] for source in sources], fontsize=6.5)
        axes.set(xlabel=f"shown to ({axis})", ylabel=f"evolved on ({axis})" if subset == "all" else "")
    figure.suptitle(title, x=0.008, ha="left", fontsize=9, fontweight="bold")
    draw_note(figure, _note(rows))
    return figure


def _draw_shares(axes: Axes, images: pd.DataFrame, sources: list[str], targets: list[str]) -> None:
    """Draw a cell for each pair: the share and, if they fit, its interval and chance."""
    cells = images.set_index(["source", "target"])[["transfer_rate", "low", "high", "chance"]].astype(float)
    grid = cells["transfer_rate"].unstack().reindex(index=sources, columns=targets).to_numpy()
    axes.imshow(np.ma.masked_invalid(grid), cmap=SHARES, vmin=0, vmax=1)
    axes.grid(visible=False)
    axes.tick_params(length=0)
    is_small = len(targets) > MOST_WITH_INTERVALS
    for row, (share, low, high, chance) in enumerate(cells.to_numpy()):
        source, target = map(str, cells.index[row])
        x, y = targets.index(target), sources.index(source)
        ink, quiet = ("white", "white") if share > 0.6 else (INK, QUIET)
        if np.isnan(share):
            _write(axes, x, y, "none", color=FAINT, fontsize=5.5)
        elif is_small:
            _write(axes, x, y, f"{100 * share:.0f}", color=ink, fontsize=5)
        else:
            _write(axes, x, y - 0.18, f"{100 * share:.0f}", color=ink, fontsize=7.5, fontweight="bold")
            _write(axes, x, y + 0.1, "" if np.isnan(low) else f"{100 * low:.0f} to {100 * high:.0f}", color=ink)
            _write(axes, x, y + 0.3, f"chance {100 * chance:.0f}", color=quiet)


def _write(axes: Axes, x: float, y: float, text: str, **style: Any) -> None:
    axes.text(x, y, text, **{"ha": "center", "va": "center", "fontsize": 5.5, **style})


def _note(rows: pd.DataFrame) -> str:
    every = rows[rows["images"] == "all"]
    others = every[every["relation"] != "itself"]
    note = "Percentage of images whose top class is the one for which they were evolved"
    if rows["target"].nunique() <= MOST_WITH_INTERVALS:
        note += ", with its interval over the runs, and chance: the percentage with exchanged labels"
    if others.empty:
        return f"{note}."
    higher, exchanged = others["higher_on_source"].mean(), others["reverse_higher_on_source"].mean()
    own = (
        f" Among images with the same label on both, {100 * higher:.0f} % have a higher confidence on their own network"
    )
    other = f"; for images evolved on the other, this network has a higher confidence in {100 * exchanged:.0f} %."
    return note + "." + (own + other if np.isfinite([higher, exchanged]).all() else "")


@in_style
def transfer_gallery(*, runs: Sequence[RunRecord], shown: pd.DataFrame) -> Figure:
    """Draw, for each other network and class, its most confident champion.

    ``shown`` has the label and confidence of every network for every champion of ``runs``. If a network assigns no
    champion to a class, its cell is empty. If there are many classes, each row shows the most confident ones of its
    network.
    """
    own = runs[0].classifier["name"]
    images = {(run.seed, index): image for run in runs for index, image in enumerate(run.images)}
    table = shown[(shown["source"] == own) & shown["seed"].isin([run.seed for run in runs])]
    others = [str(name) for name in dict.fromkeys(table["target"]) if name != own]
    names, many = runs[0].class_names, are_many(runs)
    pitch = (WIDTH - LEFT - RIGHT) / (SHOWN if many else len(names))
    row = pitch - GAP + CAPTION + (NAME if many else 0.0)
    figure, axes = sheet(WIDTH, HEAD + max(len(others), 1) * row + 0.1)
    title = f"Images evolved on {own} with the {ENCODINGS[runs[0].encoding].label} that other networks label the same"
    chosen = f", in its {SHOWN} most confident classes" if many else ""
    note = f"under each image: the confidence of {own}; in bold: that of the network of the row{chosen}"
    write_head(axes, title, note)
    if not many:
        write_class_names(axes, names, left=LEFT, pitch=pitch)
    for place, other in enumerate(others):
        top = HEAD + place * row
        write(axes, LEFT - 0.1, top + (pitch - GAP) / 2, other, ha="right", va="center", color=QUIET)
        rows = table[table["target"] == other]
        agreed = rows[(rows["target_label"] == rows["class_index"]) & (rows["source_label"] == rows["class_index"])]
        best = agreed.sort_values("target_confidence", ascending=False, kind="stable").drop_duplicates("class_index")
        classes = best["class_index"].head(SHOWN).tolist() if many else range(len(names))
        for column, index in enumerate(classes):
            of_class, left = best[best["class_index"] == index], LEFT + column * pitch + GAP / 2
            _draw_best(axes, of_class, images, left=left, top=top, side=pitch - GAP)
            if many:
                size = min(6.0, pitch / (len(names[index]) * INCHES_PER_CHARACTER_POINT))
                middle = left + (pitch - GAP) / 2
                write(axes, middle, top - 0.02, names[index], va="bottom", fontsize=size, fontweight="bold")
    return figure


def _draw_best(
    axes: Axes, best: pd.DataFrame, images: dict[tuple[int, int], np.ndarray], *, left: float, top: float, side: float
) -> None:
    if best.empty:
        write(axes, left + side / 2, top + side / 2, "none", va="center", color=FAINT)
        return
    chosen = best.iloc[0]
    place_image(axes, images[int(chosen["seed"]), int(chosen["class_index"])], left=left, top=top, side=side)
    for line, column in enumerate(("source_confidence", "target_confidence")):
        confidence = percent(float(chosen[column]))
        write(axes, left + side / 2, top + side + 0.025 + 0.115 * line, confidence, fontsize=6.5,
              fontweight="bold" if line else "normal")  # fmt: skip
