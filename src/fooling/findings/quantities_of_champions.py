"""The quantities of claims about what champions descend from, and how far they lie from the data."""

from __future__ import annotations

import numpy as np

from fooling.findings.intervals import Estimate, estimated_ratio
from fooling.findings.measurement import Measurement, NotRun


def share_with_other_ancestor(of: Measurement) -> Estimate:
    """Champions with a switch of class on their way from the random start."""
    return of.share(of.ancestry("switches") > 0)


def likeness_of_relatives(of: Measurement) -> Estimate:
    """Champions that share an ancestor with another champion of their run.

    ``units`` and ``runs`` count those with such champions.
    """
    excess = of.ancestry("likeness") - of.ancestry("likeness_of_strangers")
    known = np.isfinite(excess)
    if not known.any():
        raise NotRun("no two champions of a run have an ancestor in common, or there is one run alone")
    sums = np.where(known, excess, 0).sum(axis=2)
    return estimated_ratio(sums, known.sum(axis=2), level=of.settings.confidence_level)


def feature_distance_ratio(of: Measurement) -> Estimate:
    """Champions at the end of their runs."""
    return of.median_ratio(np.median(of.distances("feature_ratio"), axis=2))


def share_beyond_in_pixels(of: Measurement) -> Estimate:
    """Champions at the end of their runs."""
    return of.share(of.distances("pixel_beyond") == 1)


def share_beyond_in_features(of: Measurement) -> Estimate:
    """Champions at the end of their runs."""
    return of.share(of.distances("feature_beyond") == 1)
