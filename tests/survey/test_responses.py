"""Every kind of bad response file is refused with the file, the row and the reason; a good one is read as it is."""

from __future__ import annotations

import json
from collections.abc import Callable

import pandas as pd
import pytest

from fooling.messages import FoolingError
from fooling.survey.accuracy import ExclusionSettings
from fooling.survey.questionnaire import NONE_OF_THESE, Questionnaire
from fooling.survey.responses import COLUMNS, joined_names, kept_answers, parsed_responses, split_names
from made_up_answers import as_csv, as_peoples, made_questionnaire, rows_of, simulated

ASKED = made_questionnaire()
TEXT = next(iter(as_peoples(simulated(ASKED, participants=1)).values()))
NUMBERS = ("format", "seed", "trial", "rating", "response_ms", "rating_ms")

Rows = list[dict[str, str]]


def place_of(rows: Rows, **wanted: str) -> int:
    """The index of the first row that holds the ``wanted`` cells."""
    return next(place for place, row in enumerate(rows) if wanted.items() <= row.items())


def changed(**cells: str) -> Callable[[Rows], Rows]:
    """Rows with other ``cells`` in the first answer to an image in the two-way block with random foils."""

    def change(rows: Rows) -> Rows:
        rows[place_of(rows, kind="stimulus", foils="random")] |= cells
        return rows

    return change


def left_out(column: str) -> Callable[[Rows], Rows]:
    return lambda rows: [{name: cell for name, cell in row.items() if name != column} for row in rows]


def repeated(rows: Rows) -> Rows:
    return [*rows[:6], rows[5], *rows[6:]]


def same_image_again(rows: Rows) -> Rows:
    first = place_of(rows, kind="stimulus", foils="random")
    again = {**rows[first], "trial": str(int(rows[-1]["trial"]) + 1)}
    return [*rows, again]


def out_of_order(rows: Rows) -> Rows:
    return [*rows[:3], rows[4], rows[3], *rows[5:]]


def of_catch(rows: Rows) -> Rows:
    rows[place_of(rows, kind="catch")] |= {"kind": "stimulus"}
    return rows


def without_foil(rows: Rows) -> Rows:
    place = place_of(rows, kind="stimulus", foils="random")
    rows[place] |= {"options": rows[place]["correct_answer"], "response": rows[place]["correct_answer"]}
    return rows


def none_in_two_way(rows: Rows) -> Rows:
    return changed(response=NONE_OF_THESE)(rows)


BAD_ROWS: dict[str, tuple[Callable[[Rows], Rows], str]] = {
    "a column is missing": (left_out("stimulus_sha256"), "lacks stimulus_sha256"),
    "a column too many": (lambda rows: [{**row, "note": "x"} for row in rows], "has unknown or duplicate columns"),
    "another study": (changed(study="other"), "study differs from the questionnaire"),
    "another version of the study": (changed(study_version="0" * 16), "study_version differs from"),
    "another format": (changed(format="2"), "format is invalid"),
    "simulated answers among others": (changed(format="1-synthetic"), "different format"),
    "an image that is not in the questionnaire": (changed(stimulus="cppn-999"), "unknown stimulus"),
    "a catch card as an image": (of_catch, "unknown stimulus"),
    "the checksum of another image": (changed(stimulus_sha256="0" * 64), "stimulus_sha256 differs from"),
    "another condition": (changed(condition="gradient-2"), "condition differs from"),
    "another right answer": (changed(correct_answer="10"), "correct_answer differs from"),
    "no such block": (changed(foils=""), "unknown block"),
    "the same row twice": (repeated, "duplicate trial"),
    "an image twice in a block": (same_image_again, "duplicate image in one block"),
    "rows out of order": (out_of_order, "trials out of order"),
    "another seed on one row": (changed(seed="12"), "different seed"),
    "a row of somebody who did not finish": (changed(finished="false"), "different finished"),
    "a formula": (changed(screen='=HYPERLINK("http://x")'), "screen begins like a formula"),
    "a formula of another kind": (changed(response="@SUM(1)"), "response begins like a formula"),
    "a negative number": (changed(response_ms="-5"), "response_ms begins like a formula"),
    "a number with a point": (changed(response_ms="12.5"), "response_ms is invalid"),
    "a number too long": (changed(rating_ms="9" * 40), "rating_ms is invalid"),
    "a rating that is none": (changed(rating="6"), "rating is invalid"),
    "digits of another script": (changed(rating="٣"), "rating is invalid"),
    "no number": (changed(trial=""), "trial is invalid"),
    "a participant with a name": (changed(participant="Ada L."), "participant is invalid"),
    "a line break in a cell": (changed(response="3\n4"), "response is invalid"),
    "a response that was not offered": (none_in_two_way, "the response is not an option"),
    "options that are no classes": (changed(options="3|horse"), "an option is not a class"),
    "one option of two": (without_foil, "invalid options"),
    "an option twice": (changed(options="3|3"), "invalid options"),
    "no rows": (lambda rows: [], "no answers"),
}


def told(text: str, kind: str = "csv", questionnaire: Questionnaire = ASKED) -> str:
    with pytest.raises(FoolingError) as refused:
        parsed_responses(text, kind=kind, source="folder/her.csv", questionnaire=questionnaire)  # type: ignore[arg-type]
    assert "folder/her.csv" in str(refused.value)
    return str(refused.value)


def as_json(rows: Rows) -> str:
    """``rows`` as the page writes them to JSON."""
    values = [
        {
            name: int(cell) if name in NUMBERS and cell.isascii() and cell.isdecimal() else cell
            for name, cell in row.items()
        }
        | ({"finished": row["finished"] == "true"} if "finished" in row else {})
        for row in rows
    ]
    return json.dumps({"format": 1, "rows": values})


@pytest.mark.parametrize("bad", BAD_ROWS)
def test_a_bad_row_is_named_in_csv(bad: str) -> None:
    change, reason = BAD_ROWS[bad]
    rows = change(rows_of(TEXT))
    text = as_csv(rows) if rows else TEXT.partition("\r\n")[0] + "\r\n"
    assert reason in told(text)


@pytest.mark.parametrize("bad", BAD_ROWS)
def test_a_bad_row_is_named_in_json(bad: str) -> None:
    change, reason = BAD_ROWS[bad]
    assert reason in told(as_json(change(rows_of(TEXT))), kind="json")


def test_the_row_is_counted_from_one_below_the_header() -> None:
    rows = rows_of(TEXT)
    rows[6]["rating"] = "9"
    assert "row 7: rating is invalid\n  found: 9\n  expected: a whole number from 1 to 5" in told(as_csv(rows))


@pytest.mark.parametrize(
    ("text", "reason"),
    {
        "nothing": ("", "lacks format"),
        "another table": ("a,b\r\n1,2\r\n", "lacks format"),
        "a cell too few": (TEXT.replace(",true\r\n", "\r\n", 1), "row 1: cells are missing or too many"),
        "an open quote": (TEXT + '"', "no valid CSV"),
        "the header alone": (TEXT.partition("\r\n")[0] + "\r\n", "has no answers"),
        "a column twice": (TEXT.replace("format,", "format,format,", 1), "has unknown or duplicate columns"),
        "a null character": (TEXT.replace("small", "sm\0all", 1), "study is invalid"),
    }.values(),
)
def test_what_is_no_csv_of_the_page_is_named(text: str, reason: str) -> None:
    assert reason in told(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    {
        "broken": ("{", "is not valid JSON"),
        "a key twice": ('{"format": 1, "format": 1, "rows": []}', "a duplicate key"),
        "no number": ('{"format": 1, "rows": [NaN]}', "NaN is not a JSON number"),
        "too deep": ("[" * 100_000, "too many levels"),
        "deep": ('{"format": 1, "rows": ' + "[" * 60 + "]" * 60 + "}", "is too large"),
        "a list": ("[]", "is not a response file"),
        "another key": ('{"format": 1, "rows": [], "__proto__": {}}', "is not a response file"),
        "another format": ('{"format": 2, "rows": []}', "has an unknown format"),
        "a row that is none": ('{"format": 1, "rows": [5]}', "row 1 is not an answer"),
        "a list in a cell": (as_json(rows_of(TEXT)).replace('"small"', "[]", 1), "row 1: study is invalid"),
        "a fraction in a cell": (
            as_json(rows_of(TEXT)).replace('"trial": 1,', '"trial": 1.0,', 1),
            "row 1: trial is invalid",
        ),
        "nothing in a cell": (as_json(rows_of(TEXT)).replace('"small"', "null", 1), "row 1: study is invalid"),
    }.values(),
)
def test_what_is_no_json_of_the_page_is_named(text: str, reason: str) -> None:
    assert reason in told(text, kind="json")


def test_csv_and_json_of_one_person_are_the_same() -> None:
    given = parsed_responses(TEXT, kind="csv", source="a", questionnaire=ASKED)
    also = parsed_responses(as_json(rows_of(TEXT)), kind="json", source="b", questionnaire=ASKED)
    assert list(given.columns) == [*COLUMNS, "synthetic"]
    assert given.equals(also)
    assert len(given) == 1 + 4 * 20 + 4
    assert given["finished"].all()
    assert not given["synthetic"].any()


def test_a_mark_of_utf_8_before_the_header_does_no_harm() -> None:
    given = parsed_responses("\ufeff" + TEXT, kind="csv", source="a", questionnaire=ASKED)
    assert given.equals(parsed_responses(TEXT, kind="csv", source="a", questionnaire=ASKED))


def test_simulated_answers_are_known() -> None:
    text = next(iter(simulated(ASKED, participants=1).values()))
    assert parsed_responses(text, kind="csv", source="a", questionnaire=ASKED)["synthetic"].all()


@pytest.mark.parametrize("names", [["3"], ["3", "5"], ["a|b", "c\\"], ["\\|", "|"], ["a\\|b", "\\\\"]])
def test_names_come_back_from_one_cell(names: list[str]) -> None:
    assert split_names(joined_names(names)) == names


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
