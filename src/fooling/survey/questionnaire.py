"""The questionnaire as a file: which images people are shown, what they are asked, and the network's own answers.

One JSON object. Its version is a digest of everything else in it, so that answers name the very study they belong to.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator

from fooling.artifacts import read_json, sha256_of, write_json
from fooling.contents import Header, checked_header
from fooling.errors import REMEDY, FoolingError
from fooling.settings import Seed

FORMAT = 1
NONE_OF_THESE = "none of these"  # the answer beside the classes in the block `free`
LONGEST_LABEL = 200  # characters
FORMULA_SIGNS = ("=", "+", "-", "@")  # a cell that begins so is a formula to spreadsheets


def _sayable(label: str) -> str:
    if not _is_sayable(label):
        raise ValueError(
            f"a printable name that begins with none of {' '.join(FORMULA_SIGNS)} and is not {NONE_OF_THESE!r}"
        )
    return label


def _is_sayable(label: str) -> bool:
    return label.isprintable() and not label.startswith(FORMULA_SIGNS) and label != NONE_OF_THESE


#: The name of a class as it stands on a button and in a cell of a response file.
Label = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_LABEL), AfterValidator(_sayable)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*$", max_length=100)]
PictureFile = Annotated[str, StringConstraints(pattern=r"^stimuli/[A-Za-z0-9_][A-Za-z0-9._-]*\.png$", max_length=120)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Share = Annotated[float, Field(ge=0, le=1)]
Number = Annotated[int, Field(ge=0, le=10_000)]


class _Part(Header):
    """A part of a questionnaire: every key known."""

    model_config = ConfigDict(extra="forbid")


class Network(_Part):
    """The network that the images fool."""

    name: str
    sha256: Sha256


class Stimulus(_Part):
    """One image that people are asked about."""

    id: Identifier
    file: PictureFile
    sha256: Sha256  # of the PNG file
    condition: Identifier
    kind: Literal["champion", "ascent", "noise", "real"]
    class_name: Label  # the right answer: what the network calls it; of a real image its true class
    confidence: Share  # of the network in that class
    source: str
    confused: tuple[Label, ...]  # other classes, most confused first


class CatchCard(_Part):
    """A card that says in plain letters which button to press."""

    id: Identifier
    file: PictureFile
    sha256: Sha256
    answer: Label


class Block(_Part):
    """Trials in which the same is asked in the same way."""

    name: Literal["two-way", "all-way", "free"]
    foils: Literal["random", "confused", ""]  # where the other one of two options comes from
    options: Annotated[int, Field(ge=2)]  # classes to choose from

    @model_validator(mode="after")
    def _foils_for_two(self) -> Block:
        if (self.name == "two-way") != (self.foils != "") or (self.name == "two-way" and self.options != 2):
            raise ValueError("two-way with foils and 2 options, all-way and free without foils")
        return self


class Questionnaire(_Part):
    """A whole questionnaire."""

    format: Literal[1]
    study: str
    version: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
    title: str
    contact: str
    post_url: str | None
    network: Network
    classes: Annotated[tuple[Label, ...], Field(min_length=2)]
    sampling_rule: str
    seed: Seed
    stimuli: Annotated[tuple[Stimulus, ...], Field(min_length=1)]
    catch: tuple[CatchCard, ...]
    practice: tuple[Stimulus, ...]
    blocks: Annotated[tuple[Block, ...], Field(min_length=1)]
    trials_per_block: Annotated[int, Field(ge=1)]  # images in each, catch trials not counted
    catch_trials: Number  # of a whole session: one for each card
    practice_trials: Number

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
                raise ValueError(f"{stimulus.id}: its class and those it is confused with are not among the classes")
            _require_once(f"class that {stimulus.id} is confused with", stimulus.confused)
        if strangers := [card.id for card in self.catch if card.answer not in self.classes]:
            raise ValueError(f"{strangers[0]}: its answer is none of the classes")
        if max(block.options for block in self.blocks) > len(self.classes):
            raise ValueError(f"a block has more options than there are classes ({len(self.classes)})")
        there = {"trials_per_block": self.stimuli, "catch_trials": self.catch, "practice_trials": self.practice}
        for key, images in there.items():
            if getattr(self, key) > len(images):
                raise ValueError(f"{key} is {getattr(self, key)}, and there are {len(images)} such images")
        return self

    @property
    def conditions(self) -> tuple[str, ...]:
        """The names of all conditions, in the order in which their images are listed."""
        return tuple(dict.fromkeys(stimulus.condition for stimulus in self.stimuli))

    def of_condition(self, condition: str) -> tuple[Stimulus, ...]:
        """The stimuli of one condition."""
        return tuple(stimulus for stimulus in self.stimuli if stimulus.condition == condition)


def labels_of(names: Sequence[str]) -> tuple[str, ...]:
    """A label for each of the ``names`` of classes: the name itself wherever it can be one.

    Any other name stands in quotation marks, cut where it is too long and with escapes for what cannot be printed:
    ``-rf`` becomes ``“-rf”``. A number tells it from a class that is called so already.
    """
    taken = {name for name in names if _is_label(name)}
    return tuple(name if _is_label(name) else _quoted(name, taken) for name in names)


def _is_label(name: str) -> bool:
    return _is_sayable(name) and 1 <= len(name) <= LONGEST_LABEL


def _quoted(name: str, taken: set[str]) -> str:
    """``name`` in quotation marks, told from those that are ``taken``, and added to them."""
    readable = "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in name)
    room = LONGEST_LABEL - 20  # quotation marks, and a number
    quoted = f"“{readable if len(readable) <= room else readable[:room] + '…'}”"
    numbered = (f"{quoted} ({number})" for number in itertools.count(2))
    label = quoted if quoted not in taken else next(text for text in numbered if text not in taken)
    taken.add(label)
    return label


def version_of(values: Mapping[str, Any]) -> str:
    """The version of a questionnaire of these ``values``, which may or may not hold one already.

    The first 16 hexadecimal digits of the SHA-256 of their JSON without the version: keys sorted, no white space,
    UTF-8.
    """
    rest = {key: value for key, value in values.items() if key != "version"}
    canonical = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return sha256_of(canonical.encode())[:16]


def completed(values: Mapping[str, Any], *, source: object = "the questionnaire") -> Questionnaire:
    """``values`` without format and version as a questionnaire; :class:`FoolingError` where they do not fit."""
    unversioned = checked_header(
        Questionnaire, {"format": FORMAT, "version": "0" * 16, **values}, source=source
    ).model_dump(mode="json")
    return checked_header(Questionnaire, unversioned | {"version": version_of(unversioned)}, source=source)


def save_questionnaire(path: Path, questionnaire: Questionnaire) -> None:
    """Write ``questionnaire`` as JSON, atomically; the same one gives the same bytes."""
    write_json(path, questionnaire.model_dump(mode="json"))


def load_questionnaire(path: Path) -> Questionnaire:
    """The questionnaire that :func:`save_questionnaire` wrote.

    Raises :class:`FoolingError` for a missing or broken file, for another format, for keys that are missing, unknown or
    do not fit each other, and for one that was changed after its version was given.
    """
    values = read_json(path)
    questionnaire = checked_header(Questionnaire, values, source=path)
    if (expected := version_of(values)) != questionnaire.version:
        raise FoolingError(
            f"{path} was changed by hand",
            found=f"version {questionnaire.version}",
            expected=f"version {expected}, that of what it holds",
            remedy=REMEDY,
        )
    return questionnaire


def _require_once(kind: str, names: Sequence[str]) -> None:
    name, count = Counter(names).most_common(1)[0] if names else ("", 0)
    if count > 1:
        raise ValueError(f"every {kind} once, and {name!r} stands there {count} times")
