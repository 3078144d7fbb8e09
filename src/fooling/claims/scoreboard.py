"""Count verdicts: the paper's own claims apart from those of this study, each family once."""

from __future__ import annotations

import typing

import pandas as pd

from fooling.claims.verdicts import BY_INTERVAL, CONFIRMATORY, EXPLORATORY, STATED, Kind, Verdict

KINDS: tuple[Kind, ...] = typing.get_args(Kind)


def scoreboard(claims: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Return how often each verdict was given, by kind of claim; takes the table of claims."""
    once = claims[claims["verdict"] != Verdict.READING].drop_duplicates("family")
    return {
        kind: {str(verdict): count for verdict in Verdict if (count := int((of_kind == verdict).sum()))}
        for kind in KINDS
        if not (of_kind := once.loc[once["kind"] == kind, "family_verdict"]).empty
    }


def headline_of_claims(claims: pd.DataFrame) -> str:
    """Return one sentence on the numbers that the paper states."""
    counts = scoreboard(claims).get(STATED, {})
    stated = sum(counts.values())
    judged = sum(counts.get(verdict, 0) for verdict in BY_INTERVAL)
    if stated == 0:
        return "None of these claims is a number that the paper states."
    if judged == 0:
        numbers = "number that the paper states" if stated == 1 else f"{stated} numbers that the paper states"
        return f"None of the {numbers} could be judged by this study."
    found = ", ".join(f"{counts.get(verdict, 0)} {verdict}" for verdict in BY_INTERVAL)
    return f"Of {stated} numbers that the paper states, {judged} could be judged by this study: {found}."


def note_on_status(claims: pd.DataFrame) -> str:
    """Return whether the verdicts are tests or exploration, in one sentence."""
    judged = claims[claims["verdict"].isin([str(verdict) for verdict in BY_INTERVAL])]
    confirmed = int((judged["status"] == CONFIRMATORY).sum())
    if judged.empty:
        return "Nothing was judged."
    if confirmed == 0:
        return f"Every verdict is {EXPLORATORY}: its claim was not frozen before these runs were made."
    verb = "is" if confirmed == 1 else "are"
    return f"{confirmed} of {len(judged)} verdicts {verb} {CONFIRMATORY}: claim and code were frozen before these runs."


def note_on_directions(claims: pd.DataFrame) -> str:
    """Return one sentence on what other data than the claims' show; empty if nothing was shown on them."""
    shown = claims[claims["direction"].notna()]
    if shown.empty:
        return ""
    side = shown["direction"].str.partition(",")[0]
    counts = [f"{int((side == name).sum())} {name}" for name in ("same direction", "opposite", "unclear")]
    alone = int(shown["direction"].str.contains(",").sum())
    datasets = " and ".join(sorted(shown["measured_on"].unique()))
    return f"On {datasets}, where nothing is judged: {', '.join(counts)}; {alone} of these have no interval."
