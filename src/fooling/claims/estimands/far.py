"""Estimands of inputs far from the data: random inputs, and rays. The units are classifiers that were not retrained."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fooling.claims.estimand import Context, NotRun, estimand
from fooling.findings.intervals import Estimate, estimated_mean, estimated_share

LINEAR = 0.01  # largest relative difference between the measured slope and that of the theorem
SATURATED = 0.01  # largest change of the log-odds over the last doubling of the factor
NEEDS, TAKES = ("built_as",), ("weight_decay",)


@estimand(
    "mean over the classifiers of the share of random inputs from N(0, I) that get a class with more than 50 %",
    needs=NEEDS,
    takes=TAKES,
)
def rubbish_share(context: Context) -> Estimate:
    """One value for each classifier; the inputs are not clipped to images."""
    return _mean(context, "rubbish_share")


@estimand(
    "mean over the classifiers of the mean confidence in those random inputs from N(0, I) that get a class with more "
    "than 50 %",
    needs=NEEDS,
    takes=TAKES,
)
def confidence_in_rubbish(context: Context) -> Estimate:
    """One value for each classifier with such inputs."""
    return _mean(context, "mistaken_confidence")


@estimand(
    "mean over the chains of the share of random inputs from N(0, I) that get a class with more than 50 %, of network "
    "{network} minus that of the first network",
    needs=("retraining", "network"),
    takes=("filled_with",),
)
def change_of_rubbish_share(context: Context) -> Estimate:
    """One value for each chain; a fooling class counts as no mistake."""
    chosen, rubbish = context.filter, context.tables.rubbish
    if not rubbish.empty:
        rubbish = rubbish[~rubbish["clipped"].astype(bool)]
        first = rubbish[rubbish["number"] == 1].set_index("classifier")["rubbish_share"]
        later = rubbish[(rubbish["retraining"] == chosen.retraining) & (rubbish["number"] == chosen.network)]
        later = later[(later["filled_with"] == chosen.filled_with) & later["first"].isin(first.index)]
        rubbish = later[later["first"].isin(context.networks()["classifier"])]
    if rubbish.empty:
        raise NotRun(f"no random inputs on the networks of a retraining {chosen.retraining} of {context.dataset}")
    changes = rubbish["rubbish_share"].to_numpy(dtype=np.float64) - first[rubbish["first"]].to_numpy(dtype=np.float64)
    level = context.settings.confidence_level
    return estimated_mean(changes[:, None], level=level, nested=True, unit="chain", within=(-1, 1))


@estimand(
    "share of the rays along which the log-odds grow, at the largest factor, at the rate of their gradient (to 1 %)",
    needs=NEEDS,
    takes=TAKES,
)
def share_of_linear_rays(context: Context) -> Estimate:
    """Rays that are not clipped to images."""
    rays = _rays(context)
    return _share(context, rays.assign(holds=rays["slope_difference"] <= LINEAR))


@estimand(
    "share of the rays along which the log-odds change by less than .01 over the last doubling of the factor",
    needs=NEEDS,
    takes=TAKES,
)
def share_of_saturated_rays(context: Context) -> Estimate:
    """Rays that are not clipped to images."""
    rays = _rays(context)
    return _share(context, rays.assign(holds=rays["last_change"].abs() < SATURATED))


@estimand(
    "share of the rays with at least the threshold as confidence at the largest factor",
    needs=NEEDS,
    takes=TAKES,
)
def share_of_sure_rays(context: Context) -> Estimate:
    """Rays that are not clipped to images."""
    return _share(context, _rays(context).rename(columns={"sure": "holds"}))


def _mean(context: Context, column: str) -> Estimate:
    rows = _chosen(context, context.tables.rubbish)
    if not rows.empty:
        rows = rows[~rows["clipped"].astype(bool) & (rows["number"] == 1) & rows[column].notna()]
    if rows.empty:
        raise NotRun(f"no random inputs on such classifiers of {context.dataset}, or none gets a class")
    values = rows[column].to_numpy(dtype=np.float64)[:, None]
    return estimated_mean(values, level=context.settings.confidence_level, nested=True, within=(0, 1))


def _rays(context: Context) -> pd.DataFrame:
    rows = _chosen(context, context.tables.ray_slopes)
    if rows.empty:
        raise NotRun(f"no rays of such classifiers of {context.dataset}")
    return rows


def _share(context: Context, rays: pd.DataFrame) -> Estimate:
    shares = rays.groupby("classifier", sort=False)["holds"].mean().to_numpy(dtype=np.float64)[:, None]
    return estimated_share(shares, level=context.settings.confidence_level, nested=True)


def _chosen(context: Context, table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the classifiers of the claim."""
    if table.empty:
        return table
    chosen = context.filter
    rows = table[table["classifier"].isin(context.networks()["classifier"]) & (table["built_as"] == chosen.built_as)]
    return rows if chosen.weight_decay is None else rows[rows["weight_decay"] == chosen.weight_decay]
