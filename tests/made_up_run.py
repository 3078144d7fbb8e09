"""Made-up runs."""

from __future__ import annotations

import numpy as np

from fooling.evolution.record import History, Lineage, RunRecord


def made_up_run(
    confidences: np.ndarray,  # (T, K) champions of every class over the generations
    *,
    classifier: str = "lenet-a",
    search: str = "map-elites",
    encoding: str = "direct",
    seed: int = 1,
    images: np.ndarray | None = None,
) -> RunRecord:
    """A run whose champions had these confidences, with 200 evaluations a generation."""
    history = np.asarray(confidences, dtype=np.float32)
    generations, classes = history.shape
    exact = np.clip(history.astype(np.float64), 1e-9, 1 - 1e-9)
    log_odds = np.log(exact / (1 - exact))
    logits = np.where(np.eye(classes, dtype=bool), log_odds[-1][:, None] + np.log(classes - 1), 0.0)
    if images is None:
        images = np.random.default_rng(seed).integers(0, 256, (classes, 1, 4, 4)).astype(np.uint8)
    return RunRecord(
        search=search,
        encoding=encoding,
        settings={},
        seed=seed,
        classifier={"name": classifier, "sha256": "0"},
        class_names=tuple(f"class {index}" for index in range(classes)),
        versions={},
        confidences=history[-1],
        log_odds=log_odds[-1],
        logits=logits.astype(np.float32),
        images=images,
        generations=np.full(classes, generations - 1),
        individuals=np.arange(classes) + 7,
        parents=np.full((classes, 2), -1),
        start_images=images,
        genomes={},
        history=History(
            generations=np.arange(generations),
            evaluations=200 * np.arange(1, generations + 1),
            confidences=history,
            log_odds=log_odds,
        ),
        lineage=Lineage(
            individual=np.zeros(0, dtype=np.int64),
            class_index=np.zeros(0, dtype=np.int64),
            generation=np.zeros(0, dtype=np.int64),
            parents=np.zeros((0, 2), dtype=np.int64),
            confidence=np.zeros(0, dtype=np.float32),
        ),
    )
