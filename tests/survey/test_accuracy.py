"""Accuracy per condition, single images, and agreement, on answers whose outcome is known."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest, norm

from fooling.survey.accuracy import AnalysisSettings, accuracy_table, image_table, sensitivity_of
from fooling.survey.agreement import CONFIDENCE, agreement_table, confidence_table, confusion_table
from fooling.survey.questionnaire import NONE_OF_THESE
from fooling.table import require_valid
from made_up_answers import made_questionnaire

ASKED = made_questionnaire(images=6)
SETTINGS = AnalysisSettings(bootstrap_samples=199)
PEOPLE = 12


def answers_of(block: str, foils: str, says: dict[str, str | None], *, rating: int = 3) -> pd.DataFrame:
    """Everybody's answers to every image of the named conditions: ``None`` is the right answer."""
    return pd.DataFrame(
        [
            {
                **{"participant": f"{person:016x}", "block": block, "foils": foils, "condition": stimulus.condition},
                **{"stimulus": stimulus.id, "correct_answer": stimulus.class_name, "rating": rating},
                "response": stimulus.class_name if says[stimulus.condition] is None else says[stimulus.condition],
                "synthetic": False,
            }
            for person in range(PEOPLE)
            for stimulus in ASKED.stimuli
            if stimulus.condition in says
        ]
    )


def row_of(table: pd.DataFrame, **wanted: str) -> pd.Series:
    rows = table[np.logical_and.reduce([table[name] == value for name, value in wanted.items()])]
    assert len(rows) == 1
    return rows.iloc[0]


def test_right_and_wrong_answers_stand_beside_chance() -> None:
    given = pd.concat(
        [answers_of("two-way", "random", {"real": None, "cppn": "x"}), answers_of("all-way", "", {"noise": "x"})]
    )
    table = accuracy_table(given, ASKED, SETTINGS)
    real, cppn = (row_of(table, block="two-way", condition=name) for name in ("real", "cppn"))
    assert (real["share"], real["chance"], real["limit"], real["equivalent"]) == (1, 0.5, 0.6, False)
    assert (real["people"], real["images"], real["answers"]) == (PEOPLE, 6, 6 * PEOPLE)
    assert real["low"] > 0.5
    assert (cppn["share"], cppn["equivalent"]) == (0, True)
    noise = row_of(table, block="all-way", condition="noise")
    assert (noise["chance"], noise["limit"]) == (0.1, pytest.approx(0.2))
    assert math.isnan(noise["sensitivity"])


def test_d_prime_is_that_of_the_share_with_half_an_answer_more_on_each_side() -> None:
    row = accuracy_table(answers_of("two-way", "random", {"real": None}), ASKED, SETTINGS).iloc[0]
    share = (6 * PEOPLE + 0.5) / (6 * PEOPLE + 1)
    assert row["sensitivity"] == pytest.approx(math.sqrt(2) * norm.ppf(share))
    assert row["sensitivity_low"] == pytest.approx(sensitivity_of(row["low"]))
    assert sensitivity_of(0.5) == 0


def test_a_wide_interval_around_chance_is_no_equivalence() -> None:
    """Each of six images is known by all or by none: nothing is significant, and nothing is shown to be chance."""
    given = answers_of("two-way", "random", {"cppn": None})
    given.loc[given["stimulus"].isin(["cppn-000", "cppn-001", "cppn-002"]), "response"] = "x"
    row = accuracy_table(given, ASKED, SETTINGS).iloc[0]
    assert row["share"] == 0.5
    assert row["low"] < 0.5 < row["high"]
    assert row["upper"] > row["limit"]
    assert not row["equivalent"]


def test_free_answers_are_shares_of_three_outcomes_without_chance() -> None:
    given = answers_of("free", "", {"cppn": NONE_OF_THESE})
    given.loc[given.index[:18], "response"] = given["correct_answer"]
    given.loc[given.index[18:27], "response"] = "x"
    table = accuracy_table(given, ASKED, SETTINGS).set_index("outcome")
    assert dict(table["share"]) == {"right answer": 0.25, "other class": 0.125, "none of these": 0.625}
    assert table["chance"].isna().all()
    assert table["equivalent"].isna().all()


def test_a_single_participant_carries_no_interval() -> None:
    given = answers_of("two-way", "random", {"cppn": None})
    row = accuracy_table(given[given["participant"] == "0" * 16], ASKED, SETTINGS).iloc[0]
    assert row["share"] == 1
    assert math.isnan(row["low"])
    assert row["equivalent"] is None or math.isnan(row["equivalent"])


def test_every_image_is_tested_exactly_and_corrected_for_all_of_its_block() -> None:
    given = answers_of("two-way", "random", {"cppn": None, "noise": "x"})
    noise = given["condition"] == "noise"
    given.loc[noise & given["participant"].isin([f"{person:016x}" for person in range(6)]), "response"] = given[
        "correct_answer"
    ]
    table = image_table(given, ASKED, SETTINGS)
    assert len(table) == 12
    known = table[table["condition"] == "cppn"].iloc[0]
    assert known["p_value"] == pytest.approx(2 * 0.5**PEOPLE)
    assert known["p_holm"] == pytest.approx(12 * 2 * 0.5**PEOPLE)
    wilson = binomtest(PEOPLE, PEOPLE).proportion_ci(method="wilson")
    assert (known["low"], known["high"]) == (pytest.approx(wilson.low), pytest.approx(wilson.high))
    unknown = table[table["condition"] == "noise"]
    assert (unknown["share"] == 0.5).all()
    assert (unknown["p_holm"] == 1).all()


def test_images_of_the_free_block_are_not_tested() -> None:
    table = image_table(answers_of("free", "", {"cppn": NONE_OF_THESE}), ASKED, SETTINGS)
    assert (table["share"] == 0).all()
    assert table[["chance", "p_value", "p_holm"]].isna().all(axis=None)


def test_alpha_is_one_where_all_say_the_same_of_each_image_and_about_nothing_where_they_guess() -> None:
    same = answers_of("all-way", "", {"cppn": None})
    alone = agreement_table(same, ASKED, SETTINGS).iloc[0]
    assert (alone["alpha"], alone["people"], alone["images"]) == (1, PEOPLE, 6)
    generator = np.random.default_rng(1)
    guessed = same.assign(response=generator.choice(list("0123456789"), len(same)))
    row = agreement_table(guessed, ASKED, SETTINGS).iloc[0]
    assert abs(row["alpha"]) < 0.1
    assert row["low"] <= row["alpha"] <= row["high"]


def test_alpha_of_known_answers() -> None:
    """Of two images one is called 3 by everybody, of the other half of the people says 3: worked out by hand."""
    given = answers_of("all-way", "", {"cppn": "3"})
    given = given[given["stimulus"].isin(["cppn-000", "cppn-001"])].copy()
    half = (given["stimulus"] == "cppn-001") & (given["participant"] >= f"{6:016x}")
    given.loc[half, "response"] = "5"
    observed = (2 * 6 * 6 / 11) / 24
    expected = 2 * 18 * 6 / (24 * 23)
    assert agreement_table(given, ASKED, SETTINGS).iloc[0]["alpha"] == pytest.approx(1 - observed / expected)


def test_no_alpha_where_everybody_gives_one_answer_to_all_images() -> None:
    row = agreement_table(answers_of("all-way", "", {"cppn": "3"}), ASKED, SETTINGS).iloc[0]
    assert math.isnan(row["alpha"])
    assert row["note"]


def test_no_alpha_where_the_only_other_answer_is_nobody_elses_to_compare_with() -> None:
    given = answers_of("all-way", "", {"cppn": "3"})
    given = given[(given["stimulus"] != "cppn-001") | (given["participant"] == f"{1:016x}")].copy()
    given.loc[given["stimulus"] == "cppn-001", "response"] = "5"
    with warnings.catch_warnings(action="error"):
        row = agreement_table(given, ASKED, SETTINGS).iloc[0]
    assert math.isnan(row["alpha"])


def test_between_two_options_alpha_is_of_right_and_wrong() -> None:
    given = answers_of("two-way", "random", {"cppn": None})
    given.loc[given["stimulus"] == "cppn-000", "response"] = "x"
    row = agreement_table(given, ASKED, SETTINGS).iloc[0]
    assert (row["of"], row["alpha"]) == ("right answers", 1)


def test_people_who_follow_the_network_correlate_with_it() -> None:
    stimuli = sorted(ASKED.of_condition("cppn"), key=lambda stimulus: stimulus.confidence)
    given = answers_of("all-way", "", {"cppn": "x"})
    for rank, stimulus in enumerate(stimuli):
        knows = (given["stimulus"] == stimulus.id) & (given["participant"] < f"{2 * rank:016x}")
        given.loc[knows, "response"] = stimulus.class_name
    table = confidence_table(image_table(given, ASKED, SETTINGS), SETTINGS)
    share = row_of(table, condition="cppn", measure="share")
    assert share["correlation"] == pytest.approx(1)
    assert share["low"] <= share["correlation"]
    rating = row_of(table, condition="all", measure="rating")
    assert math.isnan(rating["correlation"])
    assert rating["note"]


def test_confusion_counts_what_is_said_of_each_class() -> None:
    given = answers_of("all-way", "", {"cppn": "3"})
    given = pd.concat([given, answers_of("two-way", "random", {"cppn": None})])
    table = confusion_table(given, ASKED)
    assert set(table["block"]) == {"all-way"}
    assert set(table["response"]) == {"3"}
    assert (table["share"] == 1).all()
    assert table["answers"].sum() == 6 * PEOPLE


def test_simulated_answers_make_every_table_synthetic() -> None:
    given = answers_of("all-way", "", {"cppn": "3"})
    given.loc[0, "synthetic"] = True
    images = image_table(given, ASKED, SETTINGS)
    tables = [
        accuracy_table(given, ASKED, SETTINGS),
        images,
        agreement_table(given, ASKED, SETTINGS),
        confidence_table(images, SETTINGS),
        confusion_table(given, ASKED),
    ]
    assert all(table["synthetic"].all() for table in tables)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("values", [(0, 0, 0, 1), (0, 0, 1, 2, 3)])
def test_rounding_takes_no_correlation_beyond_one(values: tuple[int, ...], sign: int) -> None:
    confidences = np.array(values) / 10
    images = pd.DataFrame({"share": 0.5 + sign * confidences / 2, "rating": 3.0, "confidence": confidences})
    images = images.assign(block="free", foils="", condition="cppn", synthetic=False)
    table = confidence_table(images, SETTINGS)
    require_valid(table, CONFIDENCE, source="the table")
    assert row_of(table, condition="cppn", measure="share")["correlation"] == pytest.approx(sign)
