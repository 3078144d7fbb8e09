"""Damaged tables, CSV and Parquet."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooling.figures.catalogue import FIGURES as CATALOGUE
from fooling.findings.registry import MODULES

from .commands import case, holds
from .conftest import CLASS_SETS, INTERVALS, Study, claims, figure, hardening, kinds, models, report, show
from .damage import PLACES, broken_table
from .profile import fuzzed

#: The commands that read each table, figures left aside.
COMMANDS = {
    "champions": ("variance", "compare-class-sets", "report", "run-info", "summarise", "tabulate-hardening"),
    "history": ("claims", "tabulate-ascent", "compare-networks", "summarise"),
    "times": ("compare", "claims", "tabulate-ascent"),
    "families": ("claims", "report", "compare-kinds"),
    "family_images": ("compare-kinds",),
    "robustness": ("claims", "report"),
    "supernormal": ("claims", "report"),
    "ablation": ("summarise-ablation", "claims"),
    "ascent": ("claims",),
    "ascent_times": ("claims",),
    "adversarial": ("claims",),
    "adversarial_transfer": ("claims",),
    "adversarial_means": ("report",),
    "universal": ("claims",),
    "universal_labels": ("claims",),
    "universal_transfer": ("claims",),
    "universal_means": ("report",),
    "label_only": ("claims", "report"),
    "label_only_transfer": ("claims", "report"),
    "calibration": ("examine", "measure-distances"),
    "real": ("examine", "measure-distances", "tabulate-hardening", "compare-models"),
    "distances": ("claims",),
    "examined": ("claims", "report", "compare-networks"),
    "start": ("claims",),
    "ancestry": ("claims", "join-lineage"),
    "lineage_replays": ("join-lineage",),
    "own_labels": ("show-champions",),
    "pair_parts": ("join-transfer",),
    "classifiers": ("claims", "run-info", "summarise"),
    "transfer": ("claims",),
    "retrained": ("claims", "tabulate-hardening"),
    "retraining": ("claims",),
    "claims": ("report", "summarise"),
    "audits": ("report",),
    "audit_attacks": ("report",),
    "boundary": ("claims", "report"),
    "rubbish": ("claims", "compare-models"),
    "rubbish_summary": ("report",),
    "fooled": ("claims",),
    "fooled_summary": ("report",),
    "ray_slopes": ("claims", "report"),
    "detectors": ("claims",),
    "detector_means": ("report",),
    "hardened": ("claims",),
    "hardening": ("report",),
}
#: Tables that nothing reads but people.
FOR_PEOPLE = {
    *("lineage", "test_errors", "ablation_summary", "ascent_sweeps", "ascent_evaluations", "curves"),
    *("survey_files", "survey_exclusions", "survey_agreement", "survey_power", "survey_consistency", "survey_trials"),
}
#: Tables that are damaged elsewhere (`test_datasets`, `test_imagenet`), or that the study here has not.
NOT_HERE = {
    *("pictures", "imagenet_classes", "refusal", "budget"),
    *("survey_accuracy", "survey_images", "survey_confidence", "survey_confusion"),
}
#: The figures with their tables, and every table with the commands and figures that read it.
FIGURES = {name: tuple(table.name for table in figure.shows) for name, figure in CATALOGUE.items() if figure.shows}
READERS = {
    name: [*COMMANDS.get(name, ()), *(figure for figure, tables in FIGURES.items() if name in tables)]
    for name in MODULES
    if name not in FOR_PEOPLE | NOT_HERE
}
#: Figures that the study here cannot fill: it has no experiment with `cross`, and one run of each search.
UNFILLED = {
    "option_effects": "the table of presets has no effect of an option",
    "variance_components": "no search has several runs",
}
#: Beginnings of messages that name what a table says, not its file.
OF_THE_CONTENT = (
    *("the classifiers of an experiment have different runs", "the table of ", "findings.class_sets: "),
    *("no champions of these networks", "the labels of the champions on "),
    *UNFILLED.values(),
)


def call(study: Study, reader: str, given: dict[str, Path], out: Path) -> tuple[list[object], list[Path]]:
    """The call of ``reader``, ``given`` files in place of the study's own, and what it must write."""

    def file(name: str) -> Path:
        return given.get(name, getattr(study, name))

    if reader in FIGURES:
        made = [out / "figure.png", out / "figure.pdf"]
        options = figure(study, given, FIGURES[reader], *made)
        entry = CATALOGUE[reader]
        if entry.seeds is not None:
            options += ["--runs", study.run(entry.encoding or "direct")]
        if entry.batches:
            options += ["--batches", study.batch, "--batches", study.retrained_batch]
        if entry.needs_dataset:
            options += ["--dataset", study.dataset]
        if "reference" in entry.options:
            options[options.index("--settings") + 1] = json.dumps({"reference": 0.9999})
        return ["draw", reader, *options], made
    if reader == "show-champions":
        made = [out / "shown.parquet", out / "pairs.parquet"]
        return [reader, *show(study, given, shown=made[0], pairs=made[1])], made
    if reader == "join-transfer":
        made = [out / "shown.parquet", out / "pairs.csv"]
        words = ["--pair-parts", file("pair_parts"), "--images", made[0], "--pairs", made[1]]
        return [reader, study.shown_part, *words], made
    if reader == "join-lineage":
        made = [out / "ancestry.parquet", out / "lineage.csv"]
        words = ["--replays", file("lineage_replays"), "--experiment", "direct", "--settings", INTERVALS]
        return [reader, file("ancestry"), *words, "--champions", made[0], "--lineage", made[1]], made
    if reader == "compare-kinds":
        return [reader, *kinds(study, given, output=out / "kinds.parquet")], [out / "kinds.parquet"]
    if reader == "tabulate-hardening":
        made = [out / "hardened.csv", out / "hardening.csv"]
        return [reader, *hardening(study, given), "--hardened", made[0], "--hardening", made[1]], made
    if reader == "compare-models":
        made = [out / "fooled.csv", out / "fooled_summary.csv"]
        return [reader, *models(study, given, out=out)], made
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
        for name in ("classifiers", "champions", "history", "claims")
        for word in ("--tables", f"{name}={file(name)}")
    ]
    return ["summarise", *words, "--settings", "{}", "--output", made[0], "--curves", made[1]], made


def test_every_table_that_is_read_is_damaged_here_or_elsewhere() -> None:
    assert all(READERS.values())
    read = {*COMMANDS, *(table for tables in FIGURES.values() for table in tables)}
    assert read <= READERS.keys() | NOT_HERE
    assert not read & FOR_PEOPLE
    assert FOR_PEOPLE | NOT_HERE | READERS.keys() == MODULES.keys()


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


@pytest.mark.slow
def test_every_reader_takes_the_undamaged_tables(study: Study, tmp_path: Path) -> None:
    for reader in sorted({reader for readers in READERS.values() for reader in readers}):
        arguments, made = call(study, reader, {}, tmp_path / reader)
        outcome = holds(tmp_path, *arguments, outputs=made, named=[UNFILLED[reader]] if reader in UNFILLED else [])
        assert outcome.succeeded == (reader not in UNFILLED)


def test_bounds_of_settings_hold(study: Study, tmp_path: Path) -> None:
    settings = INTERVALS.replace("0.9", "0.5")
    words = ["--settings", settings, "--survival", tmp_path / "a", "--presets", tmp_path / "b"]
    holds(tmp_path, "compare", study.times, *words, outputs=[tmp_path / "a"], named=["confidence_level"])
