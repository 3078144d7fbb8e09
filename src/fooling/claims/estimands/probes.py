"""Estimands of random images of several families, of changed champions, and of their logits beside real images."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fooling.claims.estimand import Context, NotRun, estimand
from fooling.findings.boundary import REAL_IMAGE, START, distance_ratio
from fooling.findings.intervals import Estimate, estimated_mean, probability_of, run_grid
from fooling.findings.stress import survival_over_real


@estimand(
    "mean over the classifiers of the median over the classes of the log-odds of the best random image of the family "
    "{random_images}, minus that of as many random CPPNs",
    needs=("random_images",),
)
def family_gain_in_log_odds(context: Context) -> Estimate:
    """One value for each classifier, with the same number of images of both families."""
    chosen, cppns = _medians(context, str(context.filter.random_images)), _medians(context, "cppn")
    both = (chosen - cppns).dropna()
    if both.empty:
        raise NotRun(f"no classifier of {context.dataset} was shown both families")
    gains = np.asarray(both, dtype=np.float64)[:, None]
    return estimated_mean(gains, level=context.settings.confidence_level, nested=True)


@estimand(
    "median over the classes of the confidence in the best random image of the family {random_images}, averaged over "
    "classifiers",
    needs=("random_images",),
)
def median_of_random_images(context: Context) -> Estimate:
    """One value for each classifier."""
    medians = np.asarray(_medians(context, str(context.filter.random_images)), dtype=np.float64)[:, None]
    return estimated_mean(medians, level=context.settings.confidence_level, nested=True, back=probability_of)


@estimand(
    "share of the champions with their class as label that keep it after the change {change} of strength {strength}, "
    "minus the same share of correctly classified real images",
    needs=("experiment", "change", "strength"),
)
def survival_over_real_images(context: Context) -> Estimate:
    """Positive if champions survive the change more often than real images."""
    rows = context.of_experiment(context.tables.robustness)
    change, strength = str(context.filter.change), context.filter.strength
    assert strength is not None
    if not ((rows["change"] == change) & (rows["strength"] == strength)).any():
        raise NotRun(f"the study has no change {change} of strength {strength:g}")
    return survival_over_real(rows, change=change, strength=strength, level=context.settings.confidence_level)


@estimand(
    "share of the champions whose logit of their class exceeds that of every real test image",
)
def share_supernormal(context: Context) -> Estimate:
    """Only classifiers that give logits."""
    rows = context.known(context.of_experiment(context.tables.supernormal), "beyond_logit")
    beyond = run_grid(
        rows.assign(beyond_logit=rows["beyond_logit"].astype(float)), "beyond_logit", within_run="class_index"
    )
    return context.share(beyond == 1)


@estimand(
    "median distance of the champions to the nearest decision boundary, as a multiple of that of correctly classified "
    "real test images, geometric mean over the classifiers",
)
def boundary_distance_over_real(context: Context) -> Estimate:
    """Above 1 if champions lie deeper in the region of their class than real images."""
    return _distance_ratio(context, REAL_IMAGE)


@estimand(
    "median distance of the champions to the nearest decision boundary, as a multiple of that of the best images of "
    "the random starts, geometric mean over the classifiers",
)
def boundary_distance_over_start(context: Context) -> Estimate:
    """Above 1 if evolution leads away from the boundary."""
    return _distance_ratio(context, START)


def _distance_ratio(context: Context, kind: str) -> Estimate:
    table = context.tables.boundary
    rows = table if table.empty else table[table["classifier"].isin(context.networks()["classifier"])]
    level, found = context.settings.confidence_level, None
    if not rows.empty:
        found = distance_ratio(rows, experiment=str(context.filter.experiment), kind=kind, level=level)
    if found is None:
        raise NotRun(f"no distances of {context.filter.experiment} to the boundary on classifiers of {context.dataset}")
    return found


def _medians(context: Context, family: str) -> pd.Series[float]:
    """Return the median log-odds over the classes of the best images of a family, by classifier."""
    table = context.tables.families
    if len(table):
        table = table[table["classifier"].isin(context.networks()["classifier"]) & (table["family"] == family)]
    if table.empty:
        raise NotRun(f"no random images of the family {family} were shown to classifiers of {context.dataset}")
    return table.groupby("classifier")["log_odds"].median()
