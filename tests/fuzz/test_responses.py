"""Damaged response files: refused with their names, or read, beside one that is whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooling.survey.questionnaire import save_questionnaire
from made_up_answers import as_peoples, made_questionnaire, simulated

from .commands import case, holds
from .damage import broken_bytes, broken_json, broken_table, near_the_start
from .profile import slowly_fuzzed

ASKED = made_questionnaire(images=2, trials_per_block=5)
WHOLE, OTHER = as_peoples(simulated(ASKED, participants=2)).values()
pytestmark = pytest.mark.slow

TABLES = ("files", "exclusions", "accuracy", "images", "agreement", "confidence", "confusion", "consistency", "trials")


def analysed(folder: Path) -> str:
    """What `survey analyse` says of the answers in ``folder``, of which one file is whole."""
    (folder / "responses" / "whole.csv").write_text(WHOLE, newline="")
    save_questionnaire(folder / "questionnaire.json", ASKED)
    made = [folder / "out" / f"{name}.csv" for name in TABLES]
    outputs = [word for name, path in zip(TABLES, made, strict=True) for word in (f"--{name}", path)]
    asked = ("--questionnaire", folder / "questionnaire.json", "--settings", '{"bootstrap_samples": 99}')
    outcome = holds(folder, "survey analyse", folder / "responses", *asked, *outputs, outputs=made, named=[])
    assert outcome.succeeded
    return outcome.message


@given(data=st.data())
@slowly_fuzzed
def test_a_damaged_csv_of_answers_is_read_or_named(data: st.DataObject) -> None:
    with case() as folder:
        (folder / "responses").mkdir()
        path = folder / "responses" / "damaged.csv"
        path.write_text(OTHER, newline="")
        if data.draw(st.booleans()):
            data.draw(broken_table(path))(path)
        else:
            content = path.read_bytes()
            path.write_bytes(data.draw(st.one_of(broken_bytes(content), near_the_start(content))))
        said = analysed(folder)
        assert str(path) in said or "0 files refused" in said


@given(data=st.data())
@slowly_fuzzed
def test_a_damaged_json_of_answers_is_read_or_named(data: st.DataObject) -> None:
    names, *lines = [line.split(",") for line in OTHER.splitlines()]
    rows = [dict(zip(names, line, strict=True)) for line in lines]
    with case() as folder:
        (folder / "responses").mkdir()
        path = folder / "responses" / "damaged.json"
        path.write_bytes(data.draw(broken_json({"format": 1, "rows": rows})))
        said = analysed(folder)
        assert str(path) in said or "0 files refused" in said
