"""A questionnaire of a usual size, and what simulated people answer to it."""

from __future__ import annotations

import csv
import io
from typing import Any

import numpy as np
import pandas as pd

from fooling.survey.accuracy import AnalysisSettings, ExclusionSettings, accuracy_table, image_table
from fooling.survey.agreement import confidence_table, confusion_table
from fooling.survey.questionnaire import Questionnaire, completed
from fooling.survey.responses import FORMAT, SYNTHETIC_FORMAT, kept_answers, parsed_responses
from fooling.survey.simulation import SimulationSettings, simulated_files

CLASSES = [str(digit) for digit in range(10)]
KINDS = {"direct": "champion", "cppn": "champion", "gradient": "ascent", "noise": "noise", "real": "real"}


def made_questionnaire(*, images: int = 10, trials_per_block: int = 20) -> Questionnaire:
    """Five conditions with so many images each, four catch cards, and every block."""
    generator = np.random.default_rng(1)
    return completed(
        {
            **{"study": "small", "title": "What do you see?", "contact": "us", "post_url": None},
            **{"network": {"name": "lenet-a", "sha256": "b" * 64}, "classes": CLASSES, "seed": 1},
            "sampling_rule": "every class in turn",
            "stimuli": [
                _stimulus(f"{condition}-{number:03}", condition, kind, number, generator)
                for condition, kind in KINDS.items()
                for number in range(images)
            ],
            "catch": [
                {"id": f"catch-{n}", "file": f"stimuli/catch-{n}.png", "sha256": f"{n}" * 64, "answer": CLASSES[n]}
                for n in range(4)
            ],
            "practice": [_stimulus("practice-1", "practice", "real", 3, generator)],
            "blocks": [
                {"name": "two-way", "foils": "random", "options": 2},
                {"name": "two-way", "foils": "confused", "options": 2},
                {"name": "all-way", "foils": "", "options": 10},
                {"name": "free", "foils": "", "options": 10},
            ],
            **{"trials_per_block": trials_per_block, "catch_trials": 4, "practice_trials": 1},
        }
    )


def _stimulus(name: str, condition: str, kind: str, number: int, generator: np.random.Generator) -> dict[str, Any]:
    class_name = CLASSES[number % len(CLASSES)]
    return {
        **{"id": name, "file": f"stimuli/{name}.png", "sha256": generator.bytes(32).hex(), "condition": condition},
        **{"kind": kind, "class_name": class_name, "source": "evolution/lenet-a/direct seed 1"},
        "confidence": float(1 - 10 ** -generator.uniform(0.2, 6)),
        "confused": [other for other in CLASSES if other != class_name],
    }


def simulated(questionnaire: Questionnaire, **settings: Any) -> dict[str, str]:
    """Files of simulated people by name, none of whom is careless unless the ``settings`` say so."""
    return dict(simulated_files(questionnaire, SimulationSettings.model_validate({"careless": 0, **settings})))


def as_peoples(files: dict[str, str]) -> dict[str, str]:
    """The same ``files`` as if people had given these answers."""
    return {name.removeprefix("synthetic-"): text.replace(SYNTHETIC_FORMAT, FORMAT) for name, text in files.items()}


def rows_of(text: str) -> list[dict[str, str]]:
    """The rows of a file of CSV."""
    return list(csv.DictReader(io.StringIO(text, newline="")))


def as_csv(rows: list[dict[str, str]]) -> str:
    """``rows`` as a file of CSV, with the columns of the first one."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def analysed(files: dict[str, str], asked: Questionnaire) -> dict[str, pd.DataFrame]:
    """The tables that figures are drawn from, by the names that figures know them by."""
    settings = AnalysisSettings(bootstrap_samples=99)
    tables = [parsed_responses(text, kind="csv", source=name, questionnaire=asked) for name, text in files.items()]
    answers = kept_answers(pd.concat(tables, ignore_index=True), ExclusionSettings()).answers
    images = image_table(answers, asked, settings)
    return {
        "survey_accuracy": accuracy_table(answers, asked, settings),
        "survey_images": images,
        "survey_confusion": confusion_table(answers, asked),
        "survey_confidence": confidence_table(images, settings),
    }
