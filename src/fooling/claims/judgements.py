"""Judge the declared claims by what a study measured: value, interval, verdict, direction and status."""

from __future__ import annotations

import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from fooling.claims.claim import Claim, Claims
from fooling.claims.context import Context, ContextSettings, NotRun, Tables
from fooling.claims.estimands import ESTIMANDS
from fooling.claims.freeze import Reserved, status_of
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
        Column("kind", one_of(*typing.get_args(Kind)), doc="Who states or asks it."),
        Column("declared", TEXT, unit="date", doc="Day since which it is declared."),
        Column(
            "status",
            one_of(*typing.get_args(Status)),
            doc="`confirmatory` where claim and code were frozen before these runs, otherwise `exploratory`.",
        ),
        Column(
            "lock",
            TEXT.or_nothing,
            doc="First digits of the SHA-256 of the lock under which it was judged; empty without a lock.",
        ),
        Column("where", TEXT, doc="Its source."),
        Column("claim", TEXT, doc="The claim in words."),
        Column("paper", NUMBER.or_nothing, unit="`unit`", doc="Value that the source states; empty if it states none."),
        Column("source_status", TEXT, doc="How well the value of the source is known."),
        Column("ours", FOUND, unit="`unit`", doc="Value found in this study; empty where nothing was measured."),
        *bounds(FOUND),
        Column("units", COUNT, doc="Number of independent units behind it: classifiers, chains or people."),
        Column("runs", COUNT, unit="runs", doc="Number of all runs behind it."),
        Column(
            "unit",
            one_of("probability", "share", "generations", "log-odds", "ratio", "correlation"),
            doc="Unit of the values; a `probability` or `share` is from 0 to 1, `inf` `generations`: not within the "
            "generations that the claim is about.",
        ),
        Column("sided", one_of("one", "two"), doc="`two`, or `one` where each bound is a one-sided one."),
        Column(
            "p_holm",
            SHARE.or_nothing,
            doc="One-sided p-value at the bound, corrected by Holm's method; empty except in families of which any "
            "claim may hold.",
        ),
        Column("verdict", _VERDICT, doc="The verdict."),
        Column("family_verdict", _VERDICT, doc="The verdict that is counted."),
        Column("measured_on", TEXT.or_nothing, doc="Data set that it was measured on; empty where it was not."),
        Column(
            "direction",
            one_of(*map(str, Direction)).or_nothing,
            doc="On which side of its null value the result lies; empty except on other data than the claim's.",
        ),
    ),
    key=("id",),
    doc="One row for each claim of `config/claims.yaml`, in its order; [claims](claims.md) explains how it is judged. "
    "`claims.md` beside it is the same as a page.",
)
SMALLEST_P, LARGEST_P = 1e-9, 0.5  # between which a p-value is searched for
HALVINGS = 60


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """A claim, what was found, and the verdict."""

    claim: Claim
    verdict: Verdict
    family_verdict: Verdict
    """The verdict that the scoreboard counts: the family's, or the claim's own."""
    estimate: Estimate | None = None
    """None: not measured."""
    dataset: str | None = None
    """The data set that it was measured on."""
    direction: Direction | None = None
    """On other data than the claim's: on which side of the claim's null value it lies."""
    p_value: float | None = None
    """One-sided, at the bound; only in families of which any claim may hold."""
    p_holm: float | None = None
    """The same, corrected for the size of the family."""
    status: Status = EXPLORATORY
    reason: str = ""
    """Why it was not measured."""


def judged_claims(
    claims: Claims, tables: Tables, settings: ContextSettings, *, reserved: Reserved | None = None
) -> list[Judgement]:
    """Return a judgement on each claim, in their order.

    ``reserved`` names the claims that stand as they were frozen, and the seeds that test them.
    """
    alone = [_judged(claim, claims.rule_of(claim), tables, settings, reserved) for claim in claims.claims]
    by_family = {family.id: [each for each in alone if each.claim.family == family.id] for family in claims.families}
    together = {each.claim.id: each for each in alone}
    for family in claims.families:
        for each in _JUDGES[family.rule](by_family[family.id], settings):
            together[each.claim.id] = each
    return list(together.values())


def claims_table(judgements: Sequence[Judgement], *, lock: str = "") -> pd.DataFrame:
    """Return one row for each claim, in the columns that every reader of claims relies on."""
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
    """Judge on the claim's own data set, else show on the other one, else not at all."""
    if claim.estimand is None:
        return _not_run(claim, "this study has no step for it")
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

    It is where the interval from ``measure``, which takes a confidence level, just touches the bound.
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
    """The claim's estimand on a data set, as a function of the confidence level of its interval."""

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
    """The confidence level of the two-sided interval, each bound of which is a one-sided one where that was chosen."""
    return 2 * level - 1 if claim.sided == "one" else level


def _not_run(claim: Claim, reason: str) -> Judgement:
    return Judgement(claim=claim, verdict=Verdict.NOT_RUN, family_verdict=Verdict.NOT_RUN, reason=reason)


def _readings(members: Sequence[Judgement], settings: ContextSettings) -> list[Judgement]:
    """Let the primary reading count alone."""
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
    """Correct for the size of the family; a claim that was not measured counts as one that fails."""
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
