"""Rules that were written beforehand leave out people and single answers, and every one is listed."""

from __future__ import annotations

import pandas as pd
import pytest

from fooling.survey.exclusions import kept_answers
from fooling.survey.responses import parsed_responses
from fooling.survey.settings import ExclusionSettings
from made_up_answers import as_peoples, made_questionnaire, simulated

SETTINGS = ExclusionSettings(fastest_ms=250, failed_catch_allowed=1, too_fast_share=0.2)


@pytest.fixture
def responses() -> pd.DataFrame:
    """Answers of three careful people, none too fast."""
    asked = made_questionnaire()
    files = as_peoples(simulated(asked, participants=3))
    tables = [parsed_responses(text, kind="csv", source="a", questionnaire=asked) for text in files.values()]
    return pd.concat(tables, ignore_index=True).assign(response_ms=1000)


def rows_of_first(responses: pd.DataFrame, kind: str) -> pd.Index:
    first = sorted(responses["participant"].unique())[0]
    return responses.index[(responses["participant"] == first) & (responses["kind"] == kind)]


def test_nobody_is_left_out_without_a_reason(responses: pd.DataFrame) -> None:
    kept = kept_answers(responses, SETTINGS)
    assert len(kept.answers) == 3 * 80
    assert set(kept.answers["kind"]) == {"stimulus"}
    assert kept.exclusions.empty


@pytest.mark.parametrize(("failed", "answers"), [(1, 240), (2, 160)])
def test_who_fails_more_catch_cards_than_allowed_is_left_out(
    responses: pd.DataFrame, failed: int, answers: int
) -> None:
    responses.loc[rows_of_first(responses, "catch")[:failed], "response"] = "none"
    kept = kept_answers(responses, SETTINGS)
    assert len(kept.answers) == answers
    if answers < 240:
        assert kept.exclusions.iloc[0].to_dict() == {
            **{"participant": sorted(responses["participant"].unique())[0], "rule": "failed catch cards"},
            **{"found": 2.0, "allowed": 1.0, "answers": 80},
        }


@pytest.mark.parametrize(
    ("fast", "rule", "answers"), [(16, "answer too fast", 224), (17, "too many answers too fast", 160)]
)
def test_fast_answers_are_left_out_and_who_gives_too_many(
    responses: pd.DataFrame, fast: int, rule: str, answers: int
) -> None:
    responses.loc[rows_of_first(responses, "stimulus")[:fast], "response_ms"] = 249
    kept = kept_answers(responses, SETTINGS)
    assert len(kept.answers) == answers
    assert list(kept.exclusions["rule"]) == [rule]


def test_who_does_not_finish_is_left_out(responses: pd.DataFrame) -> None:
    first = responses["participant"].iloc[0]
    responses.loc[responses["participant"] == first, "finished"] = False
    kept = kept_answers(responses, SETTINGS)
    assert first not in set(kept.answers["participant"])
    assert list(kept.exclusions["rule"]) == ["not finished"]


def test_fast_catch_cards_and_practice_do_not_count(responses: pd.DataFrame) -> None:
    responses.loc[responses["kind"] != "stimulus", "response_ms"] = 1
    assert kept_answers(responses, SETTINGS).exclusions.empty
