"""Estimands of retraining, including equal refusal rates.

The units are chains, because the networks of a chain are not independent.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fooling.claims.estimand import Context, NotRun, estimand
from fooling.findings.bounds import Array
from fooling.findings.hardening import differences_to_plain
from fooling.findings.intervals import Estimate, estimated_mean, estimated_median, estimated_share, probability_of
from fooling.findings.retraining import grid_of_chains, medians_of_chains
from fooling.findings.stronger_attacks import ADAPTIVE


@estimand(
    "median confidence of all champions against network {network} of a chain, averaged over chains",
    needs=("retraining", "network"),
    takes=("filled_with",),
)
def retrained_median(context: Context) -> Estimate:
    """Third reading of a median confidence, as in the paper's Fig. 11."""
    rows = _champions(context)
    numbers = rows["number"]
    if (last := int(numbers.max())) < (asked := int(context.filter.network or 0)):
        raise NotRun(f"the chain ends with network {last}, but the claim is about network {asked}")
    log_odds = grid_of_chains(rows[numbers == asked], "log_odds")[:, :, 0]
    return estimated_median(
        log_odds, level=context.settings.confidence_level, nested=True, unit="chain", back=probability_of
    )


@estimand(
    "lowest median confidence of all champions against one retrained network of a chain, averaged over chains",
    needs=("retraining",),
    takes=("filled_with",),
)
def lowest_retrained_median(context: Context) -> Estimate:
    """The hardest network of each chain."""

    def lowest(runs: NDArray[np.float64]) -> float:
        return float(np.median(runs, axis=(0, 2)).min())  # of (runs, networks, classes)

    return estimated_median(
        grid_of_chains(_retrained(_champions(context)), "log_odds"),
        level=context.settings.confidence_level,
        nested=True,
        unit="chain",
        within_unit=lowest,
        back=probability_of,
    )


@estimand(
    "mean over the chains of the median log-odds against their retrained networks, minus that of {control_filling}",
    needs=("retraining", "control_filling"),
    takes=("filled_with",),
)
def retraining_effect(context: Context) -> Estimate:
    """A chain and its control have the same number of networks and the same seeds; differences are within chains."""
    rows = [
        _retrained(_champions(context, filling))
        for filling in (context.filter.filled_with, context.filter.control_filling)
    ]
    first, second = (medians_of_chains(champions) for champions in rows)
    found = estimated_mean(first - second, level=context.settings.confidence_level, nested=True, unit="chain")
    return replace(found, runs=rows[0].groupby(["first", "number", "seed"]).ngroups)


@estimand(
    "mean over the chains of the test error of their retrained networks, minus that of {control_filling}",
    needs=("retraining", "control_filling"),
    takes=("filled_with",),
)
def cost_in_test_error(context: Context) -> Estimate:
    """The mean over the networks of each chain; ``runs`` counts the networks."""
    rows = context.of_retraining(context.tables.retraining)
    errors = rows[rows["number"] > 1].set_index(["first", "number", "filled_with"])["test_error"].unstack()
    fillings = [context.filter.filled_with, str(context.filter.control_filling)]
    if not set(fillings) <= set(errors):
        raise NotRun(f"no chain is filled with {' or '.join(fillings)}")
    differences = (errors[fillings[0]] - errors[fillings[1]]).dropna()
    if differences.empty:
        raise NotRun(f"no chain is filled with both {' and '.join(fillings)}")
    of_chains = differences.groupby("first").mean().to_numpy(dtype=float)[:, None]
    found = estimated_mean(
        of_chains, level=context.settings.confidence_level, nested=True, unit="chain", within=(-1, 1)
    )
    return replace(found, runs=len(differences))


@estimand(
    "share of the champions evolved against refusing networks that are accepted by them",
    needs=("retraining",),
    takes=("filled_with",),
)
def share_accepted(context: Context) -> Estimate:
    """The attack is adaptive: evolution ran against the refusing network."""
    rows = _adaptive(context, context.filter.filled_with)
    accepted = _of_chains(rows["accepted"])
    return _with_runs(
        estimated_share(accepted, level=context.settings.confidence_level, nested=True, unit="chain"), rows
    )


@estimand(
    "mean over the chains of the median log-odds among the real classes at equal refusal rates, minus that "
    "of {control_filling}",
    needs=("retraining", "control_filling"),
    takes=("filled_with",),
)
def refusal_effect(context: Context) -> Estimate:
    """Difference between the chain and its control; the log-odds are among the real classes only."""
    rows = [
        _adaptive(context, filling) for filling in (context.filter.filled_with, str(context.filter.control_filling))
    ]
    first, second = (found.set_index("first")["log_odds"].astype(float) for found in rows)
    differences = (first - second).dropna()
    if differences.empty:
        raise NotRun(f"no chain is filled with both {context.filter.filled_with} and {context.filter.control_filling}")
    found = estimated_mean(_of_chains(differences), level=context.settings.confidence_level, nested=True, unit="chain")
    return _with_runs(found, rows[0][rows[0]["first"].isin(differences.index)])


@estimand(
    "mean over the networks of the median log-odds of the champions, minus that of the plain networks of the same "
    "seeds",
    needs=("experiment", "way"),
    takes=("search",),
)
def hardening_effect(context: Context) -> Estimate:
    """Difference between networks trained in a way and plain ones; the images were evolved against each network."""
    return _hardening(context, "log_odds")


@estimand(
    "mean over the networks of the log-odds by which the median champion exceeds the threshold of equal refusal, minus "
    "that of the plain networks of the same seeds",
    needs=("experiment", "way"),
    takes=("search",),
)
def hardening_at_equal_refusal(context: Context) -> Estimate:
    """The same, with the threshold below which each network refuses equally many real images."""
    return _hardening(context, "excess")


def _hardening(context: Context, column: str) -> Estimate:
    table, chosen = context.tables.hardened, context.filter
    if not table.empty:
        of_search = (table["experiment"] == chosen.experiment) & (table["search"] == chosen.search)
        rows = table[of_search & (table["way"] == chosen.way)]
        rows = rows[rows["counterpart"].isin(context.networks()["classifier"])]
        if len(differences := differences_to_plain(table, rows, column)):
            level = context.settings.confidence_level
            return _with_runs(estimated_mean(differences[:, None], level=level, nested=True), rows)
    raise NotRun(f"no networks of {context.dataset} trained with {chosen.way} beside plain ones")


def _champions(context: Context, filling: str | None = None) -> pd.DataFrame:
    rows = context.of_retraining(context.tables.retrained)
    filling = filling or context.filter.filled_with
    rows = rows[rows["filled_with"] == filling]
    if rows.empty:
        raise NotRun(f"no chain of {context.filter.retraining} is filled with {filling}")
    return rows


def _retrained(champions: pd.DataFrame) -> pd.DataFrame:
    return champions[champions["number"] > 1]


def _adaptive(context: Context, filling: str) -> pd.DataFrame:
    """Return one row for each chain: its last network, attacked with its constant."""
    rows = context.of_retraining(context.tables.refusal)
    rows = rows[(rows["filled_with"] == filling) & (rows["attack"] == ADAPTIVE)]
    if rows.empty:
        raise NotRun(f"no refusing network of {context.filter.retraining} is filled with {filling}")
    return rows


def _of_chains(values: pd.Series) -> Array:
    """Return one value for each chain, as (chains, 1)."""
    return np.asarray(values, dtype=np.float64)[:, None]


def _with_runs(found: Estimate, rows: pd.DataFrame) -> Estimate:
    return replace(found, runs=int(rows["runs"].sum()))
