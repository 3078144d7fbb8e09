"""A deposit is an RO-Crate that a validator accepts, and an unfinished study is refused without leaving a file."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from checkout import ROOT
from fooling.inputs import parsed_yaml
from fooling.messages import FoolingError
from fooling.study.resolved import resolved_study
from repository import TINY, TINY_STUDY, UP_TO_DATE, Repository
from sharing.citation import authors_in, citation
from sharing.crate import Packed, crate, described_crate, run_times

CRATE = ("crate", "--configfile", TINY)
DEPOSIT = "deposits/tiny.zip"

#: An environment of its own, because the validator wants an older version of rich than the study has.
VALIDATOR = ROOT / ".venv/validator/bin/python"


def entities(metadata: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {entity["@id"]: entity for entity in metadata["@graph"]}


def described(*, times: tuple[str, str] | None = None, left_out: tuple[str, ...] = ()) -> dict[str, Any]:
    """The description of a made-up crate of the tiny study."""
    study = resolved_study(parsed_yaml(TINY_STUDY.format(name="tiny"), source="tiny"), source="tiny")
    cited = citation() | {
        "authors": [{"given-names": "Ada", "family-names": "Byron", "orcid": "https://orcid.org/0000-0002-1825-0097"}]
    }
    metadata, page = described_crate(
        study,
        configfile=TINY,
        code=[Packed("Snakefile", 10, "a" * 64), Packed(TINY, 20, "b" * 64)],
        results=[Packed("results/tiny/claims.csv", 30, "c" * 64)],
        cited=cited,
        commit="f" * 40,
        times=times,
        left_out=left_out,
        today=datetime.date(2026, 1, 2),
    )
    assert "tiny" in page
    return entities(metadata)


@pytest.fixture(autouse=True)
def in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_the_snakefile_is_the_main_entity_and_the_run_made_the_results() -> None:
    found = described(times=("2026-01-01T00:00:00+00:00", "2026-01-01T00:05:00+00:00"))
    assert found["./"]["mainEntity"] == {"@id": "Snakefile"}
    assert found["./"]["datePublished"].startswith("2026-01-02")
    assert "ComputationalWorkflow" in found["Snakefile"]["@type"]
    action = found["#run-of-tiny"]
    assert action["instrument"] == {"@id": "Snakefile"}
    assert action["object"] == {"@id": TINY}
    assert action["result"] in ({"@id": "results/tiny/claims.csv"}, [{"@id": "results/tiny/claims.csv"}])
    assert action["endTime"] == "2026-01-01T00:05:00+00:00"
    assert found["results/tiny/claims.csv"]["contentSize"] == "30"
    assert found["results/tiny/claims.csv"]["sha256"] == "c" * 64


def test_people_and_the_paper_are_those_of_the_citation() -> None:
    found = described()
    assert found["https://orcid.org/0000-0002-1825-0097"]["name"] == "Ada Byron"
    assert found["https://orcid.org/0000-0002-1825-0097"]["@type"] == "Person"
    authors = [found[author["@id"]]["name"] for author in found["https://arxiv.org/abs/1412.1897"]["author"]]
    assert authors == ["Anh Nguyen", "Jason Yosinski", "Jeff Clune"]
    assert "startTime" not in found["#run-of-tiny"]


def test_data_that_may_not_be_passed_on_is_named() -> None:
    text = described(left_out=("results/datasets/pictures.safetensors",))["./"]["description"]
    assert "results/datasets/pictures.safetensors may not be passed on" in text


def test_the_run_lasts_from_the_first_job_to_the_last() -> None:
    records = [{"starttime": 60.0, "endtime": 90.0}, {"starttime": 0.5, "endtime": 70.0}, {}]
    assert run_times(records) == ("1970-01-01T00:00:00+00:00", "1970-01-01T00:01:30+00:00")
    assert run_times([{}]) is None


def test_a_citation_without_authors_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("CITATION.cff").write_text("title: study\nversion: 1\nlicense: MIT\n")
    with pytest.raises(FoolingError, match="incomplete\n  found: no authors"):
        citation()
    assert authors_in({"authors": [{"name": "Us"}]})[0].sorted_name == "Us"


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rocrate", None)
    with pytest.raises(FoolingError, match=r"needs the package rocrate(.|\n)*pip install 'fooling\[deposit\]'"):
        crate(ROOT / "config/config.yaml")


@pytest.fixture(scope="module")
def deposited(tiny_place: Repository, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """The repository of someone who has packed the tiny study."""
    place = tmp_path_factory.mktemp("deposited")
    for name in ("ours", "fooling-store"):
        Repository(tiny_place.folder.with_name(name)).copy(place / name)
    repository = Repository(place / "ours")
    assert f"the study tiny is packed in {DEPOSIT}" in repository.sharing(*CRATE)
    return repository


@pytest.mark.slow
def test_a_deposit_contains_the_study_and_can_be_continued(deposited: Repository, tmp_path: Path) -> None:
    unpacked = tmp_path / "unpacked"
    with zipfile.ZipFile(deposited.folder / DEPOSIT) as archive:
        assert archive.testzip() is None
        archive.extractall(unpacked)
    metadata = json.loads((unpacked / "ro-crate-metadata.json").read_text())
    files = {name: entity for name, entity in entities(metadata).items() if "File" in entity["@type"]}
    assert {"Snakefile", TINY, "results/tiny/claims.csv", "results/tiny/provenance.json.gz"} <= files.keys()
    assert "results/datasets/digits-of-tiny.safetensors" in files
    for name, entity in files.items():
        content = (unpacked / name).read_bytes()
        assert entity["contentSize"] == str(len(content)), name
        assert entity["sha256"] == hashlib.sha256(content).hexdigest(), name
    inside = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    assert inside - files.keys() == {"ro-crate-metadata.json", "ro-crate-preview.html"}
    assert UP_TO_DATE in Repository(unpacked).dry_run(TINY)


@pytest.mark.slow
def test_a_validator_accepts_a_deposit(deposited: Repository) -> None:
    """With roc-validator, if its environment is there, or must be (`make check-crate`)."""
    if not VALIDATOR.is_file() and "REQUIRE_VALIDATOR" not in os.environ:
        pytest.skip("roc-validator is not installed: `make validator` installs it in an environment of its own")
    command = [VALIDATOR, ROOT / "tests/sharing/validator/validate.py", deposited.folder / DEPOSIT]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_a_deposit_with_missing_files_is_refused_and_leaves_nothing(ours: Repository) -> None:
    before = ours.run("git", "status", "--porcelain")
    (ours.folder / "results/tiny/claims.csv").unlink()
    (ours.folder / "results/datasets/digits-of-tiny.safetensors").unlink()
    message = ours.refusal(*CRATE)
    assert "the study tiny is not up to date" in message
    assert "2 of them missing" in message
    assert "results/tiny/claims.csv" in message
    assert "results/datasets/digits-of-tiny.safetensors" in message
    assert not (ours.folder / "deposits").exists()
    assert ours.run("git", "status", "--porcelain") == before


@pytest.mark.slow
def test_a_deposit_of_uncommitted_code_is_refused(ours: Repository) -> None:
    ours.append("src/fooling/cli/main.py", "# changed")
    assert "src/fooling/cli/main.py" in ours.refusal(*CRATE)
    assert not (ours.folder / DEPOSIT).exists()
