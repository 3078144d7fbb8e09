"""Questionnaire files, and their stimuli."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fooling.artifacts import sha256_of
from fooling.images import png_bytes
from fooling.messages import FoolingError
from fooling.survey.questionnaire import Questionnaire, completed, load_questionnaire, load_stimuli, save_questionnaire

Parts = dict[str, Any]


def test_a_questionnaire_comes_back_as_it_was_written(questionnaire: Questionnaire, tmp_path: Path) -> None:
    path = tmp_path / "questionnaire.json"
    save_questionnaire(path, questionnaire)
    assert load_questionnaire(path) == questionnaire
    assert questionnaire.conditions == ("cppn", "real")
    assert [stimulus.id for stimulus in questionnaire.of_condition("cppn")] == ["cppn-001", "cppn-002"]


def test_the_version_is_a_digest_of_everything_else(questionnaire: Questionnaire, tmp_path: Path) -> None:
    path = tmp_path / "questionnaire.json"
    save_questionnaire(path, questionnaire)
    values = json.loads(path.read_text())
    version = values.pop("version")
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert version == hashlib.sha256(text.encode()).hexdigest()[:16]


def test_another_image_makes_another_version(parts: Parts) -> None:
    first = completed(parts).version
    parts["stimuli"][0]["sha256"] = "d" * 64
    assert completed(parts).version != first


def test_a_questionnaire_that_was_changed_is_refused(questionnaire: Questionnaire, tmp_path: Path) -> None:
    path = tmp_path / "questionnaire.json"
    save_questionnaire(path, questionnaire)
    path.write_text(path.read_text().replace("What do you see?", "Which digit is this?"))
    with pytest.raises(FoolingError, match=r"questionnaire\.json was changed by hand\n  found: version"):
        load_questionnaire(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [("{", "not valid JSON"), ("[]", "as a whole"), ('{"format": 2}', r"format: (.|\n)*study: Field required")],
)
def test_a_file_that_is_no_questionnaire_is_refused(content: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "questionnaire.json"
    path.write_text(content)
    with pytest.raises(FoolingError, match=reason):
        load_questionnaire(path)


def _twice(parts: Parts) -> None:
    parts["stimuli"][1]["id"] = "cppn-001"


def _one_file(parts: Parts) -> None:
    parts["practice"][0]["file"] = "stimuli/catch-1.png"


def _outside(parts: Parts) -> None:
    parts["stimuli"][0]["file"] = "stimuli/../../secret.png"


def _unknown_class(parts: Parts) -> None:
    parts["stimuli"][0]["class_name"] = "7"


def _confused_with_itself(parts: Parts) -> None:
    parts["stimuli"][0]["confused"] = ["1"]


def _unknown_answer(parts: Parts) -> None:
    parts["catch"][0]["answer"] = "7"


def _formula(parts: Parts) -> None:
    parts["classes"][0] = "=1+1"


def _reserved(parts: Parts) -> None:
    parts["classes"][0] = "none of these"


def _too_many_options(parts: Parts) -> None:
    parts["blocks"][2]["options"] = 4


def _foils_for_all(parts: Parts) -> None:
    parts["blocks"][2]["foils"] = "random"


def _too_many_trials(parts: Parts) -> None:
    parts["trials_per_block"] = 4


def _too_many_cards(parts: Parts) -> None:
    parts["catch_trials"] = 2


def _unknown_key(parts: Parts) -> None:
    parts["stimuli"][0]["beauty"] = 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_twice, "duplicate id: 'cppn-001', 2 times"),
        (_one_file, "duplicate file"),
        (_outside, r"stimuli\.0\.file"),
        (_unknown_class, "cppn-001: its class"),
        (_confused_with_itself, "cppn-001: its class"),
        (_unknown_answer, "catch-1: its answer is not a class"),
        (_formula, r"classes\.0: .*begins with none of"),
        (_reserved, r"classes\.0: .*is not 'none of these'"),
        (_too_many_options, r"more options than there are classes \(3\)"),
        (_foils_for_all, "all-way and free blocks without foils"),
        (_too_many_trials, "trials_per_block is 4, but there are only 3"),
        (_too_many_cards, "catch_trials is 2, but there are only 1"),
        (_unknown_key, r"stimuli\.0\.beauty"),
    ],
)
def test_what_does_not_hold_together_is_refused(change: Callable[[Parts], None], reason: str, parts: Parts) -> None:
    change(parts)
    with pytest.raises(FoolingError, match=reason):
        completed(parts)


@pytest.fixture
def images() -> list[np.ndarray]:
    """A grey one and one in colour."""
    random = np.random.default_rng(1)
    return [random.integers(0, 256, (channels, 5, 7), dtype=np.uint8) for channels in (1, 3)]


@pytest.fixture
def written(parts: dict[str, Any], images: list[np.ndarray], tmp_path: Path) -> Path:
    (tmp_path / "stimuli").mkdir()
    for stimulus, image in zip(parts["stimuli"], images, strict=False):
        stimulus["sha256"] = sha256_of(png_bytes(image))
        (tmp_path / stimulus["file"]).write_bytes(png_bytes(image))
    save_questionnaire(tmp_path / "questionnaire.json", completed(parts))
    return tmp_path / "questionnaire.json"


def test_stimuli_come_back_pixel_by_pixel(written: Path, images: list[np.ndarray]) -> None:
    read = load_stimuli(written, "cppn")
    assert [stimulus.id for stimulus in read.stimuli] == ["cppn-001", "cppn-002"]
    assert all(np.array_equal(*pair) for pair in zip(read.images, images, strict=True))


def test_another_image_under_the_name_is_refused(written: Path, images: list[np.ndarray]) -> None:
    (written.parent / "stimuli/cppn-002.png").write_bytes(png_bytes(images[0]))
    with pytest.raises(FoolingError, match=r"cppn-002\.png is not the image of the questionnaire"):
        load_stimuli(written, "cppn")


def test_a_missing_image_is_named(written: Path) -> None:
    (written.parent / "stimuli/cppn-001.png").unlink()
    with pytest.raises(FoolingError, match=r"cppn-001\.png cannot be read"):
        load_stimuli(written, "cppn")


def test_an_unknown_condition_is_refused_with_the_known_ones(written: Path) -> None:
    with pytest.raises(FoolingError, match=r"no condition of this name(.|\n)*one of cppn, real"):
        load_stimuli(written, "direct")
