"""A real and evolved images of one class under one label (the paper's Fig. 2), and how evolution finds them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from numpy.typing import NDArray
from scipy.special import softmax

from fooling.attacks.evolution.record import RunRecord
from fooling.datasets.dataset import Dataset
from fooling.figures.image_grid import (
    HEAD,
    INCHES_PER_CHARACTER_POINT,
    MOST,
    note_on_classes,
    of_classes,
    panel,
    place_image,
    sheet,
    shown_classes,
    write,
    write_class_names,
    write_head,
)
from fooling.figures.style import ENCODINGS, FAINT, INK, QUIET, REAL, WIDTH, in_style
from fooling.messages import percent

LEFT, RIGHT, CAPTION = 0.86, 0.06, 0.2  # inches: beside the images, and the confidence under one
LOOP = 2.75  # inches: the height of the evolutionary loop
SIDE, PITCH = 0.68, 0.96  # inches: an image on the left of the loop, and from image to image
SMALL = 0.3  # inches: an image in the loop
POPULATION = 10  # images of a population that are shown, at most


@in_style
def real_and_evolved(*, runs: Sequence[RunRecord], dataset: Dataset, real: pd.DataFrame) -> Figure:
    """Draw a row of real images and one for each of ``runs``, with a column for each class.

    ``real`` holds the network's label and confidence for every test image; the first correctly classified one of each
    class is shown.
    """
    network = runs[0].classifier["name"]
    classes = shown_classes(runs)
    pitch = (WIDTH - LEFT - RIGHT) / len(classes)
    side = pitch - 0.068
    figure, axes = sheet(WIDTH, HEAD + (1 + len(runs)) * (side + CAPTION) + 0.08)
    classes_shown = note_on_classes(runs, otherwise="")
    note = "under each image the network's confidence; real: the first correctly classified test image"
    write_head(
        axes,
        f"Real images and images evolved for the same class on {network}",
        f"{note}; {classes_shown}" if classes_shown else note,
    )
    write_class_names(axes, [dataset.class_names[index] for index in classes], left=LEFT, pitch=pitch)
    real_images, real_confidences = _first_correct(dataset, real)
    rows = [
        ("real", REAL, [real_images[index] for index in classes], [real_confidences[index] for index in classes]),
    ]
    for run in (of_classes(run, classes) for run in runs):
        look = ENCODINGS[run.encoding]
        images: list[NDArray[np.uint8] | None] = list(run.images)
        rows.append((look.label.replace(" ", "\n"), look.colour, images, [float(value) for value in run.confidences]))
    for row, (label, colour, images, confidences) in enumerate(rows):
        top = HEAD + row * (side + CAPTION)
        write(axes, LEFT - 0.12, top + side / 2, label, ha="right", va="center", color=INK, fontweight="bold")
        for column, (image, confidence) in enumerate(zip(images, confidences, strict=True)):
            left = LEFT + column * pitch + 0.034
            if image is None:
                write(axes, left + side / 2, top + side / 2, "none", va="center", color=QUIET)
                continue
            place_image(axes, image, left=left, top=top, side=side, frame=colour)
            write(axes, left + side / 2, top + side + 0.03, percent(confidence), fontsize=6.5)
    return figure


def _first_correct(dataset: Dataset, real: pd.DataFrame) -> tuple[list[NDArray[np.uint8] | None], list[float]]:
    """Return the first correctly classified test image of every class, and its confidence.

    They are None and NaN if there is none.
    """
    right = real[real["label"] == real["predicted"]].sort_values("image").drop_duplicates("label")
    images: list[NDArray[np.uint8] | None] = [None] * len(dataset.class_names)
    confidences = [math.nan] * len(dataset.class_names)
    for label, image, confidence in zip(right["label"], right["image"], right["confidence"], strict=True):
        images[label], confidences[label] = dataset.test_images[image], float(confidence)
    return images, confidences


@in_style
def same_label(*, runs: Sequence[RunRecord], dataset: Dataset, real: pd.DataFrame) -> Figure:
    """Draw a real and evolved images with the same label, and the evolutionary loop.

    The loop shows the last run's images. ``real`` holds the network's label and confidence for every test image. Shown
    is the class with the highest minimum confidence over ``runs``, among those of which the network classifies a test
    image correctly.
    """
    network, encodings = str(runs[0].classifier["name"]), {run.encoding: run for run in reversed(runs)}
    shown = [encodings[name] for name in ENCODINGS if name in encodings]
    figure, axes = sheet(WIDTH, HEAD + max(LOOP, PITCH * (1 + len(shown)) - 0.05))
    correct = real[real["label"] == real["predicted"]].sort_values("image").drop_duplicates("label").set_index("label")
    if correct.empty:
        write_head(axes, f"{network} classifies no test image correctly", "so no real image can share a label")
        return figure
    lowest = np.min([run.confidences for run in shown], axis=0)
    label = max(correct.index, key=lambda index: (lowest[index], -index))
    name = dataset.class_names[label]
    write_head(
        axes,
        f"{network} gives real and evolved images the same label",
        "left: a test image, and the champions of the class with the highest minimum confidence; right: how evolution "
        "finds them",
    )
    rows = [
        ("real image", REAL, dataset.test_images[correct.loc[label, "image"]], float(correct.loc[label, "confidence"]))
    ]
    rows += [
        (f"evolved,\n{ENCODINGS[run.encoding].label}", ENCODINGS[run.encoding].colour, run.images[label],
         float(run.confidences[label]))
        for run in shown
    ]  # fmt: skip
    _draw_labels(axes, rows, network=network, name=name)
    _draw_loop(figure, axes, of_classes(shown[-1], shown_classes(shown[-1:])), network=network)
    return figure


def _draw_labels(
    axes: Axes, rows: Sequence[tuple[str, str, NDArray[np.uint8], float]], *, network: str, name: str
) -> None:
    """Draw images, the network, and its label and confidence for each."""
    left, box, label = 0.82, 1.86, 2.66
    height, size = PITCH * len(rows), min(9.0, 0.9 / ((len(name) + 2) * INCHES_PER_CHARACTER_POINT))
    _draw_box(axes, network, left=box, top=HEAD + 0.05, width=0.5, height=height - 0.18)
    for row, (words, colour, image, confidence) in enumerate(rows):
        top = HEAD + 0.1 + row * PITCH
        middle = top + SIDE / 2
        write(axes, left - 0.08, middle, words, ha="right", va="center", fontsize=6.5)
        place_image(axes, image, left=left, top=top, side=SIDE, frame=colour)
        _draw_arrow(axes, (left + SIDE + 0.05, middle), (box - 0.04, middle))
        _draw_arrow(axes, (box + 0.54, middle), (label - 0.02, middle))
        write(axes, label + 0.05, middle - 0.02, f"“{name}”", ha="left", va="bottom", fontsize=size, fontweight="bold")
        write(axes, label + 0.05, middle + 0.02, percent(confidence), ha="left", color=QUIET)


def _draw_loop(figure: Figure, axes: Axes, run: RunRecord, *, network: str) -> None:
    """Draw the loop: images, network, confidences, archive, and back to images."""
    left, top, right, bottom = 3.75, HEAD + 0.22, 6.2, HEAD + 1.92
    columns = min((len(run.class_names) + 1) // 2, POPULATION // 2)
    width = columns * (SMALL + 0.03)
    count = int(np.diff(run.history.evaluations, prepend=0)[-1])
    _draw_images(axes, run.start_images, columns, left=left, top=top, words=f"images\n{count:,} per generation")
    _draw_box(axes, network, left=right, top=top, width=0.8, height=2 * SMALL + 0.03)
    _draw_confidences(figure, run, left=right, top=bottom)
    _draw_images(axes, run.images, columns, left=left, top=bottom, words="archive\nthe best image of each class")
    upper, lower = top + SMALL, bottom + SMALL
    _draw_arrow(axes, (left + width + 0.06, upper), (right - 0.06, upper), "shown to\nthe network")
    _draw_arrow(axes, (right + 0.4, top + 2 * SMALL + 0.09), (right + 0.4, bottom - 0.24))
    _draw_arrow(axes, (right - 0.14, lower), (left + width + 0.06, lower), "each class keeps\nits best image")
    _draw_arrow(axes, (left + width / 2, bottom - 0.3), (left + width / 2, top + 2 * SMALL + 0.09))
    words = "parents drawn from\nthe archive, mutated"
    write(axes, left + width / 2 + 0.08, (top + bottom) / 2 + 0.13, words, ha="left", va="center", fontsize=6.5)


def _draw_images(axes: Axes, images: NDArray[np.uint8], columns: int, *, left: float, top: float, words: str) -> None:
    """Draw two rows of small images with ``words`` above them."""
    first, _, second = words.partition("\n")
    write(axes, left, top - 0.13, first, ha="left", va="bottom", fontsize=7.5, fontweight="bold")
    write(axes, left, top - 0.03, second, ha="left", va="bottom", color=QUIET, fontsize=6.5)
    for place, image in enumerate(images[: 2 * columns]):
        row, column = divmod(place, columns)
        place_image(axes, image, left=left + column * (SMALL + 0.03), top=top + row * (SMALL + 0.03), side=SMALL)


def _draw_confidences(figure: Figure, run: RunRecord, *, left: float, top: float) -> None:
    """Draw the confidence of the first champion in every class or, if many, its top classes."""
    confidences = softmax(run.logits[0].astype(np.float64))
    are_all = len(confidences) <= MOST
    confidences = confidences if are_all else np.sort(confidences)[: -MOST - 1 : -1]
    bars = panel(figure, left=left, top=top - 0.02, width=0.8, height=2 * SMALL + 0.05)
    bars.bar(np.arange(len(confidences)), confidences, color=ENCODINGS[run.encoding].colour, width=0.75)
    bars.set(ylim=(0, 1.05), yticks=[], xticks=[])
    bars.set_title("confidences", fontsize=7.5, pad=3)
    words = "of an image in each class" if are_all else f"of an image, the {MOST} highest"
    bars.set_xlabel(words, fontsize=6.5, labelpad=2, x=1, ha="right")
    bars.grid(visible=False)


def _draw_box(axes: Axes, words: str, *, left: float, top: float, width: float, height: float) -> None:
    """Draw the network, a box with its name."""
    style = "round,pad=0,rounding_size=0.06"
    axes.add_patch(FancyBboxPatch((left, top), width, height, boxstyle=style, facecolor="#F2F2F2", edgecolor=FAINT))
    size = min(7.5, 0.9 * max(width, height) / (len(words) * INCHES_PER_CHARACTER_POINT))
    upright = {"rotation": 90} if height > width else {}
    write(axes, left + width / 2, top + height / 2, words, va="center", fontweight="bold", fontsize=size, **upright)


def _draw_arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], words: str = "") -> None:
    """Draw an arrow, with ``words`` above a horizontal one."""
    axes.add_patch(
        FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=9, color=INK, linewidth=1, shrinkA=0, shrinkB=0)
    )
    if words:
        write(axes, (start[0] + end[0]) / 2, start[1] - 0.05, words, va="bottom", fontsize=6, color=QUIET)
