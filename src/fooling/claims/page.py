"""The judged claims of a study as a page of Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import jinja2

from fooling.claims.claim import Claim
from fooling.claims.estimands import ESTIMANDS
from fooling.claims.judgements import Judgement, claims_table
from fooling.claims.verdicts import (
    Direction,
    Verdict,
    exactly_in_words,
    headline_of_claims,
    in_words,
    note_on_directions,
    note_on_status,
    on_data,
    scoreboard,
)
from fooling.findings.intervals import Estimate
from fooling.formatting import table_row

DATA_FILES = ("page.md",)

DIRECTIONS = {
    Direction.SAME: "the whole interval lies in the claimed direction from {null}",
    Direction.OPPOSITE: "the whole interval lies in the opposite direction from {null}",
    Direction.UNCLEAR: "the interval contains {null}",
    Direction.SAME_ALONE: "the value, without an interval, lies in the claimed direction from {null}",
    Direction.OPPOSITE_ALONE: "the value, without an interval, lies in the opposite direction from {null}",
    Direction.UNCLEAR_ALONE: "the value equals {null}",
}


def claims_page(judgements: Sequence[Judgement], *, confidence_level: float) -> str:
    """Return the content of ``claims.md``: a table of the judged claims, with one sentence each."""
    table = claims_table(judgements)
    counts = scoreboard(table)
    verdicts = [str(verdict) for verdict in Verdict if any(str(verdict) in found for found in counts.values())]
    return _template().render(
        headline=headline_of_claims(table),
        status=note_on_status(table),
        directions=note_on_directions(table),
        level=f"{confidence_level:.0%}".replace("%", " %"),
        verdicts=verdicts,
        counts={kind: [found.get(name, 0) for name in verdicts] for kind, found in counts.items()},
        claims=map(_cells, judgements),
    )


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=False,  # it is Markdown; `row` escapes the cells
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["row"] = lambda cells: table_row(cells).removesuffix("\n")
    return environment.get_template(DATA_FILES[0])


def sentence(judgement: Judgement) -> str:
    """Return one sentence about the measured value and the reason for the verdict."""
    claim, estimate = judgement.claim, judgement.estimate
    if estimate is None:
        return f"Not measured: {judgement.reason}."
    return f"{_measured(claim, estimate, str(judgement.dataset))}; {_because(judgement, estimate)}."


def agreeing_in_words(claim: Claim) -> str:
    """Return the range of values that agree with a claim, such as ``at least 99.99 %``."""
    low, high = (exactly_in_words(bound, claim.unit) if math.isfinite(bound) else "" for bound in claim.agreeing)
    if claim.comparison == "at-least":
        return f"at least {low}"
    return f"at most {high}" if claim.comparison == "at-most" else f"between {low} and {high}"


def _cells(judgement: Judgement) -> tuple[str, ...]:
    """Return the cells of one claim."""
    claim, estimate = judgement.claim, judgement.estimate
    paper = "none stated" if claim.paper is None else source_value(claim)
    here = "-" if estimate is None else _with_interval(estimate, claim.unit)
    verdict = f"**{judgement.verdict}**"
    if judgement.direction is not None:
        verdict += f"; {on_data(judgement.direction, str(judgement.dataset))}"
    return (
        *(f"`{claim.id}`: {claim.claim}", claim.kind, claim.where, paper, here, verdict),
        *(judgement.status, sentence(judgement)),
    )


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
            return "the source's number is remembered, not verified"
        case Verdict.TOO_FEW if estimate.units < claim.minimum:
            return f"there {_units(estimate)}; a verdict needs {claim.minimum}"
        case Verdict.TOO_FEW:
            return estimate.note or "it has no interval"
        case Verdict.READING:
            return f"another reading of {claim.family}; only its primary reading is judged"
        case _:
            return f"no verdict, because the claim is about {claim.dataset}{_shown(judgement)}"


def _corrected(judgement: Judgement) -> str:
    if judgement.p_holm is None:
        return ""
    return f" (one-sided p {judgement.p_value:.2g}, {judgement.p_holm:.2g} by Holm's method)"


def _shown(judgement: Judgement) -> str:
    if judgement.direction is None:
        return ""
    null = exactly_in_words(judgement.claim.null_value, judgement.claim.unit)
    return f"; {DIRECTIONS[judgement.direction].format(null=null)}"


def _units(estimate: Estimate) -> str:
    return "is 1 independent unit" if estimate.units == 1 else f"are {estimate.units} independent units"


def source_value(claim: Claim) -> str:
    """Return the value of the source and its status."""
    return f"{exactly_in_words(claim.paper, claim.unit)} ({claim.source_status})"
