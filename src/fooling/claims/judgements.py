"""Judge the declared claims from the tables of a study: value, interval, verdict, direction and status."""

from __future__ import annotations

import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from fooling.claims.claim import Claim, Claims, Reserved, status_of
from fooling.claims.estimand import Context, ContextSettings, NotRun, Tables
from fooling.claims.estimands import ESTIMANDS
from fooling.claims.verdicts import (
    BY_INTERVAL,
    EXPLORATORY,
    Direction,
    Kind,
    Rule,
    Status,
    Verdict,
    direction_of,
    judged,
    verdict_of_all,
    verdict_of_any,
)
from fooling.findings.intervals import Estimate
from fooling.table import COUNT, FOUND, NUMBER, SHARE, TEXT, Column, Table, bounds, one_of

_VERDICT = one_of(*map(str, Verdict))
CLAIMS = Table(
    name="claims",
    path="claims.csv",
    commands=("claims",),
    columns=(
        Column("id", TEXT, doc="Name of the claim."),
        Column("family", TEXT, doc="Name under which it is counted: that of its family, or its own."),
        Column("kind", one_of(*typing.get_args(Kind)), doc="Whether the paper states it, implies it, or we ask it."),
        Column("declared", TEXT, unit="date", doc="Date of the last change of its estimand or bound."),
        Column(
            "status",
            one_of(*typing.get_args(Status)),
            doc="`confirmatory` if claim and code were frozen before the runs, otherwise `exploratory`.",
        ),
        Column(
            "lock",
            TEXT.or_nothing,
            doc="First digits of the SHA-256 of the lock under which it was judged; empty without a lock.",
        ),
        Column("where", TEXT, doc="Its source."),
        Column("claim", TEXT, doc="The claim in words."),
        Column("paper", NUMBER.or_nothing, unit="`unit`", doc="Value that the source states; empty if it states none."),
        Column("source_status", TEXT, doc="How the value of the source is known."),
        Column("ours", FOUND, unit="`unit`", doc="Value measured in this study; empty if nothing was measured."),
        *bounds(FOUND),
        Column("units", COUNT, doc="Number of independent units behind it: classifiers, chains or people."),
        Column("runs", COUNT, unit="runs", doc="Number of all runs behind it."),
        Column(
            "unit",
            one_of("probability", "share", "generations", "log-odds", "ratio", "correlation", "distortion"),
            doc="Unit of the values. A `probability` or `share` is from 0 to 1; `inf` `generations` means not within "
            "the generations of the claim.",
        ),
        Column("sided", one_of("one", "two"), doc="`two` for a two-sided interval, `one` for one-sided bounds."),
        Column(
            "p_holm",
            SHARE.or_nothing,
            doc="One-sided p-value at the bound, corrected by Holm's method; empty except in families with the rule "
            "`any`.",
        ),
        Column("verdict", _VERDICT, doc="The verdict."),
        Column("family_verdict", _VERDICT, doc="The verdict that is counted: that of the family."),
        Column("measured_on", TEXT.or_nothing, doc="Data set on which it was measured; empty if it was not."),
        Column(
            "direction",
            one_of(*map(str, Direction)).or_nothing,
            doc="Side of the null value on which the result lies; empty except on other data than the claim's.",
        ),
    ),
    key=("id",),
    doc="One row for each claim of `config/claims.yaml`, in that order; [claims](claims.md) explains the verdicts. "
    "`claims.md` in the same folder has the same results as a page.",
)
SMALLEST_P, LARGEST_P = 1e-9, 0.5  # range of p-values
HALVINGS = 60


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """A claim with its estimate and verdict."""

    claim: Claim
    verdict: Verdict
    family_verdict: Verdict
    """The verdict that the scoreboard counts: the family's, or the claim's own."""
    estimate: Estimate | None = None
    """None: not measured."""
    dataset: str | None = None
    """The data set on which it was measured."""
    direction: Direction | None = None
    """On other data than the claim's: the side of the null value on which it lies."""
    p_value: float | None = None
    """One-sided, at the bound; only in families with the rule ``any``."""
    p_holm: float | None = None
    """The same, corrected for the size of the family."""
    status: Status = EXPLORATORY
    reason: str = ""
    """Why it was not measured."""


def judged_claims(
    claims: Claims, tables: Tables, settings: ContextSettings, *, reserved: Reserved | None = None
) -> list[Judgement]:
    """Return a judgement of each claim, in their order.

    ``reserved`` has the claims that are unchanged since the freeze, and the seeds that were reserved for them.
    """
    alone = [_judged(claim, claims.rule_of(claim), tables, settings, reserved) for claim in claims.claims]
    by_family = {family.id: [each for each in alone if each.claim.family == family.id] for family in claims.families}
    together = {each.claim.id: each for each in alone}
    for family in claims.families:
        for each in _JUDGES[family.rule](by_family[family.id], settings):
            together[each.claim.id] = each
    return list(together.values())


def claims_table(judgements: Sequence[Judgement], *, lock: str = "") -> pd.DataFrame:
    """Return the table ``claims``: one row for each judgement."""
    rows = []
    for each in judgements:
        claim, found = each.claim, each.estimate
        ours = (None, None, None, 0, 0)
        if found is not None:
            ours = (found.value, found.low, found.high, found.units, found.runs)  # type: ignore[assignment]
        rows.append(
            (
                *(claim.id, claim.counted_as, claim.kind, claim.declared.isoformat(), each.status, lock or None),
                *(claim.where, claim.claim, claim.paper, claim.source_status, *ours, claim.unit, claim.sided),
                *(each.p_holm, str(each.verdict), str(each.family_verdict), each.dataset),
                None if each.direction is None else str(each.direction),
            )
        )
    numbers = dict.fromkeys(("paper", "ours", "low", "high", "p_holm"), float)
    return pd.DataFrame(rows, columns=CLAIMS.names).astype(numbers)


def _judged(
    claim: Claim, rule: Rule | None, tables: Tables, settings: ContextSettings, reserved: Reserved | None
) -> Judgement:
    """Judge a claim on its own data set, or else show its direction on the other one, if either was measured."""
    if claim.estimand is None:
        return _not_run(claim, "no step of the study measures it")
    reasons = []
    for dataset in filter(None, (claim.dataset, claim.shown_on)):
        measure = _measurement(claim, dataset, tables, settings)
        try:
            estimate = measure(_level(claim, settings.confidence_level))
        except NotRun as reason:
            reasons.append(str(reason))
            continue
        comparable = dataset == claim.dataset
        verdict = judged(
            estimate, claim.agreeing, minimum=claim.minimum, verified=claim.is_verified, comparable=comparable
        )
        return Judgement(
            claim=claim,
            verdict=verdict,
            family_verdict=verdict,
            estimate=estimate,
            dataset=dataset,
            direction=None if comparable else direction_of(estimate, claim.comparison, claim.null_value),
            p_value=p_at_bound(measure, claim) if rule == "any" and verdict in BY_INTERVAL else None,
            status=status_of(claim, dataset=dataset, tables=tables, reserved=reserved),
        )
    return _not_run(claim, reasons[0])


def p_at_bound(measure: Callable[[float], Estimate], claim: Claim) -> float:
    """Return the one-sided p-value of the hypothesis that the claim's bound is not met, at most ``LARGEST_P``.

    It is found by bisection, as the level at which the interval just touches the bound. ``measure`` maps a confidence
    level to an estimate.
    """
    low, high = SMALLEST_P, LARGEST_P - SMALLEST_P

    def at_one_side(p: float) -> bool:
        found = measure(1 - 2 * p)
        if claim.comparison == "at-least":
            return found.low >= claim.agreeing.low
        return found.high <= claim.agreeing.high

    if at_one_side(low):
        return low
    if not at_one_side(high):
        return LARGEST_P
    for _ in range(HALVINGS):
        middle = (low * high) ** 0.5
        low, high = (low, middle) if at_one_side(middle) else (middle, high)
    return high


def _measurement(claim: Claim, dataset: str, tables: Tables, settings: ContextSettings) -> Callable[[float], Estimate]:
    """Return a function from the confidence level to the estimate of the claim's estimand on a data set."""

    def measure(level: float) -> Estimate:
        context = Context(
            filter=claim,
            sided=claim.sided,
            dataset=dataset,
            tables=tables,
            settings=settings.model_copy(update={"confidence_level": level}),
            may_be_shorter=dataset != claim.dataset,
        )
        return ESTIMANDS[str(claim.estimand)].evaluate(context)

    return measure


def _level(claim: Claim, level: float) -> float:
    """Return the level of the two-sided interval whose bounds have the one-sided or two-sided ``level``."""
    return 2 * level - 1 if claim.sided == "one" else level


def _not_run(claim: Claim, reason: str) -> Judgement:
    return Judgement(claim=claim, verdict=Verdict.NOT_RUN, family_verdict=Verdict.NOT_RUN, reason=reason)


def _readings(members: Sequence[Judgement], settings: ContextSettings) -> list[Judgement]:
    """Count only the primary reading."""
    (counted,) = (each.verdict for each in members if each.claim.primary)
    shown = [
        each
        if each.claim.primary or each.verdict == Verdict.NOT_RUN
        else replace(each, verdict=Verdict.READING, direction=None)
        for each in members
    ]
    return [replace(each, family_verdict=counted) for each in shown]


def _all_must_hold(members: Sequence[Judgement], settings: ContextSettings) -> list[Judgement]:
    counted = verdict_of_all([each.verdict for each in members])
    return [replace(each, family_verdict=counted) for each in members]


def _any_may_hold(members: Sequence[Judgement], settings: ContextSettings) -> list[Judgement]:
    """Correct for the size of the family; a claim that was not measured counts as a failed one."""
    from statsmodels.stats.multitest import multipletests  # type: ignore[import-untyped]  # readers do not need it

    largest = (1 - settings.confidence_level) / 2
    p_values = [1.0 if each.p_value is None else each.p_value for each in members]
    corrected = [float(p) for p in multipletests(p_values, method="holm")[1]]
    judgements = []
    for each, p in zip(members, corrected, strict=True):
        holds = each.verdict == Verdict.REPRODUCED
        verdict = Verdict.INCONCLUSIVE if holds and p > largest else each.verdict
        judgements.append(replace(each, verdict=verdict, p_holm=None if each.p_value is None else p))
    counted = verdict_of_any([each.verdict for each in judgements])
    return [replace(each, family_verdict=counted) for each in judgements]


_JUDGES: dict[Rule, Callable[[Sequence[Judgement], ContextSettings], list[Judgement]]] = {
    "readings": _readings,
    "all": _all_must_hold,
    "any": _any_may_hold,
}
