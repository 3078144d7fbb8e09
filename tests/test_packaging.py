"""The package as others install it: what a wheel contains, what it needs, and what it does without this repository."""

from __future__ import annotations

import ast
import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import fooling
from checkout import ROOT
from fooling.messages import EXTRAS

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
NETWORK = """
import torch


def build():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 3))
"""
AUDIT = """
import sys
import torch
from fooling import audit

sys.path.insert(0, ".")
from net import build

result = audit(build(), input_shape=(1, 8, 8), budget=400, threshold=0.5)
result.save("from-python")
print(len(result.searches), *result.sentences(), sep="\\n")
"""
IMPORT_COMMANDS = """
import importlib
from fooling.cli.main import commands

for name, command in commands().items():
    importlib.import_module(command.module)
    print(name)
"""


def requirements(*extras: str) -> dict[str, Requirement]:
    """What the package requires by name, alone or with these extras."""
    listed = [*PROJECT["dependencies"], *(each for extra in extras for each in PROJECT["optional-dependencies"][extra])]
    return {found.name: found for found in map(Requirement, listed)}


def imported_packages() -> set[str]:
    """The top-level names that the modules of the package import, at whatever place."""
    names = set()
    for path in (ROOT / "src/fooling").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add((node.module or "").partition(".")[0])
    return names - sys.stdlib_module_names - {"fooling", "__future__"}


@cache
def packages_distributions() -> Mapping[str, list[str]]:
    return importlib.metadata.packages_distributions()


def distributions_of(package: str) -> set[str]:
    return {name.lower() for name in packages_distributions().get(package, [package])}


@pytest.mark.slow
def test_every_package_that_is_imported_is_required_or_brought_by_the_extra_that_its_error_names() -> None:
    brought_along = {"markupsafe": "jinja2", "pydantic_core": "pydantic"}
    for package in imported_packages():
        required = requirements(EXTRAS[package]) if package in EXTRAS else requirements()
        found = distributions_of(brought_along.get(package, package))
        assert found & {name.lower() for name in required}, package
        assert package not in EXTRAS or not found & {name.lower() for name in requirements()}, package
    by_name = {"timm", "onnxruntime", "open_clip", "pytorch_ood", "transformers"}
    assert EXTRAS.keys() <= imported_packages() | by_name


def test_requirements_are_ranges_that_contain_what_the_constraints_pin() -> None:
    pins = dict(line.split(" ;")[0].split("==") for line in (ROOT / "constraints.txt").read_text().splitlines())
    for name, requirement in requirements(*PROJECT["optional-dependencies"]).items():
        assert not any(each.operator in ("==", "===") for each in requirement.specifier), name
        if name in pins:
            assert pins[name] in requirement.specifier, name


def test_documentation_and_notebooks_name_extras_that_exist() -> None:
    pages = [ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("notebooks/*.ipynb"), ROOT / "Dockerfile"]
    lists = re.findall(r"(?:fooling|repository|[\s'\"]\.)\[([a-z_,]+)\]", "".join(page.read_text() for page in pages))
    named = {extra for names in lists for extra in names.split(",")}
    assert {"notebooks", "onnx", "study"} <= named
    assert named <= PROJECT["optional-dependencies"].keys()


def test_the_version_is_the_same_everywhere() -> None:
    assert f"\nversion: {fooling.__version__}\n" in (ROOT / "CITATION.cff").read_text()
    assert re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)[1] == fooling.__version__  # type: ignore[index]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a source distribution of what git tracks here, and the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("built")
    source = folder / "source"
    for path in tracked("src", "pyproject.toml", "README.md", "LICENSE", "MANIFEST.in", "tests/checkout.py"):
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_bytes((ROOT / path).read_bytes())
    build = f"from setuptools.build_meta import build_sdist; build_sdist({str(folder)!r})"
    subprocess.run([sys.executable, "-c", build], cwd=source, check=True, capture_output=True)
    (sdist,) = folder.glob("*.tar.gz")
    pip("wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder, sdist)
    yield folder


def tracked(*paths: str) -> list[str]:
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *paths]
    files = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    return [path for path in files if (ROOT / path).is_file()]


def pip(*arguments: object) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, arguments)]
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}  # else it finds `src`
    done = subprocess.run(command, env=kept, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (found,) = built.glob("*.whl")
    return found


@pytest.mark.slow
def test_a_wheel_contains_all_files_of_the_packages_and_nothing_else(built: Path, wheel: Path) -> None:
    expected = {path.removeprefix("src/") for path in tracked("src")}
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name for name in names if ".dist-info/" not in name} == expected
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        parts = {name.split("/")[1] for name in archive.getnames() if "/" in name}
    assert parts == {"LICENSE", "MANIFEST.in", "PKG-INFO", "README.md", "pyproject.toml", "setup.cfg", "src"}


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of an environment with the wheel and links to what it requires without extras, and nothing else."""
    environment = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    python = environment / "bin" / "python"
    (packages,) = environment.glob("lib/python*/site-packages")
    for name in needed():
        link_files_of(importlib.metadata.distribution(name), packages)
    pip("--python", python, "install", "--no-deps", "--no-index", wheel)
    return python.parent


def needed() -> set[str]:
    """The distributions that the package requires without extras, and those that these require."""
    found, pending = set[str](), list(requirements().values())
    while pending:
        requirement = pending.pop()
        name = requirement.name.lower()
        if name in found or (requirement.marker is not None and not requirement.marker.evaluate({"extra": ""})):
            continue
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            assert name not in requirements(), name
            continue  # a build of torch for CPUs comes without what its other builds require
        found.add(name)
        pending += map(Requirement, distribution.requires or [])
    return found


def link_files_of(distribution: importlib.metadata.Distribution, folder: Path) -> None:
    """Link the top-level files and folders of an installed distribution into ``folder``."""
    for top in {file.parts[0] for file in distribution.files or [] if file.parts[0] not in ("..", "__pycache__")}:
        source, target = Path(str(distribution.locate_file(top))), folder / top
        if source.exists() and not target.exists():
            target.symlink_to(source)


def run(command: Path | str, *arguments: str, folder: Path, status: int = 0) -> str:
    """Run a command in ``folder`` without what points to this repository, and return all that it prints."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "FOOLING_"))}
    done = subprocess.run(
        [str(command), *arguments], cwd=folder, env=kept, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert done.returncode == status, done.stdout
    return done.stdout


@pytest.mark.slow
def test_an_installed_wheel_audits_a_network_without_the_repository(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NETWORK)
    assert run(installed / "fooling", "--version", folder=tmp_path).strip() == fooling.__version__
    where = run(installed / "python", "-c", "import fooling; print(fooling.__file__)", folder=tmp_path)
    assert Path(where.strip()).is_relative_to(installed.parent)
    options = ("--input-shape", "1x8x8", "--budget", "400", "--threshold", "0.5")
    said = run(installed / "fooling", "audit", "net.py:build", *options, folder=tmp_path)
    assert "Done: open audit/index.html" in said
    described = json.loads((tmp_path / "audit/audit.json").read_text())
    assert len(described["searches"]) == 5
    assert all((tmp_path / "audit" / image["file"]).is_file() for image in described["searches"][0]["images"])
    lines = run(installed / "python", "-c", AUDIT, folder=tmp_path).splitlines()
    searches, *sentences = lines[-1 - len(described["summary"]) :]
    assert searches == "5"
    assert sentences == described["summary"]
    page = (tmp_path / "from-python/index.html").read_text()
    assert "</style>" in page and all(sentence.split(":")[0] in page for sentence in sentences)


@pytest.mark.slow
def test_commands_can_be_listed_and_imported_without_the_extras(installed: Path, tmp_path: Path) -> None:
    listed = run(installed / "fooling", "--help", folder=tmp_path)
    imported = run(installed / "python", "-c", IMPORT_COMMANDS, folder=tmp_path).splitlines()
    assert {"audit", "attack", "survey analyse"} <= set(imported)
    assert "audit" in listed


@pytest.mark.slow
def test_a_missing_extra_is_named(installed: Path, tmp_path: Path) -> None:
    said = run(installed / "fooling", "fetch-digits", folder=tmp_path, status=2)
    assert said.strip().startswith("fooling fetch-digits: this needs the package sklearn\n  found: not installed")
    assert said.strip().endswith("to fix it: pip install 'fooling[study]'")
    (tmp_path / "net.onnx").write_bytes(b"\x08\x07")  # as ONNX begins
    assert "pip install 'fooling[onnx]'" in run(installed / "fooling", "audit", "net.onnx", folder=tmp_path, status=2)
