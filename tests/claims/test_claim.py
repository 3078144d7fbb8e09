"""The declarations of claims: what is refused, and that those of the repository are complete."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from fooling.claims.claim import Claims
from fooling.claims.estimands import ESTIMANDS
from fooling.claims.verdicts import STATED
from fooling.errors import FoolingError
from fooling.settings import checked_settings, read_settings
from made_up_claims import CLAIM, claims_of

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
    texts = [ROOT / "config" / "claims.yaml", ROOT / "docs" / "claims.md", ROOT / "src/fooling/report/page.html"]
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
        ({"comparison": "within", "margin": 0.1}, "median has no use for threshold, null_value"),
        ({"margin": 0.1}, "median has no use for margin"),
        ({"source_status": "X"}, "pattern"),
        ({"kind": "tested"}, "asked here"),
        ({"declared": "yesterday"}, "date"),
        ({"sided": "both"}, "'one' or 'two'"),
        ({"unit": "%"}, "'probability', 'share'"),
        ({"minimum": 2}, "greater than or equal to 3"),
        ({"paper": None}, "median needs paper"),
        ({"primary": False}, "median needs family"),
        ({"family": "medians"}, "families must be declared: medians"),
        ({"tolerance": 1}, "an unknown key"),
    ],
)
def test_a_claim_that_cannot_be_judged_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(FoolingError, match=message):
        claims_of(change)


def test_every_id_occurs_once() -> None:
    with pytest.raises(FoolingError, match="every id once, not median"):
        claims_of({}, {})


@pytest.mark.parametrize(
    ("rule", "changes", "message"),
    [
        ("readings", [{}], "family pair has 1 claims; it needs at least 2"),
        ("readings", [{}, {"id": "b"}], "family pair has 2 primary readings; it needs 1"),
        ("all", [{}, {"id": "b", "primary": False}], "every claim of family pair is primary"),
        ("all", [{}, {"id": "b", "kind": "asked here"}], "family pair needs claims of one kind"),
        ("any", [{"minimum": 4}, {"id": "b"}], "minimum is at least 5 where any claim may hold: median"),
        (
            "any",
            [{}, {"id": "b", "comparison": "within", "threshold": None, "null_value": None, "margin": 0.1}],
            "claims of which any may hold have one bound: b",
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
