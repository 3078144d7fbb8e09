"""Replays of runs: the generations that are kept, and champions that are those of the run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fooling.artifacts import write_arrays
from fooling.attacks.evolution.record import packed
from fooling.attacks.evolution.replay import (
    KIND,
    VERSION,
    Replay,
    generations_shown,
    load_replay,
    replayed,
    save_replay,
)
from fooling.attacks.evolution.run import Run
from fooling.attacks.settings import is_kept
from fooling.messages import FoolingError

StartRun = Callable[..., Run[Any]]


@pytest.mark.parametrize(("last", "count"), [(1, 2), (9, 12), (26, 12), (200, 12), (5000, 12), (123_456, 7)])
def test_generations_go_from_the_start_to_the_end_and_are_in_the_history(last: int, count: int) -> None:
    shown = generations_shown(last, count)
    assert (shown[0], shown[-1]) == (0, last)
    assert len(shown) <= count
    assert all(is_kept(generation) for generation in shown[:-1])
    assert shown == sorted(set(shown))


def test_early_generations_are_shown_more_often() -> None:
    shown = generations_shown(200, 12)
    assert len(shown) == 12
    assert np.all(np.diff(np.diff(shown)) >= 0)


def repeated(run: Run[Any]) -> tuple[Callable[[], None], Callable[[], tuple[Any, Any]]]:
    """How a run is advanced, and its current champions."""
    return run.advance, lambda: (run.archive.confidences.numpy().copy(), run.archive.images.numpy().copy())


def test_the_champions_are_those_of_the_run(start_run: StartRun) -> None:
    run = start_run()
    stopped = {}
    while run.steps_done < run.steps:
        run.advance()
        stopped[run.steps_done - 1] = run.record().images.copy()
    record = run.record()
    found = replayed(record, *repeated(start_run()), generations=[0, 3, 12])
    assert found.is_same
    assert found.generations.tolist() == [0, 3, 12]
    assert found.evaluations.tolist() == [20, 80, 260]
    for place, generation in enumerate((0, 3, 12)):
        assert np.array_equal(found.images[place], stopped[generation])
        assert np.array_equal(found.confidences[place], record.history.confidences[generation])


def test_another_run_is_found_out(start_run: StartRun) -> None:
    run = start_run()
    while run.steps_done < run.steps:
        run.advance()
    assert not replayed(run.record(), *repeated(start_run(seed=2)), generations=[0, 12]).is_same


@pytest.fixture
def replay() -> Replay:
    generator = np.random.default_rng(0)
    return Replay(
        generations=np.array([0, 5]),
        evaluations=np.array([6, 26]),
        confidences=np.array([[0.1, 0.2, 0.3], [0.9, 1.0, 0.5]], np.float32),
        images=generator.integers(0, 256, (2, 3, 1, 4, 5)).astype(np.uint8),
        is_same=True,
    )


def test_a_replay_is_read_as_it_was_written(replay: Replay, tmp_path: Path) -> None:
    save_replay(tmp_path / "replay", replay)
    read = load_replay(tmp_path / "replay")
    assert read.is_same
    for name in ("generations", "evaluations", "confidences", "images"):
        assert np.array_equal(getattr(read, name), getattr(replay, name))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"confidences": np.full((2, 3), 1.5, np.float32)}, "confidences"),
        ({"confidences": np.full((2, 2), 0.5, np.float32)}, "does not fit together"),
        ({"evaluations": np.array([6])}, "evaluations"),
    ],
)
def test_a_replay_that_does_not_fit_together_is_refused(
    replay: Replay, tmp_path: Path, changed: dict[str, Any], message: str
) -> None:
    arrays = {name: getattr(replay, name) for name in ("generations", "evaluations", "confidences")} | changed
    arrays |= {f"images/{part}": array for part, array in packed(replay.images.reshape(6, 1, 4, 5)).items()}
    write_arrays(tmp_path / "replay", arrays, kind=KIND, version=VERSION, header={"is_same": True})
    with pytest.raises(FoolingError, match=message):
        load_replay(tmp_path / "replay")
