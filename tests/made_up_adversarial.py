"""Made-up adversarial examples, whose labels are chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fooling.attacks.adversarial.methods import norms_of
from fooling.attacks.adversarial.record import AdversarialRecord, Perturbed, RealImages

COLUMNS = (("l-bfgs", None), ("pgd-l2", 0.1), ("fgsm", 0.1), ("fgsm", 0.3), ("hop-skip-jump", None))
IMAGES = 4
#: Which of the four images each column changes, and by how many levels in all pixels.
WRONG = ((1, 1, 1, 1), (1, 1, 0, 0), (1, 0, 0, 0), (1, 1, 1, 0), (1, 1, 1, 1))
LEVELS = (10, 25, 25, 76, 40)


def made_adversarial(
    classifier: str = "lenet-a",
    *,
    attack: str = "small",
    columns: Sequence[int] = range(len(COLUMNS)),
    wrong: Sequence[Sequence[int]] = WRONG,
    noise: float = 0.0,
) -> AdversarialRecord:
    """Images of classes 0 to 3, which become the next class where they are wrong.

    A share of ``noise`` of the images with noise is wrong, too; the first image is wrong before rounding alone.
    """
    generator = np.random.default_rng(len(classifier) + sum(map(ord, classifier)))
    real = generator.integers(0, 256 - max(LEVELS), (IMAGES, 1, 8, 8)).astype(np.uint8)
    classes = np.arange(IMAGES)
    count = len(columns) * IMAGES
    images = np.concatenate([real + LEVELS[column] for column in columns]).astype(np.uint8)
    is_wrong = np.concatenate([np.array(wrong[column], dtype=bool) for column in columns])
    by_noise = np.tile(np.arange(IMAGES) < round(noise * IMAGES), len(columns))

    def changed(shown: np.ndarray, misclassified: np.ndarray) -> dict[str, Any]:
        labels = np.tile(classes, len(columns)) + misclassified
        norms = norms_of((shown - np.tile(real, (len(columns), 1, 1, 1)).astype(float)) / 255)
        stored = np.where(np.arange(count) % IMAGES == 0, np.tile(classes, len(columns)), labels)
        return {
            **{"images": shown, "confidences": np.linspace(0.5, 1, count, dtype=np.float32)},
            **{"log_odds": np.linspace(0, 9, count), "labels": stored, "unrounded_labels": labels},
            **{"norms": norms, "stored_norms": norms},
        }

    return AdversarialRecord(
        name=attack,
        settings={},
        classifier={"name": classifier, "sha256": "0"},
        dataset={"name": "digits", "sha256": "1"},
        class_names=tuple("01234"),
        versions={},
        methods=tuple(COLUMNS[column][0] for column in columns),  # type: ignore[misc]
        sizes=tuple(COLUMNS[column][1] for column in columns),
        **changed(images, is_wrong),
        evaluations=np.arange(count, dtype=np.int64),
        noise=Perturbed(**changed(images[::-1].copy(), by_noise)),
        real=RealImages(
            images=real,
            indices=10 * np.arange(IMAGES, dtype=np.int64),
            classes=classes.astype(np.int64),
            confidences=np.full(IMAGES, 0.9, dtype=np.float32),
        ),
    )
