"""Images and their nearest training images: confidence against distance, and champions that resemble their class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from fooling.attacks.evolution.record import RunRecord
from fooling.datasets.dataset import Dataset
from fooling.figures.image_grid import HEAD, SHOWN, place_image, sheet, write, write_class_names, write_head
from fooling.figures.style import (
    CHART,
    ENCODINGS,
    EXPLAINED,
    INK,
    LABEL,
    QUIET,
    REAL,
    WIDTH,
    Look,
    draw_note,
    draw_title,
    in_style,
    use_confidence_ticks,
    visible,
)
from fooling.messages import FoolingError, capitalised, counted, listed, percent, whole_percent

SPACES = {"pixel": "Between pixels", "feature": "Between features of the network"}
REFERENCES = {0.5: "median", 0.99: "99 %"}  # quantiles of the real images
MARKS = {"real": ".", "noise": "x", "start": "^", "champion": "o"}
NOISE = "#5F5F5F"
TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)
LEFT, RIGHT, GAP = 0.86, 0.06, 0.068  # inches beside the images, and between them
LARGEST, LINE, SENTENCE = 0.72, 0.12, 0.34  # inches: an image and its gap at most, a line of text, a row without images
FOOLED = 0.5  # confidence of its own network from which a champion can count


@in_style
def distances(*, distances: pd.DataFrame) -> Figure:
    """Draw the confidence in each image of ``distances`` against its distance, in pixels and in features."""
    shown = distances.assign(look=_looks_of(distances), height=visible(distances["log_odds"]))
    figure = Figure(figsize=(CHART, 4.3), layout="constrained")
    panels = figure.subplots(1, len(SPACES), sharey=True)
    for axes, (space, words) in zip(panels, SPACES.items(), strict=True):
        _draw_images(axes, shown, space)
        axes.set(title=words, xlabel="distance (median real image = 1)")
        _write_references(axes, shown, space)
    use_confidence_ticks(panels[0], list(shown["height"]), which="y", most=8)
    panels[0].set_ylabel(LABEL)
    network = shown["classifier"].iloc[0]
    draw_title(figure, f"Confidence of {network} and distance to the nearest training image", _handles(shown))
    champions = shown[shown["kind"] == "champion"]
    beyond = {space: whole_percent(champions[f"{space}_beyond"].mean()) for space in SPACES}
    draw_note(
        figure,
        "Vertical lines: the median and the 99 % quantile of real test images. Farther away than the 99 % quantile: "
        f"{beyond['pixel']} of the champions in pixels, {beyond['feature']} in features (activations before the last "
        "layer). Random start: the best image of each class. Confidence of real images and noise: in their top class; "
        f"of the others: in the class for which they evolved. {EXPLAINED}",
    )
    return figure


def _looks_of(table: pd.DataFrame) -> pd.Series[str]:
    """Return the name of the look of each image: its kind and, if it was evolved, its encoding."""
    return table["kind"] + table["encoding"].fillna("").radd(" ")


def _look(name: str) -> Look:
    kind, _, encoding = name.partition(" ")
    if kind == "real":
        return Look("real test images", REAL, marker=MARKS[kind])
    if kind == "noise":
        return Look("uniform noise", NOISE, marker=MARKS[kind])
    words = "champions" if kind == "champion" else "random start"
    return Look(f"{words}, {ENCODINGS[encoding].label}", ENCODINGS[encoding].colour, marker=MARKS[kind])


def _draw_images(axes: Axes, shown: pd.DataFrame, space: str) -> None:
    for name in _in_order(shown):
        look, those = _look(name), shown[shown["look"] == name]
        is_open = name.startswith("start")
        size, alpha = 14 if look.marker == "." else 7, 0.3 if name.startswith("noise") else 0.65
        axes.scatter(
            those[f"{space}_ratio"], those["height"], s=size, marker=look.marker, alpha=alpha,
            facecolors="none" if is_open else look.colour, edgecolors=look.colour if is_open else None,
            linewidths=0.6 if is_open or look.marker == "x" else 0, rasterized=True,
        )  # fmt: skip
    _use_ratio_ticks(axes, shown[f"{space}_ratio"])
    for quantile in REFERENCES:
        style = "-" if quantile == 0.5 else (0, (1, 1.5))
        axes.axvline(_quantile(shown, space, quantile), color=REAL, linewidth=1, linestyle=style, zorder=0)


def _use_ratio_ticks(axes: Axes, ratios: pd.Series[float]) -> None:
    """Make the x axis logarithmic, over the ratios above 0; leave it if there are none."""
    known = ratios[ratios > 0]
    if known.empty:
        return
    low, high = known.quantile([0.001, 1])
    ticks = [tick for tick in TICKS if low / 1.1 <= tick <= high * 1.1]
    axes.set_xscale("log")
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.set_xlim(low / 1.15, high * 1.15)


def _write_references(axes: Axes, shown: pd.DataFrame, space: str) -> None:
    for (quantile, words), (shift, align) in zip(REFERENCES.items(), ((-2, "right"), (2, "left")), strict=True):
        axes.annotate(
            words, (_quantile(shown, space, quantile), 0.01), xycoords=axes.get_xaxis_transform(), xytext=(shift, 0),
            textcoords="offset points", ha=align, fontsize=6.5, color=QUIET,
        )  # fmt: skip


def _quantile(shown: pd.DataFrame, space: str, quantile: float) -> float:
    """Return a quantile of the distances of the real images."""
    return float(shown.loc[shown["kind"] == "real", f"{space}_ratio"].quantile(quantile))


def _in_order(shown: pd.DataFrame) -> list[str]:
    """Return the looks that occur, champions last so that they are drawn above the others."""
    present = set(shown["look"])
    return sorted(present, key=lambda name: (list(MARKS).index(name.partition(" ")[0]), name))


def _handles(shown: pd.DataFrame) -> list[Line2D]:
    return [
        Line2D([], [], linestyle="", marker=_look(name).marker, label=_look(name).label, color=_look(name).colour,
               markerfacecolor="none" if name.startswith("start") else _look(name).colour, markersize=4)
        for name in _in_order(shown)
    ]  # fmt: skip


@in_style
def resembling(*, runs: Sequence[RunRecord], dataset: Dataset, examined: pd.DataFrame) -> Figure:
    """Draw evolved images that resemble their class above the nearest training images.

    There are two rows for each encoding of ``runs``, with a column for each class that has such an image. ``examined``
    holds the label of an independent network and the nearest training image of each champion and of real test images.
    An image resembles its class if its own network, the independent one and the nearest training image have its class,
    and the distance is at most the largest one of a real test image. Of several such images of a class, the one with
    the highest confidence of the independent network is shown. Networks without an independent one are left out.

    Raises :class:`FoolingError` if ``examined`` has no rows of ``runs``, or no network has an independent one.
    """
    champions = _champions(runs, dataset, examined)
    champions = champions[champions["independent"].notna()]
    if champions.empty:
        raise FoolingError(
            "no independent network labels the champions",
            expected="at least one classifier with `independent`",
            remedy="name another classifier of the same data set as `independent`",
        )
    distances = examined[examined["search"] == "real-images"].groupby("classifier")["nearest_distance"].max()
    selected = _resembling(champions, farthest=champions["classifier"].map(distances))
    classes = _shown_classes(selected)
    encodings = [encoding for encoding in ENCODINGS if (champions["encoding"] == encoding).any()]
    pitch = min(LARGEST, (WIDTH - LEFT - RIGHT) / max(len(classes), 1))
    found = {encoding: selected[selected["encoding"] == encoding] for encoding in encodings}
    heights = {name: SENTENCE + (0 if rows.empty else 2 * pitch + 5 * LINE + 0.2) for name, rows in found.items()}
    top = HEAD - 0.1
    figure, axes = sheet(WIDTH, top + sum(heights.values()))
    networks = listed(list(dict.fromkeys(champions["classifier"])))
    write_head(axes, f"Champions on {networks} that resemble their class", _rule(champions))
    for encoding, rows in found.items():
        count = counted(int((champions["encoding"] == encoding).sum()), "champion")
        words = f"{capitalised(ENCODINGS[encoding].label)}: {len(rows) or 'none'} of {count}"
        write(axes, 0.06, top + 0.02, words, ha="left", color=INK, fontweight="bold")
        if not rows.empty:
            images = top + SENTENCE + LINE
            names = [dataset.class_names[index] for index in classes]
            write_class_names(axes, names, left=LEFT, pitch=pitch, bottom=images - 0.045)
            _draw_block(axes, runs, dataset, rows, classes, top=images, pitch=pitch)
        top += heights[encoding]
    return figure


def _shown_classes(resembling: pd.DataFrame) -> list[int]:
    """Return the classes that have such images; if they are many, those with the best ones."""
    return sorted(resembling["class_index"].drop_duplicates().tolist()[:SHOWN])


def _rule(champions: pd.DataFrame) -> str:
    networks = champions["independent"].unique()
    name = str(networks[0]) if len(networks) == 1 else "an independent network"
    return (
        f"rule: {name} and the nearest training image have the class too, and that image is as near as for real images"
    )


def _champions(runs: Sequence[RunRecord], dataset: Dataset, examined: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of ``examined`` about ``runs``, with index and encoding of the run.

    A run does not hold the name of its experiment, so its confidences identify its rows.
    """
    evolved = examined[examined["search"] == runs[0].search]
    runs_of_table = evolved.sort_values("class_index").groupby(["classifier", "experiment", "seed"])
    rows = {(*map(str, names), _key(group["confidence"])): group for names, group in runs_of_table}
    rows = {(name, seed, key): group for (name, _, seed, key), group in rows.items()}
    parts: list[pd.DataFrame] = []
    for place, run in enumerate(runs):
        part = rows.get((run.classifier["name"], str(run.seed), _key(run.confidences)))
        if part is None or not (part["nearest_index"] < len(dataset.train_images)).all():
            raise FoolingError(
                "the table of examined images is not of these runs and this data set",
                found=f"no rows with the champions of {run.classifier['name']}, {run.encoding}, seed {run.seed}",
                expected="the table that fooling examine wrote for these runs",
            )
        parts.append(part.assign(run=place, encoding=run.encoding))
    return pd.concat(parts, ignore_index=True)


def _key(confidences: pd.Series[float] | NDArray[np.float32]) -> bytes:
    return np.asarray(confidences, dtype=np.float32).tobytes()


def _draw_block(
    axes: Axes,
    runs: Sequence[RunRecord],
    dataset: Dataset,
    resembling: pd.DataFrame,
    classes: Sequence[int],
    *,
    top: float,
    pitch: float,
) -> None:
    """Draw the two rows of one encoding, with the names and numbers below the images."""
    side, look = pitch - GAP, ENCODINGS[resembling["encoding"].iloc[0]]
    below = top + side + 3 * LINE + 0.06
    _write_label(axes, "champion", top + side / 2)
    _write_label(axes, "nearest\ntraining\nimage", below + side / 2)
    for column, index in enumerate(classes):
        of_class = resembling[resembling["class_index"] == index]
        if of_class.empty:
            continue
        left, shown = LEFT + column * pitch + GAP / 2, of_class.iloc[0]
        place_image(axes, runs[shown["run"]].images[index], left=left, top=top, side=side, frame=look.colour)
        confidence = percent(float(shown["independent_confidence"]))
        for line, words in enumerate((f"on {shown['classifier']}", shown["independent"], confidence)):
            style = {"color": INK} if line == 0 else {"color": QUIET}
            write(axes, left + side / 2, top + side + 0.03 + line * LINE, words, fontsize=6.5, **style)
        place_image(axes, dataset.train_images[shown["nearest_index"]], left=left, top=below, side=side, frame=REAL)
        distance = f"{shown['nearest_distance']:.2f}"
        write(axes, left + side / 2, below + side + 0.03, distance, fontsize=6.5, color=QUIET)


def _write_label(axes: Axes, words: str, middle: float) -> None:
    write(axes, LEFT - 0.12, middle, words, ha="right", va="center", color=INK)


def _resembling(champions: pd.DataFrame, *, farthest: pd.Series[float]) -> pd.DataFrame:
    """Return the champions that resemble their class, the best first.

    ``farthest`` is the largest distance of a real image to its network's training images, NaN if there is none.
    """
    classes = champions["class_index"]
    alike = (champions["nearest_label"] == classes) & ~(champions["nearest_distance"] > farthest)
    alike &= (champions["independent_label"] == classes).fillna(value=False).astype(bool)
    alike &= champions["confidence"].astype(float) > FOOLED
    doubt = 1 - champions["independent_confidence"].astype(float)
    order = ["doubt", "nearest_distance", "run"]
    found: pd.DataFrame = champions.assign(doubt=doubt).loc[alike].sort_values(order, kind="stable")
    return found
