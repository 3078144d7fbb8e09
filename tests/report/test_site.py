"""The pages of the documentation site: links, results in their order, and studies that are not finished."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from checkout import ROOT
from fooling.artifacts import read_json
from fooling.claims.verdicts import Verdict
from fooling.cli.main import commands
from fooling.cli.repository import build_site
from fooling.messages import FoolingError
from fooling.report.site import HEADINGS, REASONS, FinishedStudy, relinked, results_page

KNOWN = {
    "docs/a.md": "a.md",
    "docs/deep/b.md": "deep/b.md",
    "docs/results/mnist/index.md": "results/mnist/index.md",
    "CHANGELOG.md": "changelog.md",
}
EXISTS = {"config/claims.yaml", "dvc.yaml"}.__contains__


@pytest.mark.parametrize(
    ("path", "link", "expected"),
    [
        ("docs/a.md", "[b](deep/b.md#part)", "[b](deep/b.md#part)"),
        ("docs/deep/b.md", "[a](../a.md)", "[a](../a.md)"),
        ("docs/a.md", "[changes](../CHANGELOG.md)", "[changes](changelog.md)"),
        ("CHANGELOG.md", "[a](docs/a.md)", "[a](a.md)"),
        ("docs/a.md", "[numbers](results/mnist/)", "[numbers](results/mnist/index.md)"),
        ("docs/a.md", "[`../dvc.yaml`](../dvc.yaml)", "`../dvc.yaml`"),
        ("docs/a.md", "[claims](../config/claims.yaml)", "claims (`config/claims.yaml`)"),
        ("docs/a.md", "[there](https://host/x.md) [here](#part)", "[there](https://host/x.md) [here](#part)"),
        ("docs/a.md", "[nothing](nothing.md) [no](../no.yaml)", "[nothing](nothing.md) [no](../no.yaml)"),
        ("docs/a.md", "![picture](pictures/x.png)", "![picture](pictures/x.png)"),
    ],
)
def test_links_lead_to_pages_of_the_site(path: str, link: str, expected: str) -> None:
    assert relinked(f"See {link}.", path, KNOWN, EXISTS, None) == f"See {expected}."


def test_links_to_other_files_lead_to_the_repository_if_its_address_is_known() -> None:
    found = relinked("[claims](../config/claims.yaml)", "docs/a.md", KNOWN, EXISTS, "https://host/owner/name")
    assert found == "[claims](https://host/owner/name/blob/main/config/claims.yaml)"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of the site without a study."""
    output = tmp_path_factory.mktemp("site") / "source"
    build_site(output=output, folder=ROOT)
    return output


def test_a_record_page_says_what_holds_then_what_does_not_then_what_nobody_knows(site: Path) -> None:
    text = (site / "results/mnist/index.md").read_text()
    header = read_json(ROOT / "docs/results/mnist/record.json")
    assert f"Recorded on {header['recorded']} with version {header['version']}" in text
    parts = re.split(r"^## (.*)$", text, flags=re.MULTILINE)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert list(sections)[:3] == list(HEADINGS)
    assert "`mnist-test-error`" in sections["What holds"]
    assert "`fig4-under-50-generations`" in sections["What does not hold"]
    assert "`fig4-every-digit`" in sections["What nobody knows"]
    assert REASONS[Verdict.TOO_FEW] in sections["What nobody knows"]


def test_every_verdict_has_a_place() -> None:
    placed = [verdict for verdicts in HEADINGS.values() for verdict in verdicts]
    assert {*placed, Verdict.READING, Verdict.NOT_RUN} == set(Verdict)
    assert len(placed) == len(set(placed))


def test_a_study_of_audits_alone_has_no_claims() -> None:
    study = FinishedStudy(name="own", report=b"", audits={"net/seed1/index.html": b"", "net/seed1/audit.json": b""})
    text = results_page([], study)
    assert "[Audit: net/seed1](studies/own/audits/net/seed1/index.html)" in text
    assert "What holds" not in text


def test_every_command_is_described(site: Path) -> None:
    text = (site / "commands.md").read_text()
    assert re.findall(r"^### fooling (.*)$", text, flags=re.MULTILINE) == list(commands())
    assert "| `--dataset` | Data set file that a fetch command wrote. |" in text


def pages_in(nav: Any) -> list[str]:
    if isinstance(nav, str):
        return [nav]
    return [page for part in (nav.values() if isinstance(nav, dict) else nav) for page in pages_in(part)]


def test_every_page_has_one_place_in_the_navigation(site: Path) -> None:
    config = yaml.safe_load((ROOT / "mkdocs.yml").read_text())
    listed = pages_in(config["nav"])
    pages = {path.relative_to(site).as_posix() for path in site.rglob("*.md")}
    assert sorted(listed) == sorted(pages)
    assert [next(iter(part)) for part in config["nav"]] == [
        *("Start", "Teach", "Your network", "Results", "Methods", "Reference", "Contributing")
    ]
    assert config["theme"]["font"] is False
    assert not config["use_directory_urls"]


def test_a_changed_record_is_refused(tmp_path: Path) -> None:
    record = tmp_path / "mnist"
    shutil.copytree(ROOT / "docs/results/mnist", record)
    with (record / "claims.csv").open("a") as file:
        file.write("\n")
    with pytest.raises(FoolingError, match="is not the file that was recorded"):
        build_site(output=tmp_path / "site", folder=ROOT, recorded=[record])
    assert not (tmp_path / "site").exists()


def test_a_folder_without_a_start_page_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FoolingError, match=r"no start page\n  expected: index.md"):
        build_site(output=tmp_path / "site", folder=tmp_path)


def test_a_study_without_any_result_names_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FoolingError) as caught:
        build_site(output=tmp_path / "site", folder=ROOT, study=tmp_path / "digits")
    message = str(caught.value)
    assert f"no {tmp_path}/digits/run-info.json" in message
    assert f"no {tmp_path}/digits/report/index.html" in message
    assert "finish it with make run, then build the site again" in message
    assert not (tmp_path / "site").exists()
