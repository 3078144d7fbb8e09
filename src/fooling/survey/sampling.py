"""Random choice of the images that people are shown, by a rule declared in advance.

The rule uses only the class of an image (its target class, or its true class) and whether two images are equal. It does
not use the classifier's confidence, which is computed afterwards for the chosen images.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fooling.attacks.evolution.record import RunRecord
from fooling.attacks.record import TargetedRecord
from fooling.datasets.dataset import Dataset
from fooling.seeding import numpy_generator

MEAN_SUBTRACTED = "mean-subtracted"  # how a run may feed its network

RULE = (
    "Up to {count} images of every condition are drawn with seed {seed}. The classes take turns in random order. On "
    "its turn, each class contributes one of its images, drawn uniformly without replacement from all runs, starts or "
    "photographs. An image equal to one already drawn is skipped. The rule uses neither the network's confidence nor "
    "the look of an image."
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidate:
    """An image that may become a stimulus."""

    image: NDArray[np.uint8]  # (C, H, W) as stored
    class_index: int  # its target class, or its true class
    source: str
    confidence: float | None = None  # in that class, if known
    mean_subtracted: bool = False  # whether its run subtracted the mean image before scoring


def champions_of(experiment: str, runs: Iterable[RunRecord]) -> list[Candidate]:
    """Return the champions of all ``runs`` of one experiment."""
    return [
        Candidate(
            image=image,
            class_index=index,
            source=_run_in_words(experiment, run),
            confidence=float(run.confidences[index]),
        )
        for run in runs
        for index, image in enumerate(run.images)
    ]


def random_images_of(experiment: str, runs: Iterable[RunRecord]) -> list[Candidate]:
    """Return the champions of the random start of all ``runs`` of one experiment."""
    return [
        Candidate(
            image=image,
            class_index=index,
            source=f"{_run_in_words(experiment, run)} generation 0",
            mean_subtracted=run.settings.get("search", {}).get("scoring_input") == MEAN_SUBTRACTED,
        )
        for run in runs
        for index, image in enumerate(run.start_images)
    ]


def ascent_images_of(ascent: TargetedRecord) -> list[Candidate]:
    """Return all images of a gradient ascent."""
    return [
        Candidate(
            image=image,
            class_index=int(class_index),
            source=f"ascent/{ascent.classifier['name']}/{ascent.name} seed {seed}",
            confidence=float(confidence),
        )
        for image, class_index, seed, confidence in zip(
            ascent.images, ascent.classes, ascent.seeds, ascent.confidences, strict=True
        )
    ]


def real_images_of(dataset: Dataset) -> list[Candidate]:
    """Return all test images of a data set."""
    return [
        Candidate(image=image, class_index=int(label), source=f"{dataset.name} test image {index}")
        for index, (image, label) in enumerate(zip(dataset.test_images, dataset.test_labels, strict=True))
    ]


def draw_candidates(candidates: Sequence[Candidate], count: int, *, seed: int, condition: str) -> list[Candidate]:
    """Return at most ``count`` of the ``candidates``, chosen by the :data:`RULE`."""
    generator = numpy_generator(seed, "survey", condition)
    left = {
        index: [candidates[place] for place in generator.permutation(places)]
        for index, places in _places_by_class(candidates).items()
    }
    turns = [left[index] for index in generator.permutation(list(left)).tolist()]
    chosen: dict[bytes, Candidate] = {}
    while any(turns) and len(chosen) < count:
        for images in turns:
            while images and len(chosen) < count:
                candidate = images.pop()
                if chosen.setdefault(candidate.image.tobytes(), candidate) is candidate:
                    break
    return list(chosen.values())


def _places_by_class(candidates: Sequence[Candidate]) -> dict[int, list[int]]:
    places: dict[int, list[int]] = {index: [] for index in sorted({one.class_index for one in candidates})}
    for place, candidate in enumerate(candidates):
        places[candidate.class_index].append(place)
    return places


def _run_in_words(experiment: str, run: RunRecord) -> str:
    return f"evolution/{run.classifier['name']}/{experiment} seed {run.seed}"
