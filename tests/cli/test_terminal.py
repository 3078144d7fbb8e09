"""Which protocol a terminal gets, by its environment and by its own answer."""

from __future__ import annotations

import os
import pty
import select
import threading

import pytest

from fooling.cli import _terminal
from fooling.cli._terminal import abilities_in, protocol_of


@pytest.mark.parametrize(
    ("environment", "protocol"),
    [
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, "iterm"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, "iterm"),
        ({"TERM": "xterm-256color", "LC_TERMINAL": "iTerm2"}, "iterm"),
        ({"TERM": "tmux-256color", "TERM_PROGRAM": "tmux", "KITTY_WINDOW_ID": "1"}, "blocks"),
        ({"TERM": "screen", "LC_TERMINAL": "iTerm2"}, "blocks"),
        ({"TERM": "xterm-256color"}, "blocks"),
        ({}, "blocks"),
    ],
)
def test_terminals_are_known_by_their_variables(
    environment: dict[str, str], protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_terminal, "_shows_sixels", lambda: False)
    assert protocol_of(environment) == protocol


@pytest.mark.parametrize(
    ("answer", "abilities"),
    [
        (b"\x1b[?62;4;22c", [b"62", b"4", b"22"]),
        (b"x\x1b[?1;2c", [b"1", b"2"]),
        (b"", []),
        (b"\x1b[?62;4", []),
    ],
)
def test_the_answer_of_a_terminal_is_read(answer: bytes, abilities: list[bytes]) -> None:
    assert abilities_in(answer) == abilities


@pytest.mark.parametrize(("answer", "shown"), [(b"\x1b[?62;4c", True), (b"\x1b[?62;22c", False), (b"", False)])
def test_a_terminal_is_asked_for_sixels(answer: bytes, shown: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, its = pty.openpty()
    opened = os.open
    monkeypatch.setattr(os, "open", lambda path, flags: os.dup(its) if path == "/dev/tty" else opened(path, flags))

    def reply() -> None:
        if select.select([ours], [], [], 5)[0]:
            asked.append(os.read(ours, 64))
            os.write(ours, answer)

    asked: list[bytes] = []
    terminal = threading.Thread(target=reply)
    terminal.start()
    assert (protocol_of({}) == "sixel") == shown
    terminal.join()
    assert asked == [b"\x1b[c"]
    os.close(ours)
    os.close(its)


def test_without_a_terminal_there_are_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> int:
        raise OSError("no such device")

    monkeypatch.setattr(os, "open", refused)
    assert protocol_of({}) == "blocks"
