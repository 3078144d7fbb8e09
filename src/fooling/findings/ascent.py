"""Gradient ascent as tables, compared with evolution and random search at equal evaluations of the classifier.

All ascents from one start are a run. Its evaluations are those of an image for every class: a step of one image counts
as three (a forward pass, and a backward pass that costs twice as much), the scoring of the stored image as one. If
images ascended only for some classes, the other classes are counted too, because the searches serve all classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fooling.attacks.record import TargetedRecord, best_of, tried_settings
from fooling.findings.intervals import IntervalSettings, estimated_time, run_grid
from fooling.findings.registry import (
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
from fooling.findings.runs import ThresholdSettings, at_threshold, median_over_classes
from fooling.table import COUNT, FLAG, FOUND, NUMBER, SHARE, TEXT, Column, Table, bounds, names_of, one_of

SEARCH = "gradient-ascent"
SEARCHES = ("map-elites", "random-search")
_ASCENT = Column("experiment", TEXT, doc="Name of the gradient ascent, or of the experiment of a search.")
_SEARCH = Column("search", one_of(SEARCH, *SEARCHES), doc="`gradient-ascent`, or a search compared with it.")
_SEED = Column("seed", COUNT, doc="Seed of the start of the gradient ascent, or of the run.")
_RUN = (CLASSIFIER, _ASCENT, _SEARCH, _SEED)

ASCENT = Table(
    name="ascent",
    path="findings/ascent.parquet",
    commands=("tabulate-ascent",),
    columns=(CLASSIFIER, _ASCENT, _SEED, *CLASS, CONFIDENCE, LOG_ODDS, SATURATED),
    key=("classifier", "experiment", "seed", "class_index"),
    doc="One row for each image at the end of a gradient ascent; the class is the target class of the ascent.",
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
    doc="One row for each run of gradient ascent (all classes from one start) and target: the evaluations until it "
    "first reached the threshold. `search` is always `gradient-ascent`.",
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
    doc="One row for each run on one classifier and number of evaluations: gradient ascents, and for comparison "
    "evolution and random search of the plain experiments.",
)
ASCENT_SWEEPS = Table(
    name="ascent_sweeps",
    path="findings/ascent_sweeps.csv",
    commands=("tabulate-ascent",),
    columns=(
        Column("sweep", TEXT, doc="Name of the sweep's entry in the study's configuration."),
        Column("experiment", TEXT, doc="Name of the setting."),
        Column("networks", COUNT, doc="Number of pilot classifiers."),
        Column("runs", COUNT, unit="runs", doc="Number of runs on the pilots; a run is all classes from one start."),
        Column("reached", SHARE, doc="Share of these runs whose median class reached the threshold."),
        Column(
            "evaluations",
            FOUND,
            unit="images",
            doc="Median over the runs of the evaluations, counted as in `ascent_times`; `inf` if not reached.",
        ),
        Column(
            "chosen",
            FLAG,
            doc="Whether the sweep's classifiers were attacked with this setting: the one with the largest `reached`, "
            "and among equals the fewest `evaluations`.",
        ),
    ),
    key=("sweep", "experiment"),
    doc="One row for each setting that a sweep tried on its pilot classifiers; only in studies with sweeps. In the "
    "other tables a sweep has its own name, the chosen setting, and the classifiers that are not pilots.",
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
            doc="Geometric mean of the evaluations until the target was reached; `inf` if no run reached it, empty if "
            "fewer than four fifths of the runs, or no run on a classifier, reached it.",
        ),
        *(*bounds(FOUND), UNITS, RUNS, REACHED_SHARE, NOTE),
    ),
    key=("experiment", "search", "target"),
    doc="One row for each gradient ascent or experiment, search and target: the number of evaluations to reach the "
    "threshold.",
)


class AscentComparisonSettings(IntervalSettings, ThresholdSettings):
    """The threshold up to which evaluations are counted, and the intervals."""


def images_table(records: Sequence[TargetedRecord]) -> pd.DataFrame:
    """Return one row for each image at the end of its ascent."""
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


def times_of_ascents(records: Sequence[TargetedRecord], *, threshold: float) -> pd.DataFrame:
    """Return one row for each run and target: the evaluations to reach the ``threshold``, or that it was missed."""
    rows = []
    for record, seed, members in _runs(records):
        evaluations, confidences = _evaluations(record), record.trajectory.confidences[:, members]
        levels = {"median": median_over_classes(confidences), "all": confidences.min(axis=1)}
        for target, level in levels.items():
            reached = at_threshold(level, threshold)
            first = int(reached.argmax()) if reached.any() else len(reached) - 1
            identity = (record.classifier["name"], record.name, SEARCH, seed)
            rows.append((*identity, target, int(evaluations[first]), bool(reached.any())))
    return pd.DataFrame(rows, columns=ASCENT_TIMES.names)


def curves_of_ascents(records: Sequence[TargetedRecord]) -> pd.DataFrame:
    """Return one row for each run and recorded step: the medians over its classes."""
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
    """Return the same for evolution and random search, by generation, from the table ``history``."""
    compared = history[history["search"].isin(SEARCHES)].astype({"confidence": "float64"})
    medians = compared.groupby([*names_of(_RUN), "evaluations"])[["confidence", "log_odds"]].median()
    return medians.reset_index()[ASCENT_CURVES.names]


def evaluations_table(times: pd.DataFrame, *, settings: IntervalSettings) -> pd.DataFrame:
    """Return the mean evaluations to the threshold by experiment or gradient ascent, search and target.

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


def sweeps_table(pilots: Mapping[str, Sequence[TargetedRecord]], *, threshold: float) -> pd.DataFrame:
    """Return one row for each setting of each sweep: its evaluations to the ``threshold``, and the choice."""
    rows = []
    for sweep, records in pilots.items():
        tried = tried_settings(records, threshold=threshold)
        best = best_of(tried)
        rows += [
            (sweep, one.name, one.networks, one.runs, one.reached, one.evaluations, one.name == best.name)
            for one in tried
        ]
    return pd.DataFrame(rows, columns=ASCENT_SWEEPS.names)


def _runs(records: Iterable[TargetedRecord]) -> Iterator[tuple[TargetedRecord, int, NDArray[np.int64]]]:
    """Yield every record with each of its seeds and the indices of the images of that start."""
    for record in _in_order(records):
        for seed in np.unique(record.seeds):
            yield record, int(seed), np.flatnonzero(record.seeds == seed)


def _evaluations(record: TargetedRecord) -> NDArray[np.int64]:
    """Return the evaluations of one image for every class."""
    return np.asarray(record.trajectory.evaluations * len(record.class_names))


def _in_order(records: Iterable[TargetedRecord]) -> list[TargetedRecord]:
    """Return the records sorted by classifier and name, so that their order on the command line does not matter."""
    return sorted(records, key=lambda record: (record.classifier["name"], record.name))
