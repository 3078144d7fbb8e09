"""The executor's server: commands forked from a warm process do what commands started by themselves do."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snakemake_executor_plugin_fooling import Server, split_command

WORDS = st.lists(st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1), max_size=5)


@given(words=WORDS, log=st.none() | st.text("abc/ .-", min_size=1))
def test_every_quoted_command_is_split_as_by_a_shell(words: list[str], log: str | None) -> None:
    command = shlex.join(["fooling", *words]) + ("" if log is None else f" 2> {shlex.quote(log)}")
    assert split_command(command) == (words, log)


@pytest.mark.parametrize(
    "command",
    [
        *("fooling a | sort", "fooling a > b", "fooling a 2>&1", "fooling a && fooling b", "fooling a; fooling b"),
        *(
            "fooling $HOME",
            'fooling "$HOME"',
            "fooling `ls`",
            "fooling *.csv",
            "fooling ~/a",
            "fooling a &",
            "fooling {a,b}",
        ),
        *("X=1 fooling a", "python a.py", "foolings a", "fooling a 2> b c", "fooling a \\ b"),
    ],
)
def test_what_needs_a_shell_is_left_to_a_shell(command: str) -> None:
    assert split_command(command) is None


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    started = Server()
    yield started
    started.close()


def run(server: Server, *words: str, log: Path | None = None) -> dict[str, object]:
    ended = server.run(list(words), log=None if log is None else str(log), environment={})
    assert ended is not None
    return ended


SETTINGS = """{"size": 28, "test_fraction": 0.25, "seed": 1}"""


@pytest.mark.slow
def test_a_command_writes_the_same_file_as_one_started_by_itself(server: Server, tmp_path: Path) -> None:
    forked, alone, log = tmp_path / "forked.safetensors", tmp_path / "alone.safetensors", tmp_path / "log"
    words = ("fetch-digits", "--name", "digits", "--settings", SETTINGS)
    ended = run(server, *words, "--output", str(forked), log=log)
    subprocess.run([sys.executable, "-m", "fooling.cli.main", *words, "--output", str(alone)], check=True)
    assert ended["status"] == 0, log.read_text()
    assert forked.read_bytes() == alone.read_bytes()
    assert "peak memory" in log.read_text()
    assert 0 < float(str(ended["cpu_seconds"])) < 60


def test_an_error_is_in_the_log_and_in_the_exit_status(server: Server, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("an earlier log")
    ended = run(server, "fetch-digits", "--settings", "{}", "--output", str(tmp_path / "a"), "--nonsense", log=log)
    assert ended["status"] == 2
    assert "--nonsense" in log.read_text()
    assert "earlier" not in log.read_text()


def test_a_log_that_cannot_be_written_fails_its_command_alone(server: Server, tmp_path: Path) -> None:
    assert run(server, "--version", log=tmp_path / "none" / "log")["status"] != 0
    assert run(server, "--version")["status"] == 0


def test_commands_run_at_the_same_time_and_a_killed_one_ends_alone(server: Server, tmp_path: Path) -> None:
    ended: dict[str, dict[str, object]] = {}

    def wait(name: str) -> None:
        pipe = tmp_path / name
        os.mkfifo(pipe)
        ended[name] = run(server, *waiting_for(pipe), log=tmp_path / f"{name}.log")

    threads = [threading.Thread(target=wait, args=[name]) for name in ("first", "second")]
    for thread in threads:
        thread.start()
    assert run(server, "--version")["status"] == 0
    os.kill(process_with(str(tmp_path / "first")), signal.SIGKILL)
    threads[0].join()
    assert ended["first"]["status"] == -signal.SIGKILL
    os.kill(process_with(str(tmp_path / "second")), signal.SIGINT)
    threads[1].join()
    assert ended["second"]["status"] == 128 + signal.SIGINT
    assert "interrupted" in (tmp_path / "second.log").read_text()


@pytest.mark.slow
def test_a_killed_server_gives_up_its_commands_and_they_go_on(tmp_path: Path) -> None:
    pipe, ended = tmp_path / "pipe", []
    os.mkfifo(pipe)
    server = Server()
    log = str(tmp_path / "log")
    thread = threading.Thread(target=lambda: ended.append(server.run(waiting_for(pipe), log=log, environment={})))
    thread.start()
    process_with(str(pipe))
    os.kill(server.process.pid, signal.SIGKILL)
    thread.join()
    assert ended == [None]
    assert not server.is_alive()
    assert server.run(["--version"], log=None, environment={}) is None
    pipe.write_text(SETTINGS)
    until(lambda: (tmp_path / "output").exists())


def waiting_for(pipe: Path) -> list[str]:
    """A command that reads its settings from ``pipe``, and so waits until somebody writes them."""
    output = pipe.with_name("output")
    return ["fetch-digits", "--name", "digits", "--settings", str(pipe), "--output", str(output)]


def process_with(text: str) -> int:
    """The process whose command line, shown as a title, holds ``text``; waited for."""
    found: list[int] = []

    def look() -> bool:
        for path in Path("/proc").iterdir():
            try:
                shown = (path / "cmdline").read_bytes() if path.name.isdigit() else b""
            except OSError:
                continue
            if text.encode() in shown:
                found.append(int(path.name))
        return bool(found)

    until(look)
    return found[0]


def until(condition: object, seconds: float = 120) -> None:
    last = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < last
        time.sleep(0.05)
