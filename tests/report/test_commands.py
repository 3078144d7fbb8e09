"""The commands `run-info` and `report`, from files to files."""

import json

import numpy as np
import pytest

from fooling.artifacts import write_json, write_table
from fooling.attacks.evolution.record import save_run
from fooling.claims.judgements import CLAIMS
from fooling.cli.report import report
from fooling.cli.run_info import run_info
from fooling.errors import FoolingError
from fooling.findings.classifiers import CLASSIFIERS
from fooling.findings.examination import EXAMINED
from fooling.findings.runs import CHAMPIONS
from fooling.images import png_bytes
from fooling.report.run_info import NetworkInformation
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
def given(tmp_path, claims, information, make_champions, make_examined, make_run):
    """The files of a study, as the arguments of `report`."""
    write_table(tmp_path / "claims.csv", claims, CLAIMS)
    write_table(tmp_path / "champions.parquet", make_champions()[CHAMPIONS.names], CHAMPIONS)
    write_table(tmp_path / "examined.parquet", make_examined()[EXAMINED.names], EXAMINED)
    write_json(tmp_path / "run-info.json", information)
    save_run(tmp_path / "seed1.safetensors", make_run(1))
    (tmp_path / "training_curves.png").write_bytes(png_bytes(np.zeros((1, 2, 2), np.uint8)))
    return {
        "study": "made-up",
        "tables": [
            f"claims={tmp_path / 'claims.csv'}",
            f"champions={tmp_path / 'champions.parquet'}",
            f"examined={tmp_path / 'examined.parquet'}",
        ],
        "runs": [f"direct={tmp_path / 'seed1.safetensors'}"],
        "figures": [tmp_path / "training_curves.png"],
        "run_info": tmp_path / "run-info.json",
        "deviations": str(tmp_path / "docs" / "deviations.md"),
        "threshold": 0.9999,
        "output": tmp_path / "report" / "index.html",
    }


def test_report_reads_the_files_and_writes_one_page(given):
    report(**given)
    text = given["output"].read_text()
    assert "16 of 24 evolved images" in text
    assert "<h3>Training curves</h3>" in text
    assert 'href="../docs/deviations.md"' in text


def test_a_run_without_its_experiment_is_refused(given):
    given["runs"] = ["seed1.safetensors"]
    with pytest.raises(FoolingError, match="--runs needs name=path"):
        report(**given)
