"""Which images people are shown: drawn by a rule that was declared beforehand, and that looks at no image.

The drawing knows of an image which class it was made for, or is of, and whether it equals another one. It does not know
how sure the network is: confidences are told afterwards, of the images that were drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fooling.ascent.record import AscentRecord
from fooling.datasets.dataset import Dataset
from fooling.evolution.record import RunRecord
from fooling.seeding import numpy_generator

MEAN_SUBTRACTED = "mean-subtracted"  # how a run may feed its network

RULE = (
    "Of every condition up to {count} images are drawn with seed {seed}. Its classes take turns in a drawn order, and "
    "each gives one of its images, every run, start or photograph with the same chance, without replacement. An image "
    "that equals one already drawn is passed over. Neither the network's confidence nor how an image looks plays a "
    "part."
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidate:
    """An image that may become a stimulus."""

    image: NDArray[np.uint8]  # (C, H, W) as it is stored
    class_index: int  # the class that it was made for, or is of
    source: str
    confidence: float | None = None  # in that class, where it is known beforehand
    mean_subtracted: bool = False  # whether the network was fed so in its run


def champions_of(experiment: str, runs: Iterable[RunRecord]) -> list[Candidate]:
    """The champions of all ``runs`` of one experiment."""
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
    """The champions of all ``runs`` of one experiment after the start, when nothing has evolved yet."""
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


def climbs_of(ascent: AscentRecord) -> list[Candidate]:
    """All images of a gradient ascent."""
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
    """All test images of a data set."""
    return [
        Candidate(image=image, class_index=int(label), source=f"{dataset.name} test image {index}")
        for index, (image, label) in enumerate(zip(dataset.test_images, dataset.test_labels, strict=True))
    ]


def drawn(candidates: Sequence[Candidate], count: int, *, seed: int, condition: str) -> list[Candidate]:
    """At most ``count`` of the ``candidates``, by the :data:`RULE`."""
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
