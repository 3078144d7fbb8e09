"""Evolved images that resemble their class, each above the nearest training image (the paper's Fig. 14)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fooling.attacks.evolution.record import RunRecord
from fooling.datasets.dataset import Dataset
from fooling.errors import FoolingError
from fooling.figures.image_grid import HEAD, place_image, sheet, write, write_class_names, write_head
from fooling.figures.shown_classes import MOST, SHOWN
from fooling.figures.style import ENCODINGS, INK, QUIET, REAL, WIDTH, in_style
from fooling.percentages import percent

LEFT, RIGHT, CAPTION, COUNT, NONE, GAP = 0.86, 0.06, 0.19, 0.12, 0.45, 0.068  # inches


@in_style
def resembling(*, runs: Sequence[RunRecord], dataset: Dataset, examined: pd.DataFrame) -> Figure:
    """Draw evolved images that resemble their class above the nearest training images.

    There are two rows for each encoding of ``runs``, which are all on one classifier. ``examined`` holds the label of
    an independent network and the nearest training image of each champion and of real test images. An image resembles
    its class if that network (if there is one) and the nearest training image have its class, and the distance is at
    most the largest one of a real test image. Of several such images of a class, the one with the highest confidence of
    that network is shown; among equals, the nearest. Raises :class:`FoolingError` if ``examined`` has no rows of
    ``runs``.
    """
    champions = _champions(runs, dataset, examined)
    farthest = float(examined.loc[examined["search"] == "real-images", "nearest_distance"].max())
    selected = _resembling(champions, farthest=farthest)
    classes = _shown_classes(selected, len(dataset.class_names))
    names = [dataset.class_names[index] for index in classes]
    encodings = [encoding for encoding in ENCODINGS if (champions["encoding"] == encoding).any()]
    found = {encoding: selected[selected["encoding"] == encoding] for encoding in encodings}
    pitch = (WIDTH - LEFT - RIGHT) / len(names)
    heights = {encoding: NONE if rows.empty else 2 * (pitch + CAPTION) + COUNT for encoding, rows in found.items()}
    figure, axes = sheet(WIDTH, HEAD + sum(heights.values()))
    title = f"Champions of {runs[0].classifier['name']} that resemble their class"
    write_head(axes, title, _rule(champions["independent"].dropna()))
    write_class_names(axes, names, left=LEFT, pitch=pitch)
    top = HEAD
    for encoding, height in heights.items():
        those = champions[champions["encoding"] == encoding]
        middle = NONE / 2 if found[encoding].empty else (pitch - GAP) / 2
        _write_label(axes, ENCODINGS[encoding].label.replace(" ", "\n"), top + middle)
        if found[encoding].empty:
            words = f"none of {len(those):,} champions resembles its class"
            write(axes, LEFT + GAP / 2, top + NONE / 2, words, ha="left", va="center", color=QUIET)
        else:
            _draw_block(axes, runs, dataset, those, found[encoding], classes, top=top, pitch=pitch)
        top += height
    return figure


def _shown_classes(resembling: pd.DataFrame, count: int) -> list[int]:
    """Return all of ``count`` classes; if they are many, those with the best images first."""
    if count <= MOST:
        return list(range(count))
    best = resembling["class_index"].drop_duplicates().tolist()[:SHOWN]
    return sorted(best) + [index for index in range(count) if index not in best][: SHOWN - len(best)]


def _rule(networks: pd.Series[str]) -> str:
    if networks.empty:
        return (
            "rule: the nearest training image has the class and is as near as for real images; shown: the nearest one"
        )
    name = networks.iloc[0]
    return (
        f"rule: {name} and the nearest training image give the class, and it is as near as for real images; "
        f"shown: the highest confidence of {name}"
    )


def _champions(runs: Sequence[RunRecord], dataset: Dataset, examined: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of ``examined`` about ``runs``, with index and encoding of the run.

    A run does not hold the name of its experiment, so its confidences identify its rows.
    """
    evolved = examined[(examined["search"] == runs[0].search) & (examined["classifier"] == runs[0].classifier["name"])]
    rows = {
        (int(seed), _key(group["confidence"])): group
        for (_, seed), group in evolved.sort_values("class_index").groupby(["experiment", "seed"])
    }
    parts: list[pd.DataFrame] = []
    for place, run in enumerate(runs):
        part = rows.get((run.seed, _key(run.confidences)))
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
    champions: pd.DataFrame,
    resembling: pd.DataFrame,
    classes: Sequence[int],
    *,
    top: float,
    pitch: float,
) -> None:
    """Draw the two rows of one encoding, with their numbers below the images."""
    side, look = pitch - GAP, ENCODINGS[champions["encoding"].iloc[0]]
    below = top + side + CAPTION + COUNT
    _write_label(axes, "nearest\ntraining\nimage", below + side / 2)
    for column, index in enumerate(classes):
        left = LEFT + column * pitch + GAP / 2
        middle, found = left + side / 2, resembling[resembling["class_index"] == index]
        count = f"{len(found)} of {(champions['class_index'] == index).sum()}"
        if found.empty:
            write(axes, middle, top + side / 2, "none", va="center", color=QUIET)
            write(axes, middle, top + side + 0.03 + COUNT, count, fontsize=6.5, color=QUIET)
            continue
        shown = found.iloc[0]
        place_image(axes, runs[shown["run"]].images[index], left=left, top=top, side=side, frame=look.colour)
        if pd.notna(shown["independent_confidence"]):
            write(axes, middle, top + side + 0.03, percent(float(shown["independent_confidence"])), fontsize=6.5)
        write(axes, middle, top + side + 0.03 + COUNT, count, fontsize=6.5, color=QUIET)
        place_image(axes, dataset.train_images[shown["nearest_index"]], left=left, top=below, side=side, frame=REAL)
        write(axes, middle, below + side + 0.03, f"{shown['nearest_distance']:.2f}", fontsize=6.5)


def _write_label(axes: Axes, words: str, middle: float) -> None:
    write(axes, LEFT - 0.12, middle, words, ha="right", va="center", color=INK, fontweight="bold")


def _resembling(champions: pd.DataFrame, *, farthest: float) -> pd.DataFrame:
    """Return the champions that resemble their class, the best first.

    ``farthest`` is the largest distance of a real image, NaN if there is none.
    """
    classes = champions["class_index"]
    alike = (champions["nearest_label"] == classes) & ~(champions["nearest_distance"] > farthest)
    if champions["independent"].notna().any():
        alike &= (champions["independent_label"] == classes).fillna(value=False).astype(bool)
    doubt = 1 - champions["independent_confidence"].astype(float).fillna(0)
    order = ["doubt", "nearest_distance", "run"]
    found: pd.DataFrame = champions.assign(doubt=doubt).loc[alike].sort_values(order, kind="stable")
    return found
