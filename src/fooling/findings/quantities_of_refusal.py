"""The quantities of claims about chains that refuse equally many real images; adaptive champions alone support them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from fooling.findings.bounds import Array
from fooling.findings.intervals import Estimate, estimated_mean, estimated_share
from fooling.findings.measurement import Measurement, NotRun
from fooling.findings.refusal import ADAPTIVE


def share_accepted(of: Measurement) -> Estimate:
    """The share of the champions evolved against the refusing networks that these accept."""
    rows = _adaptive(of, of.selection.filled_with)
    accepted = _of_chains(rows["accepted"])
    return _with_runs(estimated_share(accepted, level=of.settings.confidence_level, nested=True, unit="chain"), rows)


def refusal_effect(of: Measurement) -> Estimate:
    """How far the log-odds among the real classes lie above the control's, chain by chain, at one refusal rate."""
    rows = [_adaptive(of, filling) for filling in (of.selection.filled_with, str(of.selection.control_filling))]
    first, second = (found.set_index("first")["log_odds"].astype(float) for found in rows)
    differences = (first - second).dropna()
    if differences.empty:
        raise NotRun(f"no chain is filled with both {of.selection.filled_with} and {of.selection.control_filling}")
    found = estimated_mean(_of_chains(differences), level=of.settings.confidence_level, nested=True, unit="chain")
    return _with_runs(found, rows[0][rows[0]["first"].isin(differences.index)])


def _adaptive(of: Measurement, filling: str) -> pd.DataFrame:
    """One row for each chain: its last network with the constant that its champions met."""
    rows = of.of_retraining(of.tables.refusal)
    rows = rows[(rows["filled_with"] == filling) & (rows["attack"] == ADAPTIVE)]
    if rows.empty:
        raise NotRun(f"no refusing network of {of.selection.retraining} is filled with {filling}")
    return rows


def _of_chains(values: pd.Series) -> Array:
    """One value for each chain, as (chains, 1)."""
    return np.asarray(values, dtype=np.float64)[:, None]


def _with_runs(found: Estimate, rows: pd.DataFrame) -> Estimate:
    return replace(found, runs=int(rows["runs"].sum()))
