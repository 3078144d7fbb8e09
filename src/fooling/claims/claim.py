"""The declared claims: what each one states, how it is judged, and which claims belong together.

``config/claims.yaml`` declares them: the source, the estimand, the bound or margin, the data set that a claim is about
and how many independent units it takes.
"""

from __future__ import annotations

import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from fooling.claims.context import Filter, Sided
from fooling.claims.estimands import ESTIMANDS
from fooling.claims.verdicts import STATED, UNITS_FOR_ANY, Comparison, Kind, Range, Rule, agreeing_range
from fooling.findings.intervals import FEWEST_UNITS
from fooling.settings import Settings

Words = Annotated[str, Field(min_length=1)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]


class Claim(Filter):
    """One claim and how it is judged."""

    id: Name
    """A name for the row."""
    where: Words
    """The source: a figure or section of the paper, or its released code."""
    claim: Words
    """The claim in our own words."""
    note: Words | None = None
    """What a reader must know before trusting it."""
    kind: Kind
    """Whether the paper states the number, implies the claim without one, or this study asks the question."""
    declared: datetime.date
    """The day since which the estimand and the bound stand as they do."""
    family: Name | None = None
    """The family that it belongs to; null: it stands alone."""
    primary: bool = True
    """Whether its verdict counts, in a family of several readings of one number."""
    dataset: Words
    """The data set that it is about: only networks trained on it judge it."""
    shown_on: str | None = None
    """A data set on which the same estimand is shown, never judged."""
    estimand: str | None = None
    """What is estimated; null where no study has a step for it yet."""
    sided: Sided = "two"
    """Whether the bound is compared with a two-sided interval, or with a one-sided bound of the same confidence."""
    paper: float | None
    """The value that the source states; null: it states none."""
    source_status: str = Field(pattern=r"^(-|[FCTNM](, [FCTNM])*)$", examples=["F, T"])
    """How well the source's value is known."""
    comparison: Comparison
    """Which values agree: at-least or at-most the threshold, or within the margin around the source's value."""
    threshold: float | None = None
    """The bound for at-least and at-most."""
    null_value: float | None = None
    """For at-least and at-most, the value that would mean that there is nothing to the claim: chance or the control."""
    margin: float | None = Field(default=None, gt=0)
    """How far from the source's value still counts as the same, for within."""
    minimum: int = Field(ge=FEWEST_UNITS)
    """Independent units (classifiers, chains or people) below which nothing is judged."""
    unit: Literal["probability", "share", "generations", "log-odds", "ratio", "correlation"]
    """Unit of the value, the threshold and the margin."""

    @field_validator("estimand")
    @classmethod
    def _known(cls, estimand: str | None) -> str | None:
        if estimand is not None and estimand not in ESTIMANDS:
            raise ValueError(f"one of {', '.join(ESTIMANDS)}, or null")
        return estimand

    @model_validator(mode="after")
    def _complete(self) -> Self:
        within = {"paper", "margin"}
        bounds = within if self.comparison == "within" else {"threshold", "null_value"}
        needed = bounds | (set() if self.estimand is None else ESTIMANDS[self.estimand].needs)
        needed |= {"paper"} if self.kind == STATED else set()
        needed |= {"family"} if not self.primary else set()
        missing = sorted(name for name in needed if getattr(self, name) is None)
        if missing:
            raise ValueError(f"{self.id} needs {', '.join(missing)}")
        superfluous = [
            name
            for name in ("threshold", "null_value", "margin")
            if name not in bounds and getattr(self, name) is not None
        ]
        if self.estimand is not None:
            set_here = self.model_fields_set & set(Filter.model_fields)
            superfluous += sorted(set_here - ESTIMANDS[self.estimand].parameters)
        if superfluous:
            raise ValueError(f"{self.id} has no use for {', '.join(superfluous)}")
        return self

    @property
    def is_verified(self) -> bool:
        """Whether anybody has seen the source's value: not if it is only remembered."""
        return self.source_status != "M"

    @property
    def agreeing(self) -> Range:
        """The values that agree with the claim."""
        return agreeing_range(self.comparison, threshold=self.threshold, paper=self.paper, margin=self.margin)

    @property
    def counted_as(self) -> str:
        """The name under which the scoreboard counts it: its family's, or its own."""
        return self.family or self.id


class Family(Settings):
    """Claims that count once together."""

    id: Name
    """A name for the family."""
    rule: Rule
    """Readings of one number, of which the primary one counts; or statements that must all, or any, hold."""


class Claims(Settings):
    """All claims, in the order in which they are reported."""

    families: tuple[Family, ...] = ()
    """The families."""
    claims: tuple[Claim, ...]
    """The claims."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [*(claim.id for claim in self.claims), *(family.id for family in self.families)]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"every id once, not {', '.join(twice)}")
        if unknown := sorted({str(claim.family) for claim in self.claims if claim.family} - set(self._rules())):
            raise ValueError(f"families must be declared: {', '.join(unknown)}")
        for family in self.families:
            self._require_consistent(family)
        return self

    def _require_consistent(self, family: Family) -> None:
        members = self.members(family.id)
        primary = sum(claim.primary for claim in members)
        if len(members) < 2:
            raise ValueError(f"family {family.id} has {len(members)} claims; it needs at least 2")
        if len({claim.kind for claim in members if claim.primary}) > 1:
            raise ValueError(f"family {family.id} needs claims of one kind")
        if family.rule == "readings" and primary != 1:
            raise ValueError(f"family {family.id} has {primary} primary readings; it needs 1")
        if family.rule != "readings" and primary != len(members):
            raise ValueError(f"every claim of family {family.id} is primary")
        if family.rule == "any" and (small := [c.id for c in members if c.minimum < UNITS_FOR_ANY]):
            raise ValueError(f"minimum is at least {UNITS_FOR_ANY} where any claim may hold: {', '.join(small)}")
        if family.rule == "any" and (within := [c.id for c in members if c.comparison == "within"]):
            raise ValueError(f"claims of which any may hold have one bound: {', '.join(within)}")

    def rule_of(self, claim: Claim) -> Rule | None:
        """Return the rule of the claim's family; None if it stands alone."""
        return None if claim.family is None else self._rules()[claim.family]

    def members(self, family: str) -> tuple[Claim, ...]:
        """Return the claims of a family."""
        return tuple(claim for claim in self.claims if claim.family == family)

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

    def _rules(self) -> dict[str, Rule]:
        return {family.id: family.rule for family in self.families}
