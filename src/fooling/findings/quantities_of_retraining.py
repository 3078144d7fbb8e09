"""The quantities of claims about retraining. Chains are drawn first, and runs within them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fooling.findings.intervals import Estimate, Statistic, estimated_mean, estimated_median
from fooling.findings.measurement import Measurement, NotRun
from fooling.findings.retraining import grid_of_chains, mean_difference, pooled_median


def retrained_median(of: Measurement) -> Estimate:
    """The third reading of a median confidence, as the paper's Fig. 11 has it."""
    rows = _champions(of)
    numbers = rows["number"]
    last = int(numbers.max())
    if last < (asked := int(of.selection.network or 0)) and not of.may_be_shorter:
        raise NotRun(f"the chain ends with network {last}, the claim speaks of network {asked}")
    return _estimated(of, grid_of_chains(rows[numbers == min(asked, last)], "confidence")[:, :, 0], pooled_median)


def lowest_retrained_median(of: Measurement) -> Estimate:
    """The network of the chain that is hardest to fool."""

    def lowest(grid: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.median(grid, axis=(-4, -3, -1)).min(axis=-1))  # of (..., chains, runs, networks, classes)

    return _estimated(of, grid_of_chains(_retrained(_champions(of)), "confidence"), lowest)


def retraining_effect(of: Measurement) -> Estimate:
    """The chain and its control have as many networks, with the same seeds."""
    medians = [
        np.median(grid_of_chains(_retrained(_champions(of, filling)), "log_odds"), axis=3)
        for filling in (of.selection.filled_with, of.selection.control_filling)
    ]
    return _estimated(of, np.stack(medians, axis=2), mean_difference)


def cost_in_test_error(of: Measurement) -> Estimate:
    """Retrained networks are the unit; Student's t interval, although those of one chain are no strangers."""
    rows = of.of_retraining(of.tables.retraining)
    errors = rows[rows["number"] > 1].set_index(["first", "number", "filled_with"])["test_error"].unstack()
    fillings = [of.selection.filled_with, str(of.selection.control_filling)]
    if not set(fillings) <= set(errors):
        raise NotRun(f"no chain is filled with {' or '.join(fillings)}")
    return estimated_mean((errors[fillings[0]] - errors[fillings[1]]).to_numpy(dtype=float), settings=of.settings)


def _champions(of: Measurement, filling: str | None = None) -> pd.DataFrame:
    rows = of.of_retraining(of.tables.retrained)
    filling = filling or of.selection.filled_with
    rows = rows[rows["filled_with"] == filling]
    if rows.empty:
        raise NotRun(f"no chain of {of.selection.retraining} is filled with {filling}")
    return rows


def _retrained(champions: pd.DataFrame) -> pd.DataFrame:
    return champions[champions["number"] > 1]


def _estimated(of: Measurement, grid: NDArray[np.float64], statistic: Statistic) -> Estimate:
    return estimated_median(grid, statistic, settings=of.settings, purpose=(of.purpose,), nested=True)
