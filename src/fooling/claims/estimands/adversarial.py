"""Estimands of adversarial examples, beside noise and on other classifiers, and of fooling with labels alone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from fooling.claims.estimand import Context, NotRun, estimand
from fooling.findings.adversarial import METHOD, distortion, excess_over_pairs, fooled_over_noise
from fooling.findings.intervals import Estimate, estimated_mean
from fooling.findings.label_only import MAP_ELITES, RANDOM, run_medians, transferred_over_pairs


@estimand(
    "mean over the classifiers of the mean root mean square of the changes by {method} that make them wrong, on the "
    "0..1 scale of levels",
    needs=("adversarial", "method"),
    takes=("size",),
)
def mean_distortion(context: Context) -> Estimate:
    """Images that are misclassified before rounding: the average distortion of Szegedy et al. 2013."""
    images = _of_attack(context, context.tables.adversarial, column="classifier")
    found = distortion(images[images["change"] == METHOD], level=context.settings.confidence_level)
    if found is None:
        raise NotRun(f"a classifier gets every image of {context.filter.method} right")
    return found


@estimand(
    "mean over the classifiers of the share of the images that {method} makes them misclassify, minus the share with "
    "noise of the same norm",
    needs=("adversarial", "method"),
    takes=("size",),
)
def fooled_by_method_over_noise(context: Context) -> Estimate:
    """Images before rounding, each with noise of the norm of its own change."""
    images = _of_attack(context, context.tables.adversarial, column="classifier")
    found = fooled_over_noise(images, level=context.settings.confidence_level)
    if found is None:
        raise NotRun(f"the images of {context.filter.method} and those with noise are not of the same classifiers")
    return found


@estimand(
    "share of the stored images of {method} that another classifier misclassifies as well, minus the share with noise "
    "of the same norm, mean over the pairs of classifiers",
    needs=("adversarial", "method"),
    takes=("size", "relation"),
)
def adversarial_transfer_over_noise(context: Context) -> Estimate:
    """Images that their source misclassifies, and whose real image the other classifier gets right."""
    pairs = _of_attack(context, context.tables.adversarial_transfer, column="source")
    pairs = pairs[(pairs["relation"] == context.filter.relation) & pairs["excess"].notna()]
    if pairs.empty:
        raise NotRun(f"no image of {context.filter.method} was shown to a classifier of the {context.filter.relation}")
    return excess_over_pairs(pairs, level=context.settings.confidence_level)


@estimand(
    "median revealed confidence over the classes, of images found with labels alone, minus that of random search with "
    "as many queries, mean over the runs",
    needs=("label_only",),
)
def label_only_over_random(context: Context) -> Estimate:
    """Each run with the control of the same seed; a class without an image counts as a confidence of 0."""
    rows = _with_labels_alone(context, context.tables.label_only, column="classifier")
    missing = [search for search in (MAP_ELITES, RANDOM) if not (rows["search"] == search).any()]
    if missing:
        raise NotRun(f"the attack {context.filter.label_only} has no {missing[0]}")
    difference = run_medians(rows, MAP_ELITES) - run_medians(rows, RANDOM)
    if np.isnan(difference).any():
        raise NotRun("the classifiers give labels alone")
    return estimated_mean(difference, level=context.settings.confidence_level, within=(-1, 1))


@estimand(
    "share of the champions of another network that get the label of their class, mean over the pairs of classifiers",
    needs=("label_only",),
)
def label_only_transfer(context: Context) -> Estimate:
    """Each champion costs one query."""
    pairs = _with_labels_alone(context, context.tables.label_only_transfer, column="target")
    return transferred_over_pairs(pairs, level=context.settings.confidence_level)


def _with_labels_alone(context: Context, tables: Mapping[str, pd.DataFrame], *, column: str) -> pd.DataFrame:
    """Return the rows of the attack with labels alone in which ``column`` names one of the classifiers."""
    name = str(context.filter.label_only)
    if (table := tables.get(name)) is not None:
        rows = table[table[column].isin(context.networks()["classifier"])]
        if not rows.empty:
            return rows
    raise NotRun(f"no attack {name} with labels alone on classifiers of {context.dataset}")


def _of_attack(context: Context, tables: Mapping[str, pd.DataFrame], *, column: str) -> pd.DataFrame:
    """Return the rows of the attack and method in which ``column`` names one of the classifiers."""
    name, size = str(context.filter.adversarial), context.filter.size
    if (table := tables.get(name)) is not None:
        same_size = table["size"].isna() if size is None else table["size"] == size
        rows = table[(table["method"] == context.filter.method) & same_size]
        rows = rows[rows[column].isin(context.networks()["classifier"])]
        if not rows.empty:
            return rows
    raise NotRun(f"no adversarial examples {name} by {context.filter.method} on classifiers of {context.dataset}")
