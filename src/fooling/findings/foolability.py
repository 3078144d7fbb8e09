"""How easily each network is fooled, in a few numbers that can be set side by side for any list of networks."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from fooling.findings.columns import CLASSIFIER, ENCODING, EXPERIMENT, RUNS_ON_CLASSIFIER, SEARCH
from fooling.findings.intervals import (
    IntervalSettings,
    estimated_mean,
    estimated_share,
    estimated_time,
    log_odds_of,
    probability_of,
    run_grid,
)
from fooling.table import COUNT, FOUND, SHARE, Column, Table, names_of, with_bounds

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
                "by their range; mean of the runs.",
            )
        ),
        *with_bounds(
            Column(
                "median",
                SHARE,
                doc="Confidence of the median class at the end; mean over the runs, taken of log-odds.",
            )
        ),
        *with_bounds(
            Column(
                "calibrated_median",
                SHARE.or_nothing,
                doc="The same of calibrated confidence; empty without a temperature.",
            )
        ),
        *with_bounds(
            Column(
                "share_sure",
                SHARE,
                doc="Share of the classes at `findings.sure` (99 %) or more at the end; mean of the runs.",
            )
        ),
        *with_bounds(
            Column(
                "evaluations",
                FOUND,
                unit="images",
                doc="Images scored until the median class reaches `findings.sure`, as the geometric mean over the runs;"
                " infinite if no run reaches it, empty if too many do not.",
            )
        ),
    ),
    key=("experiment", "classifier", "search"),
    doc="One row for each experiment, classifier and search: how easily the classifier is fooled. The classifier is "
    "fixed and its runs are the units of the intervals, at least three.",
)


class FoolabilitySettings(IntervalSettings):
    """From which confidence on a network counts as sure of an image."""

    sure: float = Field(default=0.99, gt=0, lt=1)
    """Confidence from which on a network counts as sure, where networks are compared."""


def foolability_table(history: pd.DataFrame, examined: pd.DataFrame, settings: FoolabilitySettings) -> pd.DataFrame:
    """One row for each experiment, network and search, from the tables of history and of examined images.

    For each run: the ``area`` under the curve of the median confidence over the classes against the images scored, over
    the range of these (0 to 1); that ``median`` at the end; the same of calibrated confidence; the share of classes of
    which the network is sure at the end; and the images scored until it is sure of the median class. Given are the mean
    of areas and shares, the mean of medians on the scale of log-odds, and the geometric mean of images (infinite if no
    run gets there, none if more than a fifth do not), each with its interval. The network is fixed and its runs are the
    units: the intervals cover other runs on it.
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
    """The images scored (T,), and the median confidence over the classes then (T,)."""
    medians = run.astype({"confidence": "float64"}).groupby("evaluations")["confidence"].median().sort_index()
    return medians.index.to_numpy(dtype=np.float64), medians.to_numpy()


def _area(evaluations: NDArray[np.float64], medians: NDArray[np.float64]) -> float:
    """By trapezoids; a single point counts as a level."""
    if len(evaluations) == 1:
        return float(medians[0])
    return float(np.trapezoid(medians, evaluations) / (evaluations[-1] - evaluations[0]))


def _until_sure(evaluations: NDArray[np.float64], medians: NDArray[np.float64], settings: FoolabilitySettings) -> float:
    there = medians >= settings.sure
    return float(evaluations[there.argmax()]) if there.any() else np.inf


def _is_sure(confidences: pd.Series[float], settings: FoolabilitySettings) -> pd.Series[bool]:
    return confidences.astype("float64") >= settings.sure
