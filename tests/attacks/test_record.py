"""The choice among settings, by hand: who gets there at all comes before who gets there soon."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fooling.artifacts import write_arrays
from fooling.attacks.record import TargetedRecord, Trajectory, best_of, evaluations_needed, tried_settings
from fooling.attacks.settings import AscentSettings
from fooling.cli.tables import _read_pilots
from fooling.findings.ascent import sweeps_table
from fooling.messages import FoolingError

NEVER = 99


def made_pilot(name: str, first: list[int], *, network: str = "a", **settings: Any) -> TargetedRecord:
    """Two classes from each of the starts, which reach .9999 after so many steps of five."""
    steps = np.arange(6)
    reached = np.repeat(np.array(first), 2)
    confidences = np.where(steps[:, None] >= reached, 0.9999 + 1e-5, 0.5).astype(np.float32)
    return TargetedRecord(
        name=name,
        settings=AscentSettings.model_validate({"steps": 5, **settings}).model_dump(mode="json"),
        classifier={"name": network, "sha256": network},
        class_names=("x", "y"),
        versions={},
        images=np.zeros((2 * len(first), 1, 4, 4), dtype=np.uint8),
        confidences=confidences[-1],
        log_odds=np.zeros(2 * len(first)),
        classes=np.tile([0, 1], len(first)),
        seeds=np.repeat(np.arange(1, 1 + len(first)), 2),
        trajectory=Trajectory(
            steps=steps, evaluations=3 * steps + 1, confidences=confidences, log_odds=np.zeros(confidences.shape)
        ),
    )


def test_evaluations_are_those_of_all_classes_until_the_median_one_is_there() -> None:
    needed = evaluations_needed(made_pilot("x", [0, 2, NEVER]), threshold=0.9999)
    assert needed.tolist() == [2, 2 * 7, np.inf]


def test_the_best_reaches_the_threshold_most_often_and_then_soonest() -> None:
    quick, slow, unsure = (
        made_pilot("quick", [1, 2, 3], late_progress=0.9),
        made_pilot("slow", [3, 3, 4]),
        made_pilot("unsure", [0, 0, NEVER], early_progress=1.0),
    )
    tried = tried_settings([slow, unsure, quick], threshold=0.9999)
    assert [(one.name, one.reached, one.evaluations) for one in tried] == [
        ("slow", 1, 20),
        ("unsure", pytest.approx(2 / 3), 2),
        ("quick", 1, 14),
    ]
    assert best_of(tried).name == "quick"
    assert best_of(tried).settings["late_progress"] == 0.9
    table = sweeps_table({"tuned": [slow, unsure, quick]}, threshold=0.9999)
    assert table["experiment"][table["chosen"]].tolist() == ["quick"]
    assert best_of(tried_settings([quick, dataclasses.replace(quick, name="same")], threshold=0.9999)).name == "quick"


def test_runs_on_all_pilots_count_and_their_settings_must_agree() -> None:
    both = [made_pilot("x", [1, 1]), made_pilot("x", [2, NEVER], network="b")]
    (tried,) = tried_settings(both, threshold=0.9999)
    assert (tried.networks, tried.runs, tried.reached) == (2, 4, 0.75)
    with pytest.raises(FoolingError, match="the pilots of x cannot be compared"):
        tried_settings([both[0], made_pilot("x", [1], network="b", decay=0.5)], threshold=0.9999)


def test_a_pilot_without_its_sweep_is_refused() -> None:
    with pytest.raises(FoolingError, match="--pilots needs sweep=path"):
        _read_pilots(["some/file.safetensors"])


def test_a_broken_pilot_is_named(tmp_path: Path) -> None:
    write_arrays(tmp_path / "a.safetensors", {"x": np.zeros(1)}, kind="dataset", version=1, header={})
    with pytest.raises(FoolingError, match=r"a\.safetensors"):
        _read_pilots([f"tuned={tmp_path / 'a.safetensors'}"])
