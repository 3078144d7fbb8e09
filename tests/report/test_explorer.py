"""The data of the explorer: they are those of the run files, and what is not stored is not made up."""

from __future__ import annotations

import dataclasses
import datetime
import json
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from checkout import ROOT
from fooling.artifacts import read_table
from fooling.attacks.attack import identity_of
from fooling.attacks.evolution.record import RunRecord
from fooling.attacks.evolution.replay import Replay, replayed
from fooling.attacks.evolution.run import Evolution
from fooling.attacks.settings import EvolutionSettings, SearchSettings
from fooling.classifiers.wrapped import wrapped
from fooling.encodings.settings import DirectSettings
from fooling.findings.runs import CURVES
from fooling.images import pixels_of_png
from fooling.messages import FoolingError
from fooling.report.explorer import (
    COLUMNS,
    Explored,
    RecordedExperiment,
    RecordedStudy,
    explored_run,
    explorer,
    stored_images,
)
from made_up_run import made_up_run

GENERATIONS = 12
REPLAYED = [0, 2, 5, GENERATIONS]


def attack(*, side: int = 6, search: str = "map-elites") -> Evolution:
    """Evolution against a random linear network with four classes."""
    torch.manual_seed(3)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(side * side, 4))
    classifier = wrapped(network, name="linear", input_shape=(1, side, side), class_names=("a", "b", "c", "</script>"))
    searched = SearchSettings(start=20, offspring=20, generations=GENERATIONS)
    return Evolution(
        settings=EvolutionSettings(encoding=DirectSettings(), search=searched),
        classifier=classifier,
        identity=identity_of(classifier, name="linear"),
        **({} if search == "map-elites" else {"search": search}),
    )


def finished(seed: int = 1, **given: Any) -> RunRecord:
    run = attack(**given).run(seed=seed)
    while run.steps_done < run.steps:
        run.advance()
    record: RunRecord = run.record()
    return record


def replay_of(record: RunRecord, seed: int = 1) -> Replay:
    run = attack().run(seed=seed)

    def champions() -> tuple[Any, Any]:
        return run.archive.confidences.numpy().copy(), run.archive.images.numpy().copy()

    return replayed(record, run.advance, champions, generations=REPLAYED)


@pytest.fixture(scope="module")
def record() -> RunRecord:
    return finished()


@pytest.fixture(scope="module")
def replay(record: RunRecord) -> Replay:
    found = replay_of(record)
    assert found.is_same
    return found


def champion(entries: list[list[Any]], cell: int, generation: int) -> list[Any]:
    """The champion as the page finds it: the last entry into the cell so far."""
    return [entry for entry in entries if entry[0] == cell and entry[1] <= generation][-1]


def image_in(found: Explored, number: int) -> np.ndarray:
    """The image that the page cuts out of the picture."""
    height, width = found.facts["size"]
    top, left = number // COLUMNS * height, number % COLUMNS * width
    return pixels_of_png(found.picture)[:, top : top + height, left : left + width]


def test_the_champions_of_every_generation_are_those_of_the_run(record: RunRecord) -> None:
    entries = json.loads(explored_run(record, experiment="direct").entries)["entries"]
    assert len(entries) == len(record.lineage.individual)
    for row, generation in enumerate(record.history.generations.tolist()):
        for cell in range(4):
            assert np.float32(champion(entries, cell, generation)[3]) == record.history.confidences[row, cell]
    for cell in range(4):
        _, generation, individual, _, *parents = champion(entries, cell, GENERATIONS)
        assert (generation, individual) == (record.generations[cell], record.individuals[cell])
        assert parents == [parent for parent in record.parents[cell].tolist() if parent >= 0]


def test_every_parent_of_evolution_is_an_entry(record: RunRecord) -> None:
    entries = json.loads(explored_run(record, experiment="direct").entries)["entries"]
    known = {entry[2] for entry in entries}
    assert all(parent in known for entry in entries for parent in entry[4:])


def test_images_are_those_of_the_start_the_end_and_the_replay(record: RunRecord, replay: Replay) -> None:
    found = explored_run(record, experiment="direct", replay=replay)
    data = json.loads(found.entries)
    assert found.facts["replayed"] == REPLAYED
    assert found.facts["images"] == len(data["images"])
    for row, generation in enumerate(REPLAYED):
        for cell in range(4):
            number = data["images"][str(champion(data["entries"], cell, generation)[2])]
            assert np.array_equal(image_in(found, number), replay.images[row, cell])


def test_without_a_replay_only_the_start_and_the_end_have_images(record: RunRecord) -> None:
    found = explored_run(record, experiment="direct")
    data = json.loads(found.entries)
    for generation, images in ((0, record.start_images), (GENERATIONS, record.images)):
        for cell in range(4):
            number = data["images"][str(champion(data["entries"], cell, generation)[2])]
            assert np.array_equal(image_in(found, number), images[cell])
    kept = {champion(data["entries"], cell, generation)[2] for generation in (0, GENERATIONS) for cell in range(4)}
    assert {int(individual) for individual in data["images"]} == kept
    assert len({entry[2] for entry in data["entries"]} - kept) > 10


def test_a_replay_with_other_champions_adds_no_image(record: RunRecord, replay: Replay) -> None:
    other = dataclasses.replace(replay, is_same=False)
    assert stored_images(record, other).keys() == stored_images(record, None).keys()
    assert explored_run(record, experiment="direct", replay=other).facts["replayed"] == []


def test_large_images_are_reduced() -> None:
    found = explored_run(finished(side=100), experiment="direct")
    assert found.facts["size"] == (64, 64)
    assert pixels_of_png(found.picture).shape == (1, 64, 640)


def test_of_many_classes_ten_are_shown_with_all_their_ancestors() -> None:
    many = made_up_run(np.linspace(0.1, 0.9, 40).reshape(1, 40).repeat(3, axis=0), start=True)
    found = explored_run(many, experiment="direct")
    assert (len(found.facts["classes"]), found.facts["of"]) == (10, 40)
    # A child of an image that was a champion of a class that is not shown.
    hidden = next(cell for cell in range(40) if cell not in found.facts["classes"])
    shown = next(iter(found.facts["classes"]))
    parent = int(many.lineage.individual[hidden])
    lineage = dataclasses.replace(
        many.lineage,
        individual=np.append(many.lineage.individual, 500),
        class_index=np.append(many.lineage.class_index, shown),
        generation=np.append(many.lineage.generation, 1),
        parents=np.append(many.lineage.parents, [[parent, -1]], axis=0),
        confidence=np.append(many.lineage.confidence, np.float32(0.5)),
    )
    entries = json.loads(explored_run(dataclasses.replace(many, lineage=lineage), experiment="x").entries)["entries"]
    assert {entry[0] for entry in entries} == {*found.facts["classes"], hidden}


def test_a_run_without_a_lineage_is_refused() -> None:
    with pytest.raises(FoolingError, match="incomplete\n  found: no champion of class 0 in generation 0"):
        explored_run(made_up_run(np.full((2, 3), 0.5)), experiment="direct")


def listed_in(page: bytes) -> dict[str, Any]:
    """The list of runs in the page."""
    found = re.search(rb'<script type="application/json" id="listed">(.*?)</script>', page, flags=re.DOTALL)
    assert found is not None
    listed: dict[str, Any] = json.loads(found[1])
    return listed


def test_the_page_lists_every_run_with_its_files(record: RunRecord) -> None:
    runs = [explored_run(finished(seed), experiment="direct") for seed in (2, 1)]
    files = explorer({"made": runs}, threshold=0.9999, home="../index.html")
    (study,) = listed_in(files["index.html"])["studies"]
    assert [run["seed"] for run in study["runs"]] == [1, 2]
    assert study["left_out"] == 0
    assert study["runs"][0]["classes"]["3"] == "</script>"
    for run in study["runs"]:
        key, data = re.fullmatch(rb"explorer\((.*?), (\{.*\})\);\n", files[f"{run['key']}.js"]).groups()  # type: ignore[union-attr]
        assert (json.loads(key), json.loads(data)["entries"][0][1]) == (run["key"], 0)
        assert files[f"{run['key']}.png"].startswith(b"\x89PNG")
    assert b'href="../index.html"' in files["index.html"]


def test_what_does_not_fit_is_left_out_and_counted() -> None:
    runs = [explored_run(finished(seed), experiment="direct") for seed in (1, 2, 3)]
    whole = sum(map(len, explorer({"made": runs}, threshold=0.9999).values()))
    files = explorer({"made": runs}, threshold=0.9999, most=whole - 1)
    (study,) = listed_in(files["index.html"])["studies"]
    assert ([run["seed"] for run in study["runs"]], study["left_out"]) == ([1, 2], 1)
    assert sum(map(len, files.values())) < whole
    with pytest.raises(FoolingError, match="too large"):
        explorer({"made": runs}, threshold=0.9999, most=1000)


def test_evolution_comes_before_its_controls(record: RunRecord) -> None:
    runs = [
        explored_run(dataclasses.replace(record, search=search), experiment="direct")
        for search in ("drift", "random-search", "map-elites")
    ]
    (study,) = listed_in(explorer({"made": runs}, threshold=0.9999)["index.html"])["studies"]
    assert [run["search"] for run in study["runs"]] == ["evolution", "random search", "drift (unselected)"]


def test_a_recorded_study_has_its_numbers_date_and_version() -> None:
    curves = read_table(ROOT / "docs/results/mnist/curves/cppn.csv", CURVES)
    family = pd.DataFrame([{"measure": "steps", "value": 4.0, "low": np.nan, "high": np.nan, "chance": 2.0}])
    one = RecordedExperiment(
        experiment="cppn", encoding="cppn", classifiers=("lenet-1",), seeds=(1, 2), curves=curves, family=family
    )
    recorded = RecordedStudy(name="mnist", version="0.1.0", recorded=datetime.date(2026, 11, 29), experiments=(one,))
    (study,) = listed_in(explorer({}, [recorded], threshold=0.9999)["index.html"])["studies"]
    assert (study["recorded"], study["version"]) == ("2026-11-29", "0.1.0")
    (shown,) = study["experiments"]
    assert shown["curves"]["evolution"] == curves["evolution"].tolist()
    assert shown["family"] == [{"measure": "steps", "value": 4.0, "low": None, "high": None, "chance": 2.0}]


def test_an_explorer_without_runs_is_refused() -> None:
    with pytest.raises(FoolingError, match="the explorer has no content"):
        explorer({"empty": []}, threshold=0.9999)
