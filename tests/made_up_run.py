"""Made-up runs."""

from __future__ import annotations

import numpy as np

from fooling.attacks.evolution.record import History, Lineage, RunRecord


def made_up_run(
    confidences: np.ndarray,  # (T, K) champions of every class over the generations
    *,
    classifier: str = "lenet-a",
    search: str = "map-elites",
    encoding: str = "direct",
    seed: int = 1,
    images: np.ndarray | None = None,
    start: bool = False,
) -> RunRecord:
    """A run whose champions had these confidences, with 200 evaluations a generation.

    Its lineage is empty, or that of the ``start`` alone.
    """
    history = np.asarray(confidences, dtype=np.float32)
    generations, classes = history.shape
    exact = np.clip(history.astype(np.float64), 1e-9, 1 - 1e-9)
    log_odds = np.log(exact / (1 - exact))
    logits = np.where(np.eye(classes, dtype=bool), log_odds[-1][:, None] + np.log(max(classes - 1, 1)), 0.0)
    individuals = np.arange(classes) + 7
    entries = individuals if start else individuals[:0]
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
        individuals=individuals,
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
            individual=entries,
            class_index=np.arange(len(entries)),
            generation=np.zeros(len(entries), dtype=np.int64),
            parents=np.full((len(entries), 2), -1),
            confidence=history[0, : len(entries)],
        ),
    )
