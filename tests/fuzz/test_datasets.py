"""Damaged data set files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .commands import case, holds
from .conftest import Study, training
from .damage import PLACES, broken_safetensors
from .profile import fuzzed

Reader = Callable[[Study, Path, Path], tuple[list[object], list[Path]]]


def train(study: Study, dataset: Path, out: Path) -> tuple[list[object], list[Path]]:
    made = [out / "lenet.safetensors"]
    return ["train", *training(study, made[0], dataset=dataset)], made


def calibrate(study: Study, dataset: Path, out: Path) -> tuple[list[object], list[Path]]:
    made = [out / "calibration.csv", out / "real.parquet"]
    words = ["--dataset", dataset, "--settings", "{}", "--calibration", made[0], "--images", made[1]]
    return ["calibrate", "--classifier", study.network, *words], made


def examine(study: Study, dataset: Path, out: Path) -> tuple[list[object], list[Path]]:
    made = [out / "examined.parquet"]
    tables = ["--calibration", study.calibration, "--images", study.real, "--dataset", dataset]
    words = [*tables, "--settings", '{"real_images": 3}', "--output", made[0]]
    return ["examine", *study.runs, "--experiment", "direct", *words], made


def draw(study: Study, dataset: Path, out: Path) -> tuple[list[object], list[Path]]:
    made = [out / "figure.png", out / "figure.pdf"]
    words = ["--tables", f"real={study.real}", "--runs", study.run("direct"), "--dataset", dataset]
    return ["draw", "real_and_evolved", *words, "--png", made[0], "--pdf", made[1]], made


READERS: list[Reader] = [train, calibrate, examine, draw]


@given(data=st.data())
@fuzzed
def test_a_damaged_data_set_is_used_or_named(study: Study, data: st.DataObject) -> None:
    write = data.draw(broken_safetensors(study.dataset))
    reader = data.draw(st.sampled_from(READERS))
    with case() as folder:
        dataset = folder / "stripes.safetensors"
        write(dataset)
        arguments, made = reader(study, dataset, folder / "out")
        named = [dataset, "images have another type or shape", "too small for LeNet"]
        holds(folder, *arguments, outputs=made, named=named)


@pytest.mark.parametrize("place", PLACES)
def test_what_is_no_data_set_is_named(study: Study, tmp_path: Path, place: str) -> None:
    dataset = tmp_path / "stripes.safetensors"
    PLACES[place](dataset, study.dataset)
    arguments, made = train(study, dataset, tmp_path / "out")
    outcome = holds(tmp_path, *arguments, outputs=made, named=[dataset])
    assert outcome.succeeded == (place == "a link to the real file")


@pytest.mark.parametrize("sizes", [{"batch_size": 10**9}, {"iterations": 10**12}])
def test_a_training_beyond_all_bounds_is_refused(study: Study, tmp_path: Path, sizes: dict[str, int]) -> None:
    words = ["--dataset", study.dataset, "--name", "a", "--output", tmp_path / "a", "--checkpoints", tmp_path / "c"]
    settings = json.dumps({"training": sizes})
    holds(tmp_path, "train", *words, "--settings", settings, outputs=[tmp_path / "a"], named=sizes)
