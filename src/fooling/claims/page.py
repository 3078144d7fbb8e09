"""The judged claims as a page of Markdown: a table, and for each claim one sentence on what was found."""

from __future__ import annotations

import math
from collections.abc import Sequence

from fooling.claims.claim import Claim
from fooling.claims.estimands import ESTIMANDS
from fooling.claims.judgements import Judgement, claims_table
from fooling.claims.scoreboard import headline_of_claims, note_on_directions, note_on_status, scoreboard
from fooling.claims.verdicts import Direction, Verdict, on_data
from fooling.findings.intervals import Estimate
from fooling.findings.wording import in_words

HEAD = """# Claims

{headline} {status} {directions}

A claim is *reproduced* where the whole {level} interval agrees with it, *not reproduced* where the whole interval
disagrees, and *inconclusive* in between. Nothing is judged on other data than the claim's, with too few independent
units, or against a number that nobody verified; on other data the direction is shown instead, and never counts.
Readings of one number, and statements that belong to one claim, count once.

| claims | {verdicts} |
|---|{rule}|
{counts}
Status of the source's number: F, read off the paper's figures or their data; C, read in or measured with its released
code; T, its text or the authors' page; N, a reader's note; M, remembered and not verified; -, the source states none.

| claim | kind | source | source's value | here | verdict | status | in words |
|---|---|---|---|---|---|---|---|
"""

DIRECTIONS = {
    Direction.SAME: "the whole interval lies in the claimed direction from {null}",
    Direction.OPPOSITE: "the whole interval lies in the opposite direction from {null}",
    Direction.UNCLEAR: "the interval reaches to both sides of {null}",
    Direction.SAME_ALONE: "the value, without an interval, lies in the claimed direction from {null}",
    Direction.OPPOSITE_ALONE: "the value, without an interval, lies in the opposite direction from {null}",
    Direction.UNCLEAR_ALONE: "the value is {null}",
}


def claims_page(judgements: Sequence[Judgement], *, confidence_level: float) -> str:
    """Return the page that ``claims.md`` holds."""
    table = claims_table(judgements)
    counts = scoreboard(table)
    given = [str(verdict) for verdict in Verdict if any(str(verdict) in found for found in counts.values())]
    rows = [f"| {kind} | {' | '.join(str(found.get(name, 0)) for name in given)} |\n" for kind, found in counts.items()]
    head = HEAD.format(
        headline=headline_of_claims(table),
        status=note_on_status(table),
        directions=note_on_directions(table),
        level=f"{confidence_level:.0%}".replace("%", " %"),
        verdicts=" | ".join(given),
        rule="|".join("---" for _ in given),
        counts="".join(rows),
    )
    return head + "".join(_row(judgement) for judgement in judgements)


def sentence(judgement: Judgement) -> str:
    """Return what was measured and why that gives this verdict, in one sentence."""
    claim, estimate = judgement.claim, judgement.estimate
    if estimate is None:
        return f"Not measured: {judgement.reason}."
    return f"{_measured(claim, estimate, str(judgement.dataset))}; {_because(judgement, estimate)}."


def agreeing_in_words(claim: Claim) -> str:
    """Return which values agree with a claim."""
    low, high = claim.agreeing
    if claim.comparison == "at-least":
        return f"at least {in_words(low, claim.unit)}"
    if claim.comparison == "at-most":
        return f"at most {in_words(high, claim.unit)}"
    return f"between {in_words(low, claim.unit)} and {in_words(high, claim.unit)}"


def _row(judgement: Judgement) -> str:
    claim, estimate = judgement.claim, judgement.estimate
    paper = "none stated" if claim.paper is None else f"{in_words(claim.paper, claim.unit)} ({claim.source_status})"
    here = "-" if estimate is None else _with_interval(estimate, claim.unit)
    verdict = f"**{judgement.verdict}**"
    if judgement.direction is not None:
        verdict += f"; {on_data(judgement.direction, str(judgement.dataset))}"
    cells = (
        *(f"`{claim.id}`: {claim.claim}", claim.kind, claim.where, paper, here, verdict),
        *(judgement.status, sentence(judgement)),
    )
    return f"| {' | '.join(cells)} |\n"


def _with_interval(estimate: Estimate, unit: str) -> str:
    value, low, high = (in_words(number, unit) for number in (estimate.value, estimate.low, estimate.high))
    behind = f"{estimate.units} units, {estimate.runs} runs"
    return f"{value}, {behind}" if math.isnan(estimate.low) else f"{value} [{low}, {high}], {behind}"


def _measured(claim: Claim, estimate: Estimate, dataset: str) -> str:
    words = ESTIMANDS[str(claim.estimand)].in_words(claim, dataset=dataset)
    bounds = " with one-sided bounds" if claim.sided == "one" else ""
    return f"The {words} is {in_words(estimate.value, claim.unit)}{bounds}"


def _because(judgement: Judgement, estimate: Estimate) -> str:
    claim, agreeing = judgement.claim, agreeing_in_words(judgement.claim)
    match judgement.verdict:
        case Verdict.REPRODUCED:
            return f"the whole interval is {agreeing}, as claimed{_corrected(judgement)}"
        case Verdict.NOT_REPRODUCED:
            return f"none of the interval is {agreeing}"
        case Verdict.INCONCLUSIVE if claim.agreeing.low <= estimate.low and estimate.high <= claim.agreeing.high:
            return f"the whole interval is {agreeing}, but not after correction{_corrected(judgement)}"
        case Verdict.INCONCLUSIVE:
            return f"only a part of the interval is {agreeing}"
        case Verdict.UNVERIFIED:
            return "the number it would be compared with is remembered, not verified"
        case Verdict.TOO_FEW if estimate.units < claim.minimum:
            return f"it describes {_units(estimate)}; a verdict needs {claim.minimum}"
        case Verdict.TOO_FEW:
            return estimate.note or "it has no interval"
        case Verdict.READING:
            return f"another reading of {claim.family}, whose primary one is judged"
        case _:
            return f"the claim is about {claim.dataset}, so that nothing is judged{_shown(judgement)}"


def _corrected(judgement: Judgement) -> str:
    if judgement.p_holm is None:
        return ""
    return f" (one-sided p {judgement.p_value:.2g}, {judgement.p_holm:.2g} by Holm's method)"


def _shown(judgement: Judgement) -> str:
    if judgement.direction is None:
        return ""
    null = in_words(judgement.claim.null_value, judgement.claim.unit)
    return f"; {DIRECTIONS[judgement.direction].format(null=null)}"


def _units(estimate: Estimate) -> str:
    return "1 independent unit" if estimate.units == 1 else f"{estimate.units} independent units"
