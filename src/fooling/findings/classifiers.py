"""Classifiers: their training, their errors, and how easily each one is fooled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from fooling.findings.intervals import (
    IntervalSettings,
    estimated_mean,
    estimated_share,
    estimated_time,
    log_odds_of,
    probability_of,
    run_grid,
    share_of_images,
)
from fooling.findings.registry import CLASSIFIER, DATASET, ENCODING, EXPERIMENT, RUNS_ON_CLASSIFIER, SEARCH, WAY
from fooling.table import (
    COUNT,
    FOUND,
    NOT_NEGATIVE,
    SHARE,
    TEXT,
    Column,
    Table,
    bounds,
    names_of,
    one_of,
    or_nothing,
    with_bounds,
)
from fooling.training.settings import hardening_of

TRAINING = Table(
    name="training",
    path="findings/training.csv",
    commands=("describe-classifiers",),
    columns=(
        CLASSIFIER,
        Column("iteration", COUNT, unit="iterations", doc="Iterations made at the end of the epoch."),
        Column("train_loss", NOT_NEGATIVE, unit="nats", doc="Mean loss of the batches of the epoch."),
        Column("test_error", SHARE, doc="Share of the test images that are misclassified after the epoch."),
    ),
    key=("classifier", "iteration"),
    may_be_empty=True,
    doc="One row for each classifier and epoch of its training; an imported network has none.",
)
ARCHITECTURE = Column("architecture", TEXT, doc="Name of its architecture.")
CLASSIFIERS = Table(
    name="classifiers",
    path="findings/classifiers.csv",
    commands=("describe-classifiers",),
    columns=(
        *(CLASSIFIER, DATASET, ARCHITECTURE, WAY),
        Column(
            "crop",
            COUNT.or_nothing,
            unit="pixels",
            doc="Side of the square crop that the classifier sees; empty for the whole image.",
        ),
        Column("views", one_of("centre", "ten"), doc="`centre` crop, or `ten` crops whose probabilities are averaged."),
        *or_nothing(
            Column("seed", COUNT, doc="Seed of its training."),
            Column("iterations", COUNT, unit="iterations", doc="Length of its training."),
            doc="empty for an imported network.",
        ),
        Column("test_images", COUNT, unit="images", doc="Number of test images behind the errors."),
        *with_bounds(
            Column(
                "test_error",
                SHARE,
                doc="Share of the test images that are misclassified; the bounds are Wilson's. It is always that of "
                "the centre crop, like published errors.",
            ),
            always=True,
        ),
        *with_bounds(
            Column(
                "top5_error",
                SHARE.or_nothing,
                doc="Share of the test images whose class is not among the five most probable ones; empty if there are "
                "at most five classes.",
            )
        ),
        *or_nothing(
            Column(
                "published_error",
                SHARE,
                doc="Published test error of the same weights, on images that may differ.",
            ),
            Column("published_top5_error", SHARE, doc="Top-5 error from the same source."),
            Column("published_source", TEXT, doc="Source of the published errors."),
            doc="empty if unknown.",
        ),
    ),
    key=("classifier",),
    doc="One row for each classifier.",
)
TEST_ERRORS = Table(
    name="test_errors",
    path="findings/test_errors.csv",
    commands=("describe-classifiers",),
    columns=(
        *(DATASET, ARCHITECTURE, WAY),
        Column("networks", COUNT, doc="Number of classifiers of this data set, architecture and way of training."),
        Column("mean", SHARE, doc="Their mean test error; the interval is Student's t, for at least 3 classifiers."),
        *bounds(SHARE),
    ),
    key=("dataset", "architecture", "way"),
    doc="One row for each data set, architecture and way of training: the mean test error over its classifiers.",
)


_RUNS_ALIKE = (EXPERIMENT, CLASSIFIER, ENCODING, SEARCH)
FOOLABILITY = Table(
    name="foolability",
    path="findings/foolability.csv",
    commands=("compare-networks",),
    columns=(
        *_RUNS_ALIKE,
        Column("classes", COUNT, unit="classes", doc="Number of classes of the classifier."),
        RUNS_ON_CLASSIFIER,
        *with_bounds(
            Column(
                "area",
                SHARE,
                doc="Area under the curve of the median confidence over the classes against the images scored, divided "
                "by the number of images; mean over the runs.",
            )
        ),
        *with_bounds(
            Column(
                "median",
                SHARE,
                doc="Confidence of the median class at the end of the run; mean over the runs, of log-odds.",
            )
        ),
        *with_bounds(
            Column(
                "calibrated_median",
                SHARE.or_nothing,
                doc="The same for the calibrated confidence; empty without a temperature.",
            )
        ),
        *with_bounds(
            Column(
                "share_sure",
                SHARE,
                doc="Share of the classes with a confidence of at least `findings.sure` (99 %) at the end of the run; "
                "mean over the runs.",
            )
        ),
        *with_bounds(
            Column(
                "evaluations",
                FOUND,
                unit="images",
                doc="Images scored until the median class reaches `findings.sure`, as the geometric mean over the runs;"
                " infinite if no run reaches it, empty if more than a fifth do not.",
            )
        ),
    ),
    key=("experiment", "classifier", "search"),
    doc="One row for each experiment, classifier and search: how easily the classifier is fooled. The units of the "
    "intervals are the runs on this one classifier; at least three are needed.",
)


def training_table(headers: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return one row for each classifier and epoch, from the ``headers`` of classifier files.

    An imported network has no rows.
    """
    rows = [
        {"classifier": header["name"], **epoch}
        for header in headers
        for epoch in header["provenance"].get("history", [])
    ]
    return pd.DataFrame(rows, columns=TRAINING.names)


def networks_table(headers: Iterable[Mapping[str, Any]], *, settings: IntervalSettings) -> pd.DataFrame:
    """Return one row for each classifier: its architecture and input, and its errors beside published ones.

    An imported network has no seed and no iterations. A classifier of at most five classes has no top-5 error.
    """
    table = pd.DataFrame([_network_row(header, settings) for header in headers], columns=CLASSIFIERS.names)
    return table.astype(dict.fromkeys(("crop", "seed", "iterations"), "Int64"))


def _network_row(header: Mapping[str, Any], settings: IntervalSettings) -> dict[str, Any]:
    provenance = header["provenance"]
    published = provenance.get("published") or {}
    row = {
        "classifier": header["name"],
        "dataset": provenance["dataset"]["name"],
        "architecture": header["architecture"],
        "way": hardening_of((provenance.get("settings") or {}).get("training") or {}),
        "crop": header["input"]["crop"],
        "views": header["input"]["views"],
        "published_error": published.get("test_error"),
        "published_top5_error": published.get("top5_error"),
        "published_source": published.get("source"),
        **{key: provenance.get(key) for key in ("seed", "iterations", "test_images", "test_error", "top5_error")},
    }
    for error in ("test_error", "top5_error"):
        if row[error] is not None:
            low, high = share_of_images(row[error], row["test_images"], level=settings.confidence_level)
            row |= {f"{error}_low": low, f"{error}_high": high}
    return row


def errors_table(networks: pd.DataFrame, *, settings: IntervalSettings) -> pd.DataFrame:
    """Return the mean test error by data set, architecture and way, with its t interval over the ``networks``."""
    rows = []
    for place, group in networks.groupby(["dataset", "architecture", "way"]):
        values = group["test_error"].to_numpy(dtype=float)[:, None]
        errors = estimated_mean(values, level=settings.confidence_level, nested=True, within=(0, 1))
        rows.append((*place, errors.units, errors.value, errors.low, errors.high))
    return pd.DataFrame(rows, columns=TEST_ERRORS.names)


class FoolabilitySettings(IntervalSettings):
    """Comparison of classifiers by how easily each is fooled."""

    sure: float = Field(default=0.99, gt=0, lt=1)
    """Confidence at or above which a classifier counts as sure of an image, for comparing classifiers and transfer."""


def foolability_table(history: pd.DataFrame, examined: pd.DataFrame, settings: FoolabilitySettings) -> pd.DataFrame:
    """Return one row for each experiment, classifier and search, from the tables ``history`` and ``examined``.

    Each run has five values: the ``area`` under the curve of the median confidence over the classes against the images
    scored, divided by the range of the latter (0 to 1); the ``median`` at the end; the same for calibrated confidence;
    the share of classes of which the classifier is sure at the end; and the images scored until it is sure of the
    median class. The table has the mean of areas and shares, the mean of the medians in log-odds, and the geometric
    mean of the images (infinite if no run reaches the confidence, missing if more than a fifth do not). The units are
    the runs on this one classifier: the intervals cover other runs on it, not other classifiers.
    """
    rows = []
    champions = examined[examined["search"].isin(history["search"].unique())]
    calibrated = champions.astype({"calibrated_confidence": "float64"}).groupby(
        ["experiment", "classifier", "search", "seed"]
    )
    calibrated_medians = calibrated["calibrated_confidence"].median()
    level = settings.confidence_level
    for names, table in history.groupby(names_of(_RUNS_ALIKE), sort=False):
        identity = experiment, classifier, _, search = tuple(map(str, names))
        curves = [_curve(run) for _, run in table.groupby("seed")]
        last = table[table["generation"] == table.groupby("seed")["generation"].transform("max")]
        sure = run_grid(last.assign(sure=_is_sure(last["confidence"], settings)), "sure", within_run="class_index")
        ends = np.median(run_grid(last, "log_odds", within_run="class_index"), axis=2).T  # (runs, 1)
        calibrated_ends = log_odds_of(calibrated_medians.loc[experiment, classifier, search].to_numpy()[:, None])
        areas = np.array([[_area(*curve)] for curve in curves])
        until = np.array([[_until_sure(*curve, settings)] for curve in curves])
        end = max(float(evaluations[-1]) for evaluations, _ in curves)
        found = {
            "area": estimated_mean(areas, level=level, nested=True, unit="run", within=(0, 1)),
            "median": estimated_mean(ends, level=level, nested=True, unit="run", back=probability_of),
            "calibrated_median": estimated_mean(
                calibrated_ends, level=level, nested=True, unit="run", back=probability_of
            ),
            "share_sure": estimated_share(sure.mean(axis=2).T, level=level, nested=True, unit="run"),
            "evaluations": estimated_time(until, end, level=level, nested=True, unit="run"),
        }
        numbers = [bound for estimate in found.values() for bound in (estimate.value, estimate.low, estimate.high)]
        rows.append((*identity, table["class_index"].nunique(), len(curves), *numbers))
    return pd.DataFrame(rows, columns=FOOLABILITY.names)


def _curve(run: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the images scored (T,) and the median confidence over the classes at these times (T,)."""
    medians = run.astype({"confidence": "float64"}).groupby("evaluations")["confidence"].median().sort_index()
    return medians.index.to_numpy(dtype=np.float64), medians.to_numpy()


def _area(evaluations: NDArray[np.float64], medians: NDArray[np.float64]) -> float:
    """Integrate by trapezoids and divide by the range; a single point gives its value."""
    if len(evaluations) == 1:
        return float(medians[0])
    return float(np.trapezoid(medians, evaluations) / (evaluations[-1] - evaluations[0]))


def _until_sure(evaluations: NDArray[np.float64], medians: NDArray[np.float64], settings: FoolabilitySettings) -> float:
    reached = medians >= settings.sure
    return float(evaluations[reached.argmax()]) if reached.any() else np.inf


def _is_sure(confidences: pd.Series[float], settings: FoolabilitySettings) -> pd.Series[bool]:
    return confidences.astype("float64") >= settings.sure
