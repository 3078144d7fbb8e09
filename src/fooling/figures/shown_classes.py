"""Which classes a figure shows where there are more than it has columns for, and which champions are the surest."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fooling.evolution.record import RunRecord

MOST, SHOWN = 12, 10  # classes that have a column each, and as many of more


def are_many(runs: Sequence[RunRecord]) -> bool:
    """Whether ``runs`` have more classes than a figure has columns for."""
    return len(runs[0].class_names) > MOST


def shown_classes(runs: Sequence[RunRecord]) -> NDArray[np.int64]:
    """All classes of ``runs``, or of many ten that stand at even distances from the surest to the least sure.

    Their order is then that of the median confidence over the runs, of equals that of the classes.
    """
    if not are_many(runs):
        return np.arange(len(runs[0].class_names))
    confidences = np.median([run.confidences for run in runs], axis=0)
    ranked = np.argsort(-confidences, kind="stable")
    return ranked[np.linspace(0, len(ranked) - 1, SHOWN).round().astype(np.int64)]


def told_of_shown(runs: Sequence[RunRecord], *, otherwise: str) -> str:
    """What a figure says of its choice of classes, ``otherwise`` where it shows all."""
    if not are_many(runs):
        return otherwise
    return f"{SHOWN} of {len(runs[0].class_names):,} classes, from the most to the least confident"


def of_classes(run: RunRecord, classes: NDArray[np.int64]) -> RunRecord:
    """``run`` with the champions of these classes alone, in this order; its history and lineage stay whole."""
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
    """The rows of ``table`` about these classes, each with the ``column`` in which its class is shown."""
    columns = {index: column for column, index in enumerate(classes.tolist())}
    shown = table[table["class_index"].isin(columns)]
    return shown.assign(column=shown["class_index"].map(columns))


def surest(runs: Sequence[RunRecord], count: int) -> list[tuple[RunRecord, int]]:
    """The ``count`` champions with the highest confidence, as run and class: of each image and each class one."""
    ranked = sorted(
        ((run, index) for run in runs for index in range(len(run.class_names))),
        key=lambda champion: (-float(champion[0].log_odds[champion[1]]), champion[0].seed, champion[1]),
    )
    chosen: list[tuple[RunRecord, int]] = []
    taken: set[object] = set()
    for run, index in ranked:
        marks = {("image", run.seed, int(run.individuals[index])), ("class", index)}
        if not marks & taken:
            taken |= marks
            chosen.append((run, index))
    return chosen[:count]
