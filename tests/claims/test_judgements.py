"""From declared claims and made-up studies to verdicts, directions, families and pages."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy

from fooling.claims.claim import Claims
from fooling.claims.estimand import ContextSettings, Tables
from fooling.claims.judgements import CLAIMS, Judgement, claims_table, judged_claims, p_at_bound
from fooling.claims.page import claims_page, sentence
from fooling.findings.intervals import Estimate
from made_up_claims import claims_of, judging_study

SETTINGS = ContextSettings()


def judgement(claims: Claims, tables: Tables) -> Judgement:
    (only,) = judged_claims(claims, tables, SETTINGS)
    return only


@pytest.mark.parametrize(
    ("change", "options", "verdict", "words"),
    [
        ({}, {"confidence": 0.99995}, "reproduced", "the whole interval is at least 99.99 %, as claimed"),
        ({}, {"confidence": 0.99}, "not reproduced", "none of the interval is at least 99.99 %"),
        ({"threshold": 0.9}, {"confidence": 0.9, "scatter": 0.03}, "inconclusive", "only a part of the interval is at"),
        ({"source_status": "M"}, {"confidence": 0.99995}, "unverified source", "is remembered, not verified"),
        ({}, {"confidence": 0.99995, "dataset": "digits"}, "shown on other data, not comparable", "is about mnist"),
        ({"minimum": 7}, {"confidence": 0.99995}, "too few", "there are 6 independent units; a verdict needs 7"),
        ({}, {"confidence": 0.99995, "networks": 1}, "too few", "there is 1 independent unit; a verdict needs 5"),
        ({}, {"confidence": 0.99995, "dataset": "shapes"}, "not run here", "no such classifier of mnist"),
        ({"experiment": "cppn"}, {"confidence": 0.99995}, "not run here", "no map-elites of the experiment cppn"),
        ({"generation": 200}, {"confidence": 0.99995}, "not run here", "the runs end at generation 1"),
        ({"estimand": None}, {"confidence": 0.99995}, "not run here", "no step of the study measures it"),
    ],
)
def test_every_verdict(change: dict[str, Any], options: dict[str, Any], verdict: str, words: str) -> None:
    found = judgement(claims_of(change), judging_study(**options))
    assert found.verdict == verdict
    assert words in sentence(found)


@pytest.mark.parametrize(("confidence", "direction"), [(0.2, "opposite"), (0.99995, "same direction")])
def test_digits_never_judge_a_claim_on_mnist_but_show_a_direction(confidence: float, direction: str) -> None:
    claims = claims_of({}, {"id": "other", "source_status": "M"}, {"id": "few", "minimum": 1000})
    judgements = judged_claims(claims, judging_study(confidence, dataset="digits"), SETTINGS)
    assert {found.verdict for found in judgements} == {"shown on other data, not comparable"}
    assert {str(found.direction) for found in judgements} == {direction}
    assert all(found.estimate and found.estimate.value == np.float32(confidence) for found in judgements)


def test_two_networks_give_a_direction_that_is_marked() -> None:
    found = judgement(claims_of({}), judging_study(0.99995, dataset="digits", networks=2))
    assert found.direction == "same direction, no interval"
    assert "without an interval, lies in the claimed direction from 50 %" in sentence(found)


def test_on_its_own_data_a_claim_has_no_direction() -> None:
    assert judgement(claims_of({}), judging_study(0.99995)).direction is None


def test_one_sided_bounds_are_those_of_a_narrower_interval() -> None:
    study = judging_study(0.9, scatter=0.03)
    two, one = (judgement(claims_of({"sided": sided}), study).estimate for sided in ("two", "one"))
    assert two is not None and one is not None
    assert two.value == one.value
    assert two.low < one.low < one.high < two.high


def test_of_several_readings_the_primary_one_counts() -> None:
    claims = claims_of(
        {"family": "medians"},
        {"id": "pooled", "estimand": "pooled-median", "family": "medians", "primary": False},
        families=[{"id": "medians", "rule": "readings"}],
    )
    first, second = judged_claims(claims, judging_study(0.99995), SETTINGS)
    assert (first.verdict, second.verdict) == ("reproduced", "another reading, no verdict")
    assert first.family_verdict == second.family_verdict == "reproduced"
    assert "another reading of medians" in sentence(second)


def test_where_all_must_hold_one_that_fails_decides() -> None:
    claims = claims_of(
        {"family": "both"},
        {"id": "lower", "comparison": "at-most", "family": "both"},
        families=[{"id": "both", "rule": "all"}],
    )
    first, second = judged_claims(claims, judging_study(0.99995), SETTINGS)
    assert (first.verdict, second.verdict) == ("reproduced", "not reproduced")
    assert first.family_verdict == second.family_verdict == "not reproduced"


def test_where_any_may_hold_each_is_corrected_for_their_number() -> None:
    """Uncorrected the interval agrees; among so many it does not, whether or not the others were run."""
    study = judging_study(0.9, scatter=0.03)
    (alone,) = judged_claims(claims_of({}), study, SETTINGS)
    assert alone.estimate is not None
    just_below = {"threshold": alone.estimate.low - 1e-6, "family": "one-of"}
    missing = [{"id": f"missing-{index}", "experiment": "cppn", "family": "one-of"} for index in range(20)]
    claims = claims_of(just_below, *missing, families=[{"id": "one-of", "rule": "any"}])
    found, *others = judged_claims(claims, study, SETTINGS)
    assert found.estimate == alone.estimate
    assert found.p_value is not None and found.p_value < 0.025
    assert found.p_holm == pytest.approx(21 * found.p_value)
    assert found.verdict == found.family_verdict == "inconclusive"
    assert "but not after correction" in sentence(found)
    assert {other.verdict for other in others} == {"not run here"}

    certain = claims_of({"threshold": 0.5, "family": "one-of"}, *missing, families=[{"id": "one-of", "rule": "any"}])
    found, *_ = judged_claims(certain, study, SETTINGS)
    assert found.verdict == found.family_verdict == "reproduced"


@pytest.mark.parametrize("bound", [0.2, 0.45, 0.7])
@pytest.mark.parametrize("comparison", ["at-least", "at-most"])
def test_the_p_value_is_where_the_interval_touches_the_bound(bound: float, comparison: str) -> None:
    values = np.array([0.3, 0.5, 0.45, 0.6, 0.5])
    centre, error = values.mean(), scipy.stats.sem(values)

    def measure(level: float) -> Estimate:
        half = scipy.stats.t.ppf((1 + level) / 2, 4) * error
        return Estimate(value=centre, low=centre - half, high=centre + half, units=5, runs=5)

    (claim,) = claims_of({"threshold": bound, "comparison": comparison}).claims
    alternative = {"at-least": "greater", "at-most": "less"}[comparison]
    expected = scipy.stats.ttest_1samp(values, bound, alternative=alternative).pvalue
    assert p_at_bound(measure, claim) == pytest.approx(min(expected, 0.5), rel=1e-6)


def test_the_table_has_exactly_its_columns() -> None:
    claims = claims_of({}, {"id": "later", "estimand": None, "paper": None, "source_status": "-", "kind": "asked here"})
    table = claims_table(judged_claims(claims, judging_study(0.99995), SETTINGS))
    assert table.columns.tolist() == CLAIMS.names
    first, second = (table.iloc[row].to_dict() for row in (0, 1))
    assert first["ours"] == np.float32(0.99995)
    assert (first["units"], first["runs"], first["paper"], first["source_status"]) == (6, 36, 0.9999, "F")
    assert (first["family"], first["status"], first["measured_on"]) == ("median", "exploratory", "mnist")
    assert (second["runs"], second["verdict"]) == (0, "not run here")
    assert pd.isna([second[column] for column in ("paper", "ours", "low", "high", "measured_on", "lock")]).all()


def test_the_page_has_a_row_and_a_sentence_for_each_claim_and_counts_the_papers_own_apart() -> None:
    claims = claims_of({}, {"id": "later", "estimand": None}, {"id": "ours", "kind": "asked here", "paper": None})
    page = claims_page(judged_claims(claims, judging_study(0.99995), SETTINGS), confidence_level=0.95)
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert len(rows) == 3
    assert all(row.count(" | ") == 7 and row.endswith(". |") for row in rows)
    assert "6 units, 36 runs | **reproduced** | exploratory |" in rows[0]
    assert (
        "Of 2 numbers stated by the paper, 1 could be judged by this study: 1 reproduced, 0 not reproduced, "
        "0 inconclusive. All verdicts are exploratory" in page
    )
    assert "| claims | reproduced | not run here |" in page
    assert "| stated by the paper | 1 | 1 |" in page
    assert "| asked here | 1 | 0 |" in page
    assert "whole 95 % interval" in page


def test_a_pipe_in_a_claim_breaks_no_row_of_the_page() -> None:
    claims = claims_of({"claim": "Either | or."})
    page = claims_page(judged_claims(claims, judging_study(0.99995), SETTINGS), confidence_level=0.95)
    (row,) = (line for line in page.splitlines() if line.startswith("| `"))
    assert "Either \\| or." in row
    assert row.count(" | ") == 7
