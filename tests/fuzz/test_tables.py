"""Damaged tables, CSV and Parquet."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .commands import case, holds
from .conftest import CLASS_SETS, INTERVALS, Study, claims, figure, report
from .damage import PLACES, broken_table
from .profile import fuzzed

#: Every table with the figures, or other commands, that read it.
READERS = {
    "champions": [
        *("variance", "compare-class-sets", "report", "run-info", "summarise"),
        *("search_comparison", "classes_over_evaluations"),
    ],
    "history": [
        "claims",
        "tabulate-ascent",
        "compare-networks",
        "summarise",
        "confidence_over_evaluations",
        "classes_over_evaluations",
        "random_images",
    ],
    "times": ["compare", "claims", "tabulate-ascent"],
    "ablation": ["summarise-ablation", "claims", "ablation"],
    "ascent": ["claims"],
    "ascent_times": ["claims"],
    "ascent_curves": ["ascent_over_evaluations"],
    "calibration": ["examine", "measure-distances", "calibration"],
    "real": ["examine", "measure-distances", "calibration"],
    "distances": ["claims", "distances"],
    "examined": ["claims", "report", "compare-networks", "calibration"],
    "start": ["claims", "random_images"],
    "ancestry": ["claims"],
    "training": ["training_curves"],
    "classifiers": ["claims", "run-info", "summarise", "training_curves"],
    "variance": ["variance_components"],
    "foolability": ["foolability"],
    "class_sets": ["class_sets"],
    "set_classes": ["class_sets"],
    "survival": ["preset_comparison"],
    "presets": ["preset_comparison"],
    "shown": ["transfer_gallery"],
    "transfer": ["claims", "transfer", "retraining_transfer"],
    "retrained": ["claims"],
    "retraining": ["claims", "retraining_curve", "retraining_gallery"],
    "effects": ["retraining_curve"],
    "claims": ["report", "summarise"],
}
FIGURES = {
    "search_comparison": ("champions",),
    "classes_over_evaluations": ("history", "champions"),
    "confidence_over_evaluations": ("history",),
    "random_images": ("start", "history"),
    "ascent_over_evaluations": ("ascent_curves",),
    "calibration": ("real", "calibration", "examined"),
    "distances": ("distances",),
    "training_curves": ("training", "classifiers"),
    "variance_components": ("variance",),
    "foolability": ("foolability",),
    "class_sets": ("class_sets", "set_classes"),
    "preset_comparison": ("survival", "presets"),
    "transfer": ("transfer",),
    "retraining_transfer": ("transfer",),
    "transfer_gallery": ("shown",),
    "retraining_curve": ("retraining", "effects"),
    "retraining_gallery": ("retraining",),
}
#: Beginnings of messages that name what a table says, not its file.
OF_THE_CONTENT = ("the networks of an experiment have different runs", "the table of ", "the set of classes ")
REFERENCE = (
    *("search_comparison", "classes_over_evaluations", "confidence_over_evaluations", "calibration"),
    "ascent_over_evaluations",
)


def call(study: Study, reader: str, given: dict[str, Path], out: Path) -> tuple[list[object], list[Path]]:
    """The call of ``reader``, ``given`` files in place of the study's own, and what it must write."""

    def file(name: str) -> Path:
        return given.get(name, getattr(study, name))

    if reader in FIGURES:
        made = [out / "figure.png", out / "figure.pdf"]
        options = figure(study, given, FIGURES[reader], *made)
        if reader == "transfer_gallery":
            options += ["--runs", study.run("direct")]
        if reader == "retraining_gallery":
            options += ["--batches", study.batch, "--batches", study.retrained_batch]
        if reader in REFERENCE:
            options[options.index("--settings") + 1] = json.dumps({"reference": 0.9999})
        return ["draw", reader, *options], made
    if reader == "compare-networks":
        words = ["--history", file("history"), "--examined", file("examined"), "--settings", INTERVALS]
        return ["compare-networks", *words, "--output", out / "foolability.csv"], [out / "foolability.csv"]
    if reader == "compare-class-sets":
        made = [out / "set_classes.parquet", out / "class_sets.csv"]
        words = ["--settings", CLASS_SETS, "--classes", made[0], "--output", made[1]]
        return ["compare-class-sets", file("champions"), *words], made
    if reader == "variance":
        return ["variance", file("champions"), "--output", out / "variance.csv"], [out / "variance.csv"]
    if reader == "compare":
        made = [out / "survival.csv", out / "presets.csv"]
        settings = json.dumps({"comparisons": []})
        return ["compare", file("times"), "--settings", settings, "--survival", made[0], "--presets", made[1]], made
    if reader == "summarise-ablation":
        made = [out / "summary.csv"]
        return [reader, file("ablation"), "--settings", INTERVALS, "--output", made[0]], made
    if reader == "ablation":
        made = [out / "figure.png", out / "figure.pdf"]
        words = ["--tables", f"ablation={file('ablation')}", "--runs", study.run("cppn")]
        return ["draw", reader, *words, "--png", made[0], "--pdf", made[1]], made
    if reader == "tabulate-ascent":
        made = [out / name for name in ("ascent.parquet", "times.parquet", "curves.parquet", "evaluations.csv")]
        words = ["--history", file("history"), "--times", file("times"), "--settings", INTERVALS]
        outputs = zip(("--images", "--ascent-times", "--curves", "--evaluations"), made, strict=True)
        return [reader, study.climb, *words, *(word for pair in outputs for word in pair)], made
    if reader == "claims":
        made = [out / "claims.csv", out / "claims.md"]
        return ["claims", *claims(study, given, table=made[0], page=made[1])], made
    if reader == "examine":
        tables = ["--calibration", file("calibration"), "--images", file("real"), "--dataset", study.dataset]
        words = [*tables, "--settings", '{"real_images": 3}', "--output", out / "examined.parquet"]
        return ["examine", *study.runs, "--experiment", "direct", *words], [out / "examined.parquet"]
    if reader == "measure-distances":
        tables = ["--calibration", file("calibration"), "--images", file("real"), "--dataset", study.dataset]
        words = [*tables, "--settings", '{"distance_images": 3}', "--output", out / "distances.parquet"]
        runs = ["--runs", f"direct={study.run('direct')}"]
        return ["measure-distances", "--classifier", study.network, *runs, *words], [out / "distances.parquet"]
    if reader == "report":
        return ["report", *report(study, given, output=out / "index.html")], [out / "index.html"]
    if reader == "run-info":
        words = ["--champions", file("champions"), "--classifiers", file("classifiers"), "--logs", study.logs]
        return ["run-info", "--study", "small", *words, "--output", out / "info.json"], [out / "info.json"]
    made = [out / "metrics.json", out / "curve.csv"]
    words = [
        word
        for name, table in (("networks", "classifiers"), ("champions",) * 2, ("history",) * 2, ("claims",) * 2)
        for word in (f"--{name}", file(table))
    ]
    return ["summarise", *words, "--settings", "{}", "--output", made[0], "--curves", made[1]], made


@given(data=st.data())
@fuzzed
def test_a_damaged_table_is_read_or_named(study: Study, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(READERS)))
    reader = data.draw(st.sampled_from(READERS[name]))
    original: Path = getattr(study, name)
    write = data.draw(broken_table(original))
    with case() as folder:
        table = folder / f"table{original.suffix}"
        write(table)
        arguments, made = call(study, reader, {name: table}, folder / "out")
        holds(folder, *arguments, outputs=made, named=[table, *OF_THE_CONTENT])


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", ["champions", "claims"])
def test_what_is_no_table_is_named(study: Study, tmp_path: Path, name: str, place: str) -> None:
    original: Path = getattr(study, name)
    table = tmp_path / original.name
    PLACES[place](table, original)
    arguments, made = call(study, "summarise", {name: table}, tmp_path / "out")
    outcome = holds(tmp_path, *arguments, outputs=made, named=[table])
    assert outcome.succeeded == (place == "a link to the real file")


def test_every_reader_takes_the_undamaged_tables(study: Study, tmp_path: Path) -> None:
    for reader in sorted({reader for readers in READERS.values() for reader in readers}):
        arguments, made = call(study, reader, {}, tmp_path / reader)
        assert holds(tmp_path, *arguments, outputs=made, named=[]).succeeded


def test_bounds_of_settings_hold(study: Study, tmp_path: Path) -> None:
    settings = INTERVALS.replace("0.9", "0.5")
    words = ["--settings", settings, "--survival", tmp_path / "a", "--presets", tmp_path / "b"]
    holds(tmp_path, "compare", study.times, *words, outputs=[tmp_path / "a"], named=["confidence_level"])
