"""The workflow runs from any folder, and as a module of another workflow, and knows the same results as up to date."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from checkout import SMOKE, Checkout
from fooling.inputs import parsed_yaml

pytestmark = pytest.mark.slow

#: Parts of a folder in which the smoke study is run, without the workflow.
OWN_PARTS = ("results", "logs", ".snakemake", "config/test", "examples")

MODULE = """
configfile: "config/test/smoke.yaml"

module fooling:
    snakefile: "{snakefile}"
    config: config

use rule * from fooling
"""

#: As the workflow catalogue deploys it, beside other modules.
ONE_OF_SEVERAL = """
configfile: "config/all.yaml"

module fooling:
    snakefile: "../repository/workflow/Snakefile"
    config: config["fooling"]

use rule * from fooling as fooling_*
"""


@pytest.fixture
def elsewhere(smoke: Checkout, tmp_path: Path) -> Path:
    """A folder beside the repository with the results of the smoke study."""
    smoke.copy(tmp_path / "repository")
    folder = tmp_path / "elsewhere"
    for part in OWN_PARTS:
        shutil.copytree(smoke.folder / part, folder / part, symlinks=True)
    return folder


@pytest.fixture
def served(smoke: Checkout) -> Iterator[str]:
    """The address at which this machine serves the repository."""
    handler = partial(_Quiet, directory=str(smoke.folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


def _attempt(code: Checkout, *command: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = code.environment() | variables
    return subprocess.run(command, cwd=folder, env=environment, text=True, capture_output=True)


def _counts(planned: subprocess.CompletedProcess[str]) -> dict[str, int]:
    """The number of jobs of each rule in a dry run."""
    said = planned.stdout + planned.stderr
    assert planned.returncode == 0, said
    return {rule: int(number) for rule, number in re.findall(r"^(\w+) +(\d+)$", said, flags=re.MULTILINE)}


def _pending(code: Checkout, *options: str, folder: Path, **variables: str) -> set[str]:
    """The rules that the smoke study would run now in ``folder``."""
    done = _attempt(code, "snakemake", "--summary", *options, folder=folder, **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line.split("\t") for line in done.stdout.splitlines() if line.count("\t") == 5]
    assert len(rows) > 100
    return {row[2] for row in rows[1:] if row[-1] == "update pending"}


#: The declared claims belong to the workflow and not to the study: seen from elsewhere they have another path.
CLAIMS = {"claims", "summarise", "run_info", "report"}


def test_from_another_folder_nothing_is_pending(smoke: Checkout, tmp_path: Path) -> None:
    options = ("-s", f"{smoke.folder}/Snakefile", "--directory", str(smoke.folder), "--configfile")
    assert _pending(smoke, *options, f"{smoke.folder}/{SMOKE}", folder=tmp_path) == set()


def test_in_another_folder_only_the_claims_are_judged_again(elsewhere: Path) -> None:
    code = Checkout(elsewhere.with_name("repository"))
    options = ("-s", "../repository/Snakefile", "--configfile", SMOKE)
    assert _pending(code, *options, folder=elsewhere) == CLAIMS


def test_in_another_folder_the_default_study_is_that_of_the_workflow(smoke: Checkout, tmp_path: Path) -> None:
    done = _attempt(smoke, "snakemake", "--summary", "-s", f"{smoke.folder}/Snakefile", folder=tmp_path)
    assert "results/digits/report/index.html\t" in done.stdout


def test_as_a_module_from_a_local_path(elsewhere: Path) -> None:
    (elsewhere / "Snakefile").write_text(MODULE.format(snakefile="../repository/Snakefile"))
    assert _pending(Checkout(elsewhere.with_name("repository")), folder=elsewhere) == CLAIMS


def test_as_one_of_several_modules_its_rules_have_a_prefix_and_run(fresh_checkout: Checkout, tmp_path: Path) -> None:
    code = fresh_checkout.copy(tmp_path / "repository")
    folder = tmp_path / "elsewhere"
    for part in ("config/test", "examples"):
        shutil.copytree(code.folder / part, folder / part)
    (folder / "Snakefile").write_text(ONE_OF_SEVERAL)
    settings = {"fooling": parsed_yaml((code.folder / SMOKE).read_text(), source=SMOKE), "other": {}}
    (folder / "config/all.yaml").write_text(yaml.safe_dump(settings))
    planned = _attempt(code, "snakemake", "--dry-run", "--quiet", "host", folder=folder)
    counts = _counts(planned)
    assert counts.pop("total") > 150
    assert "fooling_all" in counts and all(name.startswith("fooling_") for name in counts)
    made = _attempt(code, "snakemake", "--cores", "1", "--", "results/datasets/smoke-digits.safetensors", folder=folder)
    assert made.returncode == 0, made.stdout + made.stderr
    assert (folder / "results/datasets/smoke-digits.safetensors").is_file()


def test_the_snakefile_for_catalogues_makes_the_whole_study(fresh_checkout: Checkout) -> None:
    options = ("--dry-run", "--quiet", "host", "--configfile", SMOKE)
    planned = _attempt(fresh_checkout, "snakemake", "-s", "workflow/Snakefile", *options, folder=fresh_checkout.folder)
    assert _counts(planned)["all"] == 1
    assert _counts(planned)["total"] > 150


def test_as_a_module_from_an_address_with_the_package_installed(elsewhere: Path, served: str) -> None:
    (elsewhere / "Snakefile").write_text(MODULE.format(snakefile=f"{served}/Snakefile"))
    assert _pending(Checkout(elsewhere.with_name("repository")), folder=elsewhere) == CLAIMS


def test_as_a_module_from_an_address_without_the_package(elsewhere: Path, served: str, tmp_path: Path) -> None:
    (elsewhere / "Snakefile").write_text(MODULE.format(snakefile=f"{served}/Snakefile"))
    (tmp_path / "bare").mkdir()
    hidden = "import sys\nsys.path[:] = [path for path in sys.path if not path.endswith('src')]\n"
    (tmp_path / "bare/sitecustomize.py").write_text(hidden)
    code = Checkout(elsewhere.with_name("repository"))
    done = _attempt(code, "snakemake", "-n", folder=elsewhere, PYTHONPATH=str(tmp_path / "bare"))
    assert done.returncode != 0
    assert "a remote workflow needs its package: install `fooling`" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
