"""Every command has its help, read from docstrings."""

from __future__ import annotations

from pathlib import Path

import pytest

from fooling.cli import help as module
from fooling.cli.help import SHARED, commands, parameters_of
from fooling.cli.main import function_of
from fooling.errors import FoolingError


def described(one: Path, *, other: int = 1) -> None:
    """Do something.

    More on it.

    Args:
        one: What it is,
            on two lines.
        other: How many: 1 or 2.

    Raises:
        nothing: At all.
    """


@pytest.mark.parametrize("name", commands())
def test_every_command_and_parameter_is_described(name: str) -> None:
    assert commands()[name].endswith((".", "own."))
    found = parameters_of(function_of(name))
    assert all(text and text[0].isupper() and text.endswith(".") for text in found.values())


def test_args_are_read_line_by_line() -> None:
    assert parameters_of(described) == {"one": "What it is, on two lines.", "other": "How many: 1 or 2."}


def test_shared_parameters_need_no_text() -> None:
    def command(*, seed: int) -> None:
        """Do something."""

    assert parameters_of(command) == {"seed": SHARED["seed"]}


def test_a_parameter_without_a_text_is_refused() -> None:
    def command(*, something: int) -> None:
        """Do something."""

    with pytest.raises(FoolingError, match="something"):
        parameters_of(command)


def test_a_text_without_a_parameter_is_refused() -> None:
    def command() -> None:
        """Do something.

        Args:
            something: A text.
        """

    with pytest.raises(FoolingError, match="something"):
        parameters_of(command)


def test_modules_that_commands_share_are_none() -> None:
    files = {path.stem.replace("_", "-") for path in Path(module.__file__).parent.glob("*.py")}
    assert files - set(commands()) >= {"main", "help", "evolving", "training"}
    assert "survey build" in commands()
