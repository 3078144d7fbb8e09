"""How a study was run: the machine, and the jobs."""

from __future__ import annotations

import datetime
import json
import shutil
from pathlib import Path

import numpy
import pytest
import torch
import yaml

from fooling import __version__
from fooling.artifacts import read_json, write_json, write_table
from fooling.claims.judgements import CLAIMS
from fooling.cli.repository import record
from fooling.findings.classifiers import CLASSIFIERS
from fooling.messages import FoolingError
from fooling.report.run_info import (
    Job,
    Step,
    finished_job,
    machine,
    package_versions,
    read_record,
    small_tables,
    steps_of,
)
from made_up_networks import made_up_header, made_up_networks


def test_the_machine_is_described():
    described = machine()
    assert described["cores"] >= 1
    assert described["memory_mb"] > 100
    assert all(described[name] for name in ("system", "processor", "python"))


def test_versions_are_those_installed_and_leave_out_what_only_developers_need():
    versions = package_versions()
    assert versions["numpy"] == numpy.__version__
    assert versions["torch"] == torch.__version__
    assert versions["fooling"] == __version__
    assert "hypothesis" not in versions


LOG = "epoch 1 of 2\nlenet-a: 1.0 % errors\nfooling train: 12.3 s, peak memory 345 MB\n"
BENCHMARK = "s\th:m:s\tmax_rss\n14.25\t0:00:14\t207.98\n"


def test_a_job_has_snakemakes_wall_time_and_its_own_peak_memory():
    job = finished_job("digits/classifiers/lenet-a", log=LOG, benchmark=BENCHMARK)
    assert job == Job("digits/classifiers/lenet-a", "train", 14.25, 345)


def test_by_hand_the_commands_own_seconds_count():
    job = finished_job("lenet-a", log=LOG, benchmark=None)
    assert job is not None
    assert job.wall_seconds == 12.3


def test_a_repeated_job_took_all_its_attempts():
    job = finished_job("lenet-a", log=LOG, benchmark=BENCHMARK + "2.5\t0:00:02\t1.0\n")
    assert job is not None
    assert job.wall_seconds == 16.75


def test_a_log_without_its_last_line_is_no_finished_job():
    assert finished_job("lenet-a", log="epoch 1 of 2\n", benchmark=None) is None


def test_jobs_are_summed_up_by_command_the_longest_first():
    jobs = [Job("a", "draw", 2.0, 200), Job("b", "draw", 3.5, 180), Job("c", "evolve-cppn", 20.0, 400)]
    assert steps_of(jobs) == [Step("evolve-cppn", 1, 20.0, 20.0, 400), Step("draw", 2, 5.5, 3.5, 200)]
    assert steps_of([]) == []


ROOT = Path(__file__).parents[2]


@pytest.fixture
def finished(tmp_path, claims):
    """A study file and the results of its finished study, as far as a record looks at them."""
    study = tmp_path / "study.yaml"
    study.write_text((ROOT / "config" / "config.yaml").read_text())
    results = tmp_path / "results" / "digits"
    network = made_up_header("lenet-a", dataset="digits", seed=3, iterations=10)
    write_table(results / "claims.csv", claims, CLAIMS)
    write_table(results / "findings" / "classifiers.csv", made_up_networks(network), CLASSIFIERS)
    write_json(results / "metrics.json", {"test_error": {"lenet-a": 0.01}})
    machine = {"system": "Linux", "processor": "some", "cores": 2, "memory_mb": 100, "python": "3.11", "device": "cpu"}
    information = {"machine": machine, "packages": {"fooling": "7.8.9"}, "classifiers": [], "experiments": []}
    write_json(results / "run-info.json", {**information, "steps": [], "jobs": []})
    (results / "evolution").mkdir()
    (results / "evolution" / "seed1.safetensors").write_bytes(b"images")
    (results / "notes.csv").write_text("of,a,user\n")
    return study, results


def test_a_record_holds_the_numbers_and_no_images(finished, tmp_path):
    study, results = finished
    record(study=study, results=results, output=tmp_path / "kept")
    kept = {path.relative_to(tmp_path / "kept").as_posix() for path in (tmp_path / "kept").rglob("*") if path.is_file()}
    numbers = {"claims.csv", "metrics.json", "run-info.json", "findings/classifiers.csv"}
    assert kept == numbers | {"study.yaml", "record.json"}
    assert all((tmp_path / "kept" / name).read_bytes() == (results / name).read_bytes() for name in numbers)
    header, recorded = read_record(tmp_path / "kept")
    assert (header.study, header.version) == ("digits", "7.8.9")
    assert abs(header.recorded - datetime.datetime.now(tz=datetime.UTC).date()) <= datetime.timedelta(days=1)
    assert list(recorded["id"]) == claim_ids(results)


def claim_ids(results):
    """The ids in the claims of a study, read without this project."""
    lines = (results / "claims.csv").read_text().splitlines()[1:]
    return [line.partition(",")[0] for line in lines]


def test_a_new_record_replaces_the_old_one(finished, tmp_path):
    study, results = finished
    output = tmp_path / "kept"
    record(study=study, results=results, output=output, lock=study)
    assert (output / "claims.lock").read_bytes() == study.read_bytes()
    (results / "findings" / "classifiers.csv").unlink()
    record(study=study, results=results, output=output)
    assert sorted(path.name for path in output.iterdir()) == sorted(
        ["claims.csv", "metrics.json", "record.json", "run-info.json", "study.yaml"]
    )


@pytest.mark.parametrize("changed", ["claims.csv", "metrics.json", "findings/classifiers.csv"])
def test_a_changed_or_missing_file_is_named(finished, tmp_path, changed):
    study, results = finished
    record(study=study, results=results, output=tmp_path / "kept")
    path = tmp_path / "kept" / changed
    path.write_bytes(path.read_bytes().replace(b"0", b"1"))
    with pytest.raises(FoolingError, match=f"{changed} is not the file that was recorded"):
        read_record(tmp_path / "kept")
    path.unlink()
    with pytest.raises(FoolingError, match=f"{changed} cannot be read"):
        read_record(tmp_path / "kept")


def test_an_unfinished_study_is_refused_and_nothing_is_written(finished, tmp_path):
    study, results = finished
    (results / "metrics.json").unlink()
    with pytest.raises(FoolingError, match=r"not the folder of a finished study\n  found: no metrics.json"):
        record(study=study, results=results, output=tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_the_study_file_must_be_that_of_the_results(finished, tmp_path):
    study, results = finished
    other = yaml.safe_load(study.read_text())
    study.write_text(json.dumps({**other, "study": "another"}))
    with pytest.raises(FoolingError, match=r"(?s)found: results of digits.*expected: results of another"):
        record(study=study, results=results, output=tmp_path / "kept")


def test_a_table_that_contradicts_its_declaration_is_refused(finished, tmp_path):
    study, results = finished
    shutil.copy(results / "claims.csv", results / "findings" / "classifiers.csv")
    with pytest.raises(FoolingError, match=r"classifiers.csv"):
        record(study=study, results=results, output=tmp_path / "kept")


def test_small_tables_are_the_declared_csv_files():
    pairs = "findings/transfer/fooling-class/lenet-a/champions.pairs.csv"
    others = ["findings/history/cppn.parquet", "notes.csv", "survey/questionnaire.json"]
    found = small_tables(["claims.csv", pairs, "findings/calibration/lenet-1.csv", *others])
    assert {path: table.name for path, table in found.items()} == {
        "claims.csv": "claims",
        "findings/calibration/lenet-1.csv": "calibration",
        pairs: "transfer",
    }


def test_the_recorded_studies_of_the_repository_are_whole():
    folders = sorted(path.parent for path in (ROOT / "docs" / "results").glob("*/record.json"))
    for folder in folders:
        header, claims = read_record(folder)
        assert header.study == folder.name
        assert len(claims)
        assert read_json(folder / "metrics.json")
