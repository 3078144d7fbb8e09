"""What a questionnaire is made of, damaged, and damaged questionnaires with their images."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .commands import called, case, holds
from .conftest import Study
from .damage import PLACES, broken_bytes, broken_json, broken_safetensors, near_the_start
from .profile import fuzzed

SETTINGS = json.dumps({"stimuli_per_condition": 2, "practice_trials": 1, "catch_trials": 1})


def sampled(study: Study, output: Path, *, run: Path | None = None, climb: Path | None = None) -> list[object]:
    """The call of `survey sample`."""
    words = ["--study", "small", "--classifier", study.network, "--dataset", study.dataset, "--settings", SETTINGS]
    shown = ["--runs", f"direct={run or study.run('direct')}", "--ascents", climb or study.climb]
    return ["survey sample", *words, *shown, "--output", output]


def drawn(path: Path, folder: Path) -> tuple[list[object], list[Path]]:
    """The call of `draw` with a questionnaire, and what it must write."""
    made = [folder / "sheet.png", folder / "sheet.pdf"]
    return ["draw", "stimuli_hidden", "--stimuli", f"direct={path}", "--png", made[0], "--pdf", made[1]], made


@pytest.fixture(scope="module")
def survey(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A questionnaire with its images."""
    path: Path = tmp_path_factory.mktemp("survey") / "questionnaire.json"
    command, *words = sampled(study, path)
    called(str(command), *words)
    return path


@given(data=st.data())
@fuzzed
def test_a_damaged_run_or_climb_is_sampled_or_named(study: Study, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["run", "climb"]))
    write = data.draw(broken_safetensors(study.run("direct") if kind == "run" else study.climb))
    with case() as folder:
        path, output = folder / "images.safetensors", folder / "out" / "questionnaire.json"
        write(path)
        named = [path, "not of the network", "do not fit"]
        holds(folder, *sampled(study, output, **{kind: path}), outputs=[output], named=named)


@given(data=st.data())
@fuzzed
def test_a_damaged_questionnaire_is_drawn_or_named(survey: Path, data: st.DataObject) -> None:
    content = data.draw(broken_json(json.loads(survey.read_text())))
    with case() as folder:
        shutil.copytree(survey.parent, folder / "survey")
        path = folder / "survey" / survey.name
        path.write_bytes(content)
        command, made = drawn(path, folder / "out")
        holds(folder, *command, outputs=made, named=[path])


@given(data=st.data())
@fuzzed
def test_a_damaged_stimulus_is_named(survey: Path, data: st.DataObject) -> None:
    with case() as folder:
        shutil.copytree(survey.parent, folder / "survey")
        stimulus = folder / "survey" / "stimuli" / "direct-001.png"
        content = stimulus.read_bytes()
        stimulus.write_bytes(data.draw(st.one_of(broken_bytes(content), near_the_start(content, 60))))
        command, made = drawn(folder / "survey" / survey.name, folder / "out")
        holds(folder, *command, outputs=made, named=[stimulus])


@pytest.mark.parametrize("place", PLACES)
def test_what_is_no_questionnaire_is_named(survey: Path, tmp_path: Path, place: str) -> None:
    shutil.copytree(survey.parent / "stimuli", tmp_path / "stimuli")
    path = tmp_path / "questionnaire.json"
    PLACES[place](path, survey)
    command, made = drawn(path, tmp_path / "out")
    outcome = holds(tmp_path, *command, outputs=made, named=[path])
    assert outcome.succeeded == (place == "a link to the real file")
