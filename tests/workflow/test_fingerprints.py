"""What a study's commands really read is what their fingerprints cover, wherever the study is run from."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from checkout import ROOT, Checkout
from fooling.cli.main import GROUPS, Command, commands
from fooling.fingerprint import Fingerprints
from warm import LIBRARIES

PACKAGE = ROOT / "src/fooling"
FINGERPRINTS = Fingerprints(PACKAGE)


def _module(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


#: Modules that run every command and decide no result.
AROUND_COMMANDS = {_module(path) for path in FINGERPRINTS.files("fooling.cli.main")}


@pytest.fixture(scope="module")
def read(smoke: Checkout) -> list[tuple[Command, set[str], set[str]]]:
    """Every command of the smoke study with the modules and other files of the package that it read."""
    found = []
    for path in sorted((smoke.folder / "logs/opened").iterdir()):
        content = json.loads(path.read_text())
        name = " ".join(content["command"][: 2 if content["command"][0] in GROUPS else 1])
        found.append((commands()[name], set(content["modules"]) - AROUND_COMMANDS, set(content["files"])))
    return found


def _covered(root: str, modules: set[str]) -> tuple[set[str], set[str]]:
    """The modules that a fingerprint covers, with those that the command imported by name, and the other files."""
    alone = {_module(path) for path in FINGERPRINTS.files(root) if path.suffix == ".py"}
    named = sorted(name for name in modules - alone if (PACKAGE.parent / f"{name.replace('.', '/')}.py").is_file())
    named = [name for name in named if _is_declared(root, name)]
    files = FINGERPRINTS.files(root, *named)
    others = {path.relative_to(PACKAGE).as_posix() for path in files if path.suffix != ".py"}
    return {_module(path) for path in files if path.suffix == ".py"}, others


def _is_declared(root: str, name: str) -> bool:
    try:
        FINGERPRINTS.of(root, name)
    except ValueError:
        return False
    return True


#: Prints the modules of the package that a fresh process imports with each of the named modules; what these need of
#: other packages is imported once for all.
IMPORT_EACH = """
import importlib, os, sys
libraries, *modules = sys.argv[1:]
for library in libraries.split(","):
    importlib.import_module(library)
assert not any(name.startswith("fooling.") for name in sys.modules)
for module in modules:
    if os.fork() == 0:
        importlib.import_module(module)
        print(module, *(name for name in sys.modules if name.startswith("fooling.")), flush=True)
        os._exit(0)
    assert os.wait()[1] == 0, module
"""


def _imported_at_once(modules: Iterable[str]) -> dict[str, set[str]]:
    """The modules that a fresh process imports with each of these."""
    command = [sys.executable, "-c", IMPORT_EACH, ",".join(LIBRARIES["fooling"]), *modules]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {module: set(imported) for module, *imported in map(str.split, done.stdout.splitlines())}


def test_every_step_was_watched(read: list[tuple[Command, set[str], set[str]]]) -> None:
    assert {"train", "draw", "report", "survey_sample"} <= {command.function for command, _, _ in read}


def test_no_command_imports_what_its_fingerprint_does_not_cover(
    read: list[tuple[Command, set[str], set[str]]],
) -> None:
    """Beyond its own part of the module, a process imports only what other commands of the module use."""
    with_module = _imported_at_once({command.module for command, _, _ in read})
    beyond = set()
    for command, modules, _ in read:
        unexpected = modules - _covered(command.root, modules)[0]
        if unexpected:
            unexpected -= with_module[command.module] & _covered(command.module, modules)[0]
        beyond |= {(command.function, name) for name in unexpected}
    assert beyond == set()


def test_files_that_are_no_code_are_declared_where_they_are_read(
    read: list[tuple[Command, set[str], set[str]]],
) -> None:
    for command, modules, files in read:
        assert files <= _covered(command.root, modules)[1], command.function
    opened = {file for _, _, files in read for file in files}
    declared = {
        path.relative_to(PACKAGE).as_posix()
        for command, _, _ in read
        for path in FINGERPRINTS.files(command.root)
        if path.suffix != ".py"
    }
    declared |= {file for command, modules, _ in read for file in _covered(command.root, modules)[1]}
    templates = {path.relative_to(PACKAGE).as_posix() for path in (PACKAGE / "report/templates").iterdir()}
    templates |= {f"auditing/{name}.html" for name in ("page", "probe")}
    assert opened == declared == {"figures/style.mplstyle", "claims/page.md", *templates}
