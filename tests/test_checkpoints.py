"""Checkpoints belong to one piece of work and to one writer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fooling.checkpoints import CheckpointStore
from fooling.errors import FoolingError


def test_a_state_is_found_again_by_the_same_work_only(tmp_path: Path) -> None:
    with CheckpointStore(tmp_path, {"work": "walk", "seed": 1}) as store:
        assert store.load("state") is None
        store.save("state", {"steps": np.arange(3)}, {"done": 3})
    with CheckpointStore(tmp_path, {"seed": 1, "work": "walk"}) as store:
        state = store.load("state")
        assert state is not None
        np.testing.assert_array_equal(state[0]["steps"], np.arange(3))
        assert state[1]["done"] == 3
    with CheckpointStore(tmp_path, {"work": "walk", "seed": 2}) as other:
        assert other.load("state") is None


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    with (
        CheckpointStore(tmp_path, {"work": "walk"}),
        pytest.raises(FoolingError, match="another process is at the same work"),
        CheckpointStore(tmp_path, {"work": "walk"}),
    ):
        pass


def test_cleared_work_leaves_nothing(tmp_path: Path) -> None:
    with CheckpointStore(tmp_path, {"work": "walk"}) as store:
        store.save("state", {"steps": np.arange(3)}, {})
        store.clear()
    assert list(tmp_path.iterdir()) == []


def test_cleared_work_can_be_begun_again_by_another_process(tmp_path: Path) -> None:
    with CheckpointStore(tmp_path, {"work": "walk"}) as store:
        store.clear()
        with CheckpointStore(tmp_path, {"work": "walk"}) as other:
            other.save("state", {"steps": np.arange(3)}, {})
            assert other.load("state") is not None


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    with (
        pytest.raises(FoolingError, match=r"taken.* cannot hold checkpoints"),
        CheckpointStore(tmp_path / "taken", {"work": "walk"}),
    ):
        pass


def test_saves_are_due_after_the_interval(tmp_path: Path) -> None:
    with CheckpointStore(tmp_path, {"work": "walk"}, interval=1000) as store:
        assert not store.is_due()
    with CheckpointStore(tmp_path, {"work": "walk"}, interval=0) as store:
        assert store.is_due()
