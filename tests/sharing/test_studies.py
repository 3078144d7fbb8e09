"""Study files and the list of published studies are read, or named with what is wrong in them."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
import yaml

from checkout import ROOT
from fooling.messages import FoolingError
from sharing.studies import SECTIONS, checksums, published_in, stages_of, study_in, with_study


@pytest.mark.parametrize(
    "text", ["studies: 5", "studies: [a]", "studies: {a: 5}", "studies: {1: a.yaml}", "[1]", "others: {}", "studies: {"]
)
def test_a_list_of_published_studies_of_another_form_is_named(text: str) -> None:
    with pytest.raises(FoolingError, match=r"config/published\.yaml"):
        published_in(text)


def test_sections_may_be_left_out_or_empty() -> None:
    assert published_in("studies: {a: a.yaml}\ndatasets:\n")["studies"] == {"a": "a.yaml"}
    assert published_in("")["datasets"] == {}


@pytest.mark.parametrize("path", [Path("/dev/zero"), Path("absent.yaml"), Path(os.fsdecode(b"\xff.yaml"))])
def test_a_study_file_that_cannot_be_read_is_named(path: Path) -> None:
    with pytest.raises(FoolingError, match=r"cannot be read|is too long"):
        study_in(path)


def test_checksums_are_those_of_all_results_but_how_the_run_went(tmp_path: Path) -> None:
    (tmp_path / "findings").mkdir()
    (tmp_path / "findings/a.csv").write_bytes(b"1\n")
    (tmp_path / "run-info.json").write_text("{}")
    assert checksums(tmp_path) == {"findings/a.csv": hashlib.sha256(b"1\n").hexdigest()}


def test_a_study_of_audits_alone_has_stages_without_classifiers_and_claims(tmp_path: Path) -> None:
    file = tmp_path / "ranking.yaml"
    file.write_text("study: ranking\naudits: {networks: [{name: one, network: net.onnx}]}\n")
    study = study_in(file)
    assert stages_of(study) == ["audits@ranking", "rankings@ranking"]
    declared = with_study(published_in(""), study, file)
    assert declared["audits"] == declared["rankings"] == {"ranking": str(file)}
    assert not declared["studies"]
    with pytest.raises(FoolingError, match="has been published from another file"):
        with_study(declared, study, tmp_path / "other.yaml")


def test_every_list_of_published_studies_is_that_of_a_stage() -> None:
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    lists = {stage["foreach"].strip("${}") for stage in stages.values()}
    assert lists == set(SECTIONS)
    assert set(yaml.safe_load((ROOT / "config/published.yaml").read_text())) == set(SECTIONS)
