"""Made-up universal perturbations, whose labels are chosen."""

from __future__ import annotations

import numpy as np

from fooling.attacks.universal.record import Perturbation, UniversalRecord, perturbed

COLUMNS = (
    Perturbation("linf", 0.2, 2, 0), Perturbation("linf", 0.1, 6, 0), Perturbation("linf", 0.2, 6, 0),
    Perturbation("l2", 0.1, 6, 0), Perturbation("linf", 0.2, 6, 1),
)  # fmt: skip
SEEN, UNSEEN, EXAMPLES, RANDOM = 6, 10, 2, 2
#: How many of the ten unseen images each column fools; of the used ones it fools all, of each control none or one.
FOOLED = (2, 3, 8, 6, 5)
CLASSES = 5


def made_universal(
    classifier: str = "lenet-a", *, attack: str = "one", columns: tuple[int, ...] = (0, 1, 2, 3, 4)
) -> UniversalRecord:
    """Images of classes 0 to 4 in turn; the fooled ones get class 4, or class 0 if they are of class 4."""
    generator = np.random.default_rng(sum(map(ord, classifier)))
    real = generator.integers(0, 256, (UNSEEN, 1, 8, 8)).astype(np.uint8)
    made = [COLUMNS[column] for column in columns]
    changes = np.stack([column.size * generator.choice([-1, 1], (1, 8, 8)) for column in made]).astype(np.float32)
    classes = np.arange(UNSEEN, dtype=np.int64) % CLASSES
    labels = np.tile(classes, (len(made), 1))
    others = np.where(classes == CLASSES - 1, 0, CLASSES - 1)

    def fooled(count: int) -> np.ndarray:
        return np.where(np.arange(UNSEEN) < count, others, classes)

    changed = np.stack([fooled(FOOLED[column]) for column in columns])
    former = np.stack([fooled(1) if COLUMNS[column].round else fooled(FOOLED[column]) for column in columns])
    rows = len(made) * EXAMPLES
    return UniversalRecord(
        name=attack,
        settings={},
        classifier={"name": classifier, "sha256": "0"},
        dataset={"name": "digits", "sha256": "1"},
        seed=1,
        class_names=tuple("01234"),
        versions={},
        columns=tuple(made),
        seen_from="training",
        perturbations=changes,
        images=np.concatenate([perturbed(real[:EXAMPLES], change) for change in changes]),
        confidences=np.linspace(0.5, 1, rows, dtype=np.float32),
        log_odds=np.linspace(0, 9, rows),
        labels=changed[:, :EXAMPLES].ravel(),
        real=real[:EXAMPLES],
        seen_indices=np.arange(SEEN, dtype=np.int64),
        seen_labels=np.zeros((len(made), SEEN), dtype=np.int64),
        seen_changed=np.tile((np.arange(SEEN) < 3).astype(np.int64), (len(made), 1)),
        unseen_indices=2 * np.arange(UNSEEN, dtype=np.int64),
        unseen_classes=np.where(np.arange(UNSEEN) == 0, 1, classes),
        unseen_labels=labels,
        unseen_changed=changed,
        unseen_former=former,
        control_changed=np.stack([np.stack([fooled(0), fooled(1)]) for _ in made]),
    )
