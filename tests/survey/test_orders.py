"""The page's own scripts, tested without a browser, and the command that regenerates a participant's trials."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from survey.browser import planned, required
from survey.made_up_survey import write_survey

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def node() -> None:
    if shutil.which("node") is None:
        (pytest.fail if required() else pytest.skip)("Node.js is not installed: make test-survey")


def test_the_scripts_do_what_their_own_tests_say() -> None:
    command = ["node", "--test", "--test-reporter=tap", str(HERE / "orders.test.js")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "# pass 14" in done.stdout


def test_the_trials_of_a_seed_are_printed(tmp_path: Path) -> None:
    questionnaire = write_survey(tmp_path / "survey")
    trials = planned(tmp_path / "survey", 5)
    assert trials == planned(tmp_path / "survey", 5)
    assert len(trials) == 3 + 4 * questionnaire.trials_per_block + questionnaire.catch_trials
    assert {trial["stimulus"] for trial in trials if trial["kind"] == "stimulus"} == {
        stimulus.id for stimulus in questionnaire.stimuli
    }
