"""Estimands of champions: their ancestry, their distance from the data, the most confident; and of real images."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fooling.claims.context import Context, NotRun
from fooling.claims.estimand import estimand
from fooling.findings.intervals import (
    Estimate,
    estimated_mean,
    estimated_ratio,
    log_odds_of,
    probability_of,
    run_grid,
)


@estimand(
    "share of the champions with an ancestor that was a champion of other classes only",
)
def share_with_other_ancestor(context: Context) -> Estimate:
    """Champions with a switch of class on their way from the random start."""
    return context.share(context.ancestry("switches") > 0)


@estimand(
    "mean correlation of champions with their closest relative, less that of the same two classes in other runs",
)
def likeness_of_relatives(context: Context) -> Estimate:
    """Champions that share an ancestor with another champion of their run.

    ``units`` and ``runs`` count those with such champions.
    """
    excess = context.ancestry("likeness") - context.ancestry("likeness_of_strangers")
    known = np.isfinite(excess)
    if not known.any():
        raise NotRun("no two champions of a run have an ancestor in common, or there is one run alone")
    sums = np.where(known, excess, 0).sum(axis=2)
    return estimated_ratio(sums, known.sum(axis=2), level=context.settings.confidence_level)


@estimand(
    "median over the runs of each run's median distance to the nearest training image, between the "
    "features of the network, over that of real images",
)
def feature_distance_ratio(context: Context) -> Estimate:
    """Champions at the end of their runs."""
    return context.median_ratio(np.median(context.distances("feature_ratio"), axis=2))


@estimand(
    "share of the champions that lie farther from the training images, in pixels, than 99 % of real images",
)
def share_beyond_in_pixels(context: Context) -> Estimate:
    """Champions at the end of their runs."""
    return context.share(context.distances("pixel_beyond") == 1)


@estimand(
    "share of the champions that lie farther from the training images, in features, than 99 % of real images",
)
def share_beyond_in_features(context: Context) -> Estimate:
    """Champions at the end of their runs."""
    return context.share(context.distances("feature_beyond") == 1)


@estimand(
    "median over the runs of each run's median distance to the nearest training image, in pixels, over "
    "that of its random start, averaged over classifiers",
)
def distance_over_start(context: Context) -> Estimate:
    """Champions beside those of the random start of the same run, in pixels."""
    rows = context.of_experiment(context.tables.distances)
    start = np.median(run_grid(rows[rows["kind"] == "start"], "pixel_distance", within_run="image"), axis=2)
    if (start == 0).any():
        raise NotRun("the random start of a run consists of training images")
    return context.median_ratio(np.median(context.distances("pixel_distance"), axis=2) / start)


@estimand(
    "median over the runs of the mean confidence of the {count} most confident champions, averaged over classifiers",
    needs=("experiment", "generation", "count"),
    takes=("search", "classes"),
)
def mean_of_most_confident(context: Context) -> Estimate:
    """Of the most confident champions of every run."""
    return context.median_confidence(log_odds_of(_most_confident(context, "confidence").mean(axis=2)))


@estimand(
    "median over the runs of the lowest confidence among the {count} most confident champions, averaged "
    "over classifiers",
    needs=("experiment", "generation", "count"),
    takes=("search", "classes"),
)
def lowest_of_most_confident(context: Context) -> Estimate:
    """Of the least confident of these champions of every run."""
    return context.median_confidence(_most_confident(context, "log_odds")[:, :, 0])


def _most_confident(context: Context, column: str) -> NDArray[np.float64]:
    """Of as many champions as the claim names a column that rises with confidence, (classifiers, seeds, count)."""
    count, values = int(context.filter.count or 0), context.history(column)
    if values.shape[2] < count:
        raise NotRun(f"the networks of {context.dataset} have {values.shape[2]} classes, the claim speaks of {count}")
    return np.sort(values, axis=2)[:, :, -count:]


@estimand(
    "median confidence in real test images, averaged over classifiers",
    needs=("architecture",),
)
def median_in_real_images(context: Context) -> Estimate:
    """One value for each classifier, of all test images."""
    return _median_in(context, _real_images(context))


@estimand(
    "median confidence in real test images that get the right class, averaged over classifiers",
    needs=("architecture",),
)
def median_in_images_judged_rightly(context: Context) -> Estimate:
    """One value for each classifier, of the test images that it classifies correctly."""
    real = _real_images(context)
    return _median_in(context, real[real["label"] == real["predicted"]])


@estimand(
    "median confidence in real test images that get a wrong class, averaged over classifiers",
    needs=("architecture",),
)
def median_in_images_judged_wrongly(context: Context) -> Estimate:
    """One value for each classifier, of the test images that it misclassifies."""
    real = _real_images(context)
    return _median_in(context, real[real["label"] != real["predicted"]])


def _real_images(context: Context) -> pd.DataFrame:
    return context.tables.real[context.tables.real["classifier"].isin(context.networks()["classifier"])]


def _median_in(context: Context, real: pd.DataFrame) -> Estimate:
    if real.empty:
        raise NotRun(f"no such real test image of {context.dataset}")
    medians = real.groupby("classifier")["log_odds"].median().to_numpy(dtype=np.float64)[:, None]
    return estimated_mean(medians, level=context.settings.confidence_level, nested=True, back=probability_of)
