"""Declared claims, their families, and the lock that freezes them.

``config/claims.yaml`` declares claims: source, estimand, bound or margin, data set, and number of independent units.

A lock freezes claims before the runs that test them. A result is *confirmatory* only if its claim, its family and the
code of the estimands are unchanged since the freeze, and every classifier and run behind it has a seed that was
reserved then. Everything else is *exploratory*.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Literal, Self

import pandas as pd
from pydantic import BaseModel, Field, field_validator, model_validator

from fooling.claims.estimand import Tables
from fooling.claims.estimands import ESTIMANDS
from fooling.claims.parameters import Filter, Sided
from fooling.claims.verdicts import (
    CONFIRMATORY,
    EXPLORATORY,
    STATED,
    UNITS_FOR_ANY,
    Comparison,
    Kind,
    Range,
    Rule,
    Status,
    agreeing_range,
)
from fooling.findings.intervals import FEWEST_UNITS
from fooling.messages import FoolingError
from fooling.settings import SeedRange, Settings

Words = Annotated[str, Field(min_length=1)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]


#: Module whose fingerprint covers all code that turns tables into verdicts.
JUDGING_CODE = "fooling.claims.judgements"


class Claim(Filter):
    """A claim and the rule by which it is judged."""

    id: Name
    """Name of the claim."""
    where: Words
    """The source: a figure or section of the paper, or its released code."""
    claim: Words
    """The claim in our own words."""
    note: Words | None = None
    """A limitation of the claim or of its test."""
    kind: Kind
    """Whether the paper states the number, the paper implies the claim, or this study asks the question."""
    declared: datetime.date
    """Date of the last change of the estimand or the bound."""
    family: Name | None = None
    """Its family; null: it has none."""
    primary: bool = True
    """Whether its verdict counts, in a family of several readings of one number."""
    dataset: Words
    """Data set of the claim: only classifiers of this data set judge it."""
    shown_on: str | None = None
    """Another data set on which the estimand is shown, but not judged."""
    estimand: str | None = None
    """Name of the estimand; null if no study measures it yet."""
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
    """For at-least and at-most, the value without any effect: chance or the control."""
    margin: float | None = Field(default=None, gt=0)
    """For within, the largest difference from the source's value that counts as agreement."""
    minimum: int = Field(ge=FEWEST_UNITS)
    """Minimum number of independent units (classifiers, chains or people) for a verdict."""
    unit: Literal["probability", "share", "generations", "log-odds", "ratio", "correlation", "distortion"]
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
            raise ValueError(f"{self.id} without the unused keys {', '.join(superfluous)}")
        return self

    @property
    def is_verified(self) -> bool:
        """Whether the source's value was checked in the source, not only remembered."""
        return self.source_status != "M"

    @property
    def agreeing(self) -> Range:
        """The values that agree with the claim."""
        return agreeing_range(self.comparison, threshold=self.threshold, paper=self.paper, margin=self.margin)

    @property
    def counted_as(self) -> str:
        """Name under which the scoreboard counts it: that of its family, or its own."""
        return self.family or self.id


class Family(Settings):
    """Claims that count as one."""

    id: Name
    """Name of the family."""
    rule: Rule
    """`readings` of one number, of which the primary one counts; or statements that must `all`, or `any`, hold."""


class Claims(Settings):
    """All claims, in the order of the report."""

    families: tuple[Family, ...] = ()
    """The families."""
    claims: tuple[Claim, ...]
    """The claims."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [*(claim.id for claim in self.claims), *(family.id for family in self.families)]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"every id once; duplicates: {', '.join(twice)}")
        if unknown := sorted({str(claim.family) for claim in self.claims if claim.family} - set(self._rules())):
            raise ValueError(f"declared families; undeclared: {', '.join(unknown)}")
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
            raise ValueError(f"every claim of family {family.id} must be primary")
        if family.rule == "any" and (small := [c.id for c in members if c.minimum < UNITS_FOR_ANY]):
            raise ValueError(f"in a family with rule any, minimum must be at least {UNITS_FOR_ANY}: {', '.join(small)}")
        if family.rule == "any" and (within := [c.id for c in members if c.comparison == "within"]):
            raise ValueError(f"in a family with rule any, comparison must not be within: {', '.join(within)}")

    def rule_of(self, claim: Claim) -> Rule | None:
        """Return the rule of the claim's family; None if it has no family."""
        return None if claim.family is None else self._rules()[claim.family]

    def members(self, family: str) -> tuple[Claim, ...]:
        """Return the claims of a family."""
        return tuple(claim for claim in self.claims if claim.family == family)

    @property
    def experiments(self) -> set[str]:
        """Experiments on which any claim is measured."""
        return {claim.experiment for claim in self.claims if claim.experiment is not None}

    @property
    def retrainings(self) -> set[str]:
        """Retrainings on which any claim is measured."""
        return {claim.retraining for claim in self.claims if claim.retraining is not None}

    @property
    def ascents(self) -> set[str]:
        """Gradient ascents on which any claim is measured."""
        return {claim.ascent for claim in self.claims if claim.ascent is not None}

    @property
    def adversarials(self) -> set[str]:
        """Attacks with adversarial examples on which any claim is measured."""
        return {claim.adversarial for claim in self.claims if claim.adversarial is not None}

    @property
    def universals(self) -> set[str]:
        """Attacks with universal perturbations on which any claim is measured."""
        return {claim.universal for claim in self.claims if claim.universal is not None}

    @property
    def label_only(self) -> set[str]:
        """Attacks with labels alone on which any claim is measured."""
        return {claim.label_only for claim in self.claims if claim.label_only is not None}

    def _rules(self) -> dict[str, Rule]:
        return {family.id: family.rule for family in self.families}


class Lock(Settings):
    """The content of ``config/claims.lock``."""

    frozen: datetime.date
    """Date of the freeze."""
    estimands: str
    """Fingerprint of the code that turns tables into verdicts."""
    seeds: SeedRange
    """Seeds that no study had used on that date."""
    claims: dict[str, str]
    """SHA-256 of each claim, by its id."""
    families: dict[str, tuple[str, ...]]
    """Rule of each family, followed by its claims."""


@dataclass(frozen=True, kw_only=True)
class Reserved:
    """The claims that are unchanged since the freeze, and the seeds that were reserved for them."""

    lock: str  # first digits of the SHA-256 of the lock
    claims: frozenset[str]
    seeds: range


def freeze(claims: Claims, *, estimands: str, seeds: SeedRange, used: Iterable[int], today: datetime.date) -> Lock:
    """Return the lock of the ``claims``.

    Raises:
        FoolingError: A study has already ``used`` one of the ``seeds``.
    """
    if taken := sorted(set(used) & set(seeds.values())):
        raise FoolingError(
            "seeds to be reserved are already in use",
            found=", ".join(map(str, taken[:10])) + (" and more" if len(taken) > 10 else ""),
            expected="seeds that no study uses",
            remedy="reserve another block with --first-seed",
        )
    return Lock(
        frozen=today,
        estimands=estimands,
        seeds=seeds,
        claims={claim.id: digest_of(claim) for claim in claims.claims},
        families=_families(claims),
    )


def reserved_by(lock: Lock, claims: Claims, *, estimands: str, name: str) -> Reserved:
    """Return the ``claims`` unchanged since the freeze; none if the fingerprint ``estimands`` has changed."""
    families = _families(claims)
    unchanged = {claim.id for claim in claims.claims if lock.claims.get(claim.id) == digest_of(claim)}
    whole = {
        family
        for family, as_declared in families.items()
        if lock.families.get(family) == as_declared
        and unchanged.issuperset(claim.id for claim in claims.members(family))
    }
    held = [claim.id for claim in claims.claims if claim.family is None or claim.family in whole]
    is_same_code = lock.estimands == estimands
    return Reserved(
        lock=name, claims=frozenset(unchanged.intersection(held) if is_same_code else ()), seeds=lock.seeds.values()
    )


def status_of(claim: Claim, *, dataset: str | None, tables: Tables, reserved: Reserved | None) -> Status:
    """Return whether a result on ``dataset`` tests the claim or only explores it."""
    if reserved is None or claim.id not in reserved.claims or dataset != claim.dataset:
        return EXPLORATORY
    seeds = seeds_behind(claim, tables)
    return CONFIRMATORY if seeds and seeds <= set(reserved.seeds) else EXPLORATORY


def seeds_behind(claim: Claim, tables: Tables) -> set[int] | None:
    """Return the seeds of all classifiers and runs that can affect the result; None if a classifier has no seed."""
    networks = tables.networks[tables.networks["dataset"] == claim.dataset]
    if networks["seed"].isna().any():
        return None
    found = _seeds_in(networks)
    for field in fields(tables):
        by_name = getattr(tables, field.name)
        if isinstance(by_name, Mapping):
            for name in (
                claim.experiment,
                claim.ascent,
                claim.adversarial,
                claim.universal,
                claim.label_only,
                claim.retraining,
            ):
                found |= _seeds_in(by_name[name]) if name in by_name else set()
    return found


def seeds_of(settings: BaseModel) -> Iterator[int]:
    """Yield every seed in ``settings``, of classifiers and of runs."""
    if isinstance(settings, SeedRange):
        yield from settings.values()
        return
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if (name == "seed" or name.endswith("_seed")) and isinstance(value, int):
            yield value
        for each in value if isinstance(value, tuple | list) else (value,):
            if isinstance(each, BaseModel):
                yield from seeds_of(each)


def digest_of(claim: Claim) -> str:
    """Return the SHA-256 of a claim's declaration, without formatting, comments and defaults."""
    declared = claim.model_dump(mode="json", exclude_defaults=True)
    return hashlib.sha256(json.dumps(declared, sort_keys=True).encode()).hexdigest()


def _families(claims: Claims) -> dict[str, tuple[str, ...]]:
    """Return the rule of each family, followed by its claims."""
    return {
        family.id: (family.rule, *sorted(claim.id for claim in claims.members(family.id))) for family in claims.families
    }


def _seeds_in(table: pd.DataFrame) -> set[int]:
    return set(table["seed"].dropna().astype(int)) if "seed" in table else set()
