"""The judged claims as a page of Markdown: a table, and for each claim one sentence on what was found."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from fooling.findings.claims import Claim, Judgement
from fooling.findings.intervals import Estimate
from fooling.findings.quantities import QUANTITIES
from fooling.findings.verdicts import Verdict
from fooling.findings.wording import in_words

HEAD = """# Claims

Each claim was declared, with its bound and the data set it speaks of, before any run. It is *reproduced* where the
whole {level} interval agrees with it, *not reproduced* where the whole interval disagrees, and *inconclusive* in
between; nothing is judged on other data than the claim's, with too few runs, or against a number that nobody verified.

Status of the paper's number: F, read off its figures or their data; C, read in or measured with its released code; T,
its text or the authors' page; N, a reader's note; M, remembered and not verified; -, the source states none and the row
tests what it implies.

{counts}

| claim | source | paper | here | verdict | in words |
|---|---|---|---|---|---|
"""


def claims_page(judgements: Sequence[Judgement], *, confidence_level: float) -> str:
    """The page that ``claims.md`` holds."""
    found = Counter(judgement.verdict for judgement in judgements)
    counts = ", ".join(f"{found[verdict]} {verdict}" for verdict in Verdict if found[verdict])
    head = HEAD.format(
        level=f"{confidence_level:.0%}".replace("%", " %"), counts=f"Of {len(judgements)} claims: {counts}."
    )
    return head + "".join(_row(judgement) for judgement in judgements)


def sentence(judgement: Judgement) -> str:
    """What was measured and why that gives this verdict, in one sentence."""
    claim, estimate = judgement.claim, judgement.estimate
    if estimate is None:
        return f"Not measured: {judgement.reason}."
    return f"{_measured(claim, estimate, str(judgement.dataset))}; {_because(judgement.verdict, claim, estimate)}."


def _row(judgement: Judgement) -> str:
    claim, estimate = judgement.claim, judgement.estimate
    paper = "none stated" if claim.paper is None else f"{in_words(claim.paper, claim.unit)} ({claim.status})"
    here = "-" if estimate is None else _with_interval(estimate, claim.unit)
    cells = (f"`{claim.id}`: {claim.claim}", claim.where, paper, here, f"**{judgement.verdict}**", sentence(judgement))
    return f"| {' | '.join(cells)} |\n"


def _with_interval(estimate: Estimate, unit: str) -> str:
    value, low, high = (in_words(number, unit) for number in (estimate.value, estimate.low, estimate.high))
    return f"{value}, n = {estimate.n}" if math.isnan(estimate.low) else f"{value} [{low}, {high}], n = {estimate.n}"


def _measured(claim: Claim, estimate: Estimate, dataset: str) -> str:
    words = QUANTITIES[str(claim.quantity)].words
    told = [f"experiment {claim.experiment}"] if claim.experiment is not None else []
    told += [f"gradient ascent {claim.ascent}"] if claim.ascent is not None else []
    told.append(dataset)
    if claim.removed is not None:
        told.append(f"{claim.removed} removed, {claim.fill} in its place")
    if claim.search != "map-elites":
        told.append(claim.search)
    if claim.asked is not None:
        told.append(f"people asked {claim.asked}")
    if claim.control is not None:
        told.append(f"control {claim.control}")
    if claim.generation is not None:
        told.append(f"up to generation {claim.generation}")
    return f"The {words} ({', '.join(told)}) is {in_words(estimate.value, claim.unit)}"


def _because(verdict: Verdict, claim: Claim, estimate: Estimate) -> str:
    agreeing = _agreeing(claim)
    match verdict:
        case Verdict.REPRODUCED:
            return f"the whole interval is {agreeing}, as claimed"
        case Verdict.NOT_REPRODUCED:
            return f"none of the interval is {agreeing}"
        case Verdict.INCONCLUSIVE:
            return f"only a part of the interval is {agreeing}"
        case Verdict.UNVERIFIED:
            return "the number it would be compared with is remembered, not verified"
        case Verdict.TOO_FEW if estimate.n < claim.minimum:
            return f"its n is {estimate.n} where {claim.minimum} are asked for"
        case Verdict.TOO_FEW:
            return estimate.note or "it has no interval"
        case _:
            return f"the claim speaks of {claim.dataset}, so that this shows the quantity and judges nothing"


def _agreeing(claim: Claim) -> str:
    low, high = claim.agreeing
    if claim.direction == "at-least":
        return f"at least {in_words(low, claim.unit)}"
    if claim.direction == "at-most":
        return f"at most {in_words(high, claim.unit)}"
    return f"between {in_words(low, claim.unit)} and {in_words(high, claim.unit)}"
