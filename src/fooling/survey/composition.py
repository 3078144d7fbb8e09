"""Composition of a questionnaire: images of every condition, chosen by a rule, with their labels, and catch cards.

The rule is declared in advance. It uses only the class of an image (its target class, or its true class) and whether
two images are equal. It does not use the classifier's confidence, which is computed afterwards for the chosen images.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from fooling.artifacts import sha256_of
from fooling.attacks.evolution.record import RunRecord
from fooling.attacks.record import TargetedRecord
from fooling.datasets.dataset import Dataset
from fooling.fonts import fonts_with, lacking
from fooling.images import png_bytes
from fooling.reproducibility import numpy_generator
from fooling.survey.questionnaire import Questionnaire, QuestionnaireSettings, completed, labels_of

MEAN_SUBTRACTED = "mean-subtracted"  # how a run may feed its network

RULE = (
    "Up to {count} images of every condition are drawn with seed {seed}. The classes take turns in random order. On "
    "its turn, each class contributes one of its images, drawn uniformly without replacement from all runs, starts or "
    "photographs. An image equal to one already drawn is skipped. The rule uses neither the network's confidence nor "
    "the look of an image."
)

#: Map images (B, C, H, W), and whether the mean image is subtracted, to confidences (B, K).
Scorer = Callable[[NDArray[np.uint8], bool], NDArray[np.float32]]
Kind = Literal["champion", "ascent", "noise", "real"]
FOLDER = "stimuli"  # folder of all images, in the folder of the questionnaire
PRACTICE = "practice"  # condition of the images before the first block
SIDE, MARGIN = 280, 20  # pixels of a catch card
REQUEST, REQUEST_SIZE = "Press the button", 26
LARGEST, SMALLEST, STEP = 120, 10, 2  # font sizes of an answer
USUAL = Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans-Bold.ttf")
LINE = 1.2  # line height, relative to the font size


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidate:
    """An image that may become a stimulus."""

    image: NDArray[np.uint8]  # (C, H, W) as stored
    class_index: int  # its target class, or its true class
    source: str
    confidence: float | None = None  # in that class, if known
    mean_subtracted: bool = False  # whether its run subtracted the mean image before scoring


def champions_of(experiment: str, runs: Iterable[RunRecord]) -> list[Candidate]:
    """Return the champions of all ``runs`` of one experiment."""
    return [
        Candidate(
            image=image,
            class_index=index,
            source=_run_in_words(experiment, run),
            confidence=float(run.confidences[index]),
        )
        for run in runs
        for index, image in enumerate(run.images)
    ]


def random_images_of(experiment: str, runs: Iterable[RunRecord]) -> list[Candidate]:
    """Return the champions of the random start of all ``runs`` of one experiment."""
    return [
        Candidate(
            image=image,
            class_index=index,
            source=f"{_run_in_words(experiment, run)} generation 0",
            mean_subtracted=run.settings.get("search", {}).get("scoring_input") == MEAN_SUBTRACTED,
        )
        for run in runs
        for index, image in enumerate(run.start_images)
    ]


def ascent_images_of(ascent: TargetedRecord) -> list[Candidate]:
    """Return all images of a gradient ascent."""
    return [
        Candidate(
            image=image,
            class_index=int(class_index),
            source=f"ascent/{ascent.classifier['name']}/{ascent.name} seed {seed}",
            confidence=float(confidence),
        )
        for image, class_index, seed, confidence in zip(
            ascent.images, ascent.classes, ascent.seeds, ascent.confidences, strict=True
        )
    ]


def real_images_of(dataset: Dataset) -> list[Candidate]:
    """Return all test images of a data set."""
    return [
        Candidate(image=image, class_index=int(label), source=f"{dataset.name} test image {index}")
        for index, (image, label) in enumerate(zip(dataset.test_images, dataset.test_labels, strict=True))
    ]


def draw_candidates(candidates: Sequence[Candidate], count: int, *, seed: int, condition: str) -> list[Candidate]:
    """Return at most ``count`` of the ``candidates``, chosen by the :data:`RULE`."""
    generator = numpy_generator(seed, "survey", condition)
    left = {
        index: [candidates[place] for place in generator.permutation(places)]
        for index, places in _places_by_class(candidates).items()
    }
    turns = [left[index] for index in generator.permutation(list(left)).tolist()]
    chosen: dict[bytes, Candidate] = {}
    while any(turns) and len(chosen) < count:
        for images in turns:
            while images and len(chosen) < count:
                candidate = images.pop()
                if chosen.setdefault(candidate.image.tobytes(), candidate) is candidate:
                    break
    return list(chosen.values())


def _places_by_class(candidates: Sequence[Candidate]) -> dict[int, list[int]]:
    places: dict[int, list[int]] = {index: [] for index in sorted({one.class_index for one in candidates})}
    for place, candidate in enumerate(candidates):
        places[candidate.class_index].append(place)
    return places


def _run_in_words(experiment: str, run: RunRecord) -> str:
    return f"evolution/{run.classifier['name']}/{experiment} seed {run.seed}"


@dataclass(frozen=True, kw_only=True)
class Condition:
    """Images of one kind, some of which become stimuli."""

    name: str
    kind: Kind
    candidates: Sequence[Candidate]


@dataclass(frozen=True, kw_only=True)
class Context:
    """What all conditions of a questionnaire share."""

    study: str
    network: Mapping[str, str]  # its name and the SHA-256 of its file
    scorer: Scorer
    dataset: Dataset
    settings: QuestionnaireSettings


@dataclass(frozen=True, kw_only=True)
class _DrawnImage:
    """A chosen image with its name, its right answer and the confidence in it."""

    name: str
    condition: str
    kind: Kind
    png: bytes
    source: str
    label: int
    confidence: float


def compose(conditions: Sequence[Condition], context: Context) -> tuple[Questionnaire, dict[str, bytes]]:
    """Return the questionnaire of these ``conditions``, and its PNG files by name.

    The practice images are real images that are not among the stimuli. Class names become labels by :func:`labels_of`.
    """
    settings, names = context.settings, labels_of(context.dataset.class_names)
    shown = [image for condition in conditions for image in _shown(condition, context)]
    confused = {label: _confused(label, names, context) for label in sorted({image.label for image in shown})}
    answers = {f"catch-{number}": answer for number, answer in enumerate(_catch_answers(names, settings), start=1)}
    cards = {name: catch_card(answer) for name, answer in answers.items()}
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


def _shown(condition: Condition, context: Context) -> Iterator[_DrawnImage]:
    """Yield the chosen images of a condition; for real images, followed by those for practice."""
    settings, wanted = context.settings, context.settings.stimuli_per_condition
    count = wanted + settings.practice_trials * (condition.kind == "real")
    for number, candidate in enumerate(
        draw_candidates(condition.candidates, count, seed=settings.seed, condition=condition.name)
    ):
        label, confidence = _answer(candidate, condition.kind, context)
        name, group = f"{condition.name}-{number + 1:03d}", condition.name
        if number >= wanted:
            name, group = f"{PRACTICE}-{number - wanted + 1}", PRACTICE
        yield _DrawnImage(
            name=name,
            condition=group,
            kind=condition.kind,
            png=png_bytes(candidate.image),
            source=candidate.source,
            label=label,
            confidence=confidence,
        )


def _answer(candidate: Candidate, kind: Kind, context: Context) -> tuple[int, float]:
    """Return the right answer and the classifier's confidence in it; for noise, its most probable class."""
    if candidate.confidence is not None:
        return candidate.class_index, candidate.confidence
    (confidences,) = context.scorer(candidate.image[np.newaxis], candidate.mean_subtracted)
    label = int(confidences.argmax()) if kind == "noise" else candidate.class_index
    return label, float(confidences[label])


def _confused(label: int, names: Sequence[str], context: Context) -> list[str]:
    """Return the other classes with the highest mean confidence in real images of ``label``, one for each option."""
    data = context.dataset
    images = data.test_images[data.test_labels == label]
    mean = context.scorer(images, False).astype(np.float64).mean(axis=0) if len(images) else np.zeros(len(names))
    others = [index for index in np.argsort(-mean, kind="stable").tolist() if index != label]
    return [names[index] for index in others[: min(context.settings.options, len(names)) - 1]]


def _catch_answers(names: Sequence[str], settings: QuestionnaireSettings) -> list[str]:
    """Return the answers of the catch cards: the classes in random order, repeated if there are more cards."""
    order = numpy_generator(settings.seed, "survey", "catch").permutation(len(names)).tolist()
    return [names[order[number % len(order)]] for number in range(settings.catch_trials)]


def _entry(image: _DrawnImage, class_name: str, confused: list[str]) -> dict[str, Any]:
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


def catch_card(answer: str) -> bytes:
    """Return a grey PNG that asks to press the button ``answer``, in the largest font size that fits."""
    picture = Image.new("L", (SIDE, SIDE), 255)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((4, 4, SIDE - 5, SIDE - 5), outline=0, width=2)
    request = ImageFont.truetype(USUAL, REQUEST_SIZE)
    draw.text((SIDE / 2, MARGIN + REQUEST_SIZE), REQUEST, font=request, fill=0, anchor="mm")
    lines, font = _fitted(answer, _font_for(answer))
    step = LINE * font.size
    first = (SIDE + MARGIN + REQUEST_SIZE) / 2 - step * (len(lines) - 1) / 2
    for number, line in enumerate(lines):
        draw.text((SIDE / 2, first + number * step), line, font=font, fill=0, anchor="mm")
    content = io.BytesIO()
    picture.save(content, format="PNG", optimize=False)
    return content.getvalue()


def _fitted(text: str, file: Path) -> tuple[list[str], ImageFont.FreeTypeFont]:
    """Return the lines of ``text`` and the largest font in which they fit; the smallest one if none does."""
    width, height = SIDE - 2 * MARGIN, SIDE - 3 * MARGIN - 2 * REQUEST_SIZE
    for size in range(LARGEST, SMALLEST, -STEP):
        font = ImageFont.truetype(file, size)
        lines = _lines(text, font, width)
        if len(lines) * LINE * size <= height and all(font.getlength(line) <= width for line in lines):
            return lines, font
    font = ImageFont.truetype(file, SMALLEST)
    return _lines(text, font, width), font


def _lines(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """Return ``text`` broken into lines that are at most ``width`` pixels wide, if its words are."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _font_for(answer: str) -> Path:
    """Return the usual font, or the installed font with the most characters of ``answer`` that it lacks."""
    others = fonts_with(lacking(answer))
    return others[0] if others else USUAL
