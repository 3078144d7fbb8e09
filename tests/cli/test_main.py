"""The front door: every command is called by its name, and errors are messages."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from typer.testing import CliRunner

from fooling.cli import main as commands_of
from fooling.cli.data_sets import fetch_digits
from fooling.cli.main import PANELS, SHARED, Command, application, commands, function_of, parameters_of
from fooling.messages import FoolingError


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
    assert all(name.split()[0] in listing.stdout for name in commands())
    assert "torch" not in listing.stderr


def test_help_lists_the_commands_under_their_headings() -> None:
    listing = CliRunner().invoke(application(called=""), ["--help"]).output
    places = [listing.index(f"─ {panel} ─") for panel in PANELS]
    assert places == sorted(places)
    assert places[0] < listing.index("│ fetch-digits ") < places[1] < listing.index("│ import-network ") < places[2]


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("fooling fetch-d", ["fetch-digits"]),
        ("fooling survey bu", ["build"]),
        ("fooling attack ev", ["evolution"]),
        ("fooling draw same", ["same_label"]),
        ("fooling fetch-digits --qui", ["--quiet"]),
    ],
)
def test_a_shell_completes_commands_options_and_names(line: str, completed: list[str]) -> None:
    code = "import sys; sys.argv = ['fooling']; from fooling.cli.main import main; main()"
    variables = {"_FOOLING_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
    done = subprocess.run([sys.executable, "-c", code], env=os.environ | variables, capture_output=True, text=True)
    assert done.stdout.split() == completed
    assert done.stderr == ""


def test_quiet_prints_errors_alone(tmp_path: Path) -> None:
    output = tmp_path / "digits.safetensors"
    done = CliRunner().invoke(application(called="fetch-digits"), ["fetch-digits", "--quiet", "--output", str(output)])
    assert (done.exit_code, done.output) == (0, "")
    assert output.is_file()
    wrong = ["fetch-digits", "--quiet", "--settings", '{"sise": 8}', "--output", str(output)]
    refused = CliRunner().invoke(application(called="fetch-digits"), wrong)
    assert refused.exit_code == 2
    assert refused.stderr.startswith("fooling fetch-digits: --settings: 1 invalid setting")
    assert "peak memory" not in refused.stderr


def test_a_mistake_is_a_message_and_a_status() -> None:
    refused = _fooling(
        *("attack", "evolution", "--classifier", "none.safetensors", "--seed", "1", "--output", "out"),
        *("--settings", '{"encoding": {"kind": "direct"}}'),
    )
    assert refused.returncode == 2
    assert refused.stderr.startswith("fooling attack: ")
    assert "Traceback" not in refused.stderr


def test_a_missing_optional_package_is_a_message_that_names_its_extra(tmp_path: Path) -> None:
    code = "import sys; sys.modules['sklearn'] = None; from fooling.cli.main import main; main()"
    done = subprocess.run([sys.executable, "-c", code, "fetch-digits"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert "fooling fetch-digits: this needs the package sklearn" in done.stderr
    assert "pip install 'fooling[study]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_command_is_refused() -> None:
    refused = _fooling("dream")
    assert refused.returncode == 2
    assert "No such command 'dream'" in refused.stderr


def test_the_version_is_printed() -> None:
    import fooling

    assert _fooling("--version").stdout.strip() == fooling.__version__


@pytest.fixture
def greeted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Whom the command ``survey greet`` has greeted; it exists for this test alone."""
    seen: list[str] = []

    def survey_greet(*, name: str) -> None:
        seen.append(name)

    module = ModuleType("fooling.cli.greetings")
    module.survey_greet = survey_greet  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(
        commands(), "survey greet", Command(module.__name__, "survey_greet", "Greet participants.", "Survey")
    )
    return seen


def test_a_command_of_a_group_is_called_by_both_words(greeted: list[str]) -> None:
    done = CliRunner().invoke(application(called="survey greet"), ["survey", "greet", "--name", "Ada"])
    assert done.exit_code == 0, done.output
    assert greeted == ["Ada"]
    assert done.stderr.startswith("fooling survey greet: ")


def test_a_group_lists_its_commands(greeted: list[str]) -> None:
    listed = CliRunner().invoke(application(called="survey"), ["survey", "--help"]).output
    assert "greet" in listed and "Greet participants." in listed
    assert not greeted


def test_an_unknown_command_of_a_group_is_refused(greeted: list[str]) -> None:
    refused = CliRunner().invoke(application(called="survey dream"), ["survey", "dream"])
    assert refused.exit_code == 2
    assert "No such command 'dream'" in refused.output


def test_an_input_that_changes_while_a_command_runs_fails_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = tmp_path / "settings.yaml"
    settings.write_text("size: 16\n")
    module = importlib.import_module("fooling.cli.data_sets")
    made = module.make_digits

    def made_while_the_settings_change(*arguments: Any, **options: Any) -> Any:
        settings.write_text("size: 12\n")
        return made(*arguments, **options)

    monkeypatch.setattr(module, "make_digits", made_while_the_settings_change)
    output = tmp_path / "digits.safetensors"
    call = ["fetch-digits", "--name", "d", "--settings", str(settings), "--output", str(output)]
    done = CliRunner().invoke(application(called="fetch-digits"), call)
    assert done.exit_code == 2
    assert "an input changed while the command ran" in done.stderr
    assert str(settings) in done.stderr
    assert not output.exists()


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_a_full_standard_output_is_a_message(option: str) -> None:
    code = "from fooling.cli.main import main; main()"
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-c", code, option], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2
    assert "standard output cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_ctrl_c_is_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    def survey_greet() -> None:
        raise KeyboardInterrupt

    module = ModuleType("fooling.cli.greetings")
    module.survey_greet = survey_greet  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(
        commands(), "survey greet", Command(module.__name__, "survey_greet", "Greet participants.", "Survey")
    )
    done = CliRunner().invoke(application(called="survey greet"), ["survey", "greet"])
    assert done.exit_code == 130
    assert done.stderr == "fooling survey greet: interrupted\n"


@pytest.mark.slow
def test_memory_that_runs_out_anywhere_is_a_message(tmp_path: Path) -> None:
    dataset = tmp_path / "digits.safetensors"
    fetch_digits(output=dataset)
    network = tmp_path / "large.py"
    network.write_text(
        "import torch\n"
        "class Large(torch.nn.Linear):\n"
        "    def state_dict(self, *given, **named):\n"
        "        return super().state_dict(*given, **named) if self.training else {'w': torch.empty(2**50)}\n"
        "    def forward(self, values):\n"
        "        return super().forward(values.flatten(1))\n"
        "def build(*, input_shape, classes):\n"
        "    return Large(784, classes)\n"
    )
    settings = {"architecture": f"{network}:build", "training": {"iterations": 1}}
    refused = _fooling(
        *("train", "--name", "large", "--dataset", str(dataset), "--settings", json.dumps(settings)),
        *("--checkpoints", str(tmp_path / "checkpoints"), "--output", str(tmp_path / "large.safetensors")),
    )
    assert refused.returncode == 2
    assert "not enough memory\n  found: 4,503,599,627,370,496 bytes requested at once\n" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "large.safetensors").exists()


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
    assert commands()["survey build"].root == "fooling.cli.survey:survey_build"


def test_functions_that_commands_share_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("main", "_shared"):
        (tmp_path / f"{name}.py").write_text("def shared(): pass")
    (tmp_path / "group.py").write_text(
        'PANEL = "Data"\ndef one():\n    """Do\n    it.\n\n    More."""\ndef _two(): pass'
    )
    monkeypatch.setattr(commands_of, "__file__", str(tmp_path / "main.py"))
    assert commands.__wrapped__() == {"one": ("fooling.cli.group", "one", "Do it.", "Data")}
    (tmp_path / "other.py").write_text('PANEL = "Data"\ndef one(): pass')
    with pytest.raises(FoolingError, match=r"fooling\.cli\.group, fooling\.cli\.other"):
        commands.__wrapped__()


@pytest.mark.parametrize("line", ["", 'PANEL = "Odds and ends"'])
def test_a_module_of_commands_names_a_known_heading(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "group.py").write_text(f"{line}\ndef one(): pass")
    monkeypatch.setattr(commands_of, "__file__", str(tmp_path / "main.py"))
    with pytest.raises(FoolingError, match="group"):
        commands.__wrapped__()


def test_commands_are_in_the_order_of_their_headings() -> None:
    panels = [command.panel for command in commands().values()]
    assert panels == sorted(panels, key=PANELS.index)
    assert set(panels) == set(PANELS)
