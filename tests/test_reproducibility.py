"""Derived seeds are stable, separate and in range; interrupted work resumes from its checkpoints to the same bytes."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from threading import Event, Thread
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooling.messages import FoolingError
from fooling.reproducibility import CheckpointStore, derived_seed, evenly_spaced, numpy_generator

WORK = {"work": "walk", "seed": 1}
CODE = "the fingerprint of a command"
State = tuple[dict[str, Any], dict[str, Any]] | None


def test_the_same_on_every_machine() -> None:
    # SHA-256 of "1<US>evolution<US>cppn", its first eight bytes read little-endian, halved: computed by hand once.
    assert derived_seed(1, "evolution", "cppn") == 3202511945133205803


@given(seed=st.integers(0), words=st.lists(st.text(max_size=5), max_size=3))
def test_in_range_and_different_for_another_purpose(seed: int, words: list[str]) -> None:
    derived = derived_seed(seed, *words)
    assert 0 <= derived < 2**63
    assert derived != derived_seed(seed, *words, "more")
    assert derived != derived_seed(seed + 1, *words)


def test_generators_repeat() -> None:
    assert numpy_generator(5, "a").random() == numpy_generator(5, "a").random() != numpy_generator(5, "b").random()


def test_four_of_a_thousand() -> None:
    assert evenly_spaced(1000, 4) == [0, 250, 500, 750]
    assert evenly_spaced(3, None) == evenly_spaced(3, 7) == [0, 1, 2]


@given(count=st.integers(1, 2000), most=st.integers(1, 2000) | st.none())
def test_at_most_so_many_in_order_with_gaps_that_differ_by_one_at_most(count: int, most: int | None) -> None:
    places = evenly_spaced(count, most)
    assert len(places) == (count if most is None else min(count, most))
    assert places[0] == 0
    assert places[-1] < count
    gaps = {right - left for left, right in zip(places, [*places[1:], count], strict=True)}
    assert min(gaps) >= 1
    assert max(gaps) - min(gaps) <= 1


def test_a_state_is_found_again_by_the_same_work_only(tmp_path: Path) -> None:
    with CheckpointStore(tmp_path, WORK, code=CODE) as store:
        assert store.load("state") is None
        store.save("state", {"steps": np.arange(3)}, {"done": 3})
    with CheckpointStore(tmp_path, {"seed": 1, "work": "walk"}, code=CODE) as store:
        state = store.load("state")
        assert state is not None
        np.testing.assert_array_equal(state[0]["steps"], np.arange(3))
        assert state[1]["done"] == 3
    for identity, code in (({"work": "walk", "seed": 2}, CODE), (WORK, "another fingerprint")):
        with CheckpointStore(tmp_path, identity, code=code) as other:
            assert other.load("state") is None


@contextmanager
def _a_second_writer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], State]]:
    """A thread at the same work that has begun to wait; called, it gives the state that the thread then finds."""
    waits, found = Event(), Queue[State]()
    monkeypatch.setattr("fooling.reproducibility.say", lambda message: waits.set())

    def work() -> None:
        with CheckpointStore(folder, WORK, code=CODE) as store:
            found.put(store.load("state"))
            store.clear()

    thread = Thread(target=work)
    thread.start()
    assert waits.wait(60)
    yield found.get
    thread.join()


def test_a_second_writer_waits_and_goes_on_from_the_state_of_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with CheckpointStore(tmp_path, WORK, code=CODE) as first, _a_second_writer(tmp_path, monkeypatch) as second:
        first.save("state", {}, {"done": 3})
        first.__exit__(None, None, None)
        state = second()
    assert state is not None and state[1]["done"] == 3
    assert list(tmp_path.iterdir()) == []


def test_a_first_writer_that_is_done_leaves_its_state_to_the_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with CheckpointStore(tmp_path, WORK, code=CODE) as first, _a_second_writer(tmp_path, monkeypatch) as second:
        first.save("state", {}, {"done": 9})
        first.clear()
        first.__exit__(None, None, None)
        state = second()
    assert state is not None and state[1]["done"] == 9
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_went_away_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with CheckpointStore(tmp_path, WORK, code=CODE) as first, _a_second_writer(tmp_path, monkeypatch) as second:
        shutil.rmtree(first.folder)
        first.__exit__(None, None, None)
        assert second() is None
    assert list(tmp_path.iterdir()) == []


def test_cleared_work_leaves_nothing(tmp_path: Path) -> None:
    with CheckpointStore(tmp_path, WORK, code=CODE) as store:
        store.save("state", {"steps": np.arange(3)}, {})
        (store.folder / ".state.safetensors.abc.part").mkdir()  # of a writer that was killed
        store.clear()
    assert list(tmp_path.iterdir()) == []


def test_cleared_work_can_be_begun_again_by_another_process(tmp_path: Path) -> None:
    with CheckpointStore(tmp_path, WORK, code=CODE) as store:
        store.clear()
        with CheckpointStore(tmp_path, WORK, code=CODE) as other:
            other.save("state", {"steps": np.arange(3)}, {})
            assert other.load("state") is not None


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    with (
        pytest.raises(FoolingError, match=r"taken.* cannot hold checkpoints"),
        CheckpointStore(tmp_path / "taken", WORK, code=CODE),
    ):
        pass


def test_saves_are_due_after_the_interval(tmp_path: Path) -> None:
    with CheckpointStore(tmp_path, WORK, code=CODE, interval=1000) as store:
        assert not store.is_due()
    with CheckpointStore(tmp_path, WORK, code=CODE, interval=0) as store:
        assert store.is_due()


def test_saves_that_take_long_are_seldom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("fooling.reproducibility.time.monotonic", lambda: now)
    with CheckpointStore(tmp_path, WORK, code=CODE, interval=2) as store:
        now += 2
        assert store.is_due()
        now += 3  # collecting the state and writing it
        store.save("state", {"steps": np.arange(3)}, {})
        now += 59
        assert not store.is_due()
        now += 1
        assert store.is_due()
