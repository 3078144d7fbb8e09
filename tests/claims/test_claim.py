"""Declared claims, and the lock that freezes them."""

from __future__ import annotations

import datetime
import math
from pathlib import Path
from typing import Any

import pytest

from fooling.claims.claim import Claims, Lock, digest_of, freeze, reserved_by, seeds_of
from fooling.claims.estimand import ContextSettings, Tables
from fooling.claims.estimands import ESTIMANDS
from fooling.claims.judgements import claims_table, judged_claims
from fooling.claims.verdicts import STATED
from fooling.messages import FoolingError
from fooling.settings import SeedRange, checked_settings, read_settings
from fooling.study.settings import default_study
from made_up_claims import CLAIM, claims_of, judging_study

ROOT = Path(__file__).parents[2]
REPOSITORY = read_settings(Claims, str(ROOT / "config" / "claims.yaml"))


def test_the_claims_of_the_repository_measure_every_quantity_on_known_data() -> None:
    claims = REPOSITORY.claims
    assert {claim.dataset for claim in claims} == {"mnist", "imagenet", "imagenet-training"}
    shown = {"mnist": {"digits"}, "imagenet": {"samples", None}, "imagenet-training": {"ten"}}
    assert all(claim.shown_on in shown[claim.dataset] for claim in claims if claim.estimand is not None)
    at_scale = [claim for claim in claims if claim.dataset == "imagenet" and claim.estimand is not None]
    assert {claim.experiment for claim in at_scale} == {"direct", "cppn", "ensemble", None}
    assert {claim.estimand for claim in claims} - {None} == set(ESTIMANDS)
    for encoding in ("direct", "cppn"):
        controls = {claim.control for claim in claims if claim.experiment == encoding}
        assert {"random-search", "drift"} <= controls


def test_a_claim_on_a_share_takes_as_many_units_as_its_exact_interval_needs_to_agree() -> None:
    """With all of n units the exact 95 % interval begins at .025 ** (1 / n)."""
    exact = ("share-of-", "share-with-", "share-beyond-", "share-saturated")
    for claim in REPOSITORY.claims:
        if claim.comparison != "within" and str(claim.estimand).startswith(exact) and claim.asked is None:
            assert claim.threshold is not None
            share = claim.threshold if claim.comparison == "at-least" else 1 - claim.threshold
            assert claim.minimum >= math.log(0.025) / math.log(share), claim.id


def test_nothing_claims_to_have_been_declared_before_any_run() -> None:
    texts = [ROOT / "config/claims.yaml", ROOT / "docs/claims.md", *(ROOT / "src/fooling/report/templates").iterdir()]
    assert not [path.name for path in texts if "before any run" in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"estimand": "median-of-nothing"}, "one of mean-test-error"),
        ({"generation": None}, "median needs generation"),
        ({"experiment": None, "generation": None}, "median needs experiment, generation"),
        ({"threshold": None}, "median needs threshold"),
        ({"null_value": None}, "median needs null_value"),
        ({"comparison": "within", "null_value": None}, "median needs margin"),
        ({"comparison": "within", "margin": 0.1}, "median without the unused keys threshold, null_value"),
        ({"margin": 0.1}, "median without the unused keys margin"),
        ({"source_status": "X"}, "pattern"),
        ({"kind": "tested"}, "asked here"),
        ({"declared": "yesterday"}, "date"),
        ({"sided": "both"}, "'one' or 'two'"),
        ({"unit": "%"}, "'probability', 'share'"),
        ({"minimum": 2}, "greater than or equal to 3"),
        ({"paper": None}, "median needs paper"),
        ({"primary": False}, "median needs family"),
        ({"family": "medians"}, "declared families; undeclared: medians"),
        ({"tolerance": 1}, "an unknown key"),
    ],
)
def test_a_claim_that_cannot_be_judged_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(FoolingError, match=message):
        claims_of(change)


def test_every_id_occurs_once() -> None:
    with pytest.raises(FoolingError, match="every id once; duplicates: median"):
        claims_of({}, {})


@pytest.mark.parametrize(
    ("rule", "changes", "message"),
    [
        ("readings", [{}], "family pair has 1 claims; it needs at least 2"),
        ("readings", [{}, {"id": "b"}], "family pair has 2 primary readings; it needs 1"),
        ("all", [{}, {"id": "b", "primary": False}], "every claim of family pair must be primary"),
        ("all", [{}, {"id": "b", "kind": "asked here"}], "family pair needs claims of one kind"),
        ("any", [{"minimum": 4}, {"id": "b"}], "in a family with rule any, minimum must be at least 5: median"),
        (
            "any",
            [{}, {"id": "b", "comparison": "within", "threshold": None, "null_value": None, "margin": 0.1}],
            "in a family with rule any, comparison must not be within: b",
        ),
    ],
)
def test_a_family_that_does_not_fit_its_rule_is_refused(
    rule: str, changes: list[dict[str, object]], message: str
) -> None:
    with pytest.raises(FoolingError, match=message):
        claims_of(*(change | {"family": "pair"} for change in changes), families=[{"id": "pair", "rule": rule}])


def test_the_paper_states_the_number_of_every_claim_that_is_said_to_be_its_own() -> None:
    assert all(claim.paper is not None for claim in REPOSITORY.claims if claim.kind == STATED)
    with pytest.raises(FoolingError, match="median needs paper"):
        checked_settings(Claims, {"claims": [CLAIM | {"paper": None}]}, source="test")


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
