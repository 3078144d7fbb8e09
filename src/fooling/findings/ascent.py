"""Gradient ascent as tables, beside evolution and random search at equal evaluations of the network.

The climbs from one start are a run: its evaluations are those of an image for every class, a step of one image counted
as three (forward, and a backward pass twice as dear) and the scoring of the stored image as one. Where images climbed
for some of the classes only, the others are counted as if theirs had too, for the searches serve all classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fooling.ascent.choice import best_of, tried_settings
from fooling.ascent.record import AscentRecord
from fooling.findings.columns import (
    CLASS,
    CLASSIFIER,
    CONFIDENCE,
    EVALUATIONS_OF_ASCENT,
    LOG_ODDS,
    NOTE,
    REACHED_SHARE,
    RUNS,
    SATURATED,
    TARGET,
    UNITS,
)
from fooling.findings.intervals import IntervalSettings, estimated_time, run_grid
from fooling.findings.tables import ThresholdSettings, at_threshold, median_over_classes
from fooling.table import COUNT, FLAG, FOUND, NUMBER, SHARE, TEXT, Column, Table, bounds, names_of, one_of

SEARCH = "gradient-ascent"
SEARCHES = ("map-elites", "random-search")
_ASCENT = Column("experiment", TEXT, doc="Name of the gradient ascent, or of the experiment of a search.")
_SEARCH = Column("search", one_of(SEARCH, *SEARCHES), doc="`gradient-ascent`, or a search that is compared with it.")
_SEED = Column("seed", COUNT, doc="Seed of the start of the gradient ascent, or of the run.")
_RUN = (CLASSIFIER, _ASCENT, _SEARCH, _SEED)

ASCENT = Table(
    name="ascent",
    path="findings/ascent.parquet",
    commands=("tabulate-ascent",),
    columns=(CLASSIFIER, _ASCENT, _SEED, *CLASS, CONFIDENCE, LOG_ODDS, SATURATED),
    key=("classifier", "experiment", "seed", "class_index"),
    doc="One row for each image of every gradient ascent, at its end; the class is the one that it ascended for.",
)
ASCENT_TIMES = Table(
    name="ascent_times",
    path="findings/ascent_times.parquet",
    commands=("tabulate-ascent",),
    columns=(
        *(*_RUN, TARGET, EVALUATIONS_OF_ASCENT),
        Column("reached", FLAG, doc="False: not reached within the run; the evaluations are those of the whole run."),
    ),
    key=(*names_of(_RUN), "target"),
    doc="One row for each run of gradient ascent (all classes from one start) and target: when it first reached the "
    "threshold. `search` is always `gradient-ascent`.",
)
ASCENT_CURVES = Table(
    name="ascent_curves",
    path="findings/ascent_curves/{classifier}.parquet",
    commands=("tabulate-ascent",),
    columns=(
        *(*_RUN, EVALUATIONS_OF_ASCENT),
        Column("confidence", SHARE, doc="Median over the classes of the confidence."),
        Column("log_odds", NUMBER, unit="log-odds", doc="Median over the classes of the log-odds."),
    ),
    key=(*names_of(_RUN), "evaluations"),
    doc="One row for each run on one classifier and number of evaluations: gradient ascents, and beside them evolution "
    "and random search of the plain experiments.",
)
ASCENT_SWEEPS = Table(
    name="ascent_sweeps",
    path="findings/ascent_sweeps.csv",
    commands=("tabulate-ascent",),
    columns=(
        Column("sweep", TEXT, doc="Name of the sweep's entry in the study's configuration."),
        Column("experiment", TEXT, doc="Name of the setting."),
        Column("networks", COUNT, doc="Number of pilot classifiers."),
        Column("runs", COUNT, unit="runs", doc="Number of runs on them: all classes from one start."),
        Column("reached", SHARE, doc="Share of these runs whose median class reached the threshold."),
        Column(
            "evaluations",
            FOUND,
            unit="images",
            doc="Median over the runs of the evaluations, counted as in `ascent_times`; `inf`: not reached.",
        ),
        Column(
            "chosen",
            FLAG,
            doc="Whether the sweep's other classifiers were attacked with this setting: the largest `reached`, then "
            "the fewest `evaluations`.",
        ),
    ),
    key=("sweep", "experiment"),
    doc="One row for each setting that a sweep tried on its pilot classifiers; only in studies that have sweeps. The "
    "other tables show a sweep under its own name, with the chosen setting, on its other classifiers.",
)
ASCENT_EVALUATIONS = Table(
    name="ascent_evaluations",
    path="findings/ascent_evaluations.csv",
    commands=("tabulate-ascent",),
    columns=(
        *(_ASCENT, _SEARCH, TARGET),
        Column(
            "mean",
            FOUND,
            unit="images",
            doc="Geometric mean of the evaluations until the target was reached; `inf` if it was in no run, empty if "
            "it was in fewer than four fifths of the runs, or in no run on a classifier.",
        ),
        *(*bounds(FOUND), UNITS, RUNS, REACHED_SHARE, NOTE),
    ),
    key=("experiment", "search", "target"),
    doc="One row for each gradient ascent or experiment, search and target: how many evaluations it took to reach the "
    "threshold.",
)


class AscentComparisonSettings(IntervalSettings, ThresholdSettings):
    """The threshold to which evaluations are counted, and how intervals are made."""


def images_table(records: Sequence[AscentRecord]) -> pd.DataFrame:
    """One row for each image at the end of its climb."""
    parts = [
        pd.DataFrame(
            {
                "classifier": record.classifier["name"],
                "experiment": record.name,
                "seed": record.seeds,
                "class_index": record.classes,
                "class_name": [record.class_names[index] for index in record.classes],
                "confidence": record.confidences,
                "log_odds": record.log_odds,
                "saturated": record.confidences == np.float32(1),
            }
        )
        for record in _in_order(records)
    ]
    return pd.concat(parts, ignore_index=True)


def times_of_ascents(records: Sequence[AscentRecord], *, threshold: float) -> pd.DataFrame:
    """One row for each run and target: after how many evaluations the ``threshold`` was reached, or that it was not."""
    rows = []
    for record, seed, members in _runs(records):
        evaluations, confidences = _evaluations(record), record.trajectory.confidences[:, members]
        levels = {"median": median_over_classes(confidences), "all": confidences.min(axis=1)}
        for target, level in levels.items():
            there = at_threshold(level, threshold)
            first = int(there.argmax()) if there.any() else len(there) - 1
            identity = (record.classifier["name"], record.name, SEARCH, seed)
            rows.append((*identity, target, int(evaluations[first]), bool(there.any())))
    return pd.DataFrame(rows, columns=ASCENT_TIMES.names)


def curves_of_ascents(records: Sequence[AscentRecord]) -> pd.DataFrame:
    """One row for each run and step that was kept: the medians over its classes."""
    parts = [
        pd.DataFrame(
            {
                "classifier": record.classifier["name"],
                "experiment": record.name,
                "search": SEARCH,
                "seed": seed,
                "evaluations": _evaluations(record),
                "confidence": median_over_classes(record.trajectory.confidences[:, members]),
                "log_odds": np.median(record.trajectory.log_odds[:, members], axis=1),
            }
        )
        for record, seed, members in _runs(records)
    ]
    return pd.concat(parts, ignore_index=True)


def curves_of_searches(history: pd.DataFrame) -> pd.DataFrame:
    """The same for evolution and random search, generation by generation; ``history`` is the table of that name."""
    compared = history[history["search"].isin(SEARCHES)].astype({"confidence": "float64"})
    medians = compared.groupby([*names_of(_RUN), "evaluations"])[["confidence", "log_odds"]].median()
    return medians.reset_index()[ASCENT_CURVES.names]


def evaluations_table(times: pd.DataFrame, *, settings: IntervalSettings) -> pd.DataFrame:
    """One row for each experiment or gradient ascent, search and target: the mean evaluations to the threshold.

    ``times`` has the columns of :func:`times_of_ascents`. The mean is geometric
    (:func:`fooling.findings.intervals.estimated_time`).
    """
    rows = []
    for names, runs in times.groupby(["experiment", "search", "target"], sort=False):
        needed = runs["evaluations"].astype(float).where(runs["reached"], np.inf)
        grid = run_grid(runs.assign(needed=needed), "needed")
        found = estimated_time(grid, float(runs["evaluations"].max()), level=settings.confidence_level)
        numbers = (found.value, found.low, found.high, found.units, found.runs, float(runs["reached"].mean()))
        rows.append((*names, *numbers, found.note))
    return pd.DataFrame(rows, columns=ASCENT_EVALUATIONS.names)


def sweeps_table(pilots: Mapping[str, Sequence[AscentRecord]], *, threshold: float) -> pd.DataFrame:
    """One row for each setting of each sweep: how soon it reached the ``threshold`` on the pilots, and the choice."""
    rows = []
    for sweep, records in pilots.items():
        tried = tried_settings(records, threshold=threshold)
        best = best_of(tried)
        rows += [
            (sweep, one.name, one.networks, one.runs, one.reached, one.evaluations, one.name == best.name)
            for one in tried
        ]
    return pd.DataFrame(rows, columns=ASCENT_SWEEPS.names)


def _runs(records: Iterable[AscentRecord]) -> Iterator[tuple[AscentRecord, int, NDArray[np.int64]]]:
    """Every record with each of its seeds and the images of that start."""
    for record in _in_order(records):
        for seed in np.unique(record.seeds):
            yield record, int(seed), np.flatnonzero(record.seeds == seed)


def _evaluations(record: AscentRecord) -> NDArray[np.int64]:
    """Of an image for every class."""
    return np.asarray(record.trajectory.evaluations * len(record.class_names))


def _in_order(records: Iterable[AscentRecord]) -> list[AscentRecord]:
    """The records by classifier and name, whatever the order in which they came."""
    return sorted(records, key=lambda record: (record.classifier["name"], record.name))
