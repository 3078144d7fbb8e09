"""The front door: every command has a function and a help text for each parameter; errors are messages."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

from fooling.cli.commands import COMMANDS
from fooling.cli.main import function_of


@pytest.mark.parametrize("name", COMMANDS)
def test_every_parameter_of_every_command_is_explained(name: str) -> None:
    parameters = inspect.signature(function_of(name)).parameters
    assert all(COMMANDS[name].help_of(parameter) for parameter in parameters)
    assert COMMANDS[name].parameters.keys() <= parameters.keys()


def _fooling(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from fooling.cli.main import main; main()", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_lists_every_command_without_importing_any() -> None:
    listing = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "from fooling.cli.main import main; main()", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert all(name in listing.stdout for name in COMMANDS)
    assert "torch" not in listing.stderr


def test_a_mistake_is_a_message_and_a_status() -> None:
    refused = _fooling(
        *("evolve-direct", "--classifier", "none.safetensors", "--seed", "1", "--output", "out", "--settings", "{}")
    )
    assert refused.returncode == 2
    assert refused.stderr.startswith("fooling evolve-direct: ")
    assert "Traceback" not in refused.stderr


def test_an_unknown_command_is_refused() -> None:
    refused = _fooling("dream")
    assert refused.returncode == 2
    assert "No such command 'dream'" in refused.stderr


def test_the_version_is_printed() -> None:
    import fooling

    assert _fooling("--version").stdout.strip() == fooling.__version__
