"""Stimuli are read with their pixels, and only if they are those of the questionnaire."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fooling.artifacts import sha256_of
from fooling.errors import FoolingError
from fooling.images import png_bytes
from fooling.survey.pictures import load_stimuli
from fooling.survey.questionnaire import completed, save_questionnaire


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
