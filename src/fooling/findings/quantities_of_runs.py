"""The quantities of claims about networks, runs, single images and what is removed from champions."""

from __future__ import annotations

import numpy as np

from fooling.findings.ablation import effect_of, estimated_over_champions, share_repeating
from fooling.findings.intervals import (
    Estimate,
    estimated_mean,
    estimated_median,
    estimated_time,
    estimated_time_ratio,
    log_odds_of,
    probability_of,
)
from fooling.findings.measurement import Measurement, NotRun
from fooling.findings.tables import at_threshold


def mean_test_error(of: Measurement) -> Estimate:
    """One value for each classifier."""
    errors = of.networks()["test_error"].to_numpy(dtype=float)[:, None]
    return estimated_mean(errors, level=of.settings.confidence_level, nested=True, within=(0, 1))


def median_of_runs(of: Measurement) -> Estimate:
    """First reading of a median confidence."""
    return of.median_confidence(np.median(of.history("log_odds"), axis=2))


def median_of_classes(of: Measurement) -> Estimate:
    """Second reading of a median confidence."""
    return of.median_confidence(of.history("log_odds"), lambda runs: np.median(np.median(runs, axis=0)))


def pooled_median(of: Measurement) -> Estimate:
    """Third reading of a median confidence."""
    return of.median_confidence(of.history("log_odds"))


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
    """Of the last class of each run."""
    times, end = of.times("all")
    return estimated_time(times, end, level=of.settings.confidence_level)


def generation_median_reached(of: Measurement) -> Estimate:
    """Of the median class of each run."""
    times, end = of.times("median")
    return estimated_time(times, end, level=of.settings.confidence_level)


def share_of_runs_all_reached(of: Measurement) -> Estimate:
    """Runs that bring every class to the threshold in time."""
    return of.share(np.isfinite(of.times("all")[0]))


def gain_in_log_odds(of: Measurement) -> Estimate:
    """Run by run: the same network and seed, and as many evaluations."""
    evolved = np.median(of.history("log_odds"), axis=2)
    control = np.median(of.history("log_odds", search=of.selection.control), axis=2)
    if evolved.shape != control.shape:
        raise NotRun(f"not every run has its {of.selection.control}")
    return estimated_median(evolved - control, level=of.settings.confidence_level)


def single_image_top_confidence(of: Measurement) -> Estimate:
    """One value for each classifier, from 10,000 images."""
    rows = of.of_experiment(of.tables.start)
    medians = rows.astype({"top_confidence": "float64"}).groupby("classifier")["top_confidence"].median()
    log_odds = log_odds_of(medians.to_numpy()[:, None])
    return estimated_mean(log_odds, level=of.settings.confidence_level, nested=True, back=probability_of)


def calibrated_median_of_runs(of: Measurement) -> Estimate:
    """Champions at the end of their runs."""
    return of.median_confidence(np.median(log_odds_of(of.examined("calibrated_confidence")), axis=2))


def independent_median_of_runs(of: Measurement) -> Estimate:
    """Champions at the end of their runs."""
    return of.median_confidence(np.median(log_odds_of(of.examined("independent_confidence")), axis=2))


def share_of_recurring_motifs(of: Measurement) -> Estimate:
    """Champions at the end of their runs."""
    alike = of.examined("alike_class")
    return of.share(alike == np.arange(alike.shape[2]))


def share_of_ascents_at_threshold(of: Measurement) -> Estimate:
    """Images of gradient ascent that count as fooling."""
    return of.share(at_threshold(of.ascents("confidence"), of.settings.threshold))


def ascent_evaluations_ratio(of: Measurement) -> Estimate:
    """Run by run, the same network and seed number."""
    (climbs, end), (searches, other_end) = of.evaluations()
    return estimated_time_ratio(climbs, end, searches, other_end, level=of.settings.confidence_level)


def share_of_people_right(of: Measurement) -> Estimate:
    """The units are people; the interval covers other people and other images.

    ``sided`` one: the upper bound is one-sided, the lower bound, which has no one-sided counterpart here, two-sided.
    """
    row = of.people()
    value, low, high = (float(row[name]) for name in ("share", "low", "high"))
    if of.selection.sided == "one":
        high = float(row["upper"])
    note = "one person or image carries no interval" if np.isnan(low) else ""
    return Estimate(value=value, low=low, high=high, units=int(row["people"]), runs=int(row["answers"]), note=note)


def share_of_champions_repeating(of: Measurement) -> Estimate:
    """Champions with copies of something, at the end of their runs."""
    table = of.of_experiment(of.tables.ablation)
    return share_repeating(table, level=of.settings.confidence_level)


def share_still_sure_without_copies(of: Measurement) -> Estimate:
    """Of the champions that have so many copies to lose; a share."""
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
    is_share = quantity == "still sure" and kind != "difference"
    return estimated_over_champions(values, table, level=of.settings.confidence_level, is_share=is_share)
