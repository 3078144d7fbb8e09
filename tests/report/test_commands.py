"""The commands `run-info` and `report`, from files to files."""

import datetime
import json
from pathlib import Path

import numpy as np
import pytest

from fooling.artifacts import write_json, write_table
from fooling.attacks.evolution.record import save_run
from fooling.attacks.evolution.replay import Replay, save_replay
from fooling.claims.judgements import CLAIMS
from fooling.cli.report import report, run_info
from fooling.findings.classifiers import CLASSIFIERS
from fooling.findings.distances import DISTANCES
from fooling.findings.examination import EXAMINED
from fooling.findings.retraining import EFFECTS, RETRAINING
from fooling.findings.runs import CHAMPIONS
from fooling.findings.transfer import TRANSFER
from fooling.images import png_bytes
from fooling.messages import FoolingError
from fooling.report.run_info import NetworkInformation, RunInformation, write_record
from made_up_networks import made_up_header, made_up_networks


def test_run_info_gathers_runs_jobs_and_versions(tmp_path, make_champions):
    write_table(tmp_path / "champions.parquet", make_champions(seeds=2)[CHAMPIONS.names], CHAMPIONS)
    published = {"test_error": 0.009, "top5_error": None, "source": "a page"}
    network = made_up_header("lenet-a", dataset="digits", seed=3, iterations=10)
    imported = made_up_header("own", dataset="digits", top5_error=None, published=published)
    write_table(tmp_path / "classifiers.csv", made_up_networks(network, imported), CLASSIFIERS)
    logs = tmp_path / "logs" / "made-up"
    (logs / "classifiers").mkdir(parents=True)
    (logs / "classifiers" / "lenet-a.log").write_text("fooling train: 12.3 s, peak memory 345 MB\n")
    (logs / "classifiers" / "lenet-a.tsv").write_text("s\th:m:s\n14.25\t0:00:14\n")
    (logs / "unfinished.log").write_text("just begun\n")
    output = tmp_path / "run-info.json"
    run_info(
        study="made-up",
        champions=[tmp_path / "champions.parquet"],
        classifiers=tmp_path / "classifiers.csv",
        logs=[logs],
        output=output,
        device="cpu",
    )
    found = json.loads(output.read_text())
    assert found["machine"]["device"] == "cpu"
    known, own = (NetworkInformation.model_validate(network) for network in found["classifiers"])
    assert (known.classifier, known.dataset, known.architecture, known.seed) == ("lenet-a", "digits", "lenet", 3)
    assert (known.test_error, known.top5_error, known.published_source) == (0.01, 0.002, None)
    assert known.test_error_low < 0.01 < known.test_error_high
    assert (own.classifier, own.seed, own.top5_error) == ("own", None, None)
    assert (own.published_error, own.published_top5_error, own.published_source) == (0.009, None, "a page")
    (experiment,) = found["experiments"]
    assert (experiment["experiment"], experiment["seeds"]) == ("direct", [1, 2])
    assert experiment["searches"] == ["map-elites", "random-search"]
    assert found["jobs"] == [
        {"job": "made-up/classifiers/lenet-a", "step": "train", "wall_seconds": 14.25, "peak_memory_mb": 345}
    ]
    assert found["steps"][0]["step"] == "train"
    assert "torch" in found["packages"]


@pytest.fixture
def given(
    tmp_path, claims, information, make_champions, make_examined, make_run, make_transfer, make_distances,
    make_retraining, make_effects,
):  # fmt: skip
    """The files of a study, as the arguments of `report`."""
    tables = {
        CLAIMS: claims,
        CHAMPIONS: make_champions()[CHAMPIONS.names],
        EXAMINED: make_examined()[EXAMINED.names],
        TRANSFER: make_transfer(),
        DISTANCES: make_distances(),
        RETRAINING: make_retraining(),
        EFFECTS: make_effects(),
    }
    paths = {table: tmp_path / f"{table.name}{Path(str(table.path)).suffix}" for table in tables}
    for table, path in paths.items():
        write_table(path, tables[table], table)
    write_json(tmp_path / "run-info.json", information)
    save_run(tmp_path / "seed1.safetensors", make_run(1))
    (tmp_path / "training_curves.png").write_bytes(png_bytes(np.zeros((1, 2, 2), np.uint8)))
    return {
        "study": "made-up",
        "tables": [f"{table.name}={path}" for table, path in paths.items()],
        "runs": [f"direct={tmp_path / 'seed1.safetensors'}"],
        "figures": [tmp_path / "training_curves.png"],
        "run_info": tmp_path / "run-info.json",
        "deviations": str(tmp_path / "docs" / "deviations.md"),
        "threshold": 0.9999,
        "output": tmp_path / "report" / "index.html",
    }


@pytest.fixture
def recorded(tmp_path, given, information):
    """The folder of a recorded study."""
    files = {"claims.csv": (tmp_path / "claims.csv").read_bytes()}
    run = RunInformation.model_validate(information | {"packages": {"fooling": "7.8.9"}})
    write_record(tmp_path / "mnist", files, study="mnist", information=run, today=datetime.date(2026, 11, 29))
    return tmp_path / "mnist"


def test_report_reads_the_files_and_writes_one_page(given):
    report(**given)
    text = given["output"].read_text().replace("\N{NO-BREAK SPACE}", " ")
    assert "16 of 24 images" in text
    assert 'id="figure-training_curves"' in text
    assert "Other networks give the same label to 85 % of the images" in text
    assert "3 of 4 on lenet-a in pixels" in text
    assert "with a fooling class, the network is harder to fool" in text
    assert "docs/deviations.md" in text


def test_a_draft_needs_no_file(tmp_path):
    output = tmp_path / "index.html"
    report(study="made-up", deviations="docs/deviations.md", threshold=0.9999, output=output, draft=True)
    assert "Still to come: images to guess, how it works, the comparison with random search" in output.read_text()


def test_a_url_of_the_deviations_is_a_link(given):
    report(**given | {"deviations": "https://example.org/deviations"})
    assert '<a href="https://example.org/deviations">' in given["output"].read_text()


def test_a_recorded_study_is_shown_beside_this_one(given, recorded):
    report(**given, recorded=recorded)
    assert "the study mnist, made with version 7.8.9 and recorded on 2026-11-29" in given["output"].read_text()


def test_a_changed_record_is_refused(given, recorded):
    with (recorded / "claims.csv").open("a") as file:
        file.write("\n")
    with pytest.raises(FoolingError, match=r"claims\.csv is not the file that was recorded"):
        report(**given, recorded=recorded)


def test_a_replay_of_the_run_fills_the_slider(given, tmp_path, make_run):
    images = np.zeros((4, 3, 1, 8, 8), np.uint8)
    numbers = {"generations": np.array([0, 1, 5, 9]), "evaluations": np.array([2, 4, 12, 20])}
    confidences = np.full((4, 3), 0.25, np.float32)
    save_replay(tmp_path / "replay", Replay(**numbers, confidences=confidences, images=images, is_same=True))
    report(**given, replays=[f"direct={tmp_path / 'replay'}"])
    assert "The champions after generation 5" in given["output"].read_text()
    with pytest.raises(FoolingError, match="--replays names an experiment without runs"):
        report(**given, replays=[f"cppn={tmp_path / 'replay'}"])


def test_a_replay_of_another_run_is_refused(given, tmp_path):
    parts = {"generations": np.array([0]), "evaluations": np.array([2]), "confidences": np.ones((1, 2), np.float32)}
    images = np.zeros((1, 2, 1, 8, 8), np.uint8)
    save_replay(tmp_path / "replay", Replay(**parts, images=images, is_same=True))
    with pytest.raises(FoolingError, match="is not a replay of the first run of direct"):
        report(**given, replays=[f"direct={tmp_path / 'replay'}"])


def test_a_run_without_its_experiment_is_refused(given):
    given["runs"] = ["seed1.safetensors"]
    with pytest.raises(FoolingError, match="--runs needs name=path"):
        report(**given)
