"""The tables of who is fooled: each classifier, and means over classifiers of one kind."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from fooling.attacks.evolution.record import RunRecord
from fooling.findings.far import RUBBISH_SHARE
from fooling.findings.fooled import COMPARED, ComparedModelsSettings, Model, bars_of, measured_runs
from fooling.findings.intervals import (
    Estimate,
    estimated_mean,
    estimated_share,
    estimated_time,
    probability_of,
    run_grid,
)
from fooling.findings.registry import (
    BUILT_AS,
    CLASSIFIER,
    DATASET,
    ENCODING,
    EXPERIMENT,
    RUNS,
    RUNS_ON_CLASSIFIER,
    WEIGHT_DECAY,
)
from fooling.messages import FoolingError, share_percent
from fooling.table import (
    COUNT,
    FOUND,
    NUMBER,
    SHARE,
    TEXT,
    Column,
    Table,
    names_of,
    one_of,
    or_nothing,
    with_bounds,
)

PART = Column(
    "part",
    TEXT.or_nothing,
    doc="Size of the part of the training images on which it was trained, such as `5000 images`; empty for all.",
)
SEARCH = Column(
    "search",
    one_of(*COMPARED),
    doc="Evolution (`map-elites`), or random search with the same number of evaluations.",
)
BUDGET = Column(
    "budget",
    COUNT,
    unit="images",
    doc="Images scored at most. Experiments in one encoding on one data set are compared at the end of each of them: "
    "a model with a smaller budget has its row beside those of the others.",
)
TEST_ERROR = Column("test_error", SHARE, doc="Share of the test images that are misclassified.")
MEDIAN = Column(
    "median", SHARE, doc="Confidence of the median class of the champions; mean over the runs, of log-odds."
)
ABOVE_MEDIAN = Column(
    "above_median",
    SHARE,
    doc="Share of the classes whose champion has higher log-odds than the median of the real images.",
)
TIED = Column(
    "tied",
    SHARE,
    doc="Share of the classes whose champion has the same log-odds as that median, as where both have the highest "
    "confidence that the model gives. They do not count as above it.",
)
ABOVE_HIGH = Column(
    "above_95th",
    SHARE,
    doc="Share of the classes whose champion has higher log-odds than the 95th percentile of the real images.",
)
AT_THRESHOLD = Column(
    "at_threshold",
    SHARE,
    doc="Share of the classes whose champion has a confidence of at least `findings.threshold` (99.99 %).",
)
UNTIL_SURE = Column(
    "evaluations_sure",
    FOUND,
    unit="images",
    doc="Images scored until the confidence of the median class reaches `findings.sure` (99 %), as the geometric mean "
    "over the runs; infinite if no run reaches it, empty if more than a fifth do not.",
)
UNTIL_MEDIAN = Column(
    "evaluations_median",
    FOUND,
    unit="images",
    doc="The same until the log-odds of the median class exceed the median of the real images.",
)
REJECTED = Column(
    "rejected",
    SHARE,
    doc="Share of the champions that a bound on the log-odds rejects, below which 5 % of the correctly classified real "
    "test images lie.",
)
REJECTED_BY_CLASS = Column(
    "rejected_by_class",
    SHARE,
    doc="Share of the champions at the end of the runs for which a class for images that the model rejects has the "
    "highest score.",
)
#: Shares of the classes or champions of a run; the real images are needed for all but one of them.
SHARES = (ABOVE_MEDIAN, TIED, ABOVE_HIGH, AT_THRESHOLD, REJECTED, REJECTED_BY_CLASS)
_WITHOUT_IMAGES = "empty if no test image is classified correctly."
_WITHOUT_CLASS = "empty without such a class, and for a smaller budget than that of the runs."
_WITHOUT_INPUTS = "empty if it was not measured."
_OF_REAL = or_nothing(ABOVE_MEDIAN, TIED, ABOVE_HIGH, doc=_WITHOUT_IMAGES)
_REJECTIONS = (*or_nothing(REJECTED, doc=_WITHOUT_IMAGES), *or_nothing(REJECTED_BY_CLASS, doc=_WITHOUT_CLASS))
_RUBBISH = or_nothing(RUBBISH_SHARE, doc=_WITHOUT_INPUTS)

FOOLED = Table(
    name="fooled",
    path="findings/fooled.csv",
    commands=("compare-models",),
    columns=(
        *(CLASSIFIER, DATASET, BUILT_AS, WEIGHT_DECAY, PART, EXPERIMENT, ENCODING, SEARCH, BUDGET),
        Column("classes", COUNT, unit="classes", doc="Number of classes with a champion."),
        *(RUNS_ON_CLASSIFIER, TEST_ERROR),
        Column("real_images", COUNT, unit="images", doc="Number of test images that are classified correctly."),
        *or_nothing(
            Column("real_least", NUMBER, unit="log-odds", doc="Lowest top log-odds of these images."),
            Column("real_bound", NUMBER, unit="log-odds", doc="Bound below which at most 5 % of them lie."),
            Column("real_median", NUMBER, unit="log-odds", doc="Their median."),
            Column("real_95th", NUMBER, unit="log-odds", doc="Their 95th percentile."),
            Column("real_most", NUMBER, unit="log-odds", doc="Highest of them."),
            doc=_WITHOUT_IMAGES,
        ),
        MEDIAN,
        Column("least_log_odds", NUMBER, unit="log-odds", doc="Log-odds of the lowest champion; mean over the runs."),
        Column("median_log_odds", NUMBER, unit="log-odds", doc="The same of the median class."),
        Column("most_log_odds", NUMBER, unit="log-odds", doc="The same of the highest champion."),
        *(*_OF_REAL, AT_THRESHOLD, UNTIL_SURE, UNTIL_MEDIAN, *_REJECTIONS),
        Column(
            "real_rejected_by_class",
            REJECTED_BY_CLASS.values.or_nothing,
            doc="Share of all real test images for which that class has the highest score; empty without such a class.",
        ),
        *_RUBBISH,
    ),
    key=("classifier", "experiment", "search", "budget"),
    doc="One row for each classifier, experiment, search and budget: whether its champions are above its own real test "
    "images ([who is fooled](who-is-fooled.md)). Shares are means over the runs. A model that resists these searches "
    "with this budget is not shown to be safe.",
)
#: Columns by which classifiers are of one kind and compared alike.
ALIKE = (DATASET, BUILT_AS, WEIGHT_DECAY, PART, EXPERIMENT, ENCODING, SEARCH, BUDGET)
FOOLED_SUMMARY = Table(
    name="fooled_summary",
    path="findings/fooled_summary.csv",
    commands=("compare-models",),
    columns=(
        *ALIKE,
        Column("networks", COUNT, doc="Number of such classifiers; fewer than 3 give no interval."),
        RUNS,
        *itertools.chain.from_iterable(
            map(
                with_bounds,
                (TEST_ERROR, MEDIAN, *_OF_REAL, AT_THRESHOLD, UNTIL_SURE, UNTIL_MEDIAN, *_REJECTIONS),
            )
        ),
        *(*_RUBBISH, *with_bounds(RUBBISH_SHARE)[1:]),
    ),
    key=tuple(names_of(ALIKE)),
    doc="One row for each kind of model, experiment, search and budget: means over the classifiers, which differ in "
    "their seed or their part of the training images. A model that resists these searches with this budget is not "
    "shown to be safe.",
)


def fooled_tables(
    models: Sequence[Model],
    runs: Mapping[str, Sequence[RunRecord]],
    random_inputs: pd.DataFrame | None,
    settings: ComparedModelsSettings,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the tables ``fooled`` and ``fooled_summary``.

    Args:
        models: The classifiers.
        runs: By experiment, its runs on these classifiers, those of random search among them; drift is not compared.
        random_inputs: The table ``rubbish``, for the share of random inputs that get a class; None without it.
        settings: Confidences and the confidence level.

    Raises:
        FoolingError: A run is on another classifier, or has other classes; the classifiers of an experiment have
            different runs.
    """
    known = {model.name: model for model in models}
    if len(known) < len(models):
        names = [model.name for model in models]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise FoolingError("two classifiers have one name", found=", ".join(twice), expected="unique names")
    rubbish: dict[str, float] = {}
    if random_inputs is not None:
        unclipped = random_inputs[~random_inputs["clipped"].astype(bool)]
        rubbish = dict(zip(unclipped["classifier"], unclipped["rubbish_share"].astype(float), strict=True))
    measured = pd.DataFrame(list(measured_runs(known, runs, settings)))
    if measured.empty:
        raise FoolingError(
            "there are no runs to compare models by",
            expected=f"runs of {' or '.join(COMPARED)}",
            remedy="give the runs of at least one experiment",
        )
    by_classifier = ["classifier", *names_of((EXPERIMENT, ENCODING, SEARCH, BUDGET))]
    rows = [
        _row(known[str(names[0])], own, rubbish, settings)
        for names, own in measured.groupby(by_classifier, sort=False, dropna=False)
    ]
    means = [
        _summary(those, known, rubbish, settings)
        for _, those in measured.groupby(names_of(ALIKE), sort=False, dropna=False)
    ]
    table, summary = pd.DataFrame(rows, columns=FOOLED.names), pd.DataFrame(means, columns=FOOLED_SUMMARY.names)
    texts = {"part": "string"}
    return table.astype(texts), summary.astype(texts)


def _row(
    model: Model, runs: pd.DataFrame, rubbish: Mapping[str, float], settings: ComparedModelsSettings
) -> dict[str, Any]:
    """Return the row of one classifier from the rows of its runs with one search and budget."""
    bars, first = bars_of(model.real), runs.iloc[0]
    means = {name: float(runs[name].mean()) for name in (*names_of(SHARES), *_LOG_ODDS)}
    times = {name: _time(runs, name, settings).value for name in _TIMES}
    return {
        "classifier": model.name,
        **{name: first[name] for name in names_of(ALIKE)},
        "classes": model.targets,
        "runs": len(runs),
        "test_error": model.test_error,
        "real_images": len(model.real),
        "real_least": bars.least,
        "real_bound": bars.bound,
        "real_median": bars.median,
        "real_95th": bars.high,
        "real_most": bars.most,
        "median": float(probability_of(means["median_log_odds"])),
        **means,
        **times,
        "real_rejected_by_class": model.real_rejected,
        "rubbish_share": rubbish.get(model.name, math.nan),
    }


_LOG_ODDS = ("least_log_odds", "median_log_odds", "most_log_odds")
_TIMES = ("evaluations_sure", "evaluations_median")


def _summary(
    runs: pd.DataFrame, models: Mapping[str, Model], rubbish: Mapping[str, float], settings: ComparedModelsSettings
) -> dict[str, Any]:
    """Return the means over the classifiers of one kind, from the rows of their runs with one search and budget."""
    first, names, level = runs.iloc[0], list(dict.fromkeys(runs["classifier"])), settings.confidence_level
    single = {
        "test_error": [models[name].test_error for name in names],
        "rubbish_share": [rubbish[name] for name in names if name in rubbish],
    }
    found = {
        "median": estimated_mean(run_grid(runs, "median_log_odds"), level=level, back=probability_of),
        **{name: _share(runs, name, level) for name in names_of(SHARES)},
        **{name: _time(runs, name, settings) for name in _TIMES},
        **{name: _of_classifiers(values, level) for name, values in single.items()},
    }
    row = {name: first[name] for name in names_of(ALIKE)} | {"networks": len(names), "runs": len(runs)}
    for name, estimate in found.items():
        row |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
    return row


def _share(runs: pd.DataFrame, column: str, level: float) -> Estimate:
    """Estimate the mean of a share over the classifiers that have it."""
    known = runs[runs[column].notna()]
    return _NOTHING if known.empty else estimated_share(run_grid(known, column), level=level)


def _of_classifiers(values: Sequence[float], level: float) -> Estimate:
    """Estimate the mean of a share that each classifier has once."""
    if not values:
        return _NOTHING
    return estimated_mean(np.array(values, dtype=np.float64)[:, None], level=level, nested=True, within=(0, 1))


def _time(runs: pd.DataFrame, column: str, settings: ComparedModelsSettings) -> Estimate:
    """Estimate the geometric mean of a time over the classifiers that have it; infinite if it was not reached."""
    known = runs[runs[column].notna()]
    if known.empty:
        return _NOTHING
    return estimated_time(run_grid(known, column), float(runs["budget"].iloc[0]), level=settings.confidence_level)


def in_short(summary: pd.DataFrame) -> str:
    """Return the share of the classes fooled by evolution: of each kind of model and experiment, at its full budget."""
    evolved = summary[summary["search"] == COMPARED[0]]
    last = evolved.drop_duplicates(["dataset", "built_as", "weight_decay", "part", "experiment"], keep="last")
    found = [
        f"{row['experiment']} on {row['built_as']} {share_percent(row['above_median'])}"
        for row in last.dropna(subset="above_median").to_dict("records")
    ]
    return f"classes above the median of real images, by evolution: {', '.join(found) or 'not measured'}"


_NOTHING = Estimate(value=math.nan, low=math.nan, high=math.nan, units=0, runs=0)
