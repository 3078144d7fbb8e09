"""From declared claims to verdicts: the file in the repository, and made-up studies that lead to each verdict."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fooling.errors import FoolingError
from fooling.findings.claims import COLUMNS, Claims, claims_table, judged_claims
from fooling.findings.claims_page import claims_page, sentence
from fooling.findings.measurement import MeasurementSettings, Tables
from fooling.findings.quantities import QUANTITIES
from fooling.findings.tables import history_table, times_table
from fooling.settings import checked_settings, read_settings

ROOT = Path(__file__).parents[2]
SETTINGS = MeasurementSettings(bootstrap_samples=299)
CLAIM = {
    "id": "median",
    "where": "Fig. 4",
    "claim": "The median is 99.99 %.",
    "dataset": "mnist",
    "shown_on": "digits",
    "quantity": "median-of-runs",
    "experiment": "direct",
    "generation": 1,
    "paper": 0.9999,
    "status": "F",
    "direction": "at-least",
    "threshold": 0.9999,
    "minimum": 10,
    "unit": "probability",
}


def claims_of(*changes: dict) -> Claims:
    return checked_settings(Claims, {"claims": [CLAIM | change for change in changes]}, source="test")


def study(make_run, confidence: float, *, dataset: str = "mnist", seeds: int = 5, scatter: float = 0.0) -> Tables:
    """Two networks whose champions all have this confidence at the end."""
    generator = np.random.default_rng(0)
    records = []
    for name in ("lenet-a", "lenet-b"):
        for seed in range(1, seeds + 1):
            end = np.clip(confidence + scatter * generator.normal(size=3), 0, 1)
            records.append(make_run([[0.5] * 3, end], classifier=name, seed=seed))
    networks = {"classifier": ["lenet-a", "lenet-b"], "dataset": dataset, "architecture": "lenet", "test_error": 0.01}
    return Tables(
        networks=pd.DataFrame(networks),
        history={"direct": history_table(records, experiment="direct")},
        times={"direct": times_table(records, experiment="direct", threshold=0.9999)},
        start={},
        examined={},
    )


def judgement(claims: Claims, tables: Tables):
    (only,) = judged_claims(claims, tables, SETTINGS)
    return only


@pytest.mark.parametrize(
    ("change", "options", "verdict", "words"),
    [
        ({}, {"confidence": 0.99995}, "reproduced", "the whole interval is at least 99.99 %, as claimed"),
        ({}, {"confidence": 0.99}, "not reproduced", "none of the interval is at least 99.99 %"),
        ({"threshold": 0.9}, {"confidence": 0.9, "scatter": 0.03}, "inconclusive", "only a part of the interval is at"),
        ({"status": "M"}, {"confidence": 0.99995}, "unverified source", "is remembered, not verified"),
        ({}, {"confidence": 0.99995, "dataset": "digits"}, "shown on other data, not comparable", "speaks of mnist"),
        ({}, {"confidence": 0.99995, "seeds": 4}, "too few", "its n is 8 where 10 are asked for"),
        ({"minimum": 4}, {"confidence": 0.99995, "seeds": 2}, "too few", "4 runs carry no interval"),
        ({}, {"confidence": 0.99995, "dataset": "shapes"}, "not run here", "no such network of mnist"),
        ({"experiment": "cppn"}, {"confidence": 0.99995}, "not run here", "no map-elites of the experiment cppn"),
        ({"generation": 200}, {"confidence": 0.99995}, "not run here", "the runs end at generation 1"),
        ({"quantity": None}, {"confidence": 0.99995}, "not run here", "this study has no step for it"),
    ],
)
def test_every_verdict(make_run, change, options, verdict, words):
    found = judgement(claims_of(change), study(make_run, **options))
    assert found.verdict == verdict
    assert words in sentence(found)


@pytest.mark.parametrize("confidence", [0.5, 0.99995])
def test_digits_never_judge_a_claim_on_mnist(make_run, confidence):
    claims = claims_of({}, {"id": "other", "status": "M"}, {"id": "few", "minimum": 1000})
    judgements = judged_claims(claims, study(make_run, confidence, dataset="digits"), SETTINGS)
    assert {found.verdict for found in judgements} == {"shown on other data, not comparable"}
    assert all(found.estimate.value == np.float32(confidence) for found in judgements)


def test_the_table_has_exactly_its_columns(make_run):
    claims = claims_of({}, {"id": "later", "quantity": None, "paper": None, "status": "-"})
    table = claims_table(judged_claims(claims, study(make_run, 0.99995), SETTINGS))
    assert table.columns.tolist() == COLUMNS
    first, second = (table.iloc[row].to_dict() for row in (0, 1))
    assert first["ours"] == first["low"] == first["high"] == np.float32(0.99995)
    assert (first["n"], first["paper"], first["paper_status"]) == (10, 0.9999, "F")
    assert (second["n"], second["verdict"]) == (0, "not run here")
    assert pd.isna([second[column] for column in ("paper", "ours", "low", "high")]).all()


def test_the_page_has_a_row_and_a_sentence_for_each_claim(make_run):
    claims = claims_of({}, {"id": "later", "quantity": None})
    page = claims_page(judged_claims(claims, study(make_run, 0.99995), SETTINGS), confidence_level=0.95)
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert len(rows) == 2
    assert all(row.count(" | ") == 5 and row.endswith(". |") for row in rows)
    assert "99.9949 % [99.9949 %, 99.9949 %], n = 10 | **reproduced**" in rows[0]
    assert "Of 2 claims: 1 reproduced, 1 not run here." in page
    assert "whole 95 % interval" in page


def test_the_claims_of_the_repository_are_valid():
    claims = read_settings(Claims, str(ROOT / "config" / "claims.yaml")).claims
    assert {claim.dataset for claim in claims} == {"mnist", "imagenet", "imagenet-training"}
    shown = {"mnist": {"digits"}, "imagenet": {"samples", None}, "imagenet-training": {"ten"}}
    assert all(claim.shown_on in shown[claim.dataset] for claim in claims if claim.quantity is not None)
    at_scale = [claim for claim in claims if claim.dataset == "imagenet" and claim.quantity is not None]
    assert {claim.experiment for claim in at_scale} == {"direct", "cppn", "ensemble", None}
    used = {claim.quantity for claim in claims} - {None}
    assert used == set(QUANTITIES)
    for encoding in ("direct", "cppn"):
        controls = {claim.control for claim in claims if claim.experiment == encoding}
        assert {"random-search", "drift"} <= controls


def test_the_documentation_names_every_quantity():
    text = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")
    assert all(f"| `{name}` | {quantity.words} |" in text for name, quantity in QUANTITIES.items())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"quantity": "median-of-nothing"}, "one of mean-test-error"),
        ({"generation": None}, "median needs generation"),
        ({"experiment": None, "generation": None}, "median needs experiment, generation"),
        ({"threshold": None}, "median needs threshold"),
        ({"direction": "within"}, "median needs margin"),
        ({"direction": "within", "margin": 0.1}, "median has no use for threshold"),
        ({"margin": 0.1}, "median has no use for margin"),
        ({"status": "X"}, "pattern"),
        ({"unit": "%"}, "'probability', 'share'"),
        ({"minimum": 0}, "greater than or equal to 1"),
        ({"tolerance": 1}, "an unknown key"),
    ],
)
def test_a_claim_that_cannot_be_judged_is_refused(change, message):
    with pytest.raises(FoolingError, match=message):
        claims_of(change)


def test_every_id_occurs_once():
    with pytest.raises(FoolingError, match="every id once, not median"):
        claims_of({}, {})
