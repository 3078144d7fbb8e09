"""`fooling survey simulate`, `analyse` and `power` as a user calls them."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pandas as pd
import pytest

from fooling.artifacts import read_table
from fooling.findings.registry import table_named
from fooling.survey.questionnaire import save_questionnaire
from fuzz.commands import Outcome, called
from made_up_answers import as_csv, as_peoples, made_questionnaire, rows_of, simulated

ASKED = made_questionnaire()
PEOPLES = as_peoples(simulated(ASKED, participants=6))
TABLES = ("files", "exclusions", "accuracy", "images", "agreement", "confidence", "confusion", "consistency", "trials")
SETTINGS = json.dumps({"bootstrap_samples": 99})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A questionnaire, and a folder with the answers of six people."""
    save_questionnaire(tmp_path / "questionnaire.json", ASKED)
    (tmp_path / "responses").mkdir()
    put(tmp_path, PEOPLES)
    return tmp_path


def put(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / "responses" / name).write_text(text, newline="")


def analysed(folder: Path) -> Outcome:
    outputs = [word for name in TABLES for word in (f"--{name}", folder / f"{name}.csv")]
    asked = ("--questionnaire", folder / "questionnaire.json", "--settings", SETTINGS)
    return called("survey analyse", folder / "responses", *asked, *outputs)


def table(folder: Path, name: str) -> pd.DataFrame:
    return read_table(folder / f"{name}.csv", table_named(f"survey_{name}"))


def test_answers_are_analysed_and_every_table_is_of_its_form(folder: Path) -> None:
    outcome = analysed(folder)
    assert outcome.succeeded
    assert "480 answers of 6 participants analysed, 0 files refused" in outcome.message
    tables = {name: table(folder, name) for name in TABLES}
    assert list(tables["files"]["file"]) == sorted(PEOPLES)
    assert tables["files"]["accepted"].all()
    assert not tables["accuracy"]["synthetic"].any()
    assert len(tables["accuracy"]) == 5 * (1 + 1 + 1 + 3)


def test_bad_files_are_refused_with_their_reasons_and_the_others_are_analysed(folder: Path) -> None:
    text = PEOPLES["0001.csv"]
    rows = rows_of(text)
    rows[3]["rating"] = "=1+1"
    responses = folder / "responses"
    put(folder, {"a-formula.csv": as_csv(rows), "a-study.csv": text.replace(ASKED.version, "0" * 16)})
    put(folder, {"synthetic-0001.csv": text, "what.txt": text, "z-again.csv": text, ".hidden": "x"})
    (responses / "a-latin.csv").write_bytes(text.replace("small", "schön").encode("latin-1"))
    (responses / "a-large.csv").write_text(text + " " * 4_000_000)
    (responses / "a-wide.csv").write_bytes(text.encode("utf-16"))
    (responses / "a-folder.csv").mkdir()
    (responses / "a-broken.json").write_text('{"format": 1,')
    (responses / "a-link.csv").symlink_to("nowhere")
    outcome = analysed(folder)
    assert outcome.succeeded
    assert "480 answers of 6 participants analysed, 11 files refused" in outcome.message
    refused = table(folder, "files").set_index("file").query("not accepted")["reason"]
    reasons = {
        "a-formula.csv": "row 4: rating begins like a formula",
        "a-study.csv": "row 1: study_version differs from",
        "synthetic-0001.csv": "does not say clearly whether its answers are simulated",
        "what.txt": "is no response file",
        "z-again.csv": "repeats the answers of a participant",
        "a-latin.csv": "a text file in UTF-8",
        "a-large.csv": "is too long",
        "a-wide.csv": "a text file in UTF-8",
        "a-folder.csv": "a folder",
        "a-broken.json": "is not valid JSON",
        "a-link.csv": "nothing there",
    }
    assert set(refused.index) == set(reasons)
    for name, reason in reasons.items():
        assert reason in refused[name]
        assert str(folder / "responses" / name) in outcome.message


@pytest.mark.parametrize("taken", [True, False])
def test_files_of_any_name_are_listed(folder: Path, monkeypatch: pytest.MonkeyPatch, taken: bool) -> None:
    """Also those that a spreadsheet would run, and those whose names are not UTF-8."""
    responses = folder / "responses"
    shown = {"0001.csv": "=HYPERLINK(1).csv", "0002.csv": "+1.csv", "0003.csv": "-1.csv", "0004.csv": "@a.csv"}
    for old, new in shown.items():
        (responses / old).rename(responses / new)
    (responses / "0005.csv").rename(responses / os.fsdecode(b"caf\xe9.csv"))
    if not taken:
        for path in responses.glob("[!0]*.csv"):
            path.write_text("a,b\n1,2\n")
    monkeypatch.chdir(responses)
    outputs = [word for name in TABLES for word in (f"--{name}", folder / f"{name}.csv")]
    asked = ("--questionnaire", folder / "questionnaire.json", "--settings", SETTINGS)
    outcome = called("survey analyse", ".", *asked, *outputs)
    assert outcome.succeeded, outcome.message
    files = table(folder, "files")
    assert set(files["file"]) == {*shown.values(), r"caf\xe9.csv", *PEOPLES} - {*shown, "0005.csv"}
    assert files.set_index("file")["accepted"].to_dict() == {name: taken or name in PEOPLES for name in files["file"]}
    with (folder / "files.csv").open(newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


def test_where_every_file_is_refused_nothing_is_written(folder: Path) -> None:
    for path in (folder / "responses").iterdir():
        path.write_text("a,b\n1,2\n")
    outcome = analysed(folder)
    assert not outcome.succeeded
    assert "holds no response file that can be read" in outcome.message
    assert "6 files, all refused" in outcome.message
    assert not list(folder.glob("*.csv"))


def test_an_empty_folder_and_a_missing_one_are_named(folder: Path) -> None:
    for path in (folder / "responses").iterdir():
        path.unlink()
    assert "holds no response file" in analysed(folder).message
    (folder / "responses").rmdir()
    assert "cannot be read" in analysed(folder).message


def test_answers_of_people_and_simulated_ones_are_never_mixed(folder: Path) -> None:
    put(folder, dict([simulated(ASKED, participants=9).popitem()]))
    outcome = analysed(folder)
    assert not outcome.succeeded
    assert "mixes answers of people with simulated ones" in outcome.message
    assert not list(folder.glob("*.csv"))


def test_where_the_rules_leave_nobody_it_is_said(folder: Path) -> None:
    for path in (folder / "responses").iterdir():
        path.write_text(path.read_text().replace(",true\n", ",false\n"))
    outcome = analysed(folder)
    assert not outcome.succeeded
    assert "6 left out: not finished" in outcome.message


def test_simulated_answers_are_told_apart_everywhere(folder: Path) -> None:
    place = folder / "made"
    words = ("--questionnaire", folder / "questionnaire.json", "--settings", '{"participants": 5}')
    assert called("survey simulate", *words, "--output", place).succeeded
    for path in (folder / "responses").iterdir():
        path.unlink()
    (folder / "responses").rmdir()
    place.rename(folder / "responses")
    outcome = analysed(folder)
    assert "simulated answers of" in outcome.message
    assert table(folder, "accuracy")["synthetic"].all()


def test_simulated_answers_are_not_put_beside_other_files(folder: Path) -> None:
    words = ("--questionnaire", folder / "questionnaire.json", "--output", folder / "responses")
    outcome = called("survey simulate", *words)
    assert not outcome.succeeded
    assert "contains other files" in outcome.message
    assert sorted(path.name for path in (folder / "responses").iterdir()) == sorted(PEOPLES)


def test_the_same_answers_give_the_same_bytes(folder: Path) -> None:
    analysed(folder)
    first = {name: (folder / f"{name}.csv").read_bytes() for name in TABLES}
    analysed(folder)
    assert first == {name: (folder / f"{name}.csv").read_bytes() for name in TABLES}


def test_power_is_a_table_and_a_plot(tmp_path: Path) -> None:
    settings = json.dumps({"people": [10, 20], "images": [10], "studies": 100})
    outputs = [word for kind in ("table", "png", "pdf") for word in (f"--{kind}", tmp_path / f"power.{kind}")]
    assert called("survey power", "--settings", settings, *outputs).succeeded
    assert (tmp_path / "power.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "power.pdf").read_bytes().startswith(b"%PDF")
    assert len((tmp_path / "power.table").read_text().splitlines()) == 3
