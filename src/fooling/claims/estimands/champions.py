"""Estimands of champions (ancestry, distances, highest confidences), of real images, transfer, and labels alone.

The units of transfer are classifiers, each with its pairs as source and as target.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fooling.claims.estimand import Context, NotRun, estimand
from fooling.findings.intervals import (
    Estimate,
    estimated_mean,
    estimated_over_pairs,
    estimated_ratio,
    log_odds_of,
    probability_of,
    run_grid,
)


@estimand(
    "share of the champions with an ancestor that was a champion of other classes only",
)
def share_with_other_ancestor(context: Context) -> Estimate:
    """Champions with a switch of class since the random start."""
    return context.share(context.ancestry("switches") > 0)


@estimand(
    "mean correlation of champions with their closest relative, minus that of the same two classes in other runs",
)
def likeness_of_relatives(context: Context) -> Estimate:
    """Only champions that share an ancestor with another champion of their run."""
    excess = context.ancestry("similarity") - context.ancestry("similarity_unrelated")
    known = np.isfinite(excess)
    if not known.any():
        raise NotRun("no two champions of a run have a common ancestor, or there is only one run")
    sums = np.where(known, excess, 0).sum(axis=2)
    return estimated_ratio(sums, known.sum(axis=2), level=context.settings.confidence_level)


@estimand(
    "median over the runs of each run's median distance to the nearest training image, in features, divided "
    "by that of real images",
)
def feature_distance_ratio(context: Context) -> Estimate:
    """Champions at the end of their runs."""
    return context.median_ratio(np.median(context.distances("feature_ratio"), axis=2))


@estimand(
    "share of the champions that are farther from the training images, in pixels, than 99 % of real images",
)
def share_beyond_in_pixels(context: Context) -> Estimate:
    """Champions at the end of their runs."""
    return context.share(context.distances("pixel_beyond") == 1)


@estimand(
    "share of the champions that are farther from the training images, in features, than 99 % of real images",
)
def share_beyond_in_features(context: Context) -> Estimate:
    """Champions at the end of their runs."""
    return context.share(context.distances("feature_beyond") == 1)


@estimand(
    "median over the runs of each run's median distance to the nearest training image, in pixels, divided by "
    "that of its random start, averaged over classifiers",
)
def distance_over_start(context: Context) -> Estimate:
    """Champions compared with those of the random start of the same run, in pixels."""
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
    """The most confident champions of every run."""
    return context.median_confidence(log_odds_of(_most_confident(context, "confidence").mean(axis=2)))


@estimand(
    "median over the runs of the lowest confidence among the {count} most confident champions, averaged "
    "over classifiers",
    needs=("experiment", "generation", "count"),
    takes=("search", "classes"),
)
def lowest_of_most_confident(context: Context) -> Estimate:
    """The least confident of these champions of every run."""
    return context.median_confidence(_most_confident(context, "log_odds")[:, :, 0])


def _most_confident(context: Context, column: str) -> NDArray[np.float64]:
    """Return a column that increases with confidence, of the most confident champions, (classifiers, seeds, count)."""
    count, values = int(context.filter.count or 0), context.history(column)
    if values.shape[2] < count:
        raise NotRun(
            f"the classifiers of {context.dataset} have {values.shape[2]} classes, but the claim is about {count}"
        )
    return np.sort(values, axis=2)[:, :, -count:]


@estimand(
    "median confidence in real test images, averaged over classifiers",
    needs=("architecture",),
)
def median_in_real_images(context: Context) -> Estimate:
    """One value for each classifier, for all test images."""
    return _median_in(context, _real_images(context))


@estimand(
    "median confidence in correctly classified real test images, averaged over classifiers",
    needs=("architecture",),
)
def median_in_images_judged_rightly(context: Context) -> Estimate:
    """One value for each classifier, for the test images that it classifies correctly."""
    real = _real_images(context)
    return _median_in(context, real[real["label"] == real["predicted"]])


@estimand(
    "median confidence in misclassified real test images, averaged over classifiers",
    needs=("architecture",),
)
def median_in_images_judged_wrongly(context: Context) -> Estimate:
    """One value for each classifier, for the test images that it misclassifies."""
    real = _real_images(context)
    return _median_in(context, real[real["label"] != real["predicted"]])


def _real_images(context: Context) -> pd.DataFrame:
    return context.tables.real[context.tables.real["classifier"].isin(context.networks()["classifier"])]


def _median_in(context: Context, real: pd.DataFrame) -> Estimate:
    if real.empty:
        raise NotRun(f"no such real test image of {context.dataset}")
    medians = real.groupby("classifier")["log_odds"].median().to_numpy(dtype=np.float64)[:, None]
    return estimated_mean(medians, level=context.settings.confidence_level, nested=True, back=probability_of)


@estimand(
    "mean over the pairs of classifiers of the transfer rate of champions to the other classifier, minus chance",
    takes=("relation",),
)
def transfer_over_chance(context: Context) -> Estimate:
    """All champions; their label is the class for which they were evolved."""
    pairs = _pairs_of_classifiers(context)
    excess = pairs.assign(excess=pairs["transfer_rate"] - pairs["chance"])
    return estimated_over_pairs(excess, "excess", level=context.settings.confidence_level, within=(-1, 1))


@estimand(
    "mean over the pairs of classifiers of the share of champions to which both give the same label",
    needs=("experiment", "architecture", "shown_to"),
    takes=("relation",),
)
def labelled_alike(context: Context) -> Estimate:
    """All champions; their label is the one that their own classifier gives them."""
    networks = context.tables.networks
    of_that_kind = networks.loc[networks["architecture"] == context.filter.shown_to, "classifier"]
    pairs = _pairs_of_classifiers(context, label="source-label", shown_to=set(of_that_kind))
    return estimated_over_pairs(pairs, "transfer_rate", level=context.settings.confidence_level, within=(0, 1))


@estimand(
    "mean over the pairs of classifiers of the share, of the champions with the same label on both, with a "
    "higher confidence on their own classifier",
    takes=("relation",),
)
def share_higher_on_source(context: Context) -> Estimate:
    """Only champions to which both classifiers give the same label."""
    pairs = _pairs_of_classifiers(context)
    pairs = pairs[pairs["higher_on_source"].notna()]
    if pairs.empty:
        raise NotRun("no two classifiers give an image the same label")
    return estimated_over_pairs(pairs, "higher_on_source", level=context.settings.confidence_level, within=(0, 1))


@estimand(
    "highest confidence of a champion on two classifiers at once, averaged over classifiers",
    takes=("relation",),
)
def highest_on_two_networks(context: Context) -> Estimate:
    """The confidence is that in the class for which a champion was evolved."""
    pairs = _pairs_of_classifiers(context)
    highest = log_odds_of(pairs.groupby("source")["highest_joint_confidence"].max().to_numpy()[:, None])
    found = estimated_mean(highest, level=context.settings.confidence_level, nested=True, back=probability_of)
    return replace(found, runs=int(pairs.groupby("source")["runs"].first().sum()))


def _pairs_of_classifiers(context: Context, *, label: str = "class", shown_to: set[str] | None = None) -> pd.DataFrame:
    """Return the pairs of different classifiers with the claim's relation, and only these targets if given."""
    name, relation = str(context.filter.experiment), context.filter.relation
    table = context.tables.transfer.get(name)
    rows = pd.DataFrame() if table is None else table[table["source"].isin(context.networks()["classifier"])]
    if not rows.empty:
        rows = rows[(rows["relation"] == relation) & (rows["images"] == "all") & (rows["label"] == label)]
    if shown_to is not None and not rows.empty:
        rows = rows[rows["target"].isin(shown_to)]
    if rows.empty:
        kind = relation if context.filter.shown_to is None else f"architecture {context.filter.shown_to}"
        raise NotRun(f"no images of {name} on classifiers of {context.dataset} were shown to any of the {kind}")
    return rows
