"""A small questionnaire, as values that tests change."""

from __future__ import annotations

from typing import Any

import pytest

from fooling.survey.questionnaire import Questionnaire, completed

CLASSES = ("0", "1", "2")


def stimulus(name: str, *, condition: str, class_name: str = "1", kind: str = "champion") -> dict[str, Any]:
    return {
        "id": name,
        "file": f"stimuli/{name}.png",
        "sha256": "a" * 64,
        "condition": condition,
        "kind": kind,
        "class_name": class_name,
        "confidence": 0.9999,
        "source": f"evolution/lenet-a/{condition} seed 1",
        "confused": [other for other in CLASSES if other != class_name],
    }


@pytest.fixture
def parts() -> dict[str, Any]:
    """Everything in a questionnaire but its format and its version."""
    return {
        "study": "small",
        "title": "What do you see?",
        "contact": "the person who gave you this page",
        "post_url": None,
        "network": {"name": "lenet-a", "sha256": "b" * 64},
        "classes": list(CLASSES),
        "sampling_rule": "every class in turn",
        "seed": 1,
        "stimuli": [
            stimulus("cppn-001", condition="cppn"),
            stimulus("cppn-002", condition="cppn", class_name="2"),
            stimulus("real-001", condition="real", kind="real"),
        ],
        "catch": [{"id": "catch-1", "file": "stimuli/catch-1.png", "sha256": "c" * 64, "answer": "2"}],
        "practice": [stimulus("practice-1", condition="practice", kind="real")],
        "blocks": [
            {"name": "two-way", "foils": "random", "options": 2},
            {"name": "two-way", "foils": "confused", "options": 2},
            {"name": "all-way", "foils": "", "options": 3},
            {"name": "free", "foils": "", "options": 3},
        ],
        "trials_per_block": 2,
        "catch_trials": 1,
        "practice_trials": 1,
    }


@pytest.fixture
def questionnaire(parts: dict[str, Any]) -> Questionnaire:
    return completed(parts)
