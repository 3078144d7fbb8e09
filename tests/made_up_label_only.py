"""Made-up attacks with labels alone, whose champions are chosen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from fooling.attacks.label_only.record import Entries, LabelOnlyRecord, record_of
from fooling.attacks.settings import LabelOnlySettings
from fooling.findings.intervals import IntervalSettings
from fooling.findings.label_only import Answers, curves_table, label_only_table, transfer_table
from made_up_run import made_up_run

NAMES = tuple(f"class {index}" for index in range(4))
NOISE = (10.0, 50.0, 100.0)
#: (class, queries, level, confidence) of the entries of a run of MAP-Elites and of random search; class 3 has none.
EVOLVED = ((0, 100, 0, 0.5), (1, 100, 1, 0.6), (0, 400, 2, 0.9), (2, 900, 3, 0.99))
RANDOM = ((0, 100, 0, 0.5), (1, 100, 1, 0.6), (1, 700, 2, 0.7))


def made_label_only(
    classifier: str = "lenet-a",
    *,
    attack: str = "labels",
    seeds: int = 2,
    runs: Sequence[Sequence[tuple[int, int, int, float]]] = (EVOLVED, RANDOM),
    revealed: bool = True,
) -> LabelOnlyRecord:
    """Attacks with a budget of 2,000 queries; all seeds have the same entries, and images of their own."""
    settings = LabelOnlySettings.model_validate(
        {"queries": 2000, "noise": NOISE, "start": 10, "offspring": 10, "seeds": {"count": seeds}}
    )
    rows = [(place * seeds + seed, *entry) for place, run in enumerate(runs) for seed in range(seeds) for entry in run]
    run, classes, queries, levels, confidences = (np.array(column) for column in zip(*rows, strict=True))
    generator = np.random.default_rng(sum(map(ord, classifier)))
    exact = confidences.astype(np.float64) if revealed else np.full(len(rows), np.nan)
    entries = Entries(
        run=run.astype(np.int64),
        class_index=classes.astype(np.int64),
        generation=(queries // 100 - 1).astype(np.int64),
        queries=queries.astype(np.int64),
        level=levels.astype(np.int64),
        kept=np.full(len(rows), 5, dtype=np.int64),
        images=generator.integers(0, 256, (len(rows), 1, 4, 4)).astype(np.uint8),
        confidences=exact.astype(np.float32),
        log_odds=np.log(exact / (1 - exact)),
    )
    header = {
        "name": attack,
        "settings": settings.model_dump(mode="json"),
        "classifier": {"name": classifier, "sha256": "0"},
        "class_names": NAMES,
        "versions": {},
        "revealed": revealed,
        "spent": (1990,) * (2 * seeds),
    }
    return record_of(entries, header)


def made_label_tables() -> dict[str, pd.DataFrame]:
    """Two attacks, on three networks and on one that gives labels alone; the first beside champions of the others."""
    networks = ("lenet-a", "lenet-b", "lenet-c")
    records = [made_label_only(name) for name in networks]
    records += [made_label_only("service", attack="remote", seeds=1, revealed=False)]
    own = {"labels": [made_up_run(np.full((2, 4), 0.9), classifier=name) for name in networks]}

    def answers(images: np.ndarray) -> Answers:
        odds = np.linspace(-1, 9, len(images) ** 2).reshape(len(images), -1)
        return np.array([0, 1, 2, 2]), ((1 / (1 + np.exp(-odds))).astype(np.float32), odds)

    table = label_only_table(records, own, dict.fromkeys(networks, answers))
    pairs = transfer_table(table, settings=IntervalSettings())
    return {"label_only": table, "label_only_curves": curves_table(records), "label_only_transfer": pairs}
