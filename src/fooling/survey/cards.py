"""Cards for the catch trials: they say in plain letters which button to press."""

from __future__ import annotations

import io
from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFont

from fooling.figures.fonts import fonts_with, lacking

SIDE, MARGIN = 280, 20  # pixels
REQUEST, REQUEST_SIZE = "Press the button", 26
LARGEST, SMALLEST, STEP = 120, 10, 2  # sizes of the letters of an answer
USUAL = Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans-Bold.ttf")
LINE = 1.2  # height of a line, in letters


def card(answer: str) -> bytes:
    """A grey PNG that asks to press the button ``answer``, in letters as large as they fit."""
    picture = Image.new("L", (SIDE, SIDE), 255)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((4, 4, SIDE - 5, SIDE - 5), outline=0, width=2)
    request = ImageFont.truetype(USUAL, REQUEST_SIZE)
    draw.text((SIDE / 2, MARGIN + REQUEST_SIZE), REQUEST, font=request, fill=0, anchor="mm")
    lines, font = _fitted(answer, _font_for(answer))
    step = LINE * font.size
    first = (SIDE + MARGIN + REQUEST_SIZE) / 2 - step * (len(lines) - 1) / 2
    for number, line in enumerate(lines):
        draw.text((SIDE / 2, first + number * step), line, font=font, fill=0, anchor="mm")
    content = io.BytesIO()
    picture.save(content, format="PNG", optimize=False)
    return content.getvalue()


def _fitted(text: str, file: Path) -> tuple[list[str], ImageFont.FreeTypeFont]:
    """The lines of ``text`` and the largest letters in which they fit; the smallest ones where none do."""
    width, height = SIDE - 2 * MARGIN, SIDE - 3 * MARGIN - 2 * REQUEST_SIZE
    for size in range(LARGEST, SMALLEST, -STEP):
        font = ImageFont.truetype(file, size)
        lines = _lines(text, font, width)
        if len(lines) * LINE * size <= height and all(font.getlength(line) <= width for line in lines):
            return lines, font
    font = ImageFont.truetype(file, SMALLEST)
    return _lines(text, font, width), font


def _lines(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """The words of ``text``, as many on a line as are no wider than ``width``."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _font_for(answer: str) -> Path:
    """The usual font; where it lacks a sign, the installed font that has the most of those that it lacks, if any."""
    others = fonts_with(lacking(answer))
    return others[0] if others else USUAL
