"""The quantities of claims about real pictures, and about the champions that a network is surest of."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fooling.findings.intervals import Estimate, estimated_mean, log_odds_of, probability_of
from fooling.findings.measurement import Measurement, NotRun


def median_in_real_images(of: Measurement, judged: Literal["all", "rightly", "wrongly"] = "all") -> Estimate:
    """One value for each classifier, of the test images that it classifies in this way."""
    networks = of.networks()["classifier"]
    real = of.tables.real[of.tables.real["classifier"].isin(networks)]
    if judged != "all":
        real = real[(real["label"] == real["predicted"]) == (judged == "rightly")]
    if real.empty:
        raise NotRun(f"no real test image of {of.dataset} was {'seen' if judged == 'all' else f'judged {judged}'}")
    medians = real.groupby("classifier")["log_odds"].median().to_numpy(dtype=np.float64)[:, None]
    return estimated_mean(medians, level=of.settings.confidence_level, nested=True, back=probability_of)


def mean_of_surest(of: Measurement) -> Estimate:
    """Of every run its surest champions."""
    return of.median_confidence(log_odds_of(_surest(of, "confidence").mean(axis=2)))


def least_of_surest(of: Measurement) -> Estimate:
    """Of every run the last of its surest champions."""
    return of.median_confidence(_surest(of, "log_odds")[:, :, 0])


def _surest(of: Measurement, column: str) -> NDArray[np.float64]:
    """Of as many champions as the claim names a column that rises with confidence, (classifiers, seeds, count)."""
    count, values = int(of.selection.count or 0), of.history(column)
    if values.shape[2] < count:
        raise NotRun(f"the networks of {of.dataset} have {values.shape[2]} classes, the claim speaks of {count}")
    return np.sort(values, axis=2)[:, :, -count:]
