"""Pictures as text, decoded again by readers of their own."""

from __future__ import annotations

import base64
import io
import os
import pty
import re
import select
import threading

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fooling.figures import terminal
from fooling.figures.overview import Overview, Picture, Row
from fooling.figures.terminal import (
    abilities_in,
    as_iterm,
    as_kitty,
    as_sixel,
    half_blocks,
    overview_as_text,
    printable,
    protocol_of,
)
from fooling.images import png_bytes

BLOCK = re.compile(r"\x1b\[38;2;(\d+);(\d+);(\d+);48;2;(\d+);(\d+);(\d+)m▀")
CODES = re.compile(r"\x1b\[[\d;]*m")


def pixels_of(lines: list[str]) -> NDArray[np.uint8]:
    """The pixels (3, H, W) that these half blocks show."""
    rows = []
    for line in lines:
        found = np.array([[int(part) for part in block] for block in BLOCK.findall(line)], dtype=np.uint8)
        rows += [found[:, :3], found[:, 3:]]
    return np.moveaxis(np.stack(rows), -1, 0)


@pytest.mark.parametrize("channels", [1, 3])
def test_half_blocks_show_every_pixel(channels: int) -> None:
    image = np.random.default_rng(1).integers(0, 256, (channels, 8, 8), dtype=np.uint8)
    shown = pixels_of(half_blocks(image, width=8))
    np.testing.assert_array_equal(shown, np.broadcast_to(image, (3, 8, 8)))


def test_larger_images_are_averaged() -> None:
    image = np.zeros((1, 8, 8), dtype=np.uint8)
    image[:, :, ::2] = 200
    assert set(pixels_of(half_blocks(image, width=4)).ravel().tolist()) == {100}


def test_kitty_gets_the_file_in_chunks() -> None:
    png = png_bytes(np.random.default_rng(1).integers(0, 256, (3, 64, 64), dtype=np.uint8))
    messages = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", as_kitty(png))
    assert messages[0][0] == "a=T,f=100,m=1"
    assert [keys for keys, _ in messages[1:]] == ["m=1"] * (len(messages) - 2) + ["m=0"]
    assert all(len(part) <= 4096 for _, part in messages)
    assert base64.b64decode("".join(part for _, part in messages)) == png


def test_iterm_gets_the_file() -> None:
    png = png_bytes(np.zeros((1, 4, 4), dtype=np.uint8))
    found = re.fullmatch(r"\x1b]1337;File=inline=1;size=(\d+):([^\x07]*)\x07\n", as_iterm(png))
    assert found is not None
    assert (int(found[1]), base64.b64decode(found[2])) == (len(png), png)


def decoded_sixels(text: str) -> NDArray[np.int64]:
    """The image (H, W, 3), in percent, that a terminal draws from these sixels."""
    found = re.fullmatch(r'\x1bPq"1;1;(\d+);(\d+)(.*)\x1b\\\n', text, re.DOTALL)
    assert found is not None
    image = np.full((int(found[2]), int(found[1]), 3), -1)
    colours: dict[int, list[int]] = {}
    x = top = colour = 0
    for register, rgb, count, sixel, move in re.findall(r"#(\d+)(?:;2;([\d;]+))?|(?:!(\d+))?([?-~])|([$-])", found[3]):
        if register:
            colour = int(register)
            if rgb:
                colours[colour] = [int(part) for part in rgb.split(";")]
        elif move:
            x, top = 0, top + 6 * (move == "-")
        else:
            for bit in range(6):
                if (ord(sixel) - 63) >> bit & 1:
                    image[top + bit, x : x + int(count or 1)] = colours[colour]
            x += int(count or 1)
    return image


@pytest.mark.parametrize("shape", [(13, 9), (6, 30), (1, 1)])
def test_sixels_draw_the_picture(shape: tuple[int, int]) -> None:
    levels = np.random.default_rng(1).choice(np.array([0, 51, 204, 255], dtype=np.uint8), (*shape, 3))
    content = io.BytesIO()
    Image.fromarray(levels).save(content, format="PNG")
    np.testing.assert_array_equal(decoded_sixels(as_sixel(content.getvalue())), levels.astype(np.int64) * 100 // 255)


@pytest.mark.parametrize("columns", [20, 80, 200])
def test_an_overview_fits_the_terminal(columns: int) -> None:
    image = np.full((1, 28, 28), 90, dtype=np.uint8)
    pictures = tuple(Picture(image=image, name=name, confidence=0.5) for name in ("dog", "木", "a very long name" * 3))
    overview = Overview(title="T", facts=("a fact",), rows=(Row("seed 1", pictures * 4),))
    lines = [CODES.sub("", line) for line in overview_as_text(overview, columns=columns).splitlines()]
    assert max(map(len, lines)) <= columns
    assert sum(line.count("50.00 %") for line in lines) == 12


def test_control_characters_are_replaced() -> None:
    assert printable("a\x1b[2Jb\n木") == "a�[2Jb�木"


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
    monkeypatch.setattr(terminal, "_shows_sixels", lambda: False)
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
