"""The quantities of claims about networks, runs, single images and what is removed from champions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fooling.findings.ablation import effect_of, estimated_over_champions, share_repeating
from fooling.findings.intervals import Estimate, estimated_mean_of_networks
from fooling.findings.measurement import Measurement, NotRun
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
    """Champions at the end of their runs, of the networks whose real images differ from the training ones."""
    rows = of.of_experiment(of.tables.examined, search="real-images")
    real = rows.groupby("classifier")["nearest_distance"].median().sort_index()
    real = real[real > 0]
    evolved = np.median(of.examined("nearest_distance", networks=real.index), axis=2)
    return of.median(evolved / real.to_numpy()[:, None])


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
