"""Made-up detectors under attack: three pixels of an image are its class, its confidence, and how real it looks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from fooling.attacks.record import TargetedRecord, Trajectory
from fooling.findings.detectors import NONE, Attacked, DetectorTableSettings, detector_tables
from made_up_run import made_up_run

CLASSES = 4
#: How real an image must look for each detector.
NEEDED = {NONE: 0, "energy": 50, "mahalanobis": 200}
#: The confidences in the four classes, as levels, and how real the images look.
Found = tuple[Sequence[int], int]
PLAIN: dict[str, Found] = {
    "evolution": ((255, 255, 255, 200), 60),
    "random": ((100, 120, 140, 160), 60),
    "ascent": ((255, 255, 255, 255), 40),
}
AGAINST: dict[str, dict[str, Found]] = {
    "energy": {
        "evolution": ((255, 255, 250, 200), 60),
        "random": ((100, 120, 140, 160), 60),
        "smooth": ((255, 200, 255, 200), 90),
        "ascent": ((255, 255, 255, 255), 100),
    },
    "mahalanobis": {
        "evolution": ((0, 0, 0, 0), 100),
        "random": ((0, 0, 0, 0), 10),
        "smooth": ((255, 255, 0, 0), 210),
        "ascent": ((200, 100, 150, 250), 230),
    },
}


def made_images(found: Found) -> np.ndarray:
    """One image for each class, uint8 (4, 1, 4, 4)."""
    confidences, real = found
    images = np.full((CLASSES, 1, 4, 4), real, dtype=np.uint8)
    images[:, 0, 0, 0], images[:, 0, 0, 1] = np.arange(CLASSES), confidences
    return images


def confidences_with(detector: str) -> Callable[[np.ndarray], np.ndarray]:
    """The confidences (N, K) of images: all that remains is spread over the other classes; 0 if rejected."""

    def answer(images: np.ndarray) -> np.ndarray:
        own, confidence, real = images[:, 0, 0, 0] % CLASSES, images[:, 0, 0, 1] / 255, images[:, 0, 1, 1]
        scores = np.repeat((1 - confidence)[:, None] / (CLASSES - 1), CLASSES, axis=1)
        scores[np.arange(len(images)), own] = confidence
        return np.where((real >= NEEDED[detector])[:, None], scores, 0).astype(np.float32)

    return answer


def made_attacked(classifier: str = "lenet-a", detector: str = NONE, *, guards: str = "guards") -> Attacked:
    """A network with a detector, or with none, and all attacks on both."""
    ways = PLAIN if detector == NONE else AGAINST[detector]
    runs = {
        way: made_up_run(np.full((3, CLASSES), 0.5), classifier=classifier, images=made_images(found), search=search)
        for way, found in ways.items()
        if (search := "random-search" if way == "random" else "map-elites")
    }
    guard = {
        **{"threshold": float(NEEDED[detector]), "fitted_images": 100, "threshold_images": 40},
        **{"rejected_at_threshold": 0.05, "rejected": 0.0625, "error_without": 0.02, "error_of_accepted": 0.01},
    }
    return Attacked(
        guards=guards,
        classifier=classifier,
        detector=detector,
        guard=None if detector == NONE else guard,
        measured_images=None if detector == NONE else 48,
        confidences=confidences_with(detector),
        scores=None if detector == NONE else lambda images: images[:, 0, 1, 1].astype(np.float32),
        evolution=runs["evolution"],
        random_search=runs["random"],
        smooth=runs.get("smooth"),
        ascent=made_ascent(ways["ascent"], classifier=classifier),
    )


def made_ascent(found: Found, *, classifier: str) -> TargetedRecord:
    """Gradient ascent from one start."""
    values, steps = np.full((2, CLASSES), 0.5, dtype=np.float32), np.arange(2)
    return TargetedRecord(
        name="guards",
        settings={"steps": 1},
        classifier={"name": classifier, "sha256": "0"},
        class_names=tuple(f"class {index}" for index in range(CLASSES)),
        versions={},
        images=made_images(found),
        confidences=values[0],
        log_odds=np.zeros(CLASSES),
        classes=np.arange(CLASSES),
        seeds=np.ones(CLASSES, dtype=np.int64),
        trajectory=Trajectory(
            steps=steps, evaluations=3 * steps + 1, confidences=values, log_odds=np.zeros((2, CLASSES))
        ),
    )


def made_detectors(networks: Sequence[str] = ("lenet-a", "lenet-b", "lenet-c")) -> dict[str, pd.DataFrame]:
    """The three tables."""
    attacked = [made_attacked(name, detector) for name in networks for detector in NEEDED]
    names = ("detectors", "detector_means", "detector_images")
    return dict(zip(names, detector_tables(attacked, DetectorTableSettings()), strict=True))
