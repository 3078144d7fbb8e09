"""Several runs in one file."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from fooling.artifacts import read_arrays, write_arrays
from fooling.attacks.evolution.record import (
    RUNS_KIND,
    RUNS_VERSION,
    RunRecord,
    arrays_of,
    header_of,
    load_run,
    load_runs,
    save_run,
    save_runs,
)
from fooling.messages import FoolingError


@pytest.fixture
def records(start_run) -> list[RunRecord]:
    """Two finished runs."""
    made = []
    for seed in (7, 8):
        run = start_run(seed=seed, generations=2)
        while run.steps_done < run.steps:
            run.advance()
        made.append(run.record())
    return made


def test_runs_are_read_as_they_were_written(records, tmp_path):
    save_runs(tmp_path / "runs.safetensors", records)
    read = load_runs(tmp_path / "runs.safetensors")
    assert [header_of(record) for record in read] == [header_of(record) for record in records]
    for before, after in zip(records, read, strict=True):
        assert arrays_of(before).keys() == arrays_of(after).keys()
        for name, array in arrays_of(before).items():
            np.testing.assert_array_equal(array, arrays_of(after)[name], err_msg=name)


def test_runs_of_different_classifiers_are_not_put_into_one_file(records, tmp_path):
    other = dataclasses.replace(records[1], classifier={"name": "other", "sha256": "1"})
    with pytest.raises(ValueError, match="more than their seeds"):
        save_runs(tmp_path / "runs.safetensors", [records[0], other])
    assert not list(tmp_path.iterdir())


def test_one_run_and_several_are_told_apart(records, tmp_path):
    save_run(tmp_path / "run.safetensors", records[0])
    save_runs(tmp_path / "runs.safetensors", records)
    with pytest.raises(FoolingError, match=r"run\.safetensors"):
        load_runs(tmp_path / "run.safetensors")
    with pytest.raises(FoolingError, match=r"runs\.safetensors"):
        load_run(tmp_path / "runs.safetensors")


def test_a_missing_array_is_named_with_its_run(records, tmp_path):
    path = tmp_path / "runs.safetensors"
    save_runs(path, records)
    arrays, header = read_arrays(path, kind=RUNS_KIND, version=RUNS_VERSION)
    write_arrays(
        path, {k: v for k, v in arrays.items() if k != "7/logits"}, kind=RUNS_KIND, version=RUNS_VERSION, header=header
    )
    with pytest.raises(FoolingError, match=r"the run of seed 7 in .* is incomplete"):
        load_runs(tmp_path / "runs.safetensors")


@pytest.mark.parametrize(
    "damage",
    [
        {"confidences": np.full(2, np.nan, np.float32)},
        {"log_odds": np.array([0.0, np.inf])},
        {"logits": np.zeros((2, 1), np.float32)},
        {"search": "hill climbing"},
        {"seed": -1},
    ],
    ids=lambda damage: next(iter(damage)),
)
def test_a_run_that_could_not_be_read_is_not_written(records, tmp_path, damage):
    bad = dataclasses.replace(records[0], **damage)
    with pytest.raises(FoolingError, match="the run of seed"):
        save_run(tmp_path / "run.safetensors", bad)
    with pytest.raises(FoolingError, match="the run of seed"):
        save_runs(tmp_path / "runs.safetensors", [bad])
    assert not list(tmp_path.iterdir())
