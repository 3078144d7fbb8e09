"""Estimands of adversarial examples, universal perturbations, labels alone, detectors and transfer, beside controls.

The units of transfer are classifiers, each with its pairs as source and as target.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from fooling.claims.estimand import Context, NotRun, estimand
from fooling.findings import universal
from fooling.findings.adversarial import METHOD, distortion, excess_over_pairs, fooled_over_noise
from fooling.findings.detectors import adaptive_minus_static
from fooling.findings.intervals import Estimate, estimated_mean, estimated_over_pairs, log_odds_of, probability_of
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
    takes=("size", "relation", "training_images"),
)
def adversarial_transfer_over_noise(context: Context) -> Estimate:
    """Images that their source misclassifies, and whose real image the other classifier gets right."""
    pairs = _of_attack(context, context.tables.adversarial_transfer, column="source")
    pairs = pairs[(pairs["relation"] == context.filter.relation) & pairs["excess"].notna()]
    if (related := context.filter.training_images) is not None:
        pairs = pairs[pairs["training_images"] == related]
    if pairs.empty:
        raise NotRun(f"no image of {context.filter.method} was shown to a classifier of the {context.filter.relation}")
    return excess_over_pairs(pairs, level=context.settings.confidence_level)


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


@estimand(
    "mean over the classifiers of the share of unseen images that one universal perturbation fools",
    needs=("universal", "norm", "size"),
    takes=("round",),
)
def universal_rate(context: Context) -> Estimate:
    """Stored images that get another label; of all sizes and numbers of images, the largest number counts."""
    rows = _universal(context)
    return universal.share_of_images(rows, "unseen", level=context.settings.confidence_level)


@estimand(
    "mean over the classifiers of the share of unseen images that one universal perturbation fools, minus the share "
    "that random perturbations of the same norm fool",
    needs=("universal", "norm", "size"),
    takes=("round",),
)
def universal_over_random(context: Context) -> Estimate:
    """The random perturbations of each classifier are averaged."""
    return universal.excess_over_random(_universal(context), level=context.settings.confidence_level)


@estimand(
    "share of unseen images that a universal perturbation fools on another classifier, minus the share that random "
    "perturbations of the same norm fool there, mean over the pairs of classifiers",
    needs=("universal", "norm", "size"),
    takes=("relation",),
)
def universal_transfer_over_random(context: Context) -> Estimate:
    """All unseen images count, whether they are fooled on the source or not."""
    pairs = _rows_of_universal(context, context.tables.universal_transfer, column="source")
    pairs = pairs[pairs["relation"] == context.filter.relation]
    if pairs.empty:
        raise NotRun(f"no image was shown to a classifier of the {context.filter.relation}")
    return universal.excess_over_pairs(pairs, level=context.settings.confidence_level)


@estimand(
    "mean over the classifiers of the share of the fooled unseen images that get the most frequent label",
    needs=("universal", "norm", "size"),
)
def universal_dominant_label(context: Context) -> Estimate:
    """The label may differ between classifiers."""
    rows = _rows_of_universal(context, context.tables.universal_labels, column="classifier")
    shares = rows.loc[rows["rank"] == 1, "share"].to_numpy(dtype=float)
    return estimated_mean(shares[:, None], level=context.settings.confidence_level, nested=True, within=(0, 1))


def _universal(context: Context) -> pd.DataFrame:
    """Return the rows of the perturbations found on the most images, one for each classifier, at the round."""
    rows = _rows_of_universal(context, context.tables.universal, column="classifier")
    found: pd.DataFrame = rows[(rows["images"] == rows["images"].max()) & (rows["round"] == context.filter.round)]
    if found.empty:
        raise NotRun(f"no classifiers that were fine-tuned {context.filter.round} times")
    return found


def _rows_of_universal(context: Context, tables: Mapping[str, pd.DataFrame], *, column: str) -> pd.DataFrame:
    """Return the rows of the attack, norm and size in which ``column`` names one of the classifiers."""
    chosen = context.filter
    if (table := tables.get(str(chosen.universal))) is not None:
        rows = table[(table["norm"] == chosen.norm) & (table["size"] == chosen.size)]
        rows = rows[rows[column].isin(context.networks()["classifier"])]
        if not rows.empty:
            return rows
    raise NotRun(
        f"no universal perturbations {chosen.universal} of {chosen.norm} {chosen.size} on classifiers of "
        f"{context.dataset}"
    )


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


@estimand(
    "share of the classes that attacks bring to the threshold that know the detector {detector}, mean over the "
    "classifiers",
    needs=("guards", "detector"),
)
def adaptive_share_with_detector(context: Context) -> Estimate:
    """A rejected image has confidence 0; each class counts with its best image."""
    shares = _of_detector(context)["adaptive_sure"].to_numpy(dtype=np.float64)
    return estimated_mean(shares[:, None], level=context.settings.confidence_level, nested=True, within=(0, 1))


@estimand(
    "share of the classes that attacks bring to the threshold that know the detector {detector}, minus the share with "
    "images found without it, mean over the classifiers",
    needs=("guards", "detector"),
)
def adaptive_over_static_with_detector(context: Context) -> Estimate:
    """Both by evolution and gradient ascent with equal budgets; a rejected image has confidence 0."""
    return adaptive_minus_static(_of_detector(context), level=context.settings.confidence_level)


def _of_detector(context: Context) -> pd.DataFrame:
    """Return the rows of the detector, one for each classifier of the claim."""
    table, chosen = context.tables.detectors, context.filter
    if not table.empty:
        table = table[(table["guards"] == chosen.guards) & (table["detector"] == chosen.detector)]
        table = table[table["classifier"].isin(context.networks()["classifier"])]
    if table.empty:
        raise NotRun(f"no detector {chosen.detector} of {chosen.guards} on classifiers of {context.dataset}")
    return table


@estimand(
    "mean over the pairs of classifiers of the transfer rate of champions to the other classifier, minus chance",
    takes=("relation",),
)
def transfer_over_chance(context: Context) -> Estimate:
    """All champions; their label is the class for which they were evolved."""
    pairs = _pairs_of_classifiers(context)
    excess = pairs.assign(excess=pairs["transfer_rate"] - pairs["chance"])
    return estimated_over_pairs(excess, "excess", level=context.settings.confidence_level, within=(-1, 1))


@estimand(
    "mean over the pairs of classifiers of the share of champions to which both give the same label",
    needs=("experiment", "architecture", "shown_to"),
    takes=("relation",),
)
def labelled_alike(context: Context) -> Estimate:
    """All champions; their label is the one that their own classifier gives them."""
    networks = context.tables.networks
    of_that_kind = networks.loc[networks["architecture"] == context.filter.shown_to, "classifier"]
    pairs = _pairs_of_classifiers(context, label="source-label", shown_to=set(of_that_kind))
    return estimated_over_pairs(pairs, "transfer_rate", level=context.settings.confidence_level, within=(0, 1))


@estimand(
    "mean over the pairs of classifiers of the share, of the champions with the same label on both, with a "
    "higher confidence on their own classifier",
    takes=("relation",),
)
def share_higher_on_source(context: Context) -> Estimate:
    """Only champions to which both classifiers give the same label."""
    pairs = _pairs_of_classifiers(context)
    pairs = pairs[pairs["higher_on_source"].notna()]
    if pairs.empty:
        raise NotRun("no two classifiers give an image the same label")
    return estimated_over_pairs(pairs, "higher_on_source", level=context.settings.confidence_level, within=(0, 1))


@estimand(
    "highest confidence of a champion on two classifiers at once, averaged over classifiers",
    takes=("relation",),
)
def highest_on_two_networks(context: Context) -> Estimate:
    """The confidence is that in the class for which a champion was evolved."""
    pairs = _pairs_of_classifiers(context)
    highest = log_odds_of(pairs.groupby("source")["highest_joint_confidence"].max().to_numpy()[:, None])
    found = estimated_mean(highest, level=context.settings.confidence_level, nested=True, back=probability_of)
    return replace(found, runs=int(pairs.groupby("source")["runs"].first().sum()))


def _pairs_of_classifiers(context: Context, *, label: str = "class", shown_to: set[str] | None = None) -> pd.DataFrame:
    """Return the pairs of different classifiers with the claim's relation, and only these targets if given."""
    name, relation = str(context.filter.experiment), context.filter.relation
    table = context.tables.transfer.get(name)
    rows = pd.DataFrame() if table is None else table[table["source"].isin(context.networks()["classifier"])]
    if not rows.empty:
        rows = rows[(rows["relation"] == relation) & (rows["images"] == "all") & (rows["label"] == label)]
    if shown_to is not None and not rows.empty:
        rows = rows[rows["target"].isin(shown_to)]
    if rows.empty:
        kind = relation if context.filter.shown_to is None else f"architecture {context.filter.shown_to}"
        raise NotRun(f"no images of {name} on classifiers of {context.dataset} were shown to any of the {kind}")
    return rows
