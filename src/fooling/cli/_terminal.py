"""Find out how the terminal shows pictures: by the protocol of kitty or iTerm2, by sixels, or as half blocks."""

from __future__ import annotations

import os
import re
import select
import sys
import termios
import time
import tty
from collections.abc import Mapping
from contextlib import suppress
from typing import Literal

Protocol = Literal["kitty", "iterm", "sixel", "blocks"]

#: A question that terminals answer with a list of their abilities, in which 4 means sixels.
DEVICE_ATTRIBUTES = b"\x1b[c"
ANSWER = re.compile(rb"\x1b\[\?([\d;]*)c")
SIXELS = b"4"
PATIENCE = 0.3  # seconds to wait for the answer


def protocol_of(environment: Mapping[str, str]) -> Protocol:
    """Return the protocol that the terminal of this ``environment`` understands.

    Kitty and iTerm2, and terminals that understand theirs, have their own variables; tmux and screen pass on neither.
    Others are asked for sixels. All show half blocks.
    """
    program, term = environment.get("TERM_PROGRAM", ""), environment.get("TERM", "")
    is_nested = term.startswith(("screen", "tmux")) or "TMUX" in environment
    if not is_nested and (term in ("xterm-kitty", "xterm-ghostty") or "KITTY_WINDOW_ID" in environment):
        return "kitty"
    if not is_nested and (program in ("iTerm.app", "WezTerm") or environment.get("LC_TERMINAL") == "iTerm2"):
        return "iterm"
    return "sixel" if _shows_sixels() else "blocks"


def is_terminal() -> bool:
    """Return whether standard output is a terminal that shows pictures in some way."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def abilities_in(answer: bytes) -> list[bytes]:
    """Return the numbers in a terminal's answer; none for anything else."""
    found = ANSWER.search(answer)
    return [] if found is None else found[1].split(b";")


def _shows_sixels() -> bool:
    """Ask the terminal itself, without echo, and wait for a moment."""
    with suppress(OSError, termios.error):
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
        try:
            return SIXELS in abilities_in(_asked(terminal))
        finally:
            os.close(terminal)
    return False


def _asked(terminal: int) -> bytes:
    """Return what the terminal answers to the question for its abilities, or what it has sent when time is up."""
    before, answer, end = termios.tcgetattr(terminal), b"", time.monotonic() + PATIENCE
    try:
        tty.setcbreak(terminal, termios.TCSANOW)
        os.write(terminal, DEVICE_ATTRIBUTES)
        while not ANSWER.search(answer) and select.select([terminal], [], [], max(0.0, end - time.monotonic()))[0]:
            answer += os.read(terminal, 256)
    finally:
        termios.tcsetattr(terminal, termios.TCSANOW, before)
    return answer
