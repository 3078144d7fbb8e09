"""The quantities of claims about retraining. Chains are the units: the networks of one are not independent."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fooling.findings.intervals import Estimate, estimated_mean, estimated_median, probability_of
from fooling.findings.measurement import Measurement, NotRun
from fooling.findings.retraining import grid_of_chains, medians_of_chains


def retrained_median(of: Measurement) -> Estimate:
    """The third reading of a median confidence, as the paper's Fig. 11 has it."""
    rows = _champions(of)
    numbers = rows["number"]
    last = int(numbers.max())
    if last < (asked := int(of.selection.network or 0)) and not of.may_be_shorter:
        raise NotRun(f"the chain ends with network {last}, the claim speaks of network {asked}")
    log_odds = grid_of_chains(rows[numbers == min(asked, last)], "log_odds")[:, :, 0]
    return estimated_median(
        log_odds, level=of.settings.confidence_level, nested=True, unit="chain", back=probability_of
    )


def lowest_retrained_median(of: Measurement) -> Estimate:
    """The network of each chain that is hardest to fool."""

    def lowest(runs: NDArray[np.float64]) -> float:
        return float(np.median(runs, axis=(0, 2)).min())  # of (runs, networks, classes)

    return estimated_median(
        grid_of_chains(_retrained(_champions(of)), "log_odds"),
        level=of.settings.confidence_level,
        nested=True,
        unit="chain",
        within_unit=lowest,
        back=probability_of,
    )


def retraining_effect(of: Measurement) -> Estimate:
    """The chain and its control have as many networks, with the same seeds; differences are taken within chains."""
    rows = [_retrained(_champions(of, filling)) for filling in (of.selection.filled_with, of.selection.control_filling)]
    first, second = (medians_of_chains(champions) for champions in rows)
    found = estimated_mean(first - second, level=of.settings.confidence_level, nested=True, unit="chain")
    return replace(found, runs=rows[0].groupby(["first", "number", "seed"]).ngroups)


def cost_in_test_error(of: Measurement) -> Estimate:
    """The mean over the networks of each chain; ``runs`` counts the networks."""
    rows = of.of_retraining(of.tables.retraining)
    errors = rows[rows["number"] > 1].set_index(["first", "number", "filled_with"])["test_error"].unstack()
    fillings = [of.selection.filled_with, str(of.selection.control_filling)]
    if not set(fillings) <= set(errors):
        raise NotRun(f"no chain is filled with {' or '.join(fillings)}")
    differences = (errors[fillings[0]] - errors[fillings[1]]).dropna()
    if differences.empty:
        raise NotRun(f"no chain is filled with both {' and '.join(fillings)}")
    of_chains = differences.groupby("first").mean().to_numpy(dtype=float)[:, None]
    found = estimated_mean(of_chains, level=of.settings.confidence_level, nested=True, unit="chain", within=(-1, 1))
    return replace(found, runs=len(differences))


def _champions(of: Measurement, filling: str | None = None) -> pd.DataFrame:
    rows = of.of_retraining(of.tables.retrained)
    filling = filling or of.selection.filled_with
    rows = rows[rows["filled_with"] == filling]
    if rows.empty:
        raise NotRun(f"no chain of {of.selection.retraining} is filled with {filling}")
    return rows


def _retrained(champions: pd.DataFrame) -> pd.DataFrame:
    return champions[champions["number"] > 1]
