"""Damaged runs of evolution, and damaged gradient ascents."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .commands import case, holds
from .conftest import (
    INTERVALS,
    Study,
    ablate,
    adversarial_tables,
    boundary,
    label_only_tables,
    report,
    retraining_tables,
    stress,
    transfer_tables,
    universal_tables,
)
from .damage import PLACES, broken_safetensors
from .profile import fuzzed

Reader = Callable[[Study, Path, Path], tuple[list[object], list[Path]]]


def tabulate(study: Study, run: Path, out: Path) -> tuple[list[object], list[Path]]:
    made = [out / "champions.parquet", out / "history.parquet", out / "times.parquet"]
    options = ["--champions", made[0], "--history", made[1], "--times", made[2]]
    return ["tabulate", *study.runs[1:], run, "--experiment", "direct", "--settings", "{}", *options], made


def examine(study: Study, run: Path, out: Path) -> tuple[list[object], list[Path]]:
    made = [out / "examined.parquet"]
    tables = ["--calibration", study.calibration, "--images", study.real, "--dataset", study.dataset]
    words = [*tables, "--settings", '{"real_images": 3}', "--output", made[0]]
    return ["examine", *study.runs[1:], run, "--experiment", "direct", *words], made


def measure_distances(study: Study, run: Path, out: Path) -> tuple[list[object], list[Path]]:
    made = [out / "distances.parquet"]
    tables = ["--calibration", study.calibration, "--images", study.real, "--dataset", study.dataset]
    words = [*tables, "--settings", '{"distance_images": 3}', "--output", made[0]]
    return ["measure-distances", "--classifier", study.network, "--runs", f"direct={run}", *words], made


def trace_lineage(study: Study, run: Path, out: Path) -> tuple[list[object], list[Path]]:
    made = [out / "ancestry.parquet", out / "lineage.csv"]
    words = ["--experiment", "direct", "--settings", INTERVALS, "--ancestry", made[0], "--lineage", made[1]]
    return ["trace-lineage", run, *words], made


def ablated(study: Study, run: Path, out: Path) -> tuple[list[object], list[Path]]:
    made = [out / "ablation.parquet"]
    return ["ablate", *ablate(study, run, output=made[0])], made


def stressed(study: Study, run: Path, out: Path) -> tuple[list[object], list[Path]]:
    return ["stress", *stress(study, run, out=out)], [out / "robustness.csv", out / "supernormal.parquet"]


def measured(study: Study, run: Path, out: Path) -> tuple[list[object], list[Path]]:
    made = [out / "boundary.parquet"]
    return ["probe-boundary", *boundary(study, run, output=made[0])], made


def shown(study: Study, run: Path, out: Path) -> tuple[list[object], list[Path]]:
    made = [out / "kinds.parquet"]
    return ["compare-kinds", study.network, "--runs", f"direct={run}", "--output", made[0]], made


def compared(study: Study, run: Path, out: Path) -> tuple[list[object], list[Path]]:
    made = [out / "fooled.csv", out / "fooled_summary.csv"]
    words = ["--real", study.real, "--output", made[0], "--summary", made[1]]
    return ["compare-models", study.network, "--runs", f"direct={run}", *words], made


def drawn(figure: str, *more: str) -> Reader:
    def draw(study: Study, run: Path, out: Path) -> tuple[list[object], list[Path]]:
        made = [out / "figure.png", out / "figure.pdf"]
        inputs = [word.format(study=study) for word in more]
        return ["draw", figure, "--runs", run, *inputs, "--png", made[0], "--pdf", made[1]], made

    return draw


def reported(study: Study, run: Path, out: Path) -> tuple[list[object], list[Path]]:
    made = [out / "index.html"]
    return ["report", *report(study, {"run": run}, output=made[0])], made


READERS: list[Reader] = [
    tabulate,
    examine,
    measure_distances,
    trace_lineage,
    drawn("family_tree"),
    drawn("same_label", "--tables", "real={study.real}", "--dataset", "{study.dataset}"),
    drawn("resembling", "--tables", "examined={study.examined}", "--dataset", "{study.dataset}"),
    drawn("gallery", "--tables", "examined={study.examined}"),
    drawn("further_runs", "--tables", "examined={study.examined}"),
    drawn("real_and_evolved", "--tables", "real={study.real}", "--dataset", "{study.dataset}"),
    ablated,
    stressed,
    measured,
    shown,
    compared,
    reported,
]


@given(data=st.data())
@fuzzed
def test_a_damaged_run_is_read_or_named(study: Study, data: st.DataObject) -> None:
    write = data.draw(broken_safetensors(study.run("direct")))
    reader = data.draw(st.sampled_from(READERS))
    with case() as folder:
        run = folder / "seed1.safetensors"
        write(run)
        arguments, made = reader(study, run, folder / "out")
        holds(folder, *arguments, outputs=made, named=[run, "runs are of several", "the lineage of the run"])


@pytest.mark.parametrize("place", PLACES)
def test_what_is_no_run_is_named(study: Study, tmp_path: Path, place: str) -> None:
    run = tmp_path / "seed1.safetensors"
    PLACES[place](run, study.run("direct"))
    arguments, made = tabulate(study, run, tmp_path / "out")
    outcome = holds(tmp_path, *arguments, outputs=made, named=[run])
    assert outcome.succeeded == (place == "a link to the real file")


def collect(study: Study, batch: Path, out: Path) -> tuple[list[object], list[Path]]:
    made = [out / "images.safetensors"]
    supply = '{"training_runs": 1, "test_runs": 1}'
    return ["collect-champions", batch, "--settings", supply, "--output", made[0]], made


READERS_OF_SEVERAL: list[Reader] = [
    collect,
    lambda study, batch, out: retraining_tables(study, {"retrained_batch": batch}, out=out),
    lambda study, batch, out: transfer_tables(study, {"retrained_batch": batch}, out=out),
]


@given(data=st.data())
@fuzzed
def test_a_damaged_file_of_several_runs_is_read_or_named(study: Study, data: st.DataObject) -> None:
    write = data.draw(broken_safetensors(study.retrained_batch))
    reader = data.draw(st.sampled_from(READERS_OF_SEVERAL))
    with case() as folder:
        batch = folder / "runs.safetensors"
        write(batch)
        arguments, made = reader(study, batch, folder / "out")
        holds(folder, *arguments, outputs=made, named=[batch, "too few runs", "not evolved on these", "given twice"])


@given(data=st.data())
@fuzzed
def test_damaged_adversarial_examples_are_read_or_named(study: Study, data: st.DataObject) -> None:
    write = data.draw(broken_safetensors(study.changed))
    tabulates = data.draw(st.booleans())
    with case() as folder:
        changed = folder / "changed.safetensors"
        write(changed)
        made = [folder / name for name in ("figure.png", "figure.pdf")]
        outputs = ["--png", made[0], "--pdf", made[1]]
        arguments: list[object] = ["draw", "adversarial_gallery", "--examples", changed, *outputs]
        if tabulates:
            arguments, made = adversarial_tables(study, changed, out=folder / "out")
        holds(folder, *arguments, outputs=made, named=[changed])


@given(data=st.data())
@fuzzed
def test_damaged_universal_perturbations_are_read_or_named(study: Study, data: st.DataObject) -> None:
    write = data.draw(broken_safetensors(study.universals))
    tabulates = data.draw(st.booleans())
    with case() as folder:
        changed = folder / "changed.safetensors"
        write(changed)
        made = [folder / name for name in ("figure.png", "figure.pdf")]
        outputs = ["--png", made[0], "--pdf", made[1]]
        arguments: list[object] = ["draw", "universal_gallery", "--examples", changed, *outputs]
        if tabulates:
            arguments, made = universal_tables(study, changed, out=folder / "out")
        holds(folder, *arguments, outputs=made, named=[changed, "the data set of one", "one on lenet"])


@given(data=st.data())
@fuzzed
def test_a_damaged_attack_with_labels_alone_is_read_or_named(study: Study, data: st.DataObject) -> None:
    write = data.draw(broken_safetensors(study.labelled))
    with case() as folder:
        labelled = folder / "labelled.safetensors"
        write(labelled)
        arguments, made = label_only_tables(study, labelled, out=folder / "out")
        holds(folder, *arguments, outputs=made, named=[labelled, "an attacked classifier is missing"])


@given(data=st.data())
@fuzzed
def test_a_damaged_gradient_ascent_is_read_or_named(study: Study, data: st.DataObject) -> None:
    write = data.draw(broken_safetensors(study.climb))
    tabulates = data.draw(st.booleans())
    with case() as folder:
        climb = folder / "climb.safetensors"
        write(climb)
        made = [folder / name for name in ("figure.png", "figure.pdf")]
        arguments: list[object] = ["draw", "ascent_gallery", "--ascents", climb, "--png", made[0], "--pdf", made[1]]
        if tabulates:
            made = [folder / name for name in ("images.parquet", "times.parquet", "curves.parquet", "evaluations.csv")]
            outputs = zip(("--images", "--ascent-times", "--curves", "--evaluations"), made, strict=True)
            words = ["--history", study.history, "--times", study.times, "--settings", INTERVALS]
            arguments = ["tabulate-ascent", climb, *words, *(word for pair in outputs for word in pair)]
        holds(folder, *arguments, outputs=made, named=[climb])
