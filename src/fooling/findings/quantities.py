"""The quantities that claims name: pure functions from a study's tables to a number with its interval.

A median says what it is over. Where a source leaves that open there are three readings: the median over the classes
of each run and then over the runs; the median over the runs for each class and then over the classes; and the median
of all champions pooled.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from fooling.findings.ablation import effect_of, estimated_over_champions, share_repeating
from fooling.findings.intervals import Estimate, estimated_mean_of_networks
from fooling.findings.measurement import Measurement, NotRun
from fooling.findings.quantities_of_champions import (
    feature_distance_ratio,
    likeness_of_relatives,
    share_beyond_in_features,
    share_beyond_in_pixels,
    share_with_other_ancestor,
)
from fooling.findings.quantities_of_pictures import least_of_surest, mean_of_surest, median_in_real_images
from fooling.findings.quantities_of_retraining import (
    cost_in_test_error,
    lowest_retrained_median,
    retrained_median,
    retraining_effect,
)
from fooling.findings.quantities_of_transfer import labelled_alike, share_surer_on_source, transfer_over_chance
from fooling.findings.tables import at_threshold


def mean_test_error(of: Measurement) -> Estimate:
    """Networks are the unit; Student's t interval."""
    return estimated_mean_of_networks(of.networks()["test_error"].to_numpy(dtype=float), settings=of.settings)


def median_of_runs(of: Measurement) -> Estimate:
    """First reading of a median confidence."""
    return of.median(np.median(of.history("confidence"), axis=2))


def median_of_classes(of: Measurement) -> Estimate:
    """Second reading of a median confidence."""

    def statistic(grid: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.median(np.median(grid, axis=(-3, -2)), axis=-1))

    return of.estimate_of_median(of.history("confidence"), statistic)


def pooled_median(of: Measurement) -> Estimate:
    """Third reading of a median confidence."""
    return of.estimate_of_median(of.history("confidence"), lambda grid: np.asarray(np.median(grid, axis=(-3, -2, -1))))


def share_of_classes_at_threshold(of: Measurement) -> Estimate:
    """Champions that count as fooled."""
    return of.share(at_threshold(of.history("confidence"), of.settings.threshold))


def share_of_classes_at_level(of: Measurement) -> Estimate:
    """Champions at a confidence that the claim names."""
    assert of.selection.level is not None
    return of.share(at_threshold(of.history("confidence"), of.selection.level))


def share_saturated(of: Measurement) -> Estimate:
    """Champions that nothing can replace."""
    return of.share(of.history("confidence") == 1)


def generation_all_reached(of: Measurement) -> Estimate:
    """The median run's last class."""
    return of.median(of.times("all"))


def generation_median_reached(of: Measurement) -> Estimate:
    """The median run's median class."""
    return of.median(of.times("median"))


def share_of_runs_all_reached(of: Measurement) -> Estimate:
    """Runs that bring every class to the threshold in time."""
    return of.share(np.isfinite(of.times("all")))


def gain_in_log_odds(of: Measurement) -> Estimate:
    """Run by run: the same network and seed, and as many evaluations."""
    evolved = np.median(of.history("log_odds"), axis=2)
    control = np.median(of.history("log_odds", search=of.selection.control), axis=2)
    if evolved.shape != control.shape:
        raise NotRun(f"not every run has its {of.selection.control}")
    return of.median(evolved - control)


def single_image_top_confidence(of: Measurement) -> Estimate:
    """Networks are the unit: what 10,000 images say of one network is as good as exact."""
    rows = of.of_experiment(of.tables.start)
    medians = rows.astype({"top_confidence": "float64"}).groupby("classifier")["top_confidence"].median()
    return estimated_mean_of_networks(medians.to_numpy(), settings=of.settings)


def calibrated_median_of_runs(of: Measurement) -> Estimate:
    """Champions at the end of their runs."""
    return of.median(np.median(of.examined("calibrated_confidence"), axis=2))


def independent_median_of_runs(of: Measurement) -> Estimate:
    """Champions at the end of their runs."""
    return of.median(np.median(of.examined("independent_confidence"), axis=2))


def nearest_distance_ratio(of: Measurement) -> Estimate:
    """Champions at the end of their runs."""
    real = of.of_experiment(of.tables.examined, search="real-images").groupby("classifier")["nearest_distance"].median()
    evolved = np.median(of.examined("nearest_distance"), axis=2)
    return of.median(evolved / real.sort_index().to_numpy()[:, None])


def share_of_recurring_motifs(of: Measurement) -> Estimate:
    """Champions at the end of their runs."""
    alike = of.examined("alike_class")
    return of.share(alike == np.arange(alike.shape[2]))


def share_of_ascents_at_threshold(of: Measurement) -> Estimate:
    """Images of gradient ascent that count as fooling."""
    return of.share(at_threshold(of.ascents("confidence"), of.settings.threshold))


def ascent_evaluations_ratio(of: Measurement) -> Estimate:
    """Run by run, the same network and seed number; a climb that never arrives counts as infinitely long."""
    climbs, searches = of.evaluations()
    ratios = np.full_like(climbs, np.inf)
    np.divide(climbs, searches, out=ratios, where=np.isfinite(climbs))
    return of.median(ratios)


def share_of_people_right(of: Measurement) -> Estimate:
    """People and images are drawn anew; n counts the people."""
    row = of.people()
    value, low, high = (float(row[name]) for name in ("share", "low", "high"))
    note = "one person or image carries no interval" if np.isnan(low) else ""
    return Estimate(value=value, low=low, high=high, n=int(row["people"]), note=note)


def share_of_champions_repeating(of: Measurement) -> Estimate:
    """Champions with copies of something, at the end of their runs."""
    table = of.of_experiment(of.tables.ablation)
    return share_repeating(table, settings=of.settings, purpose=(of.purpose,))


def share_still_sure_without_copies(of: Measurement) -> Estimate:
    """Of the champions that have so many copies to lose; whole runs are resampled."""
    return _removal_effect(of, "still sure", kind="copy")


def copies_over_control(of: Measurement) -> Estimate:
    """Of the same champions: above 0 copies cost less than as many pixels elsewhere."""
    return _removal_effect(of, "change", kind="difference")


def _removal_effect(of: Measurement, quantity: str, *, kind: str) -> Estimate:
    table = of.of_experiment(of.tables.ablation)
    chosen = of.selection
    assert chosen.removed is not None
    values = effect_of(table, quantity, fill=str(chosen.fill), kind=kind, removed=chosen.removed)
    if values.empty:
        raise NotRun(f"no champion of {chosen.experiment} has more than {chosen.removed} copies of anything")
    return estimated_over_champions(values, table, settings=of.settings, purpose=(of.purpose,))


@dataclass(frozen=True)
class Quantity:
    """A quantity in words, how it is measured, and what a claim must say for it."""

    words: str
    measure: Callable[[Measurement], Estimate]
    needs: frozenset[str] = frozenset({"experiment"})


_IN_TIME = frozenset({"experiment", "generation"})
_REMOVING = frozenset({"experiment", "fill", "removed"})

QUANTITIES = {
    "mean-test-error": Quantity(
        "mean over the networks of their error on all test images", mean_test_error, frozenset({"architecture"})
    ),
    "median-of-runs": Quantity(
        "median over the runs of each run's median confidence over the classes", median_of_runs, _IN_TIME
    ),
    "median-of-classes": Quantity(
        "median over the classes of each class's median confidence over the runs", median_of_classes, _IN_TIME
    ),
    "pooled-median": Quantity(
        "median confidence of the champions of all runs and classes pooled", pooled_median, _IN_TIME
    ),
    "share-of-classes-at-threshold": Quantity(
        "share of the champions of all runs and classes that are at the threshold",
        share_of_classes_at_threshold,
        _IN_TIME,
    ),
    "share-of-classes-at-level": Quantity(
        "share of the champions of all runs and classes that are at a confidence which the claim names",
        share_of_classes_at_level,
        _IN_TIME | {"level"},
    ),
    "mean-of-surest": Quantity(
        "median over the runs of the mean confidence of the champions, so many, that the network is surest of",
        mean_of_surest,
        _IN_TIME | {"count"},
    ),
    "least-of-surest": Quantity(
        "median over the runs of the lowest confidence among the champions, so many, that the network is surest of",
        least_of_surest,
        _IN_TIME | {"count"},
    ),
    "share-saturated": Quantity(
        "share of the champions of all runs and classes at exactly 1 in float32", share_saturated, _IN_TIME
    ),
    "generation-all-reached": Quantity(
        "median over the runs of the generation at which the last class came to the threshold",
        generation_all_reached,
        _IN_TIME,
    ),
    "generation-median-reached": Quantity(
        "median over the runs of the generation at which the median over the classes came to the threshold",
        generation_median_reached,
        _IN_TIME,
    ),
    "share-of-runs-all-reached": Quantity(
        "share of the runs in which every class came to the threshold", share_of_runs_all_reached, _IN_TIME
    ),
    "gain-in-log-odds": Quantity(
        "median over the runs of how far the median log-odds over the classes lies above that of the control",
        gain_in_log_odds,
        _IN_TIME | {"control"},
    ),
    "single-image-top-confidence": Quantity(
        "mean over the networks of the median top confidence in single random images", single_image_top_confidence
    ),
    "median-in-real-images": Quantity(
        "mean over the networks of the median confidence in real test images",
        median_in_real_images,
        frozenset({"architecture"}),
    ),
    "median-in-images-judged-rightly": Quantity(
        "mean over the networks of the median confidence in real test images that get the right class",
        partial(median_in_real_images, judged="rightly"),
        frozenset({"architecture"}),
    ),
    "median-in-images-judged-wrongly": Quantity(
        "mean over the networks of the median confidence in real test images that get a wrong class",
        partial(median_in_real_images, judged="wrongly"),
        frozenset({"architecture"}),
    ),
    "calibrated-median-of-runs": Quantity(
        "median over the runs of each run's median calibrated confidence over the classes", calibrated_median_of_runs
    ),
    "independent-median-of-runs": Quantity(
        "median over the runs of each run's median, over the classes, of an independent network's confidence",
        independent_median_of_runs,
    ),
    "nearest-distance-ratio": Quantity(
        "median over the runs of each run's median distance to the nearest training image, over that of real images",
        nearest_distance_ratio,
    ),
    "share-of-recurring-motifs": Quantity(
        "share of the champions of which the most alike champion of another run is of the same class",
        share_of_recurring_motifs,
    ),
    "share-with-other-ancestor": Quantity(
        "share of the champions that have an ancestor which was a champion of other classes only",
        share_with_other_ancestor,
    ),
    "likeness-of-relatives": Quantity(
        "mean correlation of champions with their closest relative, less that of the same two classes in other runs",
        likeness_of_relatives,
    ),
    "feature-distance-ratio": Quantity(
        "as nearest-distance-ratio, between the features of a network, and over that of all real images",
        feature_distance_ratio,
    ),
    "share-beyond-in-pixels": Quantity(
        "share of the champions that lie farther from the training images, in pixels, than 99 % of real images",
        share_beyond_in_pixels,
    ),
    "share-beyond-in-features": Quantity(
        "share of the champions that lie farther from the training images, in features, than 99 % of real images",
        share_beyond_in_features,
    ),
    "transfer-over-chance": Quantity(
        "mean over the networks of how far the share of their champions that keep their class on others lies above "
        "chance",
        transfer_over_chance,
    ),
    "labelled-alike": Quantity(
        "mean over the networks of the share of their champions that networks of another architecture label as they do",
        labelled_alike,
        frozenset({"experiment", "architecture", "shown_to"}),
    ),
    "share-surer-on-source": Quantity(
        "mean over the networks of the share of their champions, labelled alike by another, that they are surer of",
        share_surer_on_source,
    ),
    "retrained-median": Quantity(
        "median confidence of all champions against the networks of one number in their chains",
        retrained_median,
        frozenset({"retraining", "network"}),
    ),
    "lowest-retrained-median": Quantity(
        "lowest of the retrained networks' median confidences of all champions against them",
        lowest_retrained_median,
        frozenset({"retraining"}),
    ),
    "retraining-effect": Quantity(
        "mean over the retrained networks of how far the median log-odds against them lies above the control's",
        retraining_effect,
        frozenset({"retraining", "control_filling"}),
    ),
    "cost-in-test-error": Quantity(
        "mean over the retrained networks of how far their test error lies above the control's",
        cost_in_test_error,
        frozenset({"retraining", "control_filling"}),
    ),
    "share-of-people-right": Quantity(
        "share of the answers of people that name the network's label",
        share_of_people_right,
        frozenset({"experiment", "asked"}),
    ),
    "share-of-champions-repeating": Quantity(
        "share of the champions that repeat themselves, so that there are copies to remove",
        share_of_champions_repeating,
    ),
    "share-still-sure-without-copies": Quantity(
        "share of the champions with copies that are still at 99 % when so many of these are removed",
        share_still_sure_without_copies,
        _REMOVING,
    ),
    "copies-over-control": Quantity(
        "mean over the champions with copies of how far the log-odds lie above the control's when so many copies are "
        "removed",
        copies_over_control,
        _REMOVING,
    ),
    "share-of-ascents-at-threshold": Quantity(
        "share of the images of gradient ascent, all starts and classes, that are at the threshold",
        share_of_ascents_at_threshold,
        frozenset({"ascent"}),
    ),
    "ascent-evaluations-ratio": Quantity(
        "median over the runs of the evaluations until the median class came to the threshold, of gradient ascent over "
        "those of the search",
        ascent_evaluations_ratio,
        frozenset({"ascent", "experiment"}),
    ),
}
