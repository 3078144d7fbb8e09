"""The verdict on a claim from an interval, the direction on other data, and the verdict on a family of claims."""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from fooling.findings.intervals import Estimate

Kind = Literal["stated by the paper", "implied by the paper", "asked here"]
#: The kind of claims of which the paper states the number.
STATED: Kind = "stated by the paper"
Status = Literal["exploratory", "confirmatory"]
EXPLORATORY: Status = "exploratory"
CONFIRMATORY: Status = "confirmatory"
Comparison = Literal["at-least", "at-most", "within"]
#: How the members of a family belong together: readings of one number, or statements that must all, or any, hold.
Rule = Literal["readings", "all", "any"]

#: Fewer units say too little for a claim of which any statement may hold.
UNITS_FOR_ANY = 5


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


#: The verdicts that an interval gives.
BY_INTERVAL = (Verdict.REPRODUCED, Verdict.NOT_REPRODUCED, Verdict.INCONCLUSIVE)


class Direction(StrEnum):
    """Where a value on other data lies, seen from the value that would mean that there is nothing to the claim."""

    SAME = "same direction"
    OPPOSITE = "opposite"
    UNCLEAR = "unclear"
    SAME_ALONE = "same direction, no interval"
    OPPOSITE_ALONE = "opposite, no interval"
    UNCLEAR_ALONE = "unclear, no interval"


class Range(NamedTuple):
    """The values with which a claim agrees, both ends included."""

    low: float
    high: float


def agreeing_range(
    comparison: Comparison, *, threshold: float | None, paper: float | None, margin: float | None
) -> Range:
    """Return the values that agree: from or up to the ``threshold``, or within ``margin`` of the ``paper``'s value."""
    if comparison == "within":
        assert paper is not None
        assert margin is not None
        return Range(paper - margin, paper + margin)
    assert threshold is not None
    return Range(threshold, math.inf) if comparison == "at-least" else Range(-math.inf, threshold)


def judged(estimate: Estimate, agreeing: Range, *, minimum: int, verified: bool, comparable: bool) -> Verdict:
    """Return the verdict on a claim that something could be measured for.

    Args:
        estimate: The value found, with its interval and its independent units.
        agreeing: The values that agree with the claim.
        minimum: Independent units below which nothing is judged.
        verified: Whether somebody has seen the source's value.
        comparable: Whether it was measured on the data that the claim is about.
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
    """Return on which side of ``null_value`` the whole interval lies; the value alone decides if there is no interval.

    None for claims without such a value: those of the form ``within``.
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
    """Return a direction with the data set that gave it: ``same direction on digits, no interval``."""
    side, comma, rest = direction.partition(",")
    return f"{side} on {dataset}{comma}{rest}"


def has_interval(estimate: Estimate) -> bool:
    """Return whether both bounds of the interval are known."""
    return not (math.isnan(estimate.low) or math.isnan(estimate.high))


def verdict_of_all(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the verdict on a claim of which every one of these statements must hold; no test is corrected."""
    worst_first = (
        *(Verdict.NOT_REPRODUCED, Verdict.NOT_RUN, Verdict.OTHER_DATA, Verdict.UNVERIFIED, Verdict.TOO_FEW),
        *(Verdict.INCONCLUSIVE, Verdict.REPRODUCED),
    )
    return next(verdict for verdict in worst_first if verdict in verdicts)


def verdict_of_any(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the verdict on a claim of which one of these statements must hold, each corrected for their number.

    It is not reproduced only where the whole interval of every statement disagrees.
    """
    best_first = (
        *(Verdict.REPRODUCED, Verdict.INCONCLUSIVE, Verdict.TOO_FEW, Verdict.UNVERIFIED, Verdict.OTHER_DATA),
        *(Verdict.NOT_RUN, Verdict.NOT_REPRODUCED),
    )
    return next(verdict for verdict in best_first if verdict in verdicts)
