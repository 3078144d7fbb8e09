"""The quantities that claims name: pure functions from a study's tables to a number with its interval.

A median says what it is over. Where a source leaves that open there are three readings: the median over the classes
of each run and then over the runs; the median over the runs for each class and then over the classes; and the median
of all champions pooled. Each is taken within a classifier (of retrained networks: within a chain), and the mean over
these follows, of confidences on the scale of log-odds, of ratios on that of logarithms.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from fooling.findings.intervals import Estimate
from fooling.findings.measurement import Measurement
from fooling.findings.quantities_of_champions import (
    feature_distance_ratio,
    likeness_of_relatives,
    share_beyond_in_features,
    share_beyond_in_pixels,
    share_with_other_ancestor,
)
from fooling.findings.quantities_of_controls import copies_over_control_in_all, distance_over_start
from fooling.findings.quantities_of_pictures import least_of_surest, mean_of_surest, median_in_real_images
from fooling.findings.quantities_of_refusal import refusal_effect, share_accepted
from fooling.findings.quantities_of_retraining import (
    cost_in_test_error,
    lowest_retrained_median,
    retrained_median,
    retraining_effect,
)
from fooling.findings.quantities_of_runs import (
    ascent_evaluations_ratio,
    calibrated_median_of_runs,
    copies_over_control,
    gain_in_log_odds,
    generation_all_reached,
    generation_median_reached,
    independent_median_of_runs,
    mean_test_error,
    median_of_classes,
    median_of_runs,
    pooled_median,
    share_of_ascents_at_threshold,
    share_of_champions_repeating,
    share_of_classes_at_level,
    share_of_classes_at_threshold,
    share_of_people_right,
    share_of_recurring_motifs,
    share_of_runs_all_reached,
    share_saturated,
    share_still_sure_without_copies,
    single_image_top_confidence,
)
from fooling.findings.quantities_of_transfer import (
    labelled_alike,
    share_surer_on_source,
    surest_on_two_networks,
    transfer_over_chance,
)


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
        "median over the runs of each run's median confidence over the classes, averaged over classifiers",
        median_of_runs,
        _IN_TIME,
    ),
    "median-of-classes": Quantity(
        "median over the classes of each class's median confidence over the runs, averaged over classifiers",
        median_of_classes,
        _IN_TIME,
    ),
    "pooled-median": Quantity(
        "median confidence of the champions of all runs and classes pooled, averaged over classifiers",
        pooled_median,
        _IN_TIME,
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
        "median over the runs of the mean confidence of the champions, so many, that the network is surest of, "
        "averaged over classifiers",
        mean_of_surest,
        _IN_TIME | {"count"},
    ),
    "least-of-surest": Quantity(
        "median over the runs of the lowest confidence among the champions, so many, that the network is surest of, "
        "averaged over classifiers",
        least_of_surest,
        _IN_TIME | {"count"},
    ),
    "share-saturated": Quantity(
        "share of the champions of all runs and classes at exactly 1 in float32", share_saturated, _IN_TIME
    ),
    "generation-all-reached": Quantity(
        "geometric mean over the runs of the generation at which the last class came to the threshold",
        generation_all_reached,
        _IN_TIME,
    ),
    "generation-median-reached": Quantity(
        "geometric mean over the runs of the generation at which the median over the classes came to the threshold",
        generation_median_reached,
        _IN_TIME,
    ),
    "share-of-runs-all-reached": Quantity(
        "share of the runs in which every class came to the threshold", share_of_runs_all_reached, _IN_TIME
    ),
    "gain-in-log-odds": Quantity(
        "mean over the classifiers of the median over the runs of how far the median log-odds over the classes lies "
        "above that of the control",
        gain_in_log_odds,
        _IN_TIME | {"control"},
    ),
    "single-image-top-confidence": Quantity(
        "median top confidence in single random images, averaged over classifiers", single_image_top_confidence
    ),
    "median-in-real-images": Quantity(
        "median confidence in real test images, averaged over classifiers",
        median_in_real_images,
        frozenset({"architecture"}),
    ),
    "median-in-images-judged-rightly": Quantity(
        "median confidence in real test images that get the right class, averaged over classifiers",
        partial(median_in_real_images, judged="rightly"),
        frozenset({"architecture"}),
    ),
    "median-in-images-judged-wrongly": Quantity(
        "median confidence in real test images that get a wrong class, averaged over classifiers",
        partial(median_in_real_images, judged="wrongly"),
        frozenset({"architecture"}),
    ),
    "calibrated-median-of-runs": Quantity(
        "median over the runs of each run's median calibrated confidence over the classes, averaged over classifiers",
        calibrated_median_of_runs,
    ),
    "independent-median-of-runs": Quantity(
        "median over the runs of each run's median, over the classes, of an independent network's confidence, averaged "
        "over classifiers",
        independent_median_of_runs,
    ),
    "distance-over-start": Quantity(
        "median over the runs of each run's median distance to the nearest training image, in pixels, over that of its "
        "random start, averaged over classifiers",
        distance_over_start,
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
        "median over the runs of each run's median distance to the nearest training image, between the features of the "
        "network, over that of real images",
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
        "mean over the pairs of networks of how far the share of the champions that keep their class on the other lies "
        "above chance",
        transfer_over_chance,
    ),
    "labelled-alike": Quantity(
        "mean over the pairs of networks of the share of champions that the other architecture labels as their own",
        labelled_alike,
        frozenset({"experiment", "architecture", "shown_to"}),
    ),
    "surest-on-two-networks": Quantity(
        "highest confidence that a champion has on it and on another network at once, averaged over networks",
        surest_on_two_networks,
    ),
    "share-surer-on-source": Quantity(
        "mean over the pairs of networks of the share of the champions that both label alike which their own is surer "
        "of",
        share_surer_on_source,
    ),
    "retrained-median": Quantity(
        "median confidence of all champions against its network of one number, averaged over chains",
        retrained_median,
        frozenset({"retraining", "network"}),
    ),
    "lowest-retrained-median": Quantity(
        "lowest median confidence of all champions against one of its retrained networks, averaged over chains",
        lowest_retrained_median,
        frozenset({"retraining"}),
    ),
    "retraining-effect": Quantity(
        "mean over the chains of how far the median log-odds against their retrained networks lies above the control's",
        retraining_effect,
        frozenset({"retraining", "control_filling"}),
    ),
    "cost-in-test-error": Quantity(
        "mean over the chains of how far the test error of their retrained networks lies above the control's",
        cost_in_test_error,
        frozenset({"retraining", "control_filling"}),
    ),
    "share-accepted": Quantity(
        "share of the champions evolved against networks that refuse real images that these networks accept",
        share_accepted,
        frozenset({"retraining"}),
    ),
    "refusal-effect": Quantity(
        "how far the median log-odds among the real classes lie above the control's, at one refusal rate",
        refusal_effect,
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
    "copies-over-control-in-all": Quantity(
        "mean over the champions with copies of how far the log-odds lie above the control's, over all numbers of "
        "copies removed",
        copies_over_control_in_all,
        frozenset({"experiment", "fill"}),
    ),
    "share-of-ascents-at-threshold": Quantity(
        "share of the images of gradient ascent, all starts and classes, that are at the threshold",
        share_of_ascents_at_threshold,
        frozenset({"ascent"}),
    ),
    "ascent-evaluations-ratio": Quantity(
        "geometric mean over the runs of the evaluations until the median class came to the threshold, of gradient "
        "ascent over those of the search",
        ascent_evaluations_ratio,
        frozenset({"ascent", "experiment"}),
    ),
}
