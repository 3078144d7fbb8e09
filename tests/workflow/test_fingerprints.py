"""What a study's commands really read is what their fingerprints cover, wherever the study is run from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import pytest

from checkout import ROOT, Checkout
from fooling.cli.main import GROUPS, Command, commands
from fooling.fingerprint import Fingerprints

PACKAGE = ROOT / "src/fooling"
FINGERPRINTS = Fingerprints(PACKAGE)


def _module(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


#: Definitions that run every command and decide no result.
AROUND_COMMANDS = {
    (module, name)
    for part in ("fooling.cli.main", "fooling.encodings.cppn.compilation:load_all")
    for module, names in FINGERPRINTS.definitions(part).items()
    for name in names
}


class Watched(NamedTuple):
    """A command of the smoke study, and what its process read and called of the package."""

    command: Command
    modules: set[str]
    files: set[str]
    calls: set[tuple[str, str]]
    """Module and name of each definition that was called, or whose methods were."""


@pytest.fixture(scope="module")
def read(smoke: Checkout) -> list[Watched]:
    """Every command of the smoke study with what it read and called."""
    found = []
    for path in sorted((smoke.folder / "logs/opened").iterdir()):
        content = json.loads(path.read_text())
        name = " ".join(content["command"][: 2 if content["command"][0] in GROUPS else 1])
        calls = {(_module(PACKAGE / file), definition) for file, definition in content["calls"]}
        modules = set(content["modules"])
        found.append(Watched(commands()[name], modules, set(content["files"]), calls))
    return found


def _named(root: str, modules: set[str]) -> list[str]:
    """The modules that the command imported by name, as far as it declares them."""
    known = (name for name in modules if (PACKAGE.parent / f"{name.replace('.', '/')}.py").is_file())
    return sorted(name for name in known if _is_declared(root, name))


def _is_declared(root: str, name: str) -> bool:
    try:
        FINGERPRINTS.of(root, name)
    except ValueError:
        return False
    return True


def test_every_step_was_watched(read: list[Watched]) -> None:
    assert {"train", "draw", "report", "survey_sample"} <= {each.command.function for each in read}
    assert all(each.calls for each in read)


def test_a_command_calls_only_what_its_fingerprint_covers(read: list[Watched]) -> None:
    """All functions and classes that run are in the fingerprint, but for what surrounds every command."""
    beyond = set()
    for each in read:
        covered = FINGERPRINTS.definitions(each.command.root, *_named(each.command.root, each.modules))
        beyond |= {
            (each.command.function, module, name)
            for module, name in each.calls - AROUND_COMMANDS
            if name not in covered.get(module, ())
        }
    assert beyond == set()


def test_files_that_are_no_code_are_declared_where_they_are_read(
    read: list[Watched],
) -> None:
    opened, declared = set(), set()
    for each in read:
        files = FINGERPRINTS.files(each.command.root, *_named(each.command.root, each.modules))
        covered = {path.relative_to(PACKAGE).as_posix() for path in files if path.suffix != ".py"}
        assert each.files <= covered, each.command.function
        opened |= each.files
        declared |= covered
    templates = {path.relative_to(PACKAGE).as_posix() for path in (PACKAGE / "report/templates").iterdir()}
    templates -= {
        f"report/templates/explorer.{ending}" for ending in ("html", "js")
    }  # of the site, which no step makes
    templates |= {f"auditing/{name}.html" for name in ("page", "probe")}
    assert opened == declared == {"figures/style.mplstyle", "claims/page.md", *templates}
