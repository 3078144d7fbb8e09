"""What a measurement says of a claim: one of seven verdicts, and why in a few words."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Literal, NamedTuple

from fooling.findings.intervals import Estimate

Direction = Literal["at-least", "at-most", "within"]


class Verdict(StrEnum):
    """The seven verdicts."""

    REPRODUCED = "reproduced"
    NOT_REPRODUCED = "not reproduced"
    INCONCLUSIVE = "inconclusive"
    UNVERIFIED = "unverified source"
    OTHER_DATA = "shown on other data, not comparable"
    TOO_FEW = "too few"
    NOT_RUN = "not run here"


class Range(NamedTuple):
    """The values with which a claim agrees, both ends included."""

    low: float
    high: float


def agreeing_range(
    direction: Direction, *, threshold: float | None, paper: float | None, margin: float | None
) -> Range:
    """The values that agree: from or up to the ``threshold``, or within the ``margin`` around the ``paper``'s value."""
    if direction == "within":
        assert paper is not None
        assert margin is not None
        return Range(paper - margin, paper + margin)
    assert threshold is not None
    return Range(threshold, math.inf) if direction == "at-least" else Range(-math.inf, threshold)


def judged(estimate: Estimate, agreeing: Range, *, minimum: int, verified: bool, comparable: bool) -> Verdict:
    """The verdict on a claim that something could be measured for.

    ``comparable``: measured on the data that the claim speaks of. ``verified``: somebody has seen the source's value.
    """
    if not comparable:
        return Verdict.OTHER_DATA
    if not verified:
        return Verdict.UNVERIFIED
    if estimate.n < minimum or math.isnan(estimate.low) or math.isnan(estimate.high):
        return Verdict.TOO_FEW
    if agreeing.low <= estimate.low and estimate.high <= agreeing.high:
        return Verdict.REPRODUCED
    if estimate.high < agreeing.low or estimate.low > agreeing.high:
        return Verdict.NOT_REPRODUCED
    return Verdict.INCONCLUSIVE
