"""The images at the top of the report: one label for three kinds of image, and six images to guess."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fooling.attacks.evolution.record import RunRecord
from fooling.datasets.dataset import Dataset
from fooling.figures.image_grid import of_classes, shown_classes
from fooling.formatting import ENCODINGS, percent
from fooling.report.pictures import LARGE, Picture, picture, sheet_of

REAL = "real test image"
#: Kinds of the images to guess, in order; with one encoding, all evolved images are of it.
ASKED = ("cppn", "direct", REAL, "cppn", "direct", REAL)


@dataclass(frozen=True)
class Question:
    """An image to guess."""

    picture: Picture
    choices: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """The champions of a run after one generation."""

    generation: int
    evaluations: int
    sheet: str  # a data URI: the champions side by side
    confidences: tuple[str, ...]


@dataclass(frozen=True)
class Course:
    """The champions of one run over its generations, for the slider."""

    encoding: str
    classifier: str
    seed: int
    class_names: tuple[str, ...]
    is_coarse: bool
    steps: tuple[Step, ...]


class RealImages:
    """The correctly classified test images of one network, by class."""

    def __init__(self, dataset: Dataset, real: pd.DataFrame, *, classifier: str) -> None:
        """Choose from ``real``, the table of the labels and confidences of the test images."""
        rows = real[(real["classifier"] == classifier) & (real["label"] == real["predicted"])].sort_values("image")
        self._images = dataset.test_images
        self._of_class = {label: rows[rows["label"] == label] for label in rows["label"].unique().tolist()}

    def first(self, label: int, *, after: int = 0) -> tuple[NDArray[np.uint8], float] | None:
        """Return the image number ``after`` of a class (counted from 0) and its confidence; None if there is none."""
        rows = self._of_class.get(label)
        if rows is None or len(rows) <= after:
            return None
        row = rows.iloc[after]
        return self._images[int(row["image"])], float(row["confidence"])


def first_of_encodings(runs: Mapping[str, Sequence[RunRecord]], *, seed: int = 0) -> dict[str, RunRecord]:
    """Return a run for each encoding, of its first experiment and that one's first classifier.

    ``seed`` counts its runs from 0; the last one stands in for runs that are not there.
    """
    found: dict[str, RunRecord] = {}
    for records in runs.values():
        own = [run for run in records if run.classifier["name"] == records[0].classifier["name"]]
        found.setdefault(own[0].encoding, own[min(seed, len(own) - 1)])
    return {name: found[name] for name in ENCODINGS if name in found}


def one_label(runs: Mapping[str, RunRecord], real: RealImages | None) -> list[Picture]:
    """Return a real and an evolved image for each encoding, all with the same label; empty without runs.

    The class is the one with the highest minimum confidence over ``runs``, of equal ones the first.
    """
    if not runs:
        return []
    first, *_ = runs.values()
    same = [run for run in runs.values() if run.class_names == first.class_names]
    lowest = np.min([run.log_odds for run in same], axis=0)
    label = int(lowest.argmax())
    name = first.class_names[label]
    shown = [
        picture(run.images[label], name, float(run.confidences[label]), kind=f"evolved, {ENCODINGS[run.encoding]}")
        for run in same
    ]
    found = None if real is None else real.first(label)
    return shown if found is None else [picture(found[0], name, found[1], kind=REAL), *shown]


def questions(runs: Mapping[str, RunRecord], real: RealImages | None) -> list[Question]:
    """Return six images to guess, of six classes where there are as many; empty without runs.

    Evolved images of a kind are taken from the most confident class on; each class occurs once.
    """
    if not runs:
        return []
    first, *_ = runs.values()
    classes = [int(index) for index in shown_classes([first])]
    choices = tuple(first.class_names[index] for index in classes)
    left, asked = list(classes), []
    for place, kind in enumerate(ASKED):
        run = runs.get(kind, first)
        left = left or list(classes)
        index = max(left, key=lambda index: (run.log_odds[index], -index)) if kind != REAL else left[place % len(left)]
        found = real.first(index, after=1) if kind == REAL and real is not None else None
        left.remove(index)
        name = first.class_names[index]
        shown = (
            picture(run.images[index], name, float(run.confidences[index]), kind=f"evolved, {ENCODINGS[run.encoding]}")
            if found is None
            else picture(found[0], name, found[1], kind=REAL)
        )
        asked.append(Question(shown, choices))
    return asked


def start_and_end(run: RunRecord) -> Course:
    """Return the champions of a run after the random start and at the end, which its record holds."""
    shown = of_classes(run, shown_classes([run]))
    classes = shown_classes([run])
    rows = (0, len(run.history.generations) - 1)
    return course(
        shown,
        generations=run.history.generations[list(rows)],
        evaluations=run.history.evaluations[list(rows)],
        confidences=run.history.confidences[list(rows)][:, classes],
        images=np.stack([shown.start_images, shown.images]),
    )


def course(
    run: RunRecord,
    *,
    generations: NDArray[np.int64],
    evaluations: NDArray[np.int64],
    confidences: NDArray[np.float32],
    images: NDArray[np.uint8],
) -> Course:
    """Return the champions of ``run`` over its generations.

    Args:
        run: The run, with its K shown classes.
        generations: The generations ``(T,)``.
        evaluations: Images scored until then ``(T,)``.
        confidences: Of the champions, ``(T, K)``.
        images: The champions ``(T, K, C, H, W)`` uint8.
    """
    return Course(
        encoding=ENCODINGS[run.encoding],
        classifier=str(run.classifier["name"]),
        seed=run.seed,
        class_names=run.class_names,
        is_coarse=images.shape[-1] < LARGE,
        steps=tuple(
            Step(int(generation), int(scored), sheet_of(list(shown)), tuple(percent(float(value)) for value in row))
            for generation, scored, row, shown in zip(generations, evaluations, confidences, images, strict=True)
        ),
    )
