"""Rows of the claims: bounds, places on the axis, filters, and the recorded study beside them."""

import math

import numpy as np
import pytest

from fooling.claims.estimands import ESTIMANDS
from fooling.figures.catalogue import FIGURES
from fooling.report.claim_rows import (
    SHOWN_BY,
    Recorded,
    choices,
    drawn_interval,
    rows_of,
    source_figures,
)
from fooling.report.run_info import RecordHeader
from made_up_claims import claims_of


def claim(**changes):
    (found,) = claims_of(changes).claims
    return found


def test_a_confidence_is_placed_by_its_log_odds():
    places = [drawn_interval(claim(), value, math.nan, math.nan) for value in (0.01, 0.5, 0.99, 0.9999, 1.0)]
    values = [place.value for place in places if place is not None]
    assert values[0] == 0
    assert values[-1] == 100
    # From 1 % to 50 % is as far as from 50 % to 99 %, and so is every pair of nines.
    assert values[1] - values[0] == pytest.approx(values[2] - values[1], abs=0.02)
    assert np.all(np.diff(values) > 0)
    bound = drawn_interval(claim(), 0.5, math.nan, math.nan)
    assert bound is not None
    assert bound.agrees_from == values[3]
    assert (bound.agrees_to, bound.null, bound.low) == (100, values[1], None)


def test_a_share_is_placed_between_0_and_1():
    share = {"unit": "share", "threshold": 0.4, "null_value": 0.1, "comparison": "at-most"}
    found = drawn_interval(claim(**share), 0.25, 0.2, 0.3)
    assert found is not None
    assert (found.low, found.value, found.high) == (20, 25, 30)
    assert (found.agrees_from, found.agrees_to, found.null) == (0, 40, 10)


def test_small_shares_get_a_shorter_axis():
    within = {"unit": "share", "paper": 0.01, "margin": 0.002, "comparison": "within", "threshold": None}
    found = drawn_interval(claim(**within, null_value=None), 0.02, 0.016, 0.024)
    assert found is not None
    assert found.high is not None
    assert found.high > 90
    assert found.agrees_to < found.value


def test_other_units_span_their_values():
    unit = {"unit": "log-odds", "threshold": 0.0, "null_value": 0.0}
    found = drawn_interval(claim(**unit), 3.0, -1.0, 7.0)
    assert found is not None
    assert found.value == 50
    assert found.low is not None
    assert found.high is not None
    assert 0 < found.low < found.agrees_from < found.value < found.high < 100


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_not_measured_or_never_reached_is_not_drawn(value):
    assert drawn_interval(claim(), value, math.nan, math.nan) is None


@pytest.mark.parametrize(
    ("where", "figures"),
    [
        ("Fig. 4", ("Fig. 4",)),
        ("Figs 13 and S7 on ImageNet; tested here on MNIST", ("Fig. 13", "Fig. S7")),
        ("sections 3.5 and S1; tested here on MNIST", ()),
        ("section 3", ()),
    ],
)
def test_the_figures_of_a_source(where, figures):
    assert source_figures(where) == figures


def test_rows_are_complete_without_declarations(claims):
    rows = rows_of(claims, None, None)
    assert [row.id for row in rows] == claims["id"].tolist()
    first = rows[0]
    assert (first.paper, first.measured.value, first.measured.interval) == (
        "99.99 %",
        "≥ 99.99 %",
        "≥ 99.99 % at both ends",
    )
    assert (first.bound, first.how, first.drawn, first.recorded) == ("", "", None, None)
    assert [row.id for row in rows if row.is_key] == ["first", "second", "fourth"]


def test_declarations_add_bound_note_and_how_it_is_measured(claims):
    declared = claims_of({"id": "first", "note": "Mind this.", "generation": 1}, {"id": "cppn-other"})
    row = rows_of(claims, declared, None)[0]
    assert row.bound == "at least 99.99 %"
    assert row.how == f"The {ESTIMANDS['median-of-runs'].in_words(declared.claims[0], dataset='mnist')}."
    assert row.note == "Mind this."
    assert row.drawn is not None
    assert (row.encoding, row.figure, row.experiment) == ("direct", "confidence_over_evaluations", "direct")


def test_the_recorded_study_stands_beside_this_one(claims):
    before = claims[claims["id"] == "second"].assign(ours=0.25, verdict="inconclusive")
    recorded = Recorded(RecordHeader(study="mnist", version="1.0", recorded="2026-11-29", files={}), before)
    rows = {row.id: row for row in rows_of(claims, None, recorded)}
    assert rows["first"].recorded is None
    assert rows["second"].recorded is not None
    assert (rows["second"].recorded.value, rows["second"].recorded.verdict) == ("25 %", "inconclusive")
    assert rows["second"].measured.value == "80 %"


def test_filters_offer_what_occurs(claims):
    found = choices(rows_of(claims, None, None))
    assert found["figure"] == ["Fig. 4", "Fig. 5", "Fig. 6", "Fig. 7", "Fig. 8", "Fig. 9"]
    assert found["direction"] == ["same direction"]
    assert set(found["verdict"]) == set(claims["verdict"])
    assert found["kind"] == ["stated by the paper", "asked here"]


def test_every_figure_that_shows_an_estimand_is_in_the_catalogue():
    assert set(SHOWN_BY.values()) <= set(FIGURES)


def test_a_figure_of_the_page_shows_every_estimand_but_the_motifs():
    missing = [name for name in ESTIMANDS if not any(part in name for part in SHOWN_BY)]
    assert missing == ["share-of-recurring-motifs"]
