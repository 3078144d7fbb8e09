"""Transfer: how other networks classify images that were evolved on one network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fooling.attacks.evolution.record import RunRecord
from fooling.figures.image_grid import (
    HEAD,
    INCHES_PER_CHARACTER_POINT,
    SHOWN,
    are_many,
    place_image,
    sheet,
    write,
    write_class_names,
    write_head,
)
from fooling.figures.style import (
    CHART,
    ENCODINGS,
    INK,
    QUIET,
    SERIES,
    SHARES,
    WIDTH,
    draw_note,
    draw_title,
    in_style,
    use_percent_ticks,
)
from fooling.messages import percent, whole_percent

FEWEST_OF_MAP = 4  # networks in a heat map: fewer are a row for each pair
MOST_WITH_INTERVALS = 5  # networks in a heat map: if there are more, the intervals do not fit
LEVEL = 6  # letters of a name at most that is written level below a heat map
LEFT, RIGHT = 0.98, 0.1  # inches beside the images of the gallery
GAP, CAPTION = 0.068, 0.29  # inches: between images, and the two confidences under one
NAME = 0.13  # inches: the name of a class above its image


@in_style
def transfer(*, transfer: pd.DataFrame) -> Figure:
    """Draw the transfer rates of an experiment: a row for each pair of networks, or a heat map of many."""
    names = {str(name): str(name) for name in transfer["target"]}
    title = f"Do images of the experiment {transfer['experiment'].iloc[0]} fool other networks?"
    return _draw_rates(transfer, names=names, title=title, axis="network")


@in_style
def retraining_transfer(*, transfer: pd.DataFrame) -> Figure:
    """Draw the transfer rates of a chain, in the same way; its networks have numbers."""
    names = {str(name): f"DNN {number}" for number, name in enumerate(dict.fromkeys(transfer["target"]), start=1)}
    title = f"Do images that fool one network of {next(iter(names))}'s chain fool the others?"
    return _draw_rates(transfer, names=names, title=title, axis="network of the chain")


def _draw_rates(transfer: pd.DataFrame, *, names: Mapping[str, str], title: str, axis: str) -> Figure:
    """Draw the transfer rates of all champions.

    ``transfer`` has a row for each pair of networks, set of images and kind of label; ``names`` holds the names of the
    networks in the figure.
    """
    rows = transfer[(transfer["label"] == "class") & (transfer["images"] == "all")]
    if rows["target"].nunique() >= FEWEST_OF_MAP:
        figure = _draw_heat_map(rows, names=names, title=title, axis=axis)
    else:
        figure = _draw_pairs(rows, names=names, title=title)
    draw_note(figure, _note(rows))
    return figure


def _draw_pairs(rows: pd.DataFrame, *, names: Mapping[str, str], title: str) -> Figure:
    """Draw a row for each pair of different networks: transfer rate, interval and chance."""
    others = rows[rows["relation"] != "itself"]
    order = list(dict.fromkeys(rows["target"]))
    pairs = (rows if others.empty else others).sort_values(
        "source", key=lambda names: names.map(order.index), kind="stable"
    )
    rates, low, high, chance = (
        pairs[name].to_numpy(dtype=np.float64) for name in ("transfer_rate", "low", "high", "chance")
    )
    places = np.arange(len(pairs))
    figure = Figure(figsize=(CHART, 1.45 + 0.24 * len(pairs)), layout="constrained")
    axes = figure.subplots()
    looks = dict(zip(dict.fromkeys(rows["source"]), SERIES, strict=False))
    colours = [looks[source].colour for source in pairs["source"]]
    axes.hlines(places, low, high, colors=colours, linewidth=1.2, alpha=0.6)
    axes.scatter(rates, places, c=colours, s=30, zorder=3)
    axes.scatter(chance, places, marker="|", s=70, c=INK, linewidths=1.4)
    for place, rate in zip(places, rates, strict=True):
        text = "no images" if np.isnan(rate) else whole_percent(rate)
        axes.annotate(
            text, (1.02, place), xycoords=axes.get_yaxis_transform(), va="center", fontsize=7, annotation_clip=False
        )
    use_percent_ticks(axes, which="x")
    axes.set_xlabel("share of the images that keep their class")
    labels = [
        f"{names[source]} → {names[target]}" for source, target in zip(pairs["source"], pairs["target"], strict=True)
    ]
    axes.set_yticks(places, labels)
    axes.set_ylim(len(pairs) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    rate_handle = Line2D([], [], color=INK, marker="o", markersize=5, linewidth=1.2, label="transfer rate, interval")
    chance_handle = Line2D(
        [], [], color=INK, marker="|", markersize=8, markeredgewidth=1.4, linestyle="", label="chance"
    )
    draw_title(figure, title, [rate_handle, chance_handle])
    return figure


def _draw_heat_map(rows: pd.DataFrame, *, names: Mapping[str, str], title: str, axis: str) -> Figure:
    """Draw a cell for each pair: the rate in percent and, if they fit, its interval and chance."""
    sources, targets = (list(dict.fromkeys(rows[end])) for end in ("source", "target"))
    figure = Figure(figsize=(CHART, 0.8 * CHART * len(sources) / len(targets) + 1.3), layout="constrained")
    axes = figure.subplots()
    cells = rows.set_index(["source", "target"])[["transfer_rate", "low", "high", "chance"]].astype(float)
    grid = cells["transfer_rate"].unstack().reindex(index=sources, columns=targets).to_numpy()
    shown = axes.imshow(np.ma.masked_invalid(grid), cmap=SHARES, vmin=0, vmax=1)
    bar = figure.colorbar(shown, ax=axes, pad=0.02, fraction=0.04)
    bar.set_ticks([0, 0.5, 1], labels=["0 %", "50 %", "100 %"])
    bar.outline.set_visible(False)
    axes.grid(visible=False)
    axes.tick_params(length=0)
    is_small = len(targets) > MOST_WITH_INTERVALS
    for pair, (rate, low, high, chance) in zip(cells.index, cells.to_numpy(), strict=True):
        source, target = map(str, pair)
        x, y = targets.index(target), sources.index(source)
        ink, quiet = ("white", "white") if rate > 0.6 else (INK, QUIET)
        if np.isnan(rate):
            _write(axes, x, y, "none", color=QUIET, fontsize=6)
        elif is_small:
            _write(axes, x, y, f"{100 * rate:.0f}", color=ink, fontsize=7)
        else:
            _write(axes, x, y - 0.18, f"{100 * rate:.0f} %", color=ink, fontsize=8.5, fontweight="bold")
            _write(axes, x, y + 0.1, "" if np.isnan(low) else f"{100 * low:.0f} to {100 * high:.0f} %", color=ink)
            _write(axes, x, y + 0.3, f"chance {100 * chance:.0f} %", color=quiet)
    axes.set_xticks(range(len(targets)), [names[target] for target in targets])
    if max(map(len, names.values())) > LEVEL:
        axes.tick_params(axis="x", rotation=30)
    axes.set_yticks(range(len(sources)), [names[source] for source in sources])
    axes.set(xlabel=f"shown to ({axis})", ylabel=f"evolved on ({axis})")
    draw_title(figure, f"{title} Transfer rate in percent")
    return figure


def _write(axes: Axes, x: float, y: float, text: str, **style: Any) -> None:
    axes.text(x, y, text, **{"ha": "center", "va": "center", "fontsize": 6.5, **style})


def _note(rows: pd.DataFrame) -> str:
    others = rows[rows["relation"] != "itself"]
    note = "Transfer rate: share of the champions to which the other network gives the class for which they evolved."
    if rows["target"].nunique() <= MOST_WITH_INTERVALS:
        note += (
            " Interval: confidence interval over the runs. Chance: the rate if labels are exchanged among the images."
        )
    higher = others["higher_on_source"].mean()
    if np.isfinite(higher):
        note += (
            f" Of the images with the same label on both networks, {whole_percent(higher)} get a higher confidence "
            "from the network on which they evolved."
        )
    return note


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
        write(axes, left + side / 2, top + side / 2, "none", va="center", color=QUIET)
        return
    chosen = best.iloc[0]
    place_image(axes, images[int(chosen["seed"]), int(chosen["class_index"])], left=left, top=top, side=side)
    for line, column in enumerate(("source_confidence", "target_confidence")):
        confidence = percent(float(chosen[column]))
        write(axes, left + side / 2, top + side + 0.025 + 0.115 * line, confidence, fontsize=6.5,
              fontweight="bold" if line else "normal")  # fmt: skip
