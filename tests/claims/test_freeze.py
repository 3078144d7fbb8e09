"""A frozen claim on reserved seeds tests; anything that changes afterwards makes it exploratory again."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from fooling.claims.claim import Claims
from fooling.claims.context import ContextSettings, Tables
from fooling.claims.freeze import Lock, digest_of, freeze, reserved_by, seeds_of
from fooling.claims.judgements import claims_table, judged_claims
from fooling.errors import FoolingError
from fooling.settings import SeedRange, checked_settings
from fooling.study.default import default_study
from made_up_claims import claims_of, judging_study

TODAY = datetime.date(2026, 11, 28)
BLOCK = SeedRange(first=1001, count=20)
FAMILY = [{"id": "medians", "rule": "readings"}]
POOLED = {"id": "pooled", "estimand": "pooled-median", "family": "medians", "primary": False}
STUDY = judging_study(0.99995, first_seed=1001)


def locked(claims: Claims, *, used: frozenset[int] = frozenset()) -> Lock:
    return freeze(claims, estimands="code", seeds=BLOCK, used=used, today=TODAY)


def statuses(claims: Claims, lock: Lock, *, study: Tables = STUDY, estimands: str = "code") -> dict[str, str]:
    reserved = reserved_by(lock, claims, estimands=estimands, name="abc")
    found = judged_claims(claims, study, ContextSettings(), reserved=reserved)
    table = claims_table(found, lock=reserved.lock)
    assert set(table["lock"]) == {"abc"}
    return dict(zip(table["id"], table["status"], strict=True))


def test_a_frozen_claim_on_reserved_seeds_is_confirmatory() -> None:
    claims = claims_of({})
    assert statuses(claims, locked(claims)) == {"median": "confirmatory"}


@pytest.mark.parametrize(
    "change",
    [{"threshold": 0.999}, {"minimum": 3}, {"null_value": 0.1}, {"sided": "one"}, {"claim": "Something else."}],
)
def test_a_claim_that_is_changed_afterwards_is_exploratory_again(change: dict[str, Any]) -> None:
    lock = locked(claims_of({}, {"id": "other"}))
    assert statuses(claims_of(change, {"id": "other"}), lock) == {"median": "exploratory", "other": "confirmatory"}


def test_a_claim_that_is_added_afterwards_is_exploratory() -> None:
    assert statuses(claims_of({}, {"id": "late"}), locked(claims_of({})))["late"] == "exploratory"


def test_a_family_stands_as_a_whole() -> None:
    first, later = {"family": "medians"}, {**POOLED, "id": "later"}
    lock = locked(claims_of(first, POOLED, families=FAMILY))
    assert set(statuses(claims_of(first, POOLED, families=FAMILY), lock).values()) == {"confirmatory"}
    for changed in (
        claims_of(first, POOLED, later, families=FAMILY),
        claims_of(first, POOLED | {"threshold": 0.999}, families=FAMILY),
        claims_of(first, POOLED | {"primary": True}, families=[{"id": "medians", "rule": "all"}]),
    ):
        assert set(statuses(changed, lock).values()) == {"exploratory"}


def test_other_code_makes_every_claim_exploratory() -> None:
    claims = claims_of({})
    assert statuses(claims, locked(claims), estimands="changed") == {"median": "exploratory"}


@pytest.mark.parametrize("first_seed", [1, 1018])
def test_seeds_outside_the_block_only_explore(first_seed: int) -> None:
    claims = claims_of({})
    study = judging_study(0.99995, first_seed=first_seed)
    assert statuses(claims, locked(claims), study=study) == {"median": "exploratory"}


def test_networks_outside_the_block_or_without_a_seed_only_explore() -> None:
    claims = claims_of({})
    for seed in (1, None):
        networks = STUDY.networks.assign(seed=[seed, *STUDY.networks["seed"][1:]])
        study = Tables(networks=networks, history=STUDY.history, times=STUDY.times, start={}, examined={})
        assert statuses(claims, locked(claims), study=study) == {"median": "exploratory"}


def test_other_data_never_confirm() -> None:
    claims = claims_of({})
    study = judging_study(0.99995, first_seed=1001, dataset="digits")
    assert statuses(claims, locked(claims), study=study) == {"median": "exploratory"}


def test_seeds_that_a_study_uses_cannot_be_reserved() -> None:
    with pytest.raises(FoolingError, match=r"in use\n  found: 1001, 1005"):
        locked(claims_of({}), used=frozenset({1, 1001, 1005, 2000}))


def test_the_seeds_of_a_study_are_those_of_its_networks_and_runs() -> None:
    found = set(seeds_of(default_study()))
    assert {1, 2} <= found  # networks
    for experiment in default_study().experiments:
        assert set(experiment.seeds.values()) <= found


def test_a_lock_is_read_as_it_was_written() -> None:
    lock = locked(claims_of({"family": "medians"}, POOLED, families=FAMILY))
    assert checked_settings(Lock, lock.model_dump(mode="json"), source="lock") == lock
    assert lock.families == {"medians": ("readings", "median", "pooled")}


def test_a_digest_depends_on_what_is_declared_and_not_on_defaults() -> None:
    (plain,), (stated,) = claims_of({}).claims, claims_of({"sided": "two", "note": None}).claims
    assert digest_of(plain) == digest_of(stated)
