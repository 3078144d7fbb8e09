"""The classes that a figure shows if there are too many for a column each, and the most confident champions."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fooling.attacks.evolution.record import RunRecord

MOST, SHOWN = 12, 10  # classes that have a column each, at most; and the number shown if there are more


def are_many(runs: Sequence[RunRecord]) -> bool:
    """Return whether ``runs`` have more classes than a figure has columns for."""
    return len(runs[0].class_names) > MOST


def shown_classes(runs: Sequence[RunRecord]) -> NDArray[np.int64]:
    """Return the indices of the classes that a figure of ``runs`` shows.

    These are all classes, in their order. If there are many, ten are taken at even distances from the ranking by median
    confidence over the runs, the most confident class first; classes of equal confidence keep their order.
    """
    if not are_many(runs):
        return np.arange(len(runs[0].class_names))
    confidences = np.median([run.confidences for run in runs], axis=0)
    ranked = np.argsort(-confidences, kind="stable")
    return ranked[np.linspace(0, len(ranked) - 1, SHOWN).round().astype(np.int64)]


def note_on_classes(runs: Sequence[RunRecord], *, otherwise: str) -> str:
    """Return a note on the classes that a figure of ``runs`` shows; ``otherwise`` if it shows all."""
    if not are_many(runs):
        return otherwise
    return f"{SHOWN} of {len(runs[0].class_names):,} classes, from the most to the least confident"


def of_classes(run: RunRecord, classes: NDArray[np.int64]) -> RunRecord:
    """Return ``run`` with the champions of these classes, in this order.

    Its history and lineage stay whole.
    """
    return dataclasses.replace(
        run,
        class_names=tuple(run.class_names[index] for index in classes),
        images=run.images[classes],
        start_images=run.start_images[classes],
        confidences=run.confidences[classes],
        logits=run.logits[classes],
        generations=run.generations[classes],
        individuals=run.individuals[classes],
    )


def in_columns(table: pd.DataFrame, classes: NDArray[np.int64]) -> pd.DataFrame:
    """Return the rows of ``table`` about these classes, with their ``column``."""
    columns = {index: column for column, index in enumerate(classes.tolist())}
    shown = table[table["class_index"].isin(columns)]
    return shown.assign(column=shown["class_index"].map(columns))


def most_confident(runs: Sequence[RunRecord], count: int) -> list[tuple[RunRecord, int]]:
    """Return the ``count`` most confident champions, as run and class.

    Each image and each class occurs once.
    """
    ranked = sorted(
        ((run, index) for run in runs for index in range(len(run.class_names))),
        key=lambda champion: (-float(champion[0].log_odds[champion[1]]), champion[0].seed, champion[1]),
    )
    chosen: list[tuple[RunRecord, int]] = []
    used: set[object] = set()
    for run, index in ranked:
        keys = {("image", run.seed, int(run.individuals[index])), ("class", index)}
        if not keys & used:
            used |= keys
            chosen.append((run, index))
    return chosen[:count]
