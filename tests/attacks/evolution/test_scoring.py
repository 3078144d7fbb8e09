"""Runs in bfloat16 and screened ones: what they record, beside float32 and plain torch; stopped and resumed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fooling.attacks.evolution import screening
from fooling.attacks.evolution.record import arrays_of, header_of, load_run, load_runs, save_run, save_runs
from fooling.attacks.evolution.run import Evolution, Run
from fooling.attacks.evolution.scoring import Bfloat16Scoring, Scoring, ScreenedScoring, champions_at
from fooling.attacks.evolution.searches import Drift, MapElites, RandomSearch, Search
from fooling.attacks.settings import EvolutionSettings
from fooling.classifiers.classifier import Classifier, confidences_of, log_odds_of
from fooling.messages import FoolingError

SEARCHES = (MapElites, RandomSearch, Drift)
PRECISIONS = ("float32", "bfloat16", "screened")
IDENTITY = {"classifier": {"name": "hidden", "sha256": "0"}, "versions": {}}
REAL = np.random.default_rng(3).integers(0, 256, (50, 1, 6, 6), dtype=np.uint8)

Start = Callable[..., Run[Any]]


@pytest.fixture(autouse=True)
def short_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measures the bound on fewer images."""
    monkeypatch.setattr(screening, "GENERATIONS", 3)
    monkeypatch.setattr(screening, "IMAGES", 40)


@pytest.fixture
def start(hidden: Classifier) -> Start:
    """Makes a run as the command does, in some precision."""

    def started(
        precision: str, search: type[Search[Any]] = MapElites, *, seed: int = 1, kind: str = "direct", **budget: Any
    ) -> Run[Any]:
        settings = EvolutionSettings.model_validate(
            {
                "encoding": {"kind": kind},
                "search": {"start": 20, "offspring": 60, "generations": 20} | budget,
                "precision": precision,
            }
        )
        real = {"real": REAL} if precision == "screened" else {}
        made = Evolution(settings=settings, classifier=hidden, identity=IDENTITY, **real)
        return made.run(seed, control="" if search is MapElites else search.name)

    return started


def finished(run: Run[Any]) -> Run[Any]:
    while run.steps_done < run.steps:
        run.advance()
    return run


def content(run: Run[Any], folder: Path) -> bytes:
    save_run(folder / "run.safetensors", run.record())
    return (folder / "run.safetensors").read_bytes()


@pytest.mark.parametrize("budget", [{}, {"extra_batch": True, "scoring_input": "mean-subtracted"}])
@pytest.mark.parametrize("kind", ["direct", "cppn"])
@pytest.mark.parametrize("search", SEARCHES)
def test_a_screened_run_finds_what_float32_finds(
    search: type[Search[Any]], kind: str, budget: dict[str, Any], start: Start
) -> None:
    exact, screened = (
        finished(start(precision, search, kind=kind, **budget)).record() for precision in ("float32", "screened")
    )
    arrays = arrays_of(exact)
    assert arrays.keys() == arrays_of(screened).keys()
    for name, array in arrays_of(screened).items():
        assert array.tobytes() == arrays[name].tobytes(), name
    assert screened.screening is not None
    assert 0 < screened.screening["rescored"] < screened.screening["offspring"]
    assert screened.screening["exceeded"] == 0
    assert screened.screening["largest_error"] < screened.screening["bound"]
    assert screened.settings["precision"] == "screened"
    assert exact.screening is None
    assert "precision" not in exact.settings


def test_scores_of_float32_are_those_of_plain_torch(start: Start, hidden: Classifier) -> None:
    for precision in PRECISIONS:
        record = finished(start(precision)).record()
        with torch.no_grad():
            logits = hidden.network(torch.from_numpy(record.images).float() / 256)
        np.testing.assert_allclose(record.logits, logits, rtol=1e-4, atol=1e-5, err_msg=precision)
        np.testing.assert_allclose(record.confidences, confidences_of(logits).diagonal(), rtol=1e-4)
        np.testing.assert_allclose(record.log_odds, log_odds_of(logits).diagonal(), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("search", SEARCHES)
def test_all_champions_of_a_run_in_bfloat16_are_recorded_with_float32_scores(
    search: type[Search[Any]], start: Start, hidden: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[torch.Tensor] = []
    run = start("bfloat16", search, extra_batch=True)
    tell = run.search.tell

    def noted(genomes: Any, images: torch.Tensor, logits: torch.Tensor, *, generation: int) -> None:
        seen.extend(images.clone())
        tell(genomes, images, logits, generation=generation)

    monkeypatch.setattr(run.search, "tell", noted)
    record = finished(run).record()
    logits = hidden.logits(torch.stack(seen))  # of all images of the run
    confidences, log_odds = confidences_of(logits).numpy(), log_odds_of(logits).numpy()
    lineage, history = record.lineage, record.history
    assert np.array_equal(lineage.confidence, confidences[lineage.individual, lineage.class_index])
    assert np.array_equal(record.logits, logits.numpy()[record.individuals])
    assert np.array_equal(record.confidences, confidences[record.individuals, range(4)])
    assert np.array_equal(record.log_odds, log_odds[record.individuals, range(4)])
    champions = [0] * 4
    entries = list(zip(lineage.individual, lineage.class_index, lineage.generation, strict=True))
    for row, generation in enumerate(history.generations):
        for individual, cell, entered in entries:
            if entered <= generation:
                champions[cell] = individual
        assert np.array_equal(history.confidences[row], confidences[champions, range(4)])
        assert np.array_equal(history.log_odds[row], log_odds[champions, range(4)])


def test_the_search_itself_follows_bfloat16(start: Start, reduced: Classifier) -> None:
    run = finished(start("bfloat16", generations=4))
    scores = reduced.confidences(run.archive.images)
    assert torch.equal(run.archive.confidences, scores.diagonal())
    assert not np.array_equal(run.archive.confidences.numpy(), run.record().confidences)


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("precision", ["bfloat16", "screened"])
@pytest.mark.parametrize("stop", [1, 2, 9, 21])
def test_interrupted_ends_in_the_same_bytes(
    stop: int, precision: str, search: type[Search[Any]], start: Start, tmp_path: Path
) -> None:
    whole, half, resumed = (start(precision, search) for _ in range(3))
    while half.steps_done < stop:
        half.advance()
    resumed.restore(*half.state(), source="the checkpoint")
    assert content(finished(resumed), tmp_path) == content(finished(whole), tmp_path)


def test_a_resumed_run_measures_no_bound_again(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    half = start("screened")
    half.advance()
    monkeypatch.setattr("fooling.attacks.evolution.run.measured_bound", lambda *_: pytest.fail("measured"))
    resumed = start("screened")
    resumed.restore(*half.state(), source="the checkpoint")
    finished(resumed)


@pytest.mark.parametrize(
    ("precision", "name", "value"),
    [
        ("bfloat16", "scoring/confidences", np.full(4, 2.0, dtype=np.float32)),
        ("bfloat16", "scoring/log_odds", np.full(4, np.nan)),
        ("bfloat16", "scoring/log_odds", np.zeros(3)),
        ("screened", "scoring/bounds", np.array([0.1, -1.0, 0.0])),
        ("screened", "scoring/bounds", np.array([0.1, np.nan, 0.0])),
        ("screened", "scoring/counts", np.array([1, 2], dtype=np.int64)),
        ("screened", "scoring/counts", None),
    ],
)
def test_an_invalid_state_is_refused(precision: str, name: str, value: Any, start: Start) -> None:
    run = start(precision)
    run.advance()
    arrays, header = run.state()
    arrays |= {name: value}
    with pytest.raises(FoolingError, match="the checkpoint"):
        start(precision).restore(
            {key: array for key, array in arrays.items() if array is not None}, header, source="the checkpoint"
        )


def test_an_error_beyond_the_bound_is_noticed_and_the_whole_batch_scored_again(
    hidden: Classifier, reduced: Classifier
) -> None:
    images = torch.randint(0, 256, (64, 1, 6, 6), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    scoring = ScreenedScoring(hidden, reduced=reduced, bound=lambda: 1e-6)
    exact = hidden.logits(images)
    assert torch.equal(scoring.logits(images[:20], None), exact[:20])
    champions = confidences_of(exact).amax(dim=0) * 0.999  # which some images surpass
    assert torch.equal(scoring.logits(images, champions), exact)
    bounds, counts = scoring.state().values()
    largest = bounds[2]
    assert bounds[0] == 1e-6
    assert bounds[1] == 3 * largest > 1e-6
    assert counts[2] > 0
    assert "was exceeded by" in scoring.summary()
    assert counts[1] > counts[0] == 64  # some of them twice


def test_where_no_image_can_win_none_is_scored_in_float32(hidden: Classifier, reduced: Classifier) -> None:
    images = torch.randint(0, 256, (64, 1, 6, 6), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    scoring = ScreenedScoring(hidden, reduced=reduced, bound=lambda: 0.01)
    scoring.logits(images, None)
    assert torch.equal(scoring.logits(images, torch.ones(4)), reduced.logits(images))
    assert scoring.state()["counts"].tolist() == [64, 0, 0]
    assert "0 % of 64 offspring" in scoring.summary()
    assert "times as fast" not in scoring.summary()  # float32 took no time that could be compared


def test_the_images_that_come_closest_fill_the_chunk(hidden: Classifier, reduced: Classifier) -> None:
    images = torch.randint(0, 256, (64, 1, 6, 6), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    scoring = ScreenedScoring(hidden, reduced=reduced, bound=lambda: 0.01)
    scoring.logits(images, None)
    exact, rough = hidden.logits(images), reduced.logits(images)
    champions = torch.ones(4)
    champions[0] = confidences_of(exact)[:, 0].amax() * 0.999
    found = scoring.logits(images, champions)
    rescored = (found == exact).all(dim=1)
    assert scoring.state()["counts"].tolist() == [64, hidden.chunk_size, 0]
    assert rescored.sum() == hidden.chunk_size
    assert torch.equal(found[~rescored], rough[~rescored])
    assert log_odds_of(rough)[rescored, 0].min() > log_odds_of(rough)[~rescored, 0].median()


def test_summaries_say_what_was_done(start: Start, hidden: Classifier) -> None:
    in_bfloat16, screened = (finished(start(precision)) for precision in ("bfloat16", "screened"))
    entries = len(in_bfloat16.record().lineage.individual)
    assert f"searched in bfloat16; {entries:,} champions scored again in float32" in in_bfloat16.summary()
    screened.record()
    assert "of 1,200 offspring scored again in float32" in screened.summary()
    assert "times as fast as scoring all in float32" in screened.summary()
    assert "held" in screened.summary()
    assert Scoring(hidden).summary() == ""


def test_runs_in_one_file_keep_their_screening(start: Start, tmp_path: Path) -> None:
    records = [finished(start("screened", seed=seed, generations=5)).record() for seed in (1, 2)]
    assert records[0].screening != records[1].screening
    save_runs(tmp_path / "runs.safetensors", records)
    assert [header_of(run) for run in load_runs(tmp_path / "runs.safetensors")] == list(map(header_of, records))
    save_run(tmp_path / "run.safetensors", records[0])
    assert load_run(tmp_path / "run.safetensors").screening == records[0].screening
    other = finished(start("float32", generations=5)).record()
    with pytest.raises(ValueError, match="more than their seeds"):
        save_runs(tmp_path / "runs.safetensors", [records[0], other])


def test_screening_needs_real_images(hidden: Classifier) -> None:
    settings = EvolutionSettings.model_validate({"encoding": {"kind": "direct"}, "precision": "screened"})
    with pytest.raises(FoolingError, match="real images"):
        Evolution(settings=settings, classifier=hidden, identity=IDENTITY)


def test_champions_after_a_generation_are_the_last_that_entered(start: Start) -> None:
    record = finished(start("float32", generations=12)).record()
    rows = champions_at(record.lineage, record.history.generations, cells=4)
    assert np.array_equal(record.lineage.confidence[rows], record.history.confidences)


def test_champions_wait_until_they_fill_a_chunk(
    hidden: Classifier, reduced: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    scoring = Bfloat16Scoring(hidden, reduced=reduced)
    batches: list[int] = []
    logits = Classifier.logits
    monkeypatch.setattr(Classifier, "logits", lambda self, images: batches.append(len(images)) or logits(self, images))
    images = torch.randint(0, 256, (40, 1, 6, 6), dtype=torch.uint8)
    for start in range(0, 40, 4):
        scoring.note_champions(images[start : start + 4], [0, 1, 2, 3])
    assert batches == [16, 16]
    confidences = scoring.state()["confidences"]
    assert batches == [16, 16, 8]
    expected = confidences_of(logits(hidden, images))[range(40), [0, 1, 2, 3] * 10]
    assert np.array_equal(confidences, expected.numpy())
