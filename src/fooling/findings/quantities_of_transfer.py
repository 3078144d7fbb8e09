"""The quantities of claims about transfer. Classifiers are the units, each with its pairs as source and as target."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from fooling.findings.intervals import Estimate, estimated_mean, estimated_over_pairs, log_odds_of, probability_of
from fooling.findings.measurement import Measurement, NotRun


def transfer_over_chance(of: Measurement) -> Estimate:
    """Of all champions, by the class that they were evolved for."""
    pairs = _pairs(of)
    excess = pairs.assign(excess=pairs["alike"] - pairs["chance"])
    return estimated_over_pairs(excess, "excess", level=of.settings.confidence_level, within=(-1, 1))


def labelled_alike(of: Measurement) -> Estimate:
    """Of all champions, by the label that their own network gives them."""
    networks = of.tables.networks
    of_that_kind = networks.loc[networks["architecture"] == of.selection.shown_to, "classifier"]
    pairs = _pairs(of, label="source-label", shown_to=set(of_that_kind))
    return estimated_over_pairs(pairs, "alike", level=of.settings.confidence_level, within=(0, 1))


def share_surer_on_source(of: Measurement) -> Estimate:
    """Of the champions that both networks label alike."""
    pairs = _pairs(of)
    pairs = pairs[pairs["higher_on_source"].notna()]
    if pairs.empty:
        raise NotRun("no two networks label an image alike")
    return estimated_over_pairs(pairs, "higher_on_source", level=of.settings.confidence_level, within=(0, 1))


def surest_on_two_networks(of: Measurement) -> Estimate:
    """By the class that they were evolved for."""
    pairs = _pairs(of)
    surest = log_odds_of(pairs.groupby("source")["surest_on_both"].max().to_numpy()[:, None])
    found = estimated_mean(surest, level=of.settings.confidence_level, nested=True, back=probability_of)
    return replace(found, runs=int(pairs.groupby("source")["runs"].first().sum()))


def _pairs(of: Measurement, *, label: str = "class", shown_to: set[str] | None = None) -> pd.DataFrame:
    """The pairs of different networks of the relation that the claim names, of these targets if they are given."""
    name, relation = str(of.selection.experiment), of.selection.relation
    table = of.tables.transfer.get(name)
    rows = pd.DataFrame() if table is None else table[table["source"].isin(of.networks()["classifier"])]
    if not rows.empty:
        rows = rows[(rows["relation"] == relation) & (rows["images"] == "all") & (rows["label"] == label)]
    if shown_to is not None and not rows.empty:
        rows = rows[rows["target"].isin(shown_to)]
    if rows.empty:
        kind = relation if of.selection.shown_to is None else f"architecture {of.selection.shown_to}"
        raise NotRun(f"no images of {name} on networks of {of.dataset} were shown to any of the {kind}")
    return rows
