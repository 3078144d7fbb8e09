"""Freeze claims before the runs that test them: what was fixed, and which seeds nothing has used.

A result is *confirmatory* only where its claim, its family and the code of the estimands are as they were frozen, and
every network and run behind it has a seed that was reserved then. Everything else is *exploratory*.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields

import pandas as pd
from pydantic import BaseModel

from fooling.claims.claim import Claim, Claims
from fooling.claims.context import Tables
from fooling.claims.verdicts import CONFIRMATORY, EXPLORATORY, Status
from fooling.errors import FoolingError
from fooling.settings import SeedRange, Settings

#: The module whose fingerprint stands for the estimands: all that turns tables into verdicts.
ESTIMANDS = "fooling.claims.judgements"


class Lock(Settings):
    """What ``config/claims.lock`` holds."""

    frozen: datetime.date
    """The day of the freeze."""
    estimands: str
    """Fingerprint of the code that turns tables into verdicts."""
    seeds: SeedRange
    """Seeds that no study had used on that day."""
    claims: dict[str, str]
    """SHA-256 of each claim, by its id."""
    families: dict[str, tuple[str, ...]]
    """Of each family its rule, and then its claims."""


@dataclass(frozen=True, kw_only=True)
class Reserved:
    """The claims that stand as they were frozen, and the seeds that were reserved for them."""

    lock: str  # first digits of the SHA-256 of the lock
    claims: frozenset[str]
    seeds: range


def freeze(claims: Claims, *, estimands: str, seeds: SeedRange, used: Iterable[int], today: datetime.date) -> Lock:
    """Return the lock of these claims.

    Raises :class:`FoolingError` if any of ``seeds`` is among those that studies have ``used``.
    """
    if taken := sorted(set(used) & set(seeds.values())):
        raise FoolingError(
            "seeds to be reserved are in use",
            found=", ".join(map(str, taken[:10])) + (" and more" if len(taken) > 10 else ""),
            expected="seeds that occur in no study",
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
    """Return which ``claims`` stand as they were frozen; none if the code of the ``estimands`` has changed."""
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
    """Return the seeds of all networks and runs that can have a part in the result; None: a network has no seed."""
    networks = tables.networks[tables.networks["dataset"] == claim.dataset]
    if networks["seed"].isna().any():
        return None
    found = _seeds_in(networks)
    for field in fields(tables):
        by_name = getattr(tables, field.name)
        if isinstance(by_name, Mapping):
            for name in (claim.experiment, claim.ascent, claim.retraining):
                found |= _seeds_in(by_name[name]) if name in by_name else set()
    return found


def seeds_of(settings: BaseModel) -> Iterator[int]:
    """Yield every seed that settings name, of networks and of runs."""
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
    """Return the SHA-256 of all that is declared of a claim; formatting, comments and defaults do not count."""
    declared = claim.model_dump(mode="json", exclude_defaults=True)
    return hashlib.sha256(json.dumps(declared, sort_keys=True).encode()).hexdigest()


def _families(claims: Claims) -> dict[str, tuple[str, ...]]:
    """Of each family its rule, and then its claims."""
    return {
        family.id: (family.rule, *sorted(claim.id for claim in claims.members(family.id))) for family in claims.families
    }


def _seeds_in(table: pd.DataFrame) -> set[int]:
    return set(table["seed"].dropna().astype(int)) if "seed" in table else set()
