"""The stimuli of one condition with their pixels, read from the questionnaire and the files beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fooling.artifacts import sha256_of
from fooling.errors import REMEDY, FoolingError
from fooling.images import pixels_of_png, read_png
from fooling.survey.questionnaire import Questionnaire, Stimulus, load_questionnaire


@dataclass(frozen=True, kw_only=True, eq=False)
class ConditionStimuli:
    """All stimuli of one condition."""

    questionnaire: Questionnaire
    condition: str
    stimuli: tuple[Stimulus, ...]
    images: tuple[NDArray[np.uint8], ...]  # (C, H, W)


def load_stimuli(path: Path, condition: str) -> ConditionStimuli:
    """The stimuli of ``condition`` in the questionnaire ``path``.

    Raises :class:`FoolingError` for a file that is missing, broken or another one than the questionnaire tells, and
    where there is no such condition.
    """
    questionnaire = load_questionnaire(path)
    stimuli = questionnaire.of_condition(condition)
    if not stimuli:
        expected = f"one of {', '.join(questionnaire.conditions)}"
        raise FoolingError(f"{path} has no condition of this name", found=condition, expected=expected)
    images = tuple(_pixels(path.parent / stimulus.file, stimulus.sha256) for stimulus in stimuli)
    return ConditionStimuli(questionnaire=questionnaire, condition=condition, stimuli=stimuli, images=images)


def _pixels(path: Path, sha256: str) -> NDArray[np.uint8]:
    content = read_png(path)
    if (found := sha256_of(content)) != sha256:
        raise FoolingError(
            f"{path} is not the image of the questionnaire",
            found=f"SHA-256 {found}",
            expected=f"SHA-256 {sha256}",
            remedy=REMEDY,
        )
    return pixels_of_png(content)
