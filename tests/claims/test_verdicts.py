"""Verdicts: from intervals, for families, counted, and in words."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from fooling.claims.verdicts import (
    Direction,
    Verdict,
    agreeing_range,
    direction_of,
    exactly_in_words,
    headline_of_claims,
    in_words,
    judged,
    note_on_directions,
    note_on_status,
    scoreboard,
    verdict_of_all,
    verdict_of_any,
)
from fooling.findings.intervals import Estimate

AT_LEAST = agreeing_range("at-least", threshold=0.9, paper=None, margin=None)
AT_MOST = agreeing_range("at-most", threshold=0.9, paper=None, margin=None)
WITHIN = agreeing_range("within", threshold=None, paper=0.9, margin=0.05)
YES, NO, OPEN = Verdict.REPRODUCED, Verdict.NOT_REPRODUCED, Verdict.INCONCLUSIVE


def verdict(low, high, agreeing, *, units=20, runs=400, minimum=20, verified=True, comparable=True):
    estimate = Estimate(value=(low + high) / 2, low=low, high=high, units=units, runs=runs)
    return judged(estimate, agreeing, minimum=minimum, verified=verified, comparable=comparable)


@pytest.mark.parametrize(
    ("low", "high", "agreeing", "expected"),
    [
        (0.90, 0.99, AT_LEAST, YES),
        (0.80, 0.89, AT_LEAST, NO),
        (0.80, 0.95, AT_LEAST, OPEN),
        (0.80, 0.90, AT_MOST, YES),
        (0.91, 0.99, AT_MOST, NO),
        (0.80, 0.91, AT_MOST, OPEN),
        (0.86, 0.94, WITHIN, YES),
        (0.96, 0.99, WITHIN, NO),
        (0.10, 0.80, WITHIN, NO),
        (0.80, 0.99, WITHIN, OPEN),  # far too wide an interval reproduces nothing
        (0.90, 0.96, WITHIN, OPEN),
        (60, math.inf, agreeing_range("at-most", threshold=49, paper=None, margin=None), NO),
    ],
)
def test_the_interval_decides(low, high, agreeing, expected):
    assert verdict(low, high, agreeing) == expected


def test_too_few_units_judge_nothing_however_many_runs_they_have():
    assert verdict(0.95, 0.99, AT_LEAST, units=19, runs=10_000) == Verdict.TOO_FEW


def test_without_an_interval_nothing_is_judged():
    assert verdict(math.nan, math.nan, AT_LEAST) == Verdict.TOO_FEW


def test_a_number_that_nobody_verified_judges_nothing():
    assert verdict(0.95, 0.99, AT_LEAST, verified=False) == Verdict.UNVERIFIED


@pytest.mark.parametrize("units", [5, 100])
@pytest.mark.parametrize("verified", [True, False])
def test_other_data_judge_nothing_whatever_they_show(units, verified):
    found = verdict(0.95, 0.99, AT_LEAST, units=units, verified=verified, comparable=False)
    assert found == Verdict.OTHER_DATA


@pytest.mark.parametrize(
    ("low", "high", "comparison", "expected"),
    [
        (0.6, 0.7, "at-least", Direction.SAME),
        (0.3, 0.4, "at-least", Direction.OPPOSITE),
        (0.4, 0.6, "at-least", Direction.UNCLEAR),
        (0.5, 0.7, "at-least", Direction.UNCLEAR),  # an interval that touches the null value leaves it possible
        (0.3, 0.4, "at-most", Direction.SAME),
        (0.6, 0.7, "at-most", Direction.OPPOSITE),
        (0.4, 0.6, "at-most", Direction.UNCLEAR),
        (0.6, math.inf, "at-most", Direction.OPPOSITE),
    ],
)
def test_the_direction_is_that_of_the_whole_interval(low, high, comparison, expected):
    estimate = Estimate(value=low, low=low, high=high, units=3, runs=3)
    assert direction_of(estimate, comparison, 0.5) == expected


@pytest.mark.parametrize(
    ("value", "comparison", "expected"),
    [
        (0.6, "at-least", Direction.SAME_ALONE),
        (0.6, "at-most", Direction.OPPOSITE_ALONE),
        (0.5, "at-most", Direction.UNCLEAR_ALONE),
    ],
)
def test_without_an_interval_the_value_gives_a_direction_that_is_marked(value, comparison, expected):
    estimate = Estimate(value=value, low=math.nan, high=math.nan, units=2, runs=20)
    assert direction_of(estimate, comparison, 0.5) == expected
    assert "no interval" in expected


def test_claims_without_a_null_value_have_no_direction():
    assert direction_of(Estimate(value=1, low=1, high=1, units=9, runs=9), "within", None) is None


@pytest.mark.parametrize(
    ("verdicts", "of_all", "of_any"),
    [
        ([YES, YES], YES, YES),
        ([YES, NO], NO, YES),
        ([YES, OPEN], OPEN, YES),
        ([NO, OPEN], NO, OPEN),
        ([NO, NO], NO, NO),
        ([YES, Verdict.TOO_FEW], Verdict.TOO_FEW, YES),
        ([NO, Verdict.NOT_RUN], NO, Verdict.NOT_RUN),  # what was not run may be the one that holds
        ([YES, Verdict.NOT_RUN], Verdict.NOT_RUN, YES),
        ([Verdict.OTHER_DATA] * 2, Verdict.OTHER_DATA, Verdict.OTHER_DATA),
    ],
)
def test_families_of_which_all_or_any_must_hold(verdicts, of_all, of_any):
    assert verdict_of_all(verdicts) == of_all
    assert verdict_of_any(verdicts) == of_any


PAPER, OURS = "stated by the paper", "asked here"
CLAIMS = pd.DataFrame(
    [
        ("a", "a", PAPER, "reproduced", "reproduced", "exploratory"),
        ("b", "medians", PAPER, "not reproduced", "not reproduced", "exploratory"),
        ("c", "medians", PAPER, "another reading, no verdict", "not reproduced", "exploratory"),
        ("d", "d", PAPER, "not run here", "not run here", "exploratory"),
        ("e", "both", OURS, "reproduced", "inconclusive", "exploratory"),
        ("f", "both", OURS, "inconclusive", "inconclusive", "exploratory"),
    ],
    columns=["id", "family", "kind", "verdict", "family_verdict", "status"],
)


def test_families_count_once_with_their_verdict() -> None:
    assert scoreboard(CLAIMS) == {
        PAPER: {"reproduced": 1, "not reproduced": 1, "not run here": 1},
        OURS: {"inconclusive": 1},
    }


def test_the_headline_is_about_the_papers_numbers_alone() -> None:
    assert headline_of_claims(CLAIMS) == (
        "Of 3 numbers stated by the paper, 2 could be judged by this study: 1 reproduced, 1 not reproduced, "
        "0 inconclusive."
    )
    assert headline_of_claims(CLAIMS.assign(family_verdict="too few")) == (
        "This study cannot judge the 3 numbers stated by the paper."
    )
    assert headline_of_claims(CLAIMS[4:]) == "None of these claims is a number stated by the paper."


def test_an_exploratory_verdict_is_never_called_a_test() -> None:
    assert note_on_status(CLAIMS).startswith("All verdicts are exploratory")
    assert "test" not in note_on_status(CLAIMS)
    confirmed = CLAIMS.assign(status=["confirmatory", *["exploratory"] * 5])
    assert note_on_status(confirmed).startswith("1 of 4 verdicts is confirmatory")
    assert note_on_status(CLAIMS[3:4]) == "No claim was judged."


def test_directions_are_counted_apart_from_verdicts() -> None:
    shown = CLAIMS.assign(measured_on="digits", direction=None)
    assert note_on_directions(shown) == ""
    directions = ["same direction", "same direction, no interval", None, "opposite", "unclear, no interval", None]
    assert note_on_directions(shown.assign(direction=directions)) == (
        "It only shows on which side of chance, or of a control, the values lie on digits: 2 same direction, "
        "1 opposite, 1 unclear; 2 of these have no interval."
    )


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (1.0, "probability", "≥ 99.99 %"),
        (0.99989999, "probability", "99.98 %"),
        (1.0, "share", "100 %"),
        (0.9999, "probability", "≥ 99.99 %"),
        (math.inf, "generations", "never"),
        (73.5, "generations", "73.5"),
        (120.0, "generations", "120"),
        (-1.234, "log-odds", "-1.23"),
        (1.5, "ratio", "1.50"),
        (math.nan, "share", "-"),
        (None, "generations", "-"),
    ],
)
def test_values_with_units(value, unit, words):
    assert in_words(value, unit) == words


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (0.9999, "probability", "99.99 %"),
        (1.0, "probability", "100 %"),
        (None, "share", "-"),
        (49.0, "generations", "49"),
    ],
)
def test_stated_values_are_exact(value, unit, words):
    assert exactly_in_words(value, unit) == words
