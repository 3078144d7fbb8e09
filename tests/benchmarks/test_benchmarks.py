"""The benchmark runs and says what it measured and what it could not; how fast anything was is not tested."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import default_study
from benchmarks.figures import FIGURES, Figure
from benchmarks.interleaving import Contestant, interleaved
from benchmarks.material import Material, prepared
from benchmarks.shares import PARTS, as_markdown, shares
from benchmarks.suite import CONTESTANTS, entered

ROOT = Path(__file__).parents[2]

GOALS = {
    "loop_direct": ("at least", 0.85),
    "loop_cppn": ("at least", 0.85),
    "scoring": ("at least", 2),
    "render_rate": ("at least", 150_000),
    "render_vs_neat_python": ("at least", 200),
    "render_vs_numpy": ("at least", 10),
    "vs_pyribs": ("above", 1),
    "vs_qdax": ("above", 1),
    "render_256": ("at least", 8),
    "bf16_lenet": ("at least", 1.5),
    "bf16_alexnet": ("at least", 2.5),
    "bf16_squeezenet": ("at least", 1.8),
    "screened_cppn": ("above", 1),
    "gpu_loop_one_crop": ("at least", 0.8),
    "gpu_loop_ten_crops": ("at least", 0.9),
    "default_study_cpu_s": ("at most", 800),
}

#: Beginnings of the keys for which a GPU, a kind of processor or a finished study is needed.
NOT_EVERYWHERE = ("gpu_", "bf16_", "screened_", default_study.KEY)


@pytest.fixture(scope="module")
def material() -> Material:
    return prepared(iterations=40, generations=3, genomes=12)


@pytest.mark.slow
def test_quick_benchmark_reports_every_figure(tmp_path: Path) -> None:
    output = tmp_path / "latest.json"
    command = [sys.executable, "-m", "benchmarks", "--quick", "--output", str(output)]
    told = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    results = json.loads(output.read_text())
    assert results.keys() == {"machine", *GOALS}
    assert results["machine"]["threads"] == 1
    assert {"processor", "cores", "load", "packages"} <= results["machine"].keys()
    for key, goal in GOALS.items():
        figure = results[key]
        assert (figure["goal_is"], figure["goal"]) == goal
        assert key in told
        if figure["value"] is None:
            assert figure["met"] is None
            assert "not installed" in figure["not_measured"] or key.startswith(NOT_EVERYWHERE)
            assert figure["not_measured"] in told
        elif key != default_study.KEY:
            assert figure["value"] > 0
            assert figure["met"] == (figure["value"] >= figure["goal"])
            assert len(figure["rates"]) == (1 if key == "render_rate" else 2)
            assert all(rate["median"] > 0 for rate in figure["rates"].values())


def test_contestants_take_turns() -> None:
    turns: list[str] = []
    contestants = {key: Contestant(what=key, work=lambda key=key: turns.append(key), images=1, calls=2) for key in "ab"}
    rounds: list[int] = []
    seconds = interleaved(contestants, rounds=2, warm_up=1, after_round=lambda: rounds.append(len(turns)))
    assert "".join(turns) == "aabb" * 3
    assert rounds == [4, 8, 12]
    assert {key: len(times) for key, times in seconds.items()} == {"a": 2, "b": 2}


def test_figure_is_the_median_of_the_ratios_within_rounds() -> None:
    figure = Figure(
        key="f", what="", ours="fast", theirs="slow", goal=3.0, goal_itself_suffices=False, images_per_unit=10
    )
    contestants = {key: Contestant(what=f"the {key} one", work=int, images=1, calls=1) for key in ("fast", "slow")}
    seconds = {"fast": np.array([1.0, 2.0, 10.0]), "slow": np.array([4.0, 6.0, 20.0])}
    measured = figure.measured(contestants, seconds)
    assert measured["value"] == 3.0
    assert measured["quartiles"] == [2.5, 3.5]
    assert measured["met"] is False
    assert measured["rates"]["the fast one"]["median"] == pytest.approx(1 / 20)
    assert measured["rates"]["the slow one"]["median"] == pytest.approx(1 / 60)


def test_figures_name_contestants() -> None:
    assert {figure.key for figure in FIGURES} | {default_study.KEY} == GOALS.keys()
    assert {key for figure in FIGURES for key in figure.contestants} == {
        "_".join([module, *kind.values()]) for module, kind in CONTESTANTS
    }


def test_missing_peer_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch, material: Material) -> None:
    monkeypatch.setattr("benchmarks.suite.CONTESTANTS", (("scoring", {}), ("rendering_neat_python", {})))
    monkeypatch.delitem(sys.modules, "benchmarks.contestants.rendering_neat_python", raising=False)
    monkeypatch.setitem(sys.modules, "neat.nn", None)
    contestants, absent = entered(material)
    assert contestants.keys() == {"scoring"}
    assert absent.keys() == {"rendering_neat_python"}
    assert "neat.nn is not installed" in absent["rendering_neat_python"]
    assert "[bench]" in absent["rendering_neat_python"]


def test_without_a_gpu_its_contestants_say_so(monkeypatch: pytest.MonkeyPatch, material: Material) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("benchmarks.suite.CONTESTANTS", (("gpu_evolution", {"views": "ten"}),))
    assert entered(material) == ({}, {"gpu_evolution_ten": "there is no GPU here"})


NETWORKS = [{"network": network, "precision": "bfloat16"} for network in ("lenet", "alexnet", "squeezenet")]


@pytest.mark.parametrize(
    ("module", "kind"), [*(("network", kind) for kind in NETWORKS), ("evolution_precision", {"precision": "screened"})]
)
def test_without_bfloat16_units_its_contestants_say_so(
    module: str, kind: dict[str, str], monkeypatch: pytest.MonkeyPatch, material: Material
) -> None:
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: {})
    monkeypatch.setattr("benchmarks.suite.CONTESTANTS", ((module, kind),))
    key = "_".join([module, *kind.values()])
    assert entered(material) == ({}, {key: "this processor has neither AVX512-BF16 nor AMX"})


@pytest.mark.parametrize("network", ["lenet", pytest.param("squeezenet", marks=pytest.mark.slow)])
def test_contestants_compute_in_both_number_formats(
    network: str, monkeypatch: pytest.MonkeyPatch, material: Material
) -> None:
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: {"amx_bf16": True})
    contestant = import_module("benchmarks.contestants.network").contestant
    exact, reduced = (
        contestant(dataclasses.replace(material, genomes=2), network=network, precision=precision)
        for precision in ("float32", "bfloat16")
    )
    assert exact.images == reduced.images
    first, second = exact.work(), reduced.work()
    assert not torch.equal(first, second)
    torch.testing.assert_close(first, second, rtol=0.1, atol=0.5)


@pytest.mark.slow
def test_generations_of_every_precision_are_timed(monkeypatch: pytest.MonkeyPatch, material: Material) -> None:
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: {"amx_bf16": True})
    contestant = import_module("benchmarks.contestants.evolution_precision").contestant
    for precision in ("float32", "screened"):
        made = contestant(dataclasses.replace(material, generations=1), precision=precision)
        made.work()
        assert made.images == 200


@pytest.mark.parametrize("views", ["centre", pytest.param("ten", marks=pytest.mark.slow)])
def test_contestants_of_the_gpu_compute_on_a_cpu_too(
    monkeypatch: pytest.MonkeyPatch, material: Material, views: str
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.synchronize", lambda: None)
    for module in ("gpu_evolution", "gpu_scoring"):
        contestant = import_module(f"benchmarks.contestants.{module}")
        monkeypatch.setattr(contestant, "OFFSPRING", 2)
        monkeypatch.setattr(contestant, "require_gpu", lambda: torch.device("cpu"))
        made = contestant.contestant(dataclasses.replace(material, generations=1), views=views)
        made.work()
        assert made.images == 2


def test_what_a_gpu_does_is_timed_until_it_is_done() -> None:
    done: list[str] = []
    contestant = Contestant(
        what="", work=lambda: done.append("work"), images=1, calls=2, wait=lambda: done.append("wait")
    )
    seconds = interleaved({"gpu": contestant}, rounds=1, warm_up=0, after_round=lambda: None)
    assert done == ["wait", "work", "work", "wait"]
    assert seconds["gpu"][0] > 0


def test_a_figure_of_one_contestant_is_its_median_rate() -> None:
    figure = Figure(key="f", what="", ours="ours", theirs=None, goal=4.0)
    contestants = {"ours": Contestant(what="ours", work=int, images=1, calls=1)}
    measured = figure.measured(contestants, {"ours": np.array([0.1, 0.2, 0.5])})
    assert (measured["value"], measured["unit"], measured["met"]) == (5.0, "images per second", True)
    assert list(measured["rates"]) == ["ours"]


def test_shares_of_a_generation_cover_every_search(material: Material) -> None:
    found = shares(material, rounds=3, warm_up=1)
    assert found.keys() == {"map-elites", "random-search", "drift"}
    for parts in found.values():
        assert list(parts) == list(PARTS)
        assert all(microseconds > 0 for microseconds in parts.values())
    table = as_markdown(found)
    assert table.count("\n") == 4
    assert all(part in table for part in PARTS)


def test_a_whole_run_is_projected() -> None:
    figure = Figure(key="f", what="", ours="ours", theirs="theirs", goal=0.8, projected_images=600)
    contestants = {key: Contestant(what=key, work=int, images=1, calls=1) for key in ("ours", "theirs")}
    seconds = {"ours": np.array([0.1, 0.2, 0.3]), "theirs": np.array([0.1, 0.1, 0.1])}
    assert figure.measured(contestants, seconds)["projected_minutes"] == pytest.approx(2.0)


@pytest.mark.parametrize("name", ["numpy", "neat_python"])
def test_renderers_paint_the_same_images(name: str, material: Material) -> None:
    import_module(f"benchmarks.contestants.rendering_{name}").contestant(material)  # compares them itself


@pytest.mark.parametrize(("library", "name"), [("ribs", "pyribs"), ("qdax", "qdax")])
def test_peers_evolve(library: str, name: str, material: Material) -> None:
    pytest.importorskip(library)
    peer = import_module(f"benchmarks.contestants.evolution_{name}")
    evolution = getattr(peer, f"{name.capitalize()}Evolution")(material.classifier, seed=1)
    start = evolution.champion_images()
    before = material.classifier.confidences(start).diagonal()
    for _ in range(15):
        evolution.advance()
    after = material.classifier.confidences(evolution.champion_images()).diagonal()
    assert start.dtype == torch.uint8
    assert bool((after >= before - 1e-6).all())
    assert float(after.median()) > float(before.median())
