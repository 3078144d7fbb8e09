"""Run records as tidy tables: the champions, their history, and the times at which they reached the threshold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from fooling.evolution.record import RunRecord
from fooling.findings.columns import (
    CLASS,
    CLASS_INDEX,
    CONFIDENCE,
    EVALUATIONS,
    FOUND_IN,
    GENERATION,
    INDIVIDUAL,
    LOG_ODDS,
    RUN,
    SATURATED,
    TARGET,
)
from fooling.settings import Settings
from fooling.table import COUNT, FLAG, Column, Table, names_of

CHAMPIONS = Table(
    name="champions",
    path="findings/champions/{experiment}.parquet",
    commands=("tabulate",),
    columns=(
        *(*RUN, *CLASS, CONFIDENCE, LOG_ODDS),
        *(FOUND_IN, INDIVIDUAL, SATURATED),
    ),
    key=(*names_of(RUN), "class_index"),
    doc="One row for each class of each run: the champion at the end of the run.",
)
HISTORY = Table(
    name="history",
    path="findings/history/{experiment}.parquet",
    commands=("tabulate",),
    columns=(*RUN, GENERATION, EVALUATIONS, CLASS_INDEX, CONFIDENCE, LOG_ODDS),
    key=(*names_of(RUN), "generation", "class_index"),
    doc="One row for each class and generation of each run: the champion at that time. All generations up to 200 are "
    "kept, later ones in steps of at most 1 % (202, 204, … 500, 505, …), and the last one.",
)
TIMES = Table(
    name="times",
    path="findings/times/{experiment}.parquet",
    commands=("tabulate",),
    columns=(
        *(*RUN, TARGET),
        Column("generation", COUNT, doc="Generation in which the target was reached, or else the last one."),
        Column("evaluations", COUNT, unit="images", doc="Images scored until then, or else in the whole run."),
        Column("reached", FLAG, doc="False: not reached within the run (a censored time)."),
    ),
    key=(*names_of(RUN), "target"),
    doc="One row for each run and target: when the confidence first reached the threshold (`findings.threshold`, "
    "99.99 %). A confidence reaches the threshold when its `float32` value, as an exact number, is at least the "
    "threshold: nothing is rounded before the comparison.",
)


class ThresholdSettings(Settings):
    """The confidence that counts as fooled."""

    threshold: float = Field(default=0.9999, gt=0, lt=1)
    """Confidence at which a class counts as fooled (the paper: 99.99 %), compared without rounding."""


def at_threshold(confidences: NDArray[np.floating[Any]], threshold: float) -> NDArray[np.bool_]:
    """Where confidences reach ``threshold``: their exact float32 values against the float64 number.

    Comparing in float32 would round the threshold itself: .9999 becomes .99989998, and a value below it would pass.
    """
    return confidences.astype(np.float64) >= threshold


def median_over_classes(confidences: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """The median over the last axis, in float64; of an even number of classes the midpoint of the middle two."""
    return np.median(confidences.astype(np.float64), axis=-1)


def champions_table(records: Iterable[RunRecord], *, experiment: str) -> pd.DataFrame:
    """One row for each class of each run: the champion at its end."""
    return pd.concat([_champions_of(record, experiment) for record in _in_order(records)], ignore_index=True)


def history_table(records: Iterable[RunRecord], *, experiment: str) -> pd.DataFrame:
    """One row for each class and generation of each run: the champion at that time."""
    return pd.concat([_history_of(record, experiment) for record in _in_order(records)], ignore_index=True)


def times_table(records: Iterable[RunRecord], *, experiment: str, threshold: float) -> pd.DataFrame:
    """One row for each run and target: when the ``threshold`` was first reached, or that it was not (censored).

    Targets: ``median``, the median over the classes; ``all``, the least confident class.
    """
    return pd.concat([_times_of(record, experiment, threshold) for record in _in_order(records)], ignore_index=True)


def _champions_of(record: RunRecord, experiment: str) -> pd.DataFrame:
    return of_run(
        record,
        experiment,
        {
            "class_index": np.arange(len(record.class_names)),
            "class_name": list(record.class_names),
            "confidence": record.confidences,
            "log_odds": record.log_odds,
            "generation": record.generations,
            "individual": record.individuals,
            "saturated": record.confidences == np.float32(1),
        },
    )


def _history_of(record: RunRecord, experiment: str) -> pd.DataFrame:
    history, classes = record.history, len(record.class_names)
    return of_run(
        record,
        experiment,
        {
            "generation": history.generations.repeat(classes),
            "evaluations": history.evaluations.repeat(classes),
            "class_index": np.tile(np.arange(classes), len(history.generations)),
            "confidence": history.confidences.ravel(),
            "log_odds": history.log_odds.ravel(),
        },
    )


def _times_of(record: RunRecord, experiment: str, threshold: float) -> pd.DataFrame:
    history = record.history
    levels = {"median": median_over_classes(history.confidences), "all": history.confidences.min(axis=-1)}
    there = {target: at_threshold(level, threshold) for target, level in levels.items()}
    first = [int(reached.argmax()) if reached.any() else len(reached) - 1 for reached in there.values()]
    return of_run(
        record,
        experiment,
        {
            "target": list(there),
            "generation": history.generations[first],
            "evaluations": history.evaluations[first],
            "reached": [bool(reached.any()) for reached in there.values()],
        },
    )


def of_run(record: RunRecord, experiment: str, columns: Mapping[str, NDArray[Any] | Sequence[object]]) -> pd.DataFrame:
    """``columns`` with those that name the run before them."""
    identity = (record.classifier["name"], experiment, record.encoding, record.search, record.seed)
    table = pd.DataFrame(columns)
    for position, (name, value) in enumerate(zip(names_of(RUN), identity, strict=True)):
        table.insert(position, name, value)
    return table


def _in_order(records: Iterable[RunRecord]) -> list[RunRecord]:
    """The records by network, search and seed, whatever the order in which they came."""
    return sorted(records, key=lambda record: (record.classifier["name"], record.search, record.seed))
