"""The claims of the paper, each judged by what the study measured.

A claim is declared before any run in ``config/claims.yaml``: its source, the quantity, the bound or margin, the data
set it speaks of and how many runs it takes. Judging adds the number found here, its interval and a verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Self

import pandas as pd
from pydantic import Field, field_validator, model_validator

from fooling.findings.intervals import Estimate
from fooling.findings.measurement import Measurement, MeasurementSettings, NotRun, Selection, Tables
from fooling.findings.quantities import QUANTITIES
from fooling.findings.verdicts import Direction, Range, Verdict, agreeing_range, judged
from fooling.settings import Settings

COLUMNS = ["id", "where", "claim", "paper", "paper_status", "ours", "low", "high", "n", "unit", "verdict"]

Words = Annotated[str, Field(min_length=1)]


class Claim(Selection):
    """One claim and how it is judged."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    """A name for the row."""
    where: Words
    """The source: a figure or section of the paper, or its released code."""
    claim: Words
    """The claim in our own words."""
    dataset: Words
    """The data set that it speaks of: only networks trained on it judge it."""
    shown_on: str | None = None
    """A data set on which the same quantity is shown, never judged."""
    quantity: str | None = None
    """What is measured; null where no study measures it yet."""
    paper: float | None
    """The value that the source states; null: it states none."""
    status: str = Field(pattern=r"^(-|[FCTNM](, [FCTNM])*)$", examples=["F, T"])
    """How well the paper's value is known."""
    direction: Direction
    """Which values agree: at-least or at-most the threshold, or within the margin around the paper's value."""
    threshold: float | None = None
    """The bound for at-least and at-most."""
    margin: float | None = Field(default=None, gt=0)
    """How far from the paper's value still counts as the same, for within."""
    minimum: int = Field(ge=1)
    """Runs, or networks where these are the unit, below which nothing is judged."""
    unit: Literal["probability", "share", "generations", "log-odds", "ratio", "correlation"]
    """Unit of the value, the threshold and the margin."""

    @field_validator("quantity")
    @classmethod
    def _known(cls, quantity: str | None) -> str | None:
        if quantity is not None and quantity not in QUANTITIES:
            raise ValueError(f"one of {', '.join(QUANTITIES)}, or null")
        return quantity

    @model_validator(mode="after")
    def _complete(self) -> Self:
        bounds = {"paper", "margin"} if self.direction == "within" else {"threshold"}
        needed = bounds | (set() if self.quantity is None else QUANTITIES[self.quantity].needs)
        missing = sorted(name for name in needed if getattr(self, name) is None)
        if missing:
            raise ValueError(f"{self.id} needs {', '.join(missing)}")
        superfluous = [
            name for name in ("threshold", "margin") if name not in bounds and getattr(self, name) is not None
        ]
        if superfluous:
            raise ValueError(f"{self.id} has no use for {', '.join(superfluous)}")
        return self

    @property
    def is_verified(self) -> bool:
        """Whether anybody has seen the source's value: not if it is only remembered."""
        return self.status != "M"

    @property
    def agreeing(self) -> Range:
        """The values that agree with the claim."""
        return agreeing_range(self.direction, threshold=self.threshold, paper=self.paper, margin=self.margin)


class Claims(Settings):
    """All claims, in the order in which they are reported."""

    claims: tuple[Claim, ...]
    """The claims."""

    @field_validator("claims")
    @classmethod
    def _once(cls, claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
        names = [claim.id for claim in claims]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"every id once, not {', '.join(twice)}")
        return claims

    @property
    def experiments(self) -> set[str]:
        """The experiments that any claim is measured on."""
        return {claim.experiment for claim in self.claims if claim.experiment is not None}

    @property
    def retrainings(self) -> set[str]:
        """The retrainings that any claim is measured on."""
        return {claim.retraining for claim in self.claims if claim.retraining is not None}

    @property
    def ascents(self) -> set[str]:
        """The gradient ascents that any claim is measured on."""
        return {claim.ascent for claim in self.claims if claim.ascent is not None}


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """A claim, what was found, and what that says."""

    claim: Claim
    verdict: Verdict
    estimate: Estimate | None  # None: not measured
    dataset: str | None  # the data set it was measured on
    reason: str = ""  # why it was not measured


def judged_claims(claims: Claims, tables: Tables, settings: MeasurementSettings) -> list[Judgement]:
    """A judgement on each claim, in their order."""
    return [_judged(claim, tables, settings) for claim in claims.claims]


def claims_table(judgements: Sequence[Judgement]) -> pd.DataFrame:
    """One row for each claim, in the columns that every reader of claims relies on."""
    rows = []
    for judgement in judgements:
        claim, estimate = judgement.claim, judgement.estimate
        ours = (None, None, None, 0) if estimate is None else (estimate.value, estimate.low, estimate.high, estimate.n)
        source = (claim.id, claim.where, claim.claim, claim.paper, claim.status)
        rows.append((*source, *ours, claim.unit, str(judgement.verdict)))
    return pd.DataFrame(rows, columns=COLUMNS).astype(dict.fromkeys(("paper", "ours", "low", "high"), float))


def _judged(claim: Claim, tables: Tables, settings: MeasurementSettings) -> Judgement:
    """Measured on the claim's own data set, else on the one on which it is shown, else not at all."""
    if claim.quantity is None:
        return _not_run(claim, "this study has no step for it")
    reasons = []
    for dataset in filter(None, (claim.dataset, claim.shown_on)):
        comparable = dataset == claim.dataset
        measurement = Measurement(
            selection=claim,
            dataset=dataset,
            tables=tables,
            settings=settings,
            purpose=claim.id,
            may_be_shorter=not comparable,
        )
        try:
            estimate = QUANTITIES[claim.quantity].measure(measurement)
        except NotRun as reason:
            reasons.append(str(reason))
            continue
        verdict = judged(
            estimate, claim.agreeing, minimum=claim.minimum, verified=claim.is_verified, comparable=comparable
        )
        return Judgement(claim=claim, verdict=verdict, estimate=estimate, dataset=dataset)
    return _not_run(claim, reasons[0])


def _not_run(claim: Claim, reason: str) -> Judgement:
    return Judgement(claim=claim, verdict=Verdict.NOT_RUN, estimate=None, dataset=None, reason=reason)
