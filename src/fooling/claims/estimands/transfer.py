"""Estimands of transfer. Classifiers are the units, each with its pairs as source and as target."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from fooling.claims.context import Context, NotRun
from fooling.claims.estimand import estimand
from fooling.findings.intervals import Estimate, estimated_mean, estimated_over_pairs, log_odds_of, probability_of


@estimand(
    "mean over the pairs of networks of the share of champions that keep their class on the other network, less chance",
    takes=("relation",),
)
def transfer_over_chance(context: Context) -> Estimate:
    """Of all champions, by the class that they were evolved for."""
    pairs = _pairs(context)
    excess = pairs.assign(excess=pairs["alike"] - pairs["chance"])
    return estimated_over_pairs(excess, "excess", level=context.settings.confidence_level, within=(-1, 1))


@estimand(
    "mean over the pairs of networks of the share of champions that both label alike",
    needs=("experiment", "architecture", "shown_to"),
    takes=("relation",),
)
def labelled_alike(context: Context) -> Estimate:
    """Of all champions, by the label that their own network gives them."""
    networks = context.tables.networks
    of_that_kind = networks.loc[networks["architecture"] == context.filter.shown_to, "classifier"]
    pairs = _pairs(context, label="source-label", shown_to=set(of_that_kind))
    return estimated_over_pairs(pairs, "alike", level=context.settings.confidence_level, within=(0, 1))


@estimand(
    "mean over the pairs of networks of the share, among champions that both label alike, with a higher "
    "confidence on their own network",
    takes=("relation",),
)
def share_higher_on_source(context: Context) -> Estimate:
    """Of the champions that both networks label alike."""
    pairs = _pairs(context)
    pairs = pairs[pairs["higher_on_source"].notna()]
    if pairs.empty:
        raise NotRun("no two networks label an image alike")
    return estimated_over_pairs(pairs, "higher_on_source", level=context.settings.confidence_level, within=(0, 1))


@estimand(
    "highest confidence of a champion on two networks at once, averaged over networks",
    takes=("relation",),
)
def highest_on_two_networks(context: Context) -> Estimate:
    """By the class that they were evolved for."""
    pairs = _pairs(context)
    surest = log_odds_of(pairs.groupby("source")["surest_on_both"].max().to_numpy()[:, None])
    found = estimated_mean(surest, level=context.settings.confidence_level, nested=True, back=probability_of)
    return replace(found, runs=int(pairs.groupby("source")["runs"].first().sum()))


def _pairs(context: Context, *, label: str = "class", shown_to: set[str] | None = None) -> pd.DataFrame:
    """The pairs of different networks of the relation that the claim names, of these targets if they are given."""
    name, relation = str(context.filter.experiment), context.filter.relation
    table = context.tables.transfer.get(name)
    rows = pd.DataFrame() if table is None else table[table["source"].isin(context.networks()["classifier"])]
    if not rows.empty:
        rows = rows[(rows["relation"] == relation) & (rows["images"] == "all") & (rows["label"] == label)]
    if shown_to is not None and not rows.empty:
        rows = rows[rows["target"].isin(shown_to)]
    if rows.empty:
        kind = relation if context.filter.shown_to is None else f"architecture {context.filter.shown_to}"
        raise NotRun(f"no images of {name} on networks of {context.dataset} were shown to any of the {kind}")
    return rows
