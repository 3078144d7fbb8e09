"""The quantities of claims about real pictures, and about the champions that a network is surest of."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fooling.findings.intervals import Estimate, estimated_mean_of_networks
from fooling.findings.measurement import Measurement, NotRun


def median_in_real_images(of: Measurement, judged: Literal["all", "rightly", "wrongly"] = "all") -> Estimate:
    """Networks are the unit; of the test images that they judge in this way."""
    networks = of.networks()["classifier"]
    real = of.tables.real[of.tables.real["classifier"].isin(networks)].astype({"confidence": "float64"})
    if judged != "all":
        real = real[(real["label"] == real["predicted"]) == (judged == "rightly")]
    if real.empty:
        raise NotRun(f"no real test image of {of.dataset} was {'seen' if judged == 'all' else f'judged {judged}'}")
    medians = real.groupby("classifier")["confidence"].median()
    return estimated_mean_of_networks(medians.to_numpy(), settings=of.settings)


def mean_of_surest(of: Measurement) -> Estimate:
    """Of every run its surest champions."""
    return of.median(_surest(of).mean(axis=2))


def least_of_surest(of: Measurement) -> Estimate:
    """Of every run the last of its surest champions."""
    return of.median(_surest(of)[:, :, 0])


def _surest(of: Measurement) -> NDArray[np.float64]:
    """Confidences of as many champions as the claim names, (networks, seeds, count), rising."""
    count, confidences = int(of.selection.count or 0), of.history("confidence")
    if confidences.shape[2] < count:
        raise NotRun(f"the networks of {of.dataset} have {confidences.shape[2]} classes, the claim speaks of {count}")
    return np.sort(confidences, axis=2)[:, :, -count:]
