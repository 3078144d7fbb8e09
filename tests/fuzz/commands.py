"""Calls commands as a user does, in this process, and holds them to what every command promises of bad input."""

from __future__ import annotations

import signal
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from fooling.artifacts import sha256_of
from fooling.cli.main import application

PATIENCE = 120  # seconds


@dataclass(frozen=True)
class Outcome:
    """What a command said, and whether it did its work."""

    succeeded: bool
    message: str


def called(command: str, *arguments: object) -> Outcome:
    """`fooling command arguments`; nothing but success, or status 2 with a message of the command's own, passes."""
    with ends_in_time():
        result = CliRunner().invoke(application(called=command), [*command.split(), *map(str, arguments)])
    message = result.stderr
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise AssertionError("".join(traceback.format_exception(result.exception)))
    assert result.exit_code in (0, 2), message
    assert "Traceback" not in message
    if result.exit_code == 2:
        assert f"fooling {command}: " in message, f"refused by the command line itself: {message}"
    return Outcome(succeeded=result.exit_code == 0, message=message)


@contextmanager
def ends_in_time() -> Iterator[None]:
    """Fail instead of hanging: what takes half a second on bad input has run into an endless loop after minutes."""

    def give_up(number: int, frame: object) -> None:
        raise AssertionError(f"no end after {PATIENCE} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def case() -> Iterator[Path]:
    """An empty folder for one case; afterwards no file that was still being written may be in it."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        yield Path(name)
        assert not [path for path in Path(name).rglob("*") if path.name.endswith(".part")]


def holds(folder: Path, command: str, *arguments: object, outputs: Sequence[Path], named: Sequence[object]) -> Outcome:
    """Call a command on bad input in ``folder`` and check what it promises.

    It succeeds with all its ``outputs``, or refuses with a message that holds one of the texts ``named`` and writes
    none; either way every file that was there before stays as it was.
    """
    before = contents(folder)
    outcome = called(command, *arguments)
    after = contents(folder)
    assert before.items() <= after.items(), "a file that was there before has changed"
    made = {folder / path for path in after.keys() - before.keys()}
    if outcome.succeeded:
        assert set(outputs) <= made
    else:
        assert any(str(text) in outcome.message for text in named), f"none of {named} is named in: {outcome.message}"
        assert not made & set(outputs), f"refused, yet written: {made}"
    return outcome


def contents(folder: Path) -> dict[str, str]:
    """The checksums of all files in ``folder``, links by where they lead."""
    found = {}
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_file():
            found[name] = sha256_of(path.read_bytes())
    return found
