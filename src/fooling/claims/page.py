"""Pages about claims: the judged claims of a study, and ``docs/claims.md``, which lists all declared ones."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import jinja2

from fooling.claims.claim import Claim, Claims
from fooling.claims.estimand import Estimand
from fooling.claims.estimands import ESTIMANDS
from fooling.claims.judgements import Judgement, claims_table
from fooling.claims.verdicts import (
    UNITS_FOR_ANY,
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
from fooling.messages import table_row

DATA_FILES = ("page.md",)
DOCUMENTATION = "documentation.md"  # of no result, so that no fingerprint covers it

DIRECTIONS = {
    Direction.SAME: "the whole interval lies in the claimed direction from {null}",
    Direction.OPPOSITE: "the whole interval lies in the opposite direction from {null}",
    Direction.UNCLEAR: "the interval contains {null}",
    Direction.SAME_ALONE: "the value, without an interval, lies in the claimed direction from {null}",
    Direction.OPPOSITE_ALONE: "the value, without an interval, lies in the opposite direction from {null}",
    Direction.UNCLEAR_ALONE: "the value equals {null}",
}
FAMILY_RULES = {
    "readings": "several readings of one number: the primary one counts, the others get no verdict",
    "all": "all claims must hold: each is tested without correction",
    "any": "one claim must hold: one-sided p-values at the bound, corrected by Holm's method",
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


def claims_documentation(claims: Claims) -> str:
    """Return the content of ``docs/claims.md``: all declared claims, families and estimands."""
    head = (Path(__file__).parent / DOCUMENTATION).read_text(encoding="utf-8")
    filled = {
        "UNITS_FOR_ANY": str(UNITS_FOR_ANY),
        "FAMILIES": "".join(_family_rows(claims)),
        "CLAIMS": "".join(_chapters(claims)),
        "ESTIMANDS": "".join(map(_estimand, ESTIMANDS.values())),
    }
    for name, text in filled.items():
        head = head.replace(f"{{{name}}}", text)
    return head


def _estimand(found: Estimand) -> str:
    parameters = [f"**{name}**" for name in sorted(found.needs)] + sorted(found.takes)
    return table_row((f"`{found.name}`", found.words, ", ".join(parameters)))


def _family_rows(claims: Claims) -> Iterator[str]:
    for family in claims.families:
        members = claims.members(family.id)
        names = ", ".join(f"**`{claim.id}`**" if claim.primary else f"`{claim.id}`" for claim in members)
        yield table_row((f"`{family.id}`", FAMILY_RULES[family.rule], len(members), names))


def _chapters(claims: Claims) -> Iterator[str]:
    kinds = dict.fromkeys(claim.kind for claim in claims.claims)
    for kind in kinds:
        chosen = [claim for claim in claims.claims if claim.kind == kind]
        yield f"\n### {kind[0].upper()}{kind[1:]} ({len(chosen)})\n\n"
        yield "| claim | source | source's value | agrees | null | units | estimand | declared |\n"
        yield "|---|---|---|---|---|---|---|---|\n"
        yield from map(_claim_row, chosen)


def _claim_row(claim: Claim) -> str:
    words = f"`{claim.id}`: {claim.claim}"
    if claim.note is not None:
        words += f" *{claim.note}*"
    paper = "-" if claim.paper is None else source_value(claim)
    cells = (
        *(words, claim.where, paper, agreeing_in_words(claim) + (", one-sided" if claim.sided == "one" else "")),
        *(exactly_in_words(claim.null_value, claim.unit), str(claim.minimum)),
        *("-" if claim.estimand is None else f"`{claim.estimand}`", claim.declared.isoformat()),
    )
    return table_row(cells)
