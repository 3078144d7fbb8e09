"""Error consistency between people, and their answers in the columns of model-vs-human."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score

from fooling.findings.intervals import ResamplingSettings
from fooling.survey.agreement import CONSISTENCY, TRIALS, consistency_table, trials_table
from fooling.table import require_valid
from made_up_answers import made_questionnaire

IMAGES = 12
ASKED = made_questionnaire(images=IMAGES)
SETTINGS = ResamplingSettings(bootstrap_samples=199)
STIMULI = [stimulus for stimulus in ASKED.stimuli if stimulus.condition == "noise"]


def answers_of(is_right: np.ndarray) -> pd.DataFrame:
    """Answers (people, images) about noise, right or wrong, in the block with all classes."""
    wrong = {one.id: next(name for name in ASKED.classes if name != one.class_name) for one in STIMULI}
    rows = [
        {
            **{
                "participant": f"{person:016x}",
                "block": "all-way",
                "foils": "",
                "condition": "noise",
                "trial": place + 1,
            },
            **{"stimulus": one.id, "correct_answer": one.class_name, "response_ms": 1500, "synthetic": False},
            "response": one.class_name if right else wrong[one.id],
        }
        for person, of_person in enumerate(is_right)
        for place, (one, right) in enumerate(zip(STIMULI, of_person, strict=True))
    ]
    return pd.DataFrame(rows)


def row_of(is_right: np.ndarray) -> pd.Series:
    table = consistency_table(answers_of(is_right), ASKED, SETTINGS)
    require_valid(table, CONSISTENCY, source="a test")
    assert len(table) == 1
    return table.iloc[0]


def test_it_is_the_mean_of_cohens_kappa_over_pairs() -> None:
    is_right = np.random.default_rng(1).random((5, len(STIMULI))) < 0.6
    row = row_of(is_right)
    pairs = [cohen_kappa_score(is_right[i], is_right[j]) for i in range(5) for j in range(i)]
    assert row["kappa"] == pytest.approx(np.mean(pairs))
    assert (row["people"], row["pairs"], row["undefined"], row["note"]) == (5, 10, 0, "")
    assert row["low"] <= row["kappa"] <= row["high"]


def test_people_with_the_same_errors_are_fully_consistent_and_with_opposite_ones_not() -> None:
    half = np.arange(len(STIMULI)) % 2 == 0
    assert row_of(np.array([half, half, half]))["kappa"] == pytest.approx(1)
    assert row_of(np.array([half, ~half]))["kappa"] == pytest.approx(-1)


def test_pairs_without_errors_and_single_people_have_no_kappa() -> None:
    half, always = np.arange(len(STIMULI)) % 2 == 0, np.ones(len(STIMULI), dtype=bool)
    row = row_of(np.array([always, always, always]))
    assert (row["pairs"], row["undefined"], row["note"]) == (0, 3, "no pair of people has a kappa")
    assert row[["kappa", "low", "high"]].isna().all()
    row = row_of(np.array([half, always, always]))
    assert (row["pairs"], row["undefined"], row["kappa"]) == (2, 1, 0)
    row = row_of(np.array([half]))
    assert (row["people"], row["pairs"]) == (1, 0)
    assert np.isnan(row["kappa"])


def test_only_common_images_count() -> None:
    is_right = np.random.default_rng(2).random((2, len(STIMULI))) < 0.5
    answers = answers_of(is_right)
    seen = [one.id for one in STIMULI[:8]]
    answers = answers[(answers["participant"] == f"{0:016x}") | answers["stimulus"].isin(seen)]
    kappa = consistency_table(answers, ASKED, SETTINGS)["kappa"].iloc[0]
    assert kappa == pytest.approx(cohen_kappa_score(is_right[0, :8], is_right[1, :8]))


def test_answers_have_the_columns_of_model_vs_human() -> None:
    table = trials_table(answers_of(np.ones((2, len(STIMULI)), dtype=bool)), ASKED)
    require_valid(table, TRIALS, source="a test")
    columns = ["subj", "session", "trial", "rt", "object_response", "category", "condition", "imagename"]
    assert table.columns.tolist() == columns
    people, network = table[table["subj"] != ASKED.network.name], table[table["subj"] == ASKED.network.name]
    assert people["rt"].eq(1.5).all()
    assert people["imagename"].str.endswith(".png").all()
    labelled = [one for one in ASKED.stimuli if one.kind != "real"]
    assert network["object_response"].tolist() == [one.class_name for one in labelled]
    assert network["rt"].isna().all()
