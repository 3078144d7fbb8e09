"""A questionnaire put together: what was drawn of every condition, what the network says of it, and the catch cards."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fooling.artifacts import sha256_of
from fooling.datasets.dataset import Dataset
from fooling.images import png_bytes
from fooling.seeding import numpy_generator
from fooling.survey.cards import card
from fooling.survey.questionnaire import Questionnaire, completed, labels_of
from fooling.survey.sampling import RULE, Candidate, drawn
from fooling.survey.settings import QuestionnaireSettings

#: What the network says of images (B, C, H, W), fed with or without the mean image subtracted: confidences (B, K).
Judge = Callable[[NDArray[np.uint8], bool], NDArray[np.float32]]
Kind = Literal["champion", "ascent", "noise", "real"]

FOLDER = "stimuli"  # beside the questionnaire, with all its images
PRACTICE = "practice"  # the condition of images that are shown before the first block


@dataclass(frozen=True, kw_only=True)
class Condition:
    """Images of one kind, of which some become stimuli."""

    name: str
    kind: Kind
    candidates: Sequence[Candidate]


@dataclass(frozen=True, kw_only=True)
class Context:
    """What the images of all conditions share."""

    study: str
    network: Mapping[str, str]  # its name and the SHA-256 of its file
    judge: Judge
    dataset: Dataset
    settings: QuestionnaireSettings


@dataclass(frozen=True, kw_only=True)
class _Shown:
    """A drawn image with its name and its right answer."""

    name: str
    condition: str
    kind: Kind
    png: bytes
    source: str
    label: int
    confidence: float


def composed(conditions: Sequence[Condition], context: Context) -> tuple[Questionnaire, dict[str, bytes]]:
    """The questionnaire of these ``conditions``, and its PNG files by their names within the folder.

    The images of the practice are real ones that are not among the stimuli. A class whose name cannot be the text of a
    button is called as :func:`labels_of` says.
    """
    settings, names = context.settings, labels_of(context.dataset.class_names)
    shown = [image for condition in conditions for image in _shown(condition, context)]
    confused = {label: _confused(label, names, context) for label in sorted({image.label for image in shown})}
    answers = {f"catch-{number}": answer for number, answer in enumerate(_catch_answers(names, settings), start=1)}
    cards = {name: card(answer) for name, answer in answers.items()}
    entries = [_entry(image, names[image.label], confused[image.label]) for image in shown]
    stimuli = [entry for entry in entries if entry["condition"] != PRACTICE]
    practice = [entry for entry in entries if entry["condition"] == PRACTICE]
    questionnaire = completed(
        {
            "study": context.study,
            "title": settings.title,
            "contact": settings.contact,
            "post_url": settings.post_url,
            "network": dict(context.network),
            "classes": names,
            "sampling_rule": RULE.format(count=settings.stimuli_per_condition, seed=settings.seed),
            "seed": settings.seed,
            "stimuli": stimuli,
            "catch": [{**_file(name, png), "answer": answers[name]} for name, png in cards.items()],
            "practice": practice,
            "blocks": _blocks(min(settings.options, len(names))),
            "trials_per_block": min(settings.trials_per_block, len(stimuli)),
            "catch_trials": len(cards),
            "practice_trials": len(practice),
        }
    )
    return questionnaire, {
        f"{name}.png": png for name, png in [*((one.name, one.png) for one in shown), *cards.items()]
    }


def _shown(condition: Condition, context: Context) -> Iterator[_Shown]:
    """The images of a condition that were drawn; where they are real, after them those of the practice."""
    settings, wanted = context.settings, context.settings.stimuli_per_condition
    count = wanted + settings.practice_trials * (condition.kind == "real")
    for number, candidate in enumerate(
        drawn(condition.candidates, count, seed=settings.seed, condition=condition.name)
    ):
        label, confidence = _answer(candidate, condition.kind, context)
        name, group = f"{condition.name}-{number + 1:03d}", condition.name
        if number >= wanted:
            name, group = f"{PRACTICE}-{number - wanted + 1}", PRACTICE
        yield _Shown(
            name=name,
            condition=group,
            kind=condition.kind,
            png=png_bytes(candidate.image),
            source=candidate.source,
            label=label,
            confidence=confidence,
        )


def _answer(candidate: Candidate, kind: Kind, context: Context) -> tuple[int, float]:
    """The right answer, and how sure the network is of it; of noise what the network says first of all."""
    if candidate.confidence is not None:
        return candidate.class_index, candidate.confidence
    (confidences,) = context.judge(candidate.image[np.newaxis], candidate.mean_subtracted)
    label = int(confidences.argmax()) if kind == "noise" else candidate.class_index
    return label, float(confidences[label])


def _confused(label: int, names: Sequence[str], context: Context) -> list[str]:
    """The classes in which the network is surest of real images of ``label``, as many as there are other options."""
    data = context.dataset
    images = data.test_images[data.test_labels == label]
    mean = context.judge(images, False).astype(np.float64).mean(axis=0) if len(images) else np.zeros(len(names))
    others = [index for index in np.argsort(-mean, kind="stable").tolist() if index != label]
    return [names[index] for index in others[: min(context.settings.options, len(names)) - 1]]


def _catch_answers(names: Sequence[str], settings: QuestionnaireSettings) -> list[str]:
    """Classes in a drawn order, again and again where there are more cards than classes."""
    order = numpy_generator(settings.seed, "survey", "catch").permutation(len(names)).tolist()
    return [names[order[number % len(order)]] for number in range(settings.catch_trials)]


def _entry(image: _Shown, class_name: str, confused: list[str]) -> dict[str, Any]:
    return {
        **_file(image.name, image.png),
        "condition": image.condition,
        "kind": image.kind,
        "class_name": class_name,
        "confidence": image.confidence,
        "source": image.source,
        "confused": confused,
    }


def _file(name: str, png: bytes) -> dict[str, str]:
    return {"id": name, "file": f"{FOLDER}/{name}.png", "sha256": sha256_of(png)}


def _blocks(options: int) -> list[dict[str, Any]]:
    return [
        {"name": "two-way", "foils": "random", "options": 2},
        {"name": "two-way", "foils": "confused", "options": 2},
        {"name": "all-way", "foils": "", "options": options},
        {"name": "free", "foils": "", "options": options},
    ]
