"""The quantities of claims about what champions descend from, and how far they lie from the data."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fooling.findings.intervals import Estimate, estimated
from fooling.findings.measurement import Measurement, NotRun


def share_with_other_ancestor(of: Measurement) -> Estimate:
    """Champions with a switch of class on their way from the random start."""
    return of.share(of.ancestry("switches") > 0)


def likeness_of_relatives(of: Measurement) -> Estimate:
    """Champions that share an ancestor with another champion of their run; NaN where resampling finds none."""
    excess = of.ancestry("likeness") - of.ancestry("likeness_of_strangers")
    if not np.isfinite(excess).any():
        raise NotRun("no two champions of a run have an ancestor in common, or there is one run alone")

    def statistic(grid: NDArray[np.float64]) -> NDArray[np.float64]:
        known = np.isfinite(grid)
        total, count = np.where(known, grid, 0).sum(axis=(-3, -2, -1)), known.sum(axis=(-3, -2, -1))
        return np.asarray(np.divide(total, count, out=np.full(np.shape(count), np.nan), where=count > 0))

    return estimated(excess, statistic, settings=of.settings, purpose=(of.purpose,))


def feature_distance_ratio(of: Measurement) -> Estimate:
    """Champions at the end of their runs."""
    return of.median(np.median(of.distances("feature_ratio"), axis=2))


def share_beyond_in_pixels(of: Measurement) -> Estimate:
    """Champions at the end of their runs."""
    return of.share(of.distances("pixel_beyond") == 1)


def share_beyond_in_features(of: Measurement) -> Estimate:
    """Champions at the end of their runs."""
    return of.share(of.distances("feature_beyond") == 1)
