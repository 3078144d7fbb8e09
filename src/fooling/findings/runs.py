"""Runs as tables: champions, history and times to the threshold; and a study summarised in a few numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from fooling.attacks.evolution.record import RunRecord
from fooling.findings.intervals import probability_of
from fooling.findings.registry import (
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
from fooling.table import COUNT, FLAG, SHARE, Column, Table, names_of

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
    doc="One row for each class and generation of each run: the champion at that time. The history keeps all "
    "generations up to 200, later ones in steps of at most 1 % (202, 204, … 500, 505, …), and the last one.",
)
TIMES = Table(
    name="times",
    path="findings/times/{experiment}.parquet",
    commands=("tabulate",),
    columns=(
        *(*RUN, TARGET),
        Column("generation", COUNT, doc="Generation in which the target was reached; the last one if it was not."),
        Column("evaluations", COUNT, unit="images", doc="Images scored up to that generation."),
        Column("reached", FLAG, doc="False if the target was not reached within the run (a censored time)."),
    ),
    key=(*names_of(RUN), "target"),
    doc="One row for each run and target: when the confidence first reached the threshold (`findings.threshold`, "
    "99.99 %). A confidence reaches the threshold when its `float32` value, as an exact number, is at least the "
    "threshold: nothing is rounded before the comparison.",
)


CURVES = Table(
    name="curves",
    path="curves/{experiment}.csv",
    commands=("summarise",),
    columns=(
        *(GENERATION, EVALUATIONS),
        Column(
            "drift",
            SHARE.or_nothing,
            may_be_missing=True,
            doc="Median confidence of the champions of drift (unselected).",
        ),
        Column("evolution", SHARE.or_nothing, doc="Median confidence of the champions of evolution (`map-elites`)."),
        Column(
            "random-search",
            SHARE.or_nothing,
            may_be_missing=True,
            doc="Median confidence of the champions of random search.",
        ),
    ),
    key=("generation", "evaluations"),
    doc="One row for each generation: the mean over all runs of the experiment, on all its classifiers, of the run's "
    "median log-odds over the classes, as a probability. A search that the experiment does not run has no column.",
)
IDENTITY = ["experiment", "classifier", "search"]


class ThresholdSettings(Settings):
    """Confidence at which an image counts as fooling."""

    threshold: float = Field(default=0.9999, gt=0, lt=1)
    """Confidence at or above which an image counts as fooling (paper: 99.99 %); compared without rounding."""


def at_threshold(confidences: NDArray[np.floating[Any]], threshold: float) -> NDArray[np.bool_]:
    """Return where float32 ``confidences`` are at least ``threshold``, compared in float64.

    A comparison in float32 would round the threshold: .9999 becomes .99989998, and values below .9999 would pass.
    """
    return confidences.astype(np.float64) >= threshold


def median_over_classes(confidences: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return the median over the last axis in float64; for an even number, the midpoint of the middle two."""
    return np.median(confidences.astype(np.float64), axis=-1)


def champions_table(records: Iterable[RunRecord], *, experiment: str) -> pd.DataFrame:
    """Return one row for each class of each run: the champion at the end of the run."""
    return pd.concat([_champions_of(record, experiment) for record in _in_order(records)], ignore_index=True)


def history_table(records: Iterable[RunRecord], *, experiment: str) -> pd.DataFrame:
    """Return one row for each class and generation of each run: the champion at that time."""
    return pd.concat([_history_of(record, experiment) for record in _in_order(records)], ignore_index=True)


def times_table(records: Iterable[RunRecord], *, experiment: str, threshold: float) -> pd.DataFrame:
    """Return one row for each run and target: the time at which the ``threshold`` was first reached, if it was.

    Targets: ``median``, the median over the classes; ``all``, the class with the lowest confidence.
    """
    return pd.concat([_times_of(record, experiment, threshold) for record in _in_order(records)], ignore_index=True)


def run_tables(
    records: Iterable[RunRecord], *, experiment: str, threshold: float
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return the champions, their history and the times to the ``threshold`` of all runs, in that order.

    Takes one run at a time, because the images of many do not fit into memory.
    """
    places, tables = [], []
    for record in records:
        places.append(_place(record))
        times = _times_of(record, experiment, threshold)
        tables.append((_champions_of(record, experiment), _history_of(record, experiment), times))
    order = sorted(range(len(places)), key=places.__getitem__)
    of_champions, of_history, of_times = zip(*(tables[place] for place in order), strict=True)
    champions, history = pd.concat(of_champions, ignore_index=True), pd.concat(of_history, ignore_index=True)
    return champions, history, pd.concat(of_times, ignore_index=True)


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
    reached = {target: at_threshold(level, threshold) for target, level in levels.items()}
    first = [int(flags.argmax()) if flags.any() else len(flags) - 1 for flags in reached.values()]
    return of_run(
        record,
        experiment,
        {
            "target": list(reached),
            "generation": history.generations[first],
            "evaluations": history.evaluations[first],
            "reached": [bool(flags.any()) for flags in reached.values()],
        },
    )


def of_run(record: RunRecord, experiment: str, columns: Mapping[str, NDArray[Any] | Sequence[object]]) -> pd.DataFrame:
    """Return a table of ``columns`` preceded by the columns that identify the run."""
    identity = (record.classifier["name"], experiment, record.encoding, record.search, record.seed)
    table = pd.DataFrame(columns)
    for position, (name, value) in enumerate(zip(names_of(RUN), identity, strict=True)):
        table.insert(position, name, value)
    return table


def _in_order(records: Iterable[RunRecord]) -> list[RunRecord]:
    """Return the records sorted by classifier, search and seed, so that their order on input does not matter."""
    return sorted(records, key=_place)


def _place(record: RunRecord) -> tuple[str, str, int]:
    return record.classifier["name"], record.search, record.seed


def medians_of_runs(champions: pd.DataFrame, by: Sequence[str]) -> pd.Series[float]:
    """Return the median confidence for each combination of ``by``: that of the median class, averaged over the runs.

    The average is over the runs' median log-odds, as in every estimate with an interval. All tables and the report use
    this definition. The median of all champions pooled is another number, which a few runs with many confident classes
    can raise; it is used only by claims that name it.
    """
    of_runs = champions.groupby(list(dict.fromkeys([*by, "classifier", "seed"])))["log_odds"].median()
    means = of_runs.groupby(level=list(by)).mean()
    return pd.Series(probability_of(means.to_numpy()), index=means.index)


def metrics(
    networks: pd.DataFrame,
    champions: Iterable[pd.DataFrame],
    verdicts: Mapping[str, Mapping[str, int]],
    *,
    threshold: float,
) -> dict[str, Any]:
    """Return test errors, median confidences, shares of fooling champions, and verdicts.

    Args:
        networks: The table ``classifiers``.
        champions: The table ``champions`` of each experiment.
        verdicts: Counts of verdicts by kind of claim.
        threshold: Confidence at or above which a champion counts as fooling.

    Returns:
        ``test_error`` by classifier; ``champions`` by experiment, classifier and search, with the median of
        :func:`medians_of_runs` and the share of fooling champions over all runs; and ``claims``, the verdicts.
    """
    searches: dict[str, Any] = {}
    for table in champions:
        medians = medians_of_runs(table, IDENTITY).tolist()
        for median, (identity, runs) in zip(medians, table.groupby(IDENTITY), strict=True):
            experiment, classifier, search = map(str, identity)
            searches.setdefault(experiment, {}).setdefault(classifier, {})[search] = {
                "median_confidence": median,
                "share_at_threshold": float(at_threshold(runs["confidence"].to_numpy(), threshold).mean()),
            }
    return {
        "test_error": dict(zip(networks["classifier"], networks["test_error"].astype(float), strict=True)),
        "champions": searches,
        "claims": dict(verdicts),
    }


def curve(history: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each generation: the median confidence of the champions (:func:`medians_of_runs`).

    ``history`` is that of one experiment; its classifiers are averaged. The columns are ``generation``, ``evaluations``
    and one for each search; ``map-elites`` is called ``evolution``.
    """
    medians = medians_of_runs(history, ["generation", "evaluations", "search"]).unstack("search")
    return medians.rename(columns={"map-elites": "evolution"}).rename_axis(columns=None).reset_index()
