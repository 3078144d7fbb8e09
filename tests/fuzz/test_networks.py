"""Damaged networks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .commands import case, holds
from .conftest import INTERVALS, SEARCH, Study, ascent, detector_tables, guard
from .damage import PLACES, broken_safetensors
from .profile import fuzzed

NAMES = ["network.safetensors", "nätwörk \u4e16.safetensors", f"{'x' * 200}.safetensors"]


def describe(study: Study, network: Path, out: Path) -> tuple[list[object], list[Path]]:
    made = [out / "training.csv", out / "networks.csv", out / "errors.csv"]
    options = zip(("--training", "--networks", "--errors"), made, strict=True)
    words = [word for option in options for word in option]
    return ["describe-classifiers", study.other, network, "--settings", INTERVALS, *words], made


def calibrate(study: Study, network: Path, out: Path) -> tuple[list[object], list[Path]]:
    made = [out / "calibration.csv", out / "real.parquet"]
    words = ["--dataset", study.dataset, "--settings", "{}", "--calibration", made[0], "--images", made[1]]
    return ["calibrate", "--classifier", network, *words], made


def sample(study: Study, network: Path, out: Path) -> tuple[list[object], list[Path]]:
    made = [out / "start.parquet"]
    settings = json.dumps({"encoding": {"kind": "cppn"}, "sample_images": 4, "scoring_input": "mean-subtracted"})
    words = ["--experiment", "cppn", "--settings", settings, "--output", made[0]]
    return ["sample", "--classifier", network, *words], made


def sample_families(study: Study, network: Path, out: Path) -> tuple[list[object], list[Path]]:
    made = [out / "families.parquet", out / "family_images.parquet"]
    words = ["--settings", '{"family_images": 4}', "--output", made[0], "--images", made[1]]
    return ["sample-families", "--classifier", network, *words], made


def evolve(study: Study, network: Path, out: Path) -> tuple[list[object], list[Path]]:
    made = [out / "run.safetensors"]
    settings = json.dumps({"encoding": {"kind": "direct"}, "search": SEARCH})
    words = ["--settings", settings, "--seed", 1, "--output", made[0], "--checkpoints", out / "checkpoints"]
    return ["attack", "evolution", "--classifier", network, *words], made


def ascend(study: Study, network: Path, out: Path) -> tuple[list[object], list[Path]]:
    made = [out / "ascent.safetensors"]
    return ["attack", "ascent", *ascent(study, made[0], classifier=network)], made


def guard_network(study: Study, network: Path, out: Path) -> tuple[list[object], list[Path]]:
    made = [out / "hard.safetensors", out / "smooth.safetensors"]
    return ["guard-classifier", *guard(study, out, classifier=network)], made


READERS = [guard_network, describe, calibrate, sample, sample_families, evolve, ascend]


@given(data=st.data())
@fuzzed
def test_a_damaged_network_is_read_or_named(study: Study, data: st.DataObject) -> None:
    write = data.draw(broken_safetensors(study.network))
    reader: Callable[..., tuple[list[object], list[Path]]] = data.draw(st.sampled_from(READERS))
    with case() as folder:
        network = folder / data.draw(st.sampled_from(NAMES))
        write(network)
        arguments, made = reader(study, network, folder / "out")
        holds(folder, *arguments, outputs=made, named=[network, "the network ", "the architecture "])


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("reader", READERS)
def test_what_is_no_network_is_named(study: Study, tmp_path: Path, place: str, reader: Callable) -> None:
    network = tmp_path / "network.safetensors"
    PLACES[place](network, study.network)
    arguments, made = reader(study, network, tmp_path / "out")
    outcome = holds(tmp_path, *arguments, outputs=made, named=[network])
    assert outcome.succeeded == (place == "a link to the real file")


@given(data=st.data())
@fuzzed
def test_a_damaged_guarded_classifier_is_read_or_named(study: Study, data: st.DataObject) -> None:
    write = data.draw(broken_safetensors(study.guarded))
    with case() as folder:
        guarded = folder / "guarded.safetensors"
        write(guarded)
        arguments, made = detector_tables(study, out=folder / "out", guarded=guarded)
        named = [guarded, "the network ", "the architecture ", "is not the classifier", "unknown detector"]
        holds(folder, *arguments, outputs=made, named=named)
