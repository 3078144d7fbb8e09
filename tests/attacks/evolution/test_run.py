"""Runs: same seed, other seed, interrupted; budgets, history, lineage, controls."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fooling.attacks.evolution.record import arrays_of, load_run, save_run
from fooling.attacks.evolution.run import Run
from fooling.attacks.evolution.searches import Drift, MapElites, RandomSearch, Search
from fooling.attacks.settings import is_kept
from fooling.classifiers.classifier import Classifier, confidences_of
from fooling.encodings.settings import DirectSettings
from fooling.messages import FoolingError

StartRun = Callable[..., Run[Any]]
SEARCHES = (MapElites, RandomSearch, Drift)


def _finished(run: Run[Any]) -> Run[Any]:
    while run.steps_done < run.steps:
        run.advance()
    return run


def _bytes(run: Run[Any], folder: Path) -> bytes:
    save_run(folder / "run.safetensors", run.record())
    return (folder / "run.safetensors").read_bytes()


@pytest.mark.parametrize("search", SEARCHES)
def test_same_seed_same_bytes_other_seed_other_champions(
    search: type[Search[Any]], start_run: StartRun, tmp_path: Path
) -> None:
    first, again = _finished(start_run(search)), _finished(start_run(search))
    other = _finished(start_run(search, seed=2))
    assert _bytes(first, tmp_path) == _bytes(again, tmp_path)
    assert not np.array_equal(first.record().images, other.record().images)


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("stop", [1, 2, 7, 13])
def test_interrupted_ends_in_the_same_bytes(
    search: type[Search[Any]], stop: int, start_run: StartRun, tmp_path: Path
) -> None:
    whole = _finished(start_run(search))
    half = start_run(search)
    while half.steps_done < stop:
        half.advance()
    resumed = start_run(search, seed=99)
    resumed.identity = whole.identity
    resumed.restore(*half.state(), source="the checkpoint")
    assert _bytes(_finished(resumed), tmp_path) == _bytes(whole, tmp_path)


@pytest.mark.parametrize(("extra_batch", "evaluations"), [(False, 20 + 12 * 20), (True, 20 + 13 * 20)])
def test_spends_exactly_its_budget(extra_batch: bool, evaluations: int, start_run: StartRun) -> None:
    run = _finished(start_run(extra_batch=extra_batch))
    record = run.record()
    assert run.settings.evaluations == evaluations == record.history.evaluations[-1]
    assert len(record.history.generations) == 13
    assert record.history.evaluations[0] == (40 if extra_batch else 20)


def test_a_long_history_is_thinned_and_keeps_its_ends(start_run: StartRun) -> None:
    run = _finished(start_run(start=2, offspring=2, generations=611))
    history = run.record().history
    assert run.steps_done == 612
    assert list(history.generations[-4:]) == [600, 605, 610, 611]
    assert list(history.generations[:202]) == [*range(201), 202]
    assert np.array_equal(history.evaluations, 2 + 2 * history.generations)
    assert np.array_equal(history.confidences[-1], run.record().confidences)


def test_generations_kept_lie_within_a_hundredth_of_each_other() -> None:
    kept = np.array([generation for generation in range(20_001) if is_kept(generation)])
    assert len(kept) == 901
    assert (np.diff(kept) <= np.maximum(1, kept[:-1] / 100)).all()


def test_interrupted_between_two_kept_generations(start_run: StartRun, tmp_path: Path) -> None:
    budget = {"start": 2, "offspring": 2, "generations": 207}
    whole, half, resumed = (start_run(**budget) for _ in range(3))
    while half.steps_done < 204:  # generation 203 will not be kept
        half.advance()
    resumed.restore(*half.state(), source="the checkpoint")
    assert _bytes(_finished(resumed), tmp_path) == _bytes(_finished(whole), tmp_path)


def test_confidence_is_that_of_the_stored_image(start_run: StartRun, classifier: Classifier) -> None:
    record = _finished(start_run()).record()
    confidences = classifier.confidences(torch.from_numpy(record.images))
    assert np.array_equal(confidences.diagonal().numpy(), record.confidences)


def test_mean_subtracted_scores_another_input(start_run: StartRun, classifier: Classifier) -> None:
    record = _finished(start_run(scoring_input="mean-subtracted")).record()
    network = classifier.network
    with torch.no_grad():
        levels = torch.from_numpy(record.images).float()
        expected = confidences_of(network((levels - classifier.training_mean) / 256))
    np.testing.assert_allclose(expected.diagonal().numpy(), record.confidences, rtol=1e-5)


def test_history_rises_and_ends_at_the_archive(start_run: StartRun) -> None:
    record = _finished(start_run()).record()
    assert (np.diff(record.history.confidences, axis=0) >= 0).all()
    assert np.array_equal(record.history.confidences[-1], record.confidences)
    assert np.array_equal(record.history.log_odds[-1], record.log_odds)


def test_evolution_beats_its_start_and_random_search(start_run: StartRun) -> None:
    evolved, drawn = (_finished(start_run(search, generations=60)).record() for search in (MapElites, RandomSearch))
    assert (evolved.log_odds > evolved.history.log_odds[0]).all()
    assert np.median(evolved.log_odds) > np.median(drawn.log_odds)


def test_controls_start_as_the_evolution_does(start_run: StartRun) -> None:
    starts = [_finished(start_run(search)).record().start_images for search in SEARCHES]
    assert all(np.array_equal(starts[0], other) for other in starts[1:])


def test_lineage_leads_from_every_champion_to_the_start(start_run: StartRun) -> None:
    record = _finished(start_run(generations=40)).record()
    lineage = record.lineage
    parents = dict(zip(lineage.individual.tolist(), lineage.parents[:, 0].tolist(), strict=True))
    for champion in record.individuals.tolist():
        ancestor, steps = champion, 0
        while parents[ancestor] >= 0:
            assert parents[ancestor] < ancestor
            ancestor, steps = parents[ancestor], steps + 1
        assert ancestor < 20
    last = {cell: individual for individual, cell in zip(lineage.individual, lineage.class_index, strict=True)}
    assert [last[cell] for cell in range(4)] == record.individuals.tolist()


def test_recombining_names_both_parents(start_run: StartRun) -> None:
    record = _finished(start_run(encoding=DirectSettings(crossover="correct"))).record()
    later = record.lineage.generation > 0
    assert later.any()
    assert (record.lineage.parents[later] >= 0).all()


def test_random_search_has_no_parents_and_drift_selects_none(start_run: StartRun) -> None:
    assert (_finished(start_run(RandomSearch)).record().lineage.parents == -1).all()
    drift = _finished(start_run(Drift)).record()
    later = drift.lineage.generation > 1
    batch_of_parent = (drift.lineage.parents[later, 0] - 20) // 20 + 1
    assert np.array_equal(batch_of_parent, drift.lineage.generation[later] - 1)


def test_one_and_two_threads_give_the_same_bytes(start_run: StartRun, tmp_path: Path) -> None:
    before = torch.get_num_threads()
    results = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        results.append(_bytes(_finished(start_run()), tmp_path))
    torch.set_num_threads(before)
    assert results[0] == results[1]


def test_record_survives_the_disk(start_run: StartRun, tmp_path: Path) -> None:
    record = _finished(start_run()).record()
    save_run(tmp_path / "run.safetensors", record)
    loaded = load_run(tmp_path / "run.safetensors")
    assert loaded.class_names == record.class_names
    for name, array in arrays_of(record).items():
        assert np.array_equal(arrays_of(loaded)[name], array), name


def test_a_truncated_run_is_named(start_run: StartRun, tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    save_run(path, _finished(start_run()).record())
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(FoolingError, match=r"run\.safetensors is truncated"):
        load_run(path)
