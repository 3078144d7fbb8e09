"""A small questionnaire with its images, as `fooling survey sample` leaves them in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from fooling.artifacts import sha256_of
from fooling.survey.questionnaire import Questionnaire, completed, save_questionnaire

DIGITS = tuple("0123456789")
CONDITIONS = {"cppn": "champion", "climb": "ascent", "noise": "noise", "real": "real"}


def write_survey(folder: Path, *, classes: Sequence[str] = DIGITS, **changed: Any) -> Questionnaire:
    """Write ``questionnaire.json`` and its images into ``folder``: 16 images, 2 catch cards, 3 for practice."""
    random = np.random.default_rng(1)
    (folder / "stimuli").mkdir(parents=True)

    def stimulus(name: str, condition: str, number: int) -> dict[str, Any]:
        size = (28, 28) if condition == "noise" else (8, 8)
        file = _written(folder, name, random.integers(0, 256, size, dtype=np.uint8))
        others = [*classes[:number], *classes[number + 1 :]]
        return file | {
            "condition": condition,
            "kind": CONDITIONS[condition],
            "class_name": classes[number],
            "confidence": 0.99,
            "source": f"made up for {name}",
            "confused": others[:3],
        }

    values = {
        "study": "small",
        "title": "What do you see?",
        "contact": "ada@example.org",
        "post_url": None,
        "network": {"name": "lenet-a", "sha256": "b" * 64},
        "classes": list(classes),
        "sampling_rule": "every class in turn",
        "seed": 1,
        "stimuli": [
            stimulus(f"{condition}-{index}", condition, index % len(classes))
            for condition in CONDITIONS
            for index in range(4)
        ],
        "catch": [
            _written(folder, f"catch-{number}", _card(classes[number])) | {"answer": classes[number]}
            for number in range(2)
        ],
        "practice": [stimulus(f"practice-{index}", "real", index % len(classes)) for index in range(3)],
        "blocks": [
            {"name": "two-way", "foils": "random", "options": 2},
            {"name": "two-way", "foils": "confused", "options": 2},
            {"name": "all-way", "foils": "", "options": len(classes)},
            {"name": "free", "foils": "", "options": len(classes)},
        ],
        "trials_per_block": 4,
        "catch_trials": 2,
        "practice_trials": 3,
    }
    questionnaire = completed(values | changed)
    save_questionnaire(folder / "questionnaire.json", questionnaire)
    return questionnaire


def _written(folder: Path, name: str, pixels: Any) -> dict[str, str]:
    file = f"stimuli/{name}.png"
    Image.fromarray(pixels).save(folder / file)
    return {"id": name, "file": file, "sha256": sha256_of((folder / file).read_bytes())}


def _card(answer: str) -> Any:
    card = Image.new("L", (160, 160), 245)
    ImageDraw.Draw(card).text((30, 70), f"Choose {answer}", fill=20)
    return np.asarray(card)
