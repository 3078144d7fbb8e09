"""Pictures in terminals: the protocol that a terminal understands, and pictures as text for each protocol.

Kitty's, iTerm2's and sixels take a whole PNG file. Half-block characters in true colour are for the small images of an
overview, whose texts stay text. The functions return the characters to print; none prints.
"""

from __future__ import annotations

import base64
import io
import os
import re
import select
import sys
import termios
import time
import tty
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fooling.figures.overview import Overview, Picture, Row
from fooling.fonts import columns as width_of
from fooling.messages import percent

Protocol = Literal["kitty", "iterm", "sixel", "blocks"]

#: A question that terminals answer with a list of their abilities, in which 4 means sixels.
DEVICE_ATTRIBUTES = b"\x1b[c"
ANSWER = re.compile(rb"\x1b\[\?([\d;]*)c")
SIXELS = b"4"
PATIENCE = 0.3  # seconds to wait for the answer
RESET = "\x1b[0m"
BOLD, FAINT = "\x1b[1m", "\x1b[2m"
LEAST, WISHED = 10, 5  # columns of an image at least, so that a confidence fits below; images wished side by side
CHUNK = 4096  # characters of one message to kitty
SIXEL_COLOURS = 255


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


def overview_as_text(overview: Overview, *, columns: int) -> str:
    """Return an overview for a terminal of so many ``columns``, with its images as half blocks in true colour."""
    lines = [f"{BOLD}{printable(overview.title)}{RESET}", *map(printable, overview.facts)]
    for row in overview.rows:
        lines += ["", f"{FAINT}{printable(row.label)}{RESET}", *_row_as_text(row, columns=columns)]
    return "\n".join(lines) + "\n"


def printable(text: str) -> str:
    """Return ``text`` with � for each control character: a name in a file must not command the terminal."""
    return "".join(character if character.isprintable() else "�" for character in text)


def half_blocks(image: NDArray[np.uint8], *, width: int) -> list[str]:
    """Return a uint8 image ``(C, H, W)`` as lines of ``width`` characters ▀, each two pixels, one above the other.

    Larger images are reduced by averaging; a smaller one is enlarged by repeating its pixels.
    """
    _, height, own_width = image.shape
    pixels = Image.fromarray(np.moveaxis(np.broadcast_to(image, (3, height, own_width)), 0, -1).copy())
    rows = 2 * max(1, round(height * width / own_width / 2))
    filtered = Image.Resampling.BOX if width <= own_width else Image.Resampling.NEAREST
    scaled = np.asarray(pixels.resize((width, rows), filtered)).tolist()
    return [
        "".join(f"\x1b[38;2;{r};{g};{b};48;2;{x};{y};{z}m▀" for (r, g, b), (x, y, z) in zip(*pair, strict=True)) + RESET
        for pair in zip(scaled[::2], scaled[1::2], strict=True)
    ]


def as_kitty(png: bytes) -> str:
    """Return a PNG file in kitty's graphics protocol, in chunks of 4096 characters."""
    text = base64.b64encode(png).decode()
    parts = [text[start : start + CHUNK] for start in range(0, len(text), CHUNK)]
    keys = ["a=T,f=100," if number == 0 else "" for number in range(len(parts))]
    more = [f"m={int(number < len(parts) - 1)}" for number in range(len(parts))]
    return "".join(f"\x1b_G{key}{last};{part}\x1b\\" for key, last, part in zip(keys, more, parts, strict=True)) + "\n"


def as_iterm(png: bytes) -> str:
    """Return a PNG file in the inline-image protocol of iTerm2."""
    return f"\x1b]1337;File=inline=1;size={len(png)}:{base64.b64encode(png).decode()}\x07\n"


def as_sixel(png: bytes) -> str:
    """Return a PNG file as sixels: bands of six rows, one pass for each of at most 255 colours in a band."""
    with Image.open(io.BytesIO(png), formats=("PNG",)) as picture:
        reduced = picture.convert("RGB").quantize(SIXEL_COLOURS, dither=Image.Dither.NONE)
    palette = np.array(reduced.getpalette(), dtype=np.int64).reshape(-1, 3)
    indices = np.asarray(reduced)
    height, width = indices.shape
    registers = "".join(f"#{number};2;{';'.join(map(str, row))}" for number, row in enumerate(palette * 100 // 255))
    bands = (_sixel_band(indices[top : top + 6]) for top in range(0, height, 6))
    return f'\x1bPq"1;1;{width};{height}{registers}{"-".join(bands)}\x1b\\\n'


def _sixel_band(band: NDArray[np.uint8]) -> str:
    """Return up to six rows ``(H, W)`` of colour numbers, one line of sixels for each colour in it."""
    bits = (1 << np.arange(len(band)))[:, None]
    lines = []
    for colour in np.unique(band):
        values = ((band == colour) * bits).sum(axis=0) + 63
        changes = np.flatnonzero(np.diff(values)) + 1
        runs = zip(np.split(values, changes), strict=True)
        lines.append(f"#{colour}" + "".join(_repeated(chr(int(run[0])), len(run)) for (run,) in runs))
    return "$".join(lines)


def _repeated(sixel: str, count: int) -> str:
    return f"!{count}{sixel}" if count > 3 else sixel * count


def _row_as_text(row: Row, *, columns: int) -> Iterator[str]:
    """Yield the lines of a row, wrapped to the terminal: images, and below them their names and confidences."""
    width = max(LEAST, min(row.pictures[0].image.shape[2], (columns + 1) // WISHED - 1)) if row.pictures else LEAST
    fitting = max(1, (columns + 1) // (width + 1))
    for start in range(0, len(row.pictures), fitting):
        part = row.pictures[start : start + fitting]
        for line in zip(*(half_blocks(picture.image, width=width) for picture in part), strict=True):
            yield " ".join(line)
        yield from _captions(part, width=width)


def _captions(pictures: tuple[Picture, ...], *, width: int) -> Iterator[str]:
    names = [printable(picture.name) for picture in pictures]
    confidences = ["" if picture.confidence is None else percent(picture.confidence) for picture in pictures]
    for texts, style in ((names, BOLD), (confidences, "")):
        if any(texts):
            yield style + " ".join(_centred(text, width) for text in texts) + (RESET if style else "")


def _centred(text: str, width: int) -> str:
    """Return a text centred in so many columns, cut if it is longer."""
    while width_of(text) > width:
        text = f"{text[:-2]}…"
    before = (width - width_of(text)) // 2
    return " " * before + text + " " * (width - width_of(text) - before)
