"""What a study's commands really read is what their fingerprints cover, wherever the study is run from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from checkout import ROOT, Checkout
from fooling.fingerprint import Fingerprints

PACKAGE = ROOT / "src/fooling"
FINGERPRINTS = Fingerprints(PACKAGE)


def _module(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


#: Modules that run every command and decide no result.
AROUND_COMMANDS = {_module(path) for path in FINGERPRINTS.files("fooling.cli.main")}


@pytest.fixture(scope="module")
def read(smoke: Checkout) -> list[tuple[str, set[str], set[str]]]:
    """Of every command of the smoke study its module, and the modules and other files of the package that it read."""
    found = []
    for path in sorted((smoke.folder / "logs/opened").iterdir()):
        content = json.loads(path.read_text())
        words = content["command"][: 2 if content["command"][0] == "survey" else 1]
        module = "fooling.cli." + "_".join(words).replace("-", "_")
        found.append((module, set(content["modules"]) - AROUND_COMMANDS, set(content["files"])))
    return found


def _covered(module: str, modules: set[str]) -> tuple[set[str], set[str]]:
    """The modules that a fingerprint covers, with those that the command imported by name, and the other files."""
    alone = {_module(path) for path in FINGERPRINTS.files(module) if path.suffix == ".py"}
    named = sorted(name for name in modules - alone if (PACKAGE.parent / f"{name.replace('.', '/')}.py").is_file())
    named = [name for name in named if _is_declared(module, name)]
    files = FINGERPRINTS.files(module, *named)
    others = {path.relative_to(PACKAGE).as_posix() for path in files if path.suffix != ".py"}
    return {_module(path) for path in files if path.suffix == ".py"}, others


def _is_declared(module: str, name: str) -> bool:
    try:
        FINGERPRINTS.of(module, name)
    except ValueError:
        return False
    return True


def test_every_step_was_watched(read: list[tuple[str, set[str], set[str]]]) -> None:
    assert {"fooling.cli.train", "fooling.cli.draw", "fooling.cli.report", "fooling.cli.survey_sample"} <= {
        module for module, _, _ in read
    }


def test_no_command_imports_what_its_fingerprint_does_not_cover(read: list[tuple[str, set[str], set[str]]]) -> None:
    beyond = {(module, name) for module, modules, _ in read for name in modules - _covered(module, modules)[0]}
    assert beyond == set()


def test_files_that_are_no_code_are_declared_where_they_are_read(read: list[tuple[str, set[str], set[str]]]) -> None:
    for module, modules, files in read:
        assert files <= _covered(module, modules)[1], module
    opened = {file for _, _, files in read for file in files}
    declared = {
        path.relative_to(PACKAGE).as_posix()
        for module, modules, _ in read
        for path in FINGERPRINTS.files(module)
        if path.suffix != ".py"
    }
    assert opened == declared == {"figures/style.mplstyle", "report/page.html", "report/page.css"}
