"""The paper's own claims are counted apart, and each family once."""

from __future__ import annotations

import pandas as pd

from fooling.claims.scoreboard import headline_of_claims, note_on_directions, note_on_status, scoreboard

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
        "Of 3 numbers that the paper states, 2 could be judged by this study: 1 reproduced, 1 not reproduced, "
        "0 inconclusive."
    )
    assert headline_of_claims(CLAIMS.assign(family_verdict="too few")) == (
        "None of the 3 numbers that the paper states could be judged by this study."
    )
    assert headline_of_claims(CLAIMS[4:]) == "None of these claims is a number that the paper states."


def test_an_exploratory_verdict_is_never_called_a_test() -> None:
    assert note_on_status(CLAIMS).startswith("Every verdict is exploratory")
    assert "test" not in note_on_status(CLAIMS)
    confirmed = CLAIMS.assign(status=["confirmatory", *["exploratory"] * 5])
    assert note_on_status(confirmed).startswith("1 of 4 verdicts is confirmatory")
    assert note_on_status(CLAIMS[3:4]) == "Nothing was judged."


def test_directions_are_counted_apart_from_verdicts() -> None:
    shown = CLAIMS.assign(measured_on="digits", direction=None)
    assert note_on_directions(shown) == ""
    directions = ["same direction", "same direction, no interval", None, "opposite", "unclear, no interval", None]
    assert note_on_directions(shown.assign(direction=directions)) == (
        "On digits, where nothing is judged: 2 same direction, 1 opposite, 1 unclear; 2 of these have no interval."
    )
