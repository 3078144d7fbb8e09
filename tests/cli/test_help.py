"""Every command has its help, read from docstrings."""

from __future__ import annotations

from pathlib import Path

import pytest

from fooling.cli import help as module
from fooling.cli.help import PANELS, SHARED, commands, parameters_of
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
    assert commands()[name].summary.endswith(".")
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


def test_a_command_is_a_public_function_of_any_module() -> None:
    assert commands()["compare-networks"].root == "fooling.cli.tables:compare_networks"
    assert commands()["survey build"].root == "fooling.cli.survey_preparation:survey_build"


def test_functions_that_commands_share_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("main", "help", "_shared"):
        (tmp_path / f"{name}.py").write_text("def shared(): pass")
    (tmp_path / "group.py").write_text(
        'PANEL = "Data"\ndef one():\n    """Do\n    it.\n\n    More."""\ndef _two(): pass'
    )
    monkeypatch.setattr(module, "__file__", str(tmp_path / "help.py"))
    assert commands.__wrapped__() == {"one": ("fooling.cli.group", "one", "Do it.", "Data")}
    (tmp_path / "other.py").write_text('PANEL = "Data"\ndef one(): pass')
    with pytest.raises(FoolingError, match=r"fooling\.cli\.group, fooling\.cli\.other"):
        commands.__wrapped__()


@pytest.mark.parametrize("line", ["", 'PANEL = "Odds and ends"'])
def test_a_module_of_commands_names_a_known_heading(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "group.py").write_text(f"{line}\ndef one(): pass")
    monkeypatch.setattr(module, "__file__", str(tmp_path / "help.py"))
    with pytest.raises(FoolingError, match="group"):
        commands.__wrapped__()


def test_commands_are_in_the_order_of_their_headings() -> None:
    panels = [command.panel for command in commands().values()]
    assert panels == sorted(panels, key=PANELS.index)
    assert set(panels) == set(PANELS)
