"""Verdicts on claims: from intervals, for families, counted; and the numbers of claims in words."""

from __future__ import annotations

import math
import typing
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, NamedTuple

from fooling.messages import share_percent, short_percent

if TYPE_CHECKING:
    import pandas as pd

    from fooling.findings.intervals import Estimate

Kind = Literal["stated by the paper", "implied by the paper", "asked here"]
KINDS: tuple[Kind, ...] = typing.get_args(Kind)
#: Kind of claims whose number the paper states.
STATED: Kind = "stated by the paper"
Status = Literal["exploratory", "confirmatory"]
EXPLORATORY: Status = "exploratory"
CONFIRMATORY: Status = "confirmatory"
Comparison = Literal["at-least", "at-most", "within"]
#: How the members of a family count: readings of one number, or statements that must all, or any, hold.
Rule = Literal["readings", "all", "any"]

#: Minimum number of units for claims in a family with the rule ``any``.
UNITS_FOR_ANY = 5

#: Confidences from here on are printed as ``≥ 99.99 %``: float32 cannot distinguish the highest ones from 1.
HIGHEST_PRINTED = 0.9999


class Verdict(StrEnum):
    """The verdicts on a claim."""

    REPRODUCED = "reproduced"
    NOT_REPRODUCED = "not reproduced"
    INCONCLUSIVE = "inconclusive"
    UNVERIFIED = "unverified source"
    TOO_FEW = "too few"
    OTHER_DATA = "shown on other data, not comparable"
    READING = "another reading, no verdict"
    NOT_RUN = "not run here"


#: Verdicts that depend on the interval.
BY_INTERVAL = (Verdict.REPRODUCED, Verdict.NOT_REPRODUCED, Verdict.INCONCLUSIVE)


class Direction(StrEnum):
    """On which side of the claim's null value a result on other data lies."""

    SAME = "same direction"
    OPPOSITE = "opposite"
    UNCLEAR = "unclear"
    SAME_ALONE = "same direction, no interval"
    OPPOSITE_ALONE = "opposite, no interval"
    UNCLEAR_ALONE = "unclear, no interval"


class Range(NamedTuple):
    """The values that agree with a claim, both ends included."""

    low: float
    high: float


def agreeing_range(
    comparison: Comparison, *, threshold: float | None, paper: float | None, margin: float | None
) -> Range:
    """Return the values that agree: at least or at most ``threshold``, or within ``margin`` of ``paper``."""
    if comparison == "within":
        assert paper is not None
        assert margin is not None
        return Range(paper - margin, paper + margin)
    assert threshold is not None
    return Range(threshold, math.inf) if comparison == "at-least" else Range(-math.inf, threshold)


def judged(estimate: Estimate, agreeing: Range, *, minimum: int, verified: bool, comparable: bool) -> Verdict:
    """Return the verdict on a measured claim.

    Args:
        estimate: The measured value, with its interval and number of units.
        agreeing: The values that agree with the claim.
        minimum: Minimum number of independent units.
        verified: Whether the source's value was checked in the source.
        comparable: Whether it was measured on the claim's data set.
    """
    if not comparable:
        return Verdict.OTHER_DATA
    if not verified:
        return Verdict.UNVERIFIED
    if estimate.units < minimum or not has_interval(estimate):
        return Verdict.TOO_FEW
    if agreeing.low <= estimate.low and estimate.high <= agreeing.high:
        return Verdict.REPRODUCED
    if estimate.high < agreeing.low or estimate.low > agreeing.high:
        return Verdict.NOT_REPRODUCED
    return Verdict.INCONCLUSIVE


def direction_of(estimate: Estimate, comparison: Comparison, null_value: float | None) -> Direction | None:
    """Return on which side of ``null_value`` the interval lies, or the value if there is no interval.

    None for claims without a null value: those of the form ``within``.
    """
    if null_value is None:
        return None
    alone = not has_interval(estimate)
    low, high = (estimate.value, estimate.value) if alone else (estimate.low, estimate.high)
    if comparison == "at-most":
        low, high, null_value = -high, -low, -null_value
    if low > null_value:
        return Direction.SAME_ALONE if alone else Direction.SAME
    if high < null_value:
        return Direction.OPPOSITE_ALONE if alone else Direction.OPPOSITE
    return Direction.UNCLEAR_ALONE if alone else Direction.UNCLEAR


def on_data(direction: Direction, dataset: str) -> str:
    """Return a direction with its data set, such as ``same direction on digits, no interval``."""
    side, comma, rest = direction.partition(",")
    return f"{side} on {dataset}{comma}{rest}"


def has_interval(estimate: Estimate) -> bool:
    """Return whether the estimate has an interval."""
    return not (math.isnan(estimate.low) or math.isnan(estimate.high))


def verdict_of_all(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the verdict on a family whose claims must all hold; no test is corrected."""
    worst_first = (
        *(Verdict.NOT_REPRODUCED, Verdict.NOT_RUN, Verdict.OTHER_DATA, Verdict.UNVERIFIED, Verdict.TOO_FEW),
        *(Verdict.INCONCLUSIVE, Verdict.REPRODUCED),
    )
    return next(verdict for verdict in worst_first if verdict in verdicts)


def verdict_of_any(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the verdict on a family of which one claim must hold; each is corrected for the size of the family.

    The family is not reproduced only if the whole interval of every claim disagrees.
    """
    best_first = (
        *(Verdict.REPRODUCED, Verdict.INCONCLUSIVE, Verdict.TOO_FEW, Verdict.UNVERIFIED, Verdict.OTHER_DATA),
        *(Verdict.NOT_RUN, Verdict.NOT_REPRODUCED),
    )
    return next(verdict for verdict in best_first if verdict in verdicts)


def scoreboard(claims: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Count the verdicts by kind of claim, from the table ``claims``; each family counts once."""
    once = claims[claims["verdict"] != Verdict.READING].drop_duplicates("family")
    return {
        kind: {str(verdict): count for verdict in Verdict if (count := int((of_kind == verdict).sum()))}
        for kind in KINDS
        if not (of_kind := once.loc[once["kind"] == kind, "family_verdict"]).empty
    }


def headline_of_claims(claims: pd.DataFrame) -> str:
    """Return one sentence about the claims whose number the paper states."""
    counts = scoreboard(claims).get(STATED, {})
    stated = sum(counts.values())
    judged = sum(counts.get(verdict, 0) for verdict in BY_INTERVAL)
    if stated == 0:
        return "None of these claims is a number stated by the paper."
    if judged == 0:
        numbers = "number stated by the paper" if stated == 1 else f"{stated} numbers stated by the paper"
        return f"This study cannot judge the {numbers}."
    found = ", ".join(f"{counts.get(verdict, 0)} {verdict}" for verdict in BY_INTERVAL)
    return f"Of {stated} numbers stated by the paper, {judged} could be judged by this study: {found}."


def note_on_status(claims: pd.DataFrame) -> str:
    """Return one sentence about how many verdicts are confirmatory."""
    judged = claims[claims["verdict"].isin([str(verdict) for verdict in BY_INTERVAL])]
    confirmed = int((judged["status"] == CONFIRMATORY).sum())
    if judged.empty:
        return "No claim was judged."
    if confirmed == 0:
        return f"All verdicts are {EXPLORATORY}: the claims were not frozen before the runs."
    verb = "is" if confirmed == 1 else "are"
    return f"{confirmed} of {len(judged)} verdicts {verb} {CONFIRMATORY}: claim and code were frozen before the runs."


def note_on_directions(claims: pd.DataFrame) -> str:
    """Return one sentence about the results on other data than the claims'; empty if there are none."""
    shown = claims[claims["direction"].notna()]
    if shown.empty:
        return ""
    side = shown["direction"].str.partition(",")[0]
    counts = [f"{int((side == name).sum())} {name}" for name in ("same direction", "opposite", "unclear")]
    alone = int(shown["direction"].str.contains(",").sum())
    datasets = " and ".join(sorted(shown["measured_on"].unique()))
    return (
        f"It only shows on which side of chance, or of a control, the values lie on {datasets}: {', '.join(counts)}; "
        f"{alone} of these have no interval."
    )


def in_words(value: float | None, unit: str) -> str:
    """Return a measured ``value`` in its ``unit``; a confidence of at least 99.99 % is ``≥ 99.99 %``.

    An infinite number of generations is ``never``; NaN and None are a hyphen.
    """
    if unit == "probability" and value is not None and value >= HIGHEST_PRINTED:
        return f"≥ {short_percent(HIGHEST_PRINTED)}"
    if unit in ("probability", "share") and value is not None and not math.isnan(value):
        return share_percent(value)
    return exactly_in_words(value, unit)


def exactly_in_words(value: float | None, unit: str) -> str:
    """Return a stated ``value`` in its ``unit``: a number of the source, a bound, or a null value."""
    if value is None or math.isnan(value):
        return "-"
    if unit == "distortion":
        return f"{value:.3f}"
    if unit == "generations":
        return "never" if math.isinf(value) else f"{value:.1f}".removesuffix(".0")
    return short_percent(value) if unit in ("probability", "share") else f"{value:.2f}"
