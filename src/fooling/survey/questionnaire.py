"""Questionnaire files: images, questions, and the right answers; and the stimuli of a condition.

A questionnaire is one JSON object. Its version is a digest of its content, so that every response names the exact
questionnaire to which it belongs.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator

from fooling.artifacts import read_json, sha256_of, write_json
from fooling.images import pixels_of_png, read_png
from fooling.messages import REMEDY, FoolingError
from fooling.schemas import FileFormat, Header, checked_header
from fooling.settings import Seed, Settings

FORMAT = 1
NONE_OF_THESE = "none of these"  # additional answer in the block `free`
LONGEST_LABEL = 200  # characters
FORMULA_SIGNS = ("=", "+", "-", "@")  # spreadsheets run a cell that begins with one of these as a formula


class QuestionnaireSettings(Settings):
    """Settings of the questionnaire."""

    stimuli_per_condition: Annotated[int, Field(ge=1, le=1000)] = 20
    """Number of images in each condition; fewer if the study does not have as many."""
    seed: Seed = 1
    """Seed of the random choice of images and of the answers on the catch cards."""
    trials_per_block: Annotated[int, Field(ge=1, le=200)] = 20
    """Number of images that a participant sees in each block, drawn from all conditions."""
    catch_trials: Annotated[int, Field(ge=0, le=20)] = 4
    """Number of catch cards in a session; a catch card states which button to press."""
    practice_trials: Annotated[int, Field(ge=0, le=20)] = 3
    """Number of real images before the first block, for practice."""
    options: Annotated[int, Field(ge=2, le=100)] = 10
    """Number of classes offered in all-way and free blocks; if there are more, they are drawn for each trial."""
    title: Annotated[str, StringConstraints(min_length=1, max_length=200)] = "What do you see?"
    """Title of the questionnaire."""
    contact: Annotated[str, StringConstraints(min_length=1, max_length=500)] | None = Field(
        default=None, examples=["Ada Example, ada@example.org"]
    )
    """Whom participants can ask, with an address; the page shows it. null: the page states that nobody is named."""
    post_url: Annotated[str, StringConstraints(pattern=r"^https?://\S+$", max_length=500)] | None = None
    """URL to which the page sends the data at the end; null: participants download their data."""


Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*$", max_length=100)]
PictureFile = Annotated[str, StringConstraints(pattern=r"^stimuli/[A-Za-z0-9_][A-Za-z0-9._-]*\.png$", max_length=120)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Share = Annotated[float, Field(ge=0, le=1)]
Number = Annotated[int, Field(ge=0, le=10_000)]


def _sayable(label: str) -> str:
    if not _is_sayable(label):
        raise ValueError(
            f"a printable name that begins with none of {' '.join(FORMULA_SIGNS)} and is not {NONE_OF_THESE!r}"
        )
    return label


def _is_sayable(label: str) -> bool:
    return label.isprintable() and not label.startswith(FORMULA_SIGNS) and label != NONE_OF_THESE


#: Name of a class on a button and in a cell of a response file.
Label = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_LABEL), AfterValidator(_sayable)]


class _Part(Header):
    """A part of a questionnaire without unknown keys."""

    model_config = ConfigDict(extra="forbid")


class Network(_Part):
    """The classifier whose images are shown."""

    name: str
    """Its name."""
    sha256: Sha256
    """SHA-256 of its file."""


class Stimulus(_Part):
    """An image about which people are asked."""

    id: Identifier
    """Its name in the questionnaire and in answers."""
    file: PictureFile
    """PNG file with the pixels that the classifier scored."""
    sha256: Sha256
    """SHA-256 of the PNG file."""
    condition: Identifier
    """The condition: an experiment, a gradient ascent, `noise`, `real` or `practice`."""
    kind: Literal["champion", "ascent", "noise", "real"]
    """What made the image."""
    class_name: Label
    """The right answer: the classifier's label; for a real image, its true class."""
    confidence: Share
    """Confidence of the classifier in that class."""
    source: str
    """The run, start or test image that it comes from."""
    confused: tuple[Label, ...]
    """Other classes, the most easily confused first."""


class CatchCard(_Part):
    """A card that states which button to press."""

    id: Identifier
    """Its name."""
    file: PictureFile
    """PNG file of the card."""
    sha256: Sha256
    """SHA-256 of the PNG file."""
    answer: Label
    """The button to press."""


class Block(_Part):
    """Trials with the same question."""

    name: Literal["two-way", "all-way", "free"]
    """The question."""
    foils: Literal["random", "confused", ""]
    """How the wrong one of two options is chosen; empty for other questions."""
    options: Annotated[int, Field(ge=2)]
    """Number of classes to choose from."""

    @model_validator(mode="after")
    def _foils_for_two(self) -> Block:
        if (self.name == "two-way") != (self.foils != "") or (self.name == "two-way" and self.options != 2):
            raise ValueError("two-way blocks with foils and 2 options; all-way and free blocks without foils")
        return self


class Questionnaire(_Part):
    """A whole questionnaire."""

    format: Literal[1]
    """Version of the format."""
    study: str
    """Name of the study."""
    version: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
    """Digest of all other keys; it is in every row of answers."""
    title: str
    """Title of the page."""
    contact: str | None
    """Whom participants can ask; null: nobody is named."""
    post_url: str | None
    """Where the page can send answers; null: nowhere."""
    network: Network
    classes: Annotated[tuple[Label, ...], Field(min_length=2)]
    """Labels of all classes."""
    sampling_rule: str
    """How the images were chosen, in words."""
    seed: Seed
    """Seed of this choice."""
    stimuli: Annotated[tuple[Stimulus, ...], Field(min_length=1)]
    catch: tuple[CatchCard, ...]
    practice: tuple[Stimulus, ...]
    blocks: Annotated[tuple[Block, ...], Field(min_length=1)]
    trials_per_block: Annotated[int, Field(ge=1)]
    """Images in each block, without catch cards."""
    catch_trials: Number
    """Catch cards in a session: one for each card."""
    practice_trials: Number
    """Practice images in a session."""

    @model_validator(mode="after")
    def _fits_together(self) -> Questionnaire:
        cards: list[Stimulus | CatchCard] = [*self.stimuli, *self.practice, *self.catch]
        _require_once("class", self.classes)
        _require_once("id", [card.id for card in cards])
        _require_once("file", [card.file for card in cards])
        _require_once("block", [f"{block.name} {block.foils}".strip() for block in self.blocks])
        for stimulus in (*self.stimuli, *self.practice):
            others = set(self.classes) - {stimulus.class_name}
            if len(others) == len(self.classes) or not stimulus.confused or not others.issuperset(stimulus.confused):
                raise ValueError(f"{stimulus.id}: its class, or a class with which it is confused, is unknown")
            _require_once(f"class with which {stimulus.id} is confused", stimulus.confused)
        if unknown := [card.id for card in self.catch if card.answer not in self.classes]:
            raise ValueError(f"{unknown[0]}: its answer is not a class")
        if max(block.options for block in self.blocks) > len(self.classes):
            raise ValueError(f"a block has more options than there are classes ({len(self.classes)})")
        images_of = {"trials_per_block": self.stimuli, "catch_trials": self.catch, "practice_trials": self.practice}
        for key, images in images_of.items():
            if getattr(self, key) > len(images):
                raise ValueError(f"{key} is {getattr(self, key)}, but there are only {len(images)} such images")
        return self

    @property
    def conditions(self) -> tuple[str, ...]:
        """Names of all conditions, in the order of their images."""
        return tuple(dict.fromkeys(stimulus.condition for stimulus in self.stimuli))

    @property
    def summary(self) -> str:
        """The number of images, in words."""
        counts = [f"{len(self.of_condition(name))} {name}" for name in self.conditions]
        return f"{len(self.stimuli)} stimuli: {', '.join(counts)}"

    def of_condition(self, condition: str) -> tuple[Stimulus, ...]:
        """Return the stimuli of one condition."""
        return tuple(stimulus for stimulus in self.stimuli if stimulus.condition == condition)


def labels_of(names: Sequence[str]) -> tuple[str, ...]:
    """Return a unique label for each of the class ``names``: the name itself if it is a valid label.

    Other names are quoted, truncated if they are too long, and have escapes for characters that cannot be printed:
    ``-rf`` becomes ``“-rf”``. A number is added if that label exists already.
    """
    taken = {name for name in names if _is_label(name)}
    return tuple(name if _is_label(name) else _quoted(name, taken) for name in names)


def _is_label(name: str) -> bool:
    return _is_sayable(name) and 1 <= len(name) <= LONGEST_LABEL


def _quoted(name: str, taken: set[str]) -> str:
    """Return ``name`` in quotation marks, different from all ``taken`` labels, and add it to these."""
    readable = "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in name)
    room = LONGEST_LABEL - 20  # quotation marks, and a number
    quoted = f"“{readable if len(readable) <= room else readable[:room] + '…'}”"
    numbered = (f"{quoted} ({number})" for number in itertools.count(2))
    label = quoted if quoted not in taken else next(text for text in numbered if text not in taken)
    taken.add(label)
    return label


def version_of(values: Mapping[str, Any]) -> str:
    """Return the version of a questionnaire with these ``values``; a version among them is ignored.

    It is the first 16 hexadecimal digits of the SHA-256 of their JSON: keys sorted, no white space, UTF-8.
    """
    rest = {key: value for key, value in values.items() if key != "version"}
    canonical = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return sha256_of(canonical.encode())[:16]


def completed(values: Mapping[str, Any], *, source: object = "the questionnaire") -> Questionnaire:
    """Return the questionnaire with these ``values`` and the current format and version.

    Raises:
        FoolingError: A value is invalid, or values are inconsistent. Names the ``source``.
    """
    unversioned = checked_header(
        Questionnaire, {"format": FORMAT, "version": "0" * 16, **values}, source=source
    ).model_dump(mode="json")
    return checked_header(Questionnaire, unversioned | {"version": version_of(unversioned)}, source=source)


def save_questionnaire(path: Path, questionnaire: Questionnaire) -> None:
    """Write ``questionnaire`` as JSON, atomically; equal questionnaires give equal bytes."""
    write_json(path, questionnaire.model_dump(mode="json"))


def load_questionnaire(path: Path) -> Questionnaire:
    """Read a questionnaire written by :func:`save_questionnaire`.

    Raises:
        FoolingError: The file is missing, broken, or of another format; keys are missing, unknown or inconsistent; or
            the content does not have the version in the file.
    """
    values = read_json(path)
    questionnaire = checked_header(Questionnaire, values, source=path)
    if (expected := version_of(values)) != questionnaire.version:
        raise FoolingError(
            f"{path} was changed by hand",
            found=f"version {questionnaire.version}",
            expected=f"version {expected}, from its content",
            remedy=REMEDY,
        )
    return questionnaire


def _require_once(kind: str, names: Sequence[str]) -> None:
    name, count = Counter(names).most_common(1)[0] if names else ("", 0)
    if count > 1:
        raise ValueError(f"duplicate {kind}: {name!r}, {count} times")


@dataclass(frozen=True, kw_only=True, eq=False)
class ConditionStimuli:
    """All stimuli of one condition, with their images."""

    questionnaire: Questionnaire
    condition: str
    stimuli: tuple[Stimulus, ...]
    images: tuple[NDArray[np.uint8], ...]  # (C, H, W)


def load_stimuli(path: Path, condition: str) -> ConditionStimuli:
    """Read the stimuli of ``condition`` in the questionnaire ``path``, with their images.

    Raises:
        FoolingError: A file is missing, broken or differs from the questionnaire's SHA-256, or there is no such
            condition.
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


FILE_FORMAT = FileFormat(
    kind="questionnaire",
    version=FORMAT,
    path="survey/questionnaire.json",
    commands=("survey sample",),
    header=Questionnaire,
    lengths={},
    doc="The stimuli of the human study, as JSON: one object with these keys. The images are PNG files beside it.",
)
