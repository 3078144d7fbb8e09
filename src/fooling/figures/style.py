"""One look for every figure: the style file, colours that colour-blind readers tell apart, and words."""

from __future__ import annotations

import functools
import io
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec

import matplotlib.style
from matplotlib.figure import Figure

from fooling.figures.fonts import let_fonts_stand_in, without_hints_on_fonts

DATA_FILES = ("style.mplstyle",)
STYLE_FILE = Path(__file__).with_name(*DATA_FILES)
WIDTH = 7.2  # inches: the text width of a printed page

INK, QUIET, FAINT = "#222222", "#6B6B6B", "#C8C8C8"
PAPER = "#8A1C4A"  # whatever is a number of the paper
REAL = "#E69F00"  # whatever is about real images

Parameters = ParamSpec("Parameters")


@dataclass(frozen=True)
class Look:
    """How one kind of data is drawn everywhere; line and marker tell it apart where colour cannot."""

    label: str
    colour: str
    dashes: tuple[float, ...] | str = ""
    marker: str = "o"


SEARCHES = {
    "map-elites": Look("evolution (MAP-Elites)", "#0072B2", "", "o"),
    "random-search": Look("random search", "#D55E00", (4, 1.6), "s"),
    "drift": Look("drift (unselected)", "#5F5F5F", (1.2, 1.4), "^"),
}
ENCODINGS = {"direct": Look("direct encoding", "#009E73"), "cppn": Look("CPPN encoding", "#B4568C")}

#: One colour, line and marker after another for things without a look of their own, such as networks.
SERIES = [
    Look("", "#0072B2", "", "o"),
    Look("", "#D55E00", (4, 1.6), "s"),
    Look("", "#009E73", (1.2, 1.4), "^"),
    Look("", "#B4568C", (5, 1.4, 1.2, 1.4), "D"),
    Look("", "#E69F00", (2.4, 1), "v"),
    Look("", "#56B4E9", (6, 2), "P"),
]


def series(count: int) -> list[Look]:
    """``count`` looks in a fixed order; after the sixth they repeat."""
    return [SERIES[index % len(SERIES)] for index in range(count)]


@contextmanager
def styled() -> Iterator[None]:
    """The shared style, whatever the user's own matplotlib settings are."""
    with matplotlib.style.context(["default", STYLE_FILE]):
        yield


def in_style(draw: Callable[Parameters, Figure]) -> Callable[Parameters, Figure]:
    """Decorator: ``draw`` makes its figure in the shared style."""

    @functools.wraps(draw)
    def drawn(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Figure:
        with styled():
            return draw(*args, **kwargs)

    return drawn


def counted(count: int, noun: str, plural: str = "") -> str:
    """``1 run``, ``5 runs``, ``2 classes``."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def draw_note(figure: Figure, text: str) -> None:
    """Small print below everything else in ``figure``, which is laid out by constrained layout."""
    figure.supxlabel(textwrap.fill(text, 144), x=0.008, ha="left", fontsize=6.5, color=QUIET)


def as_png(figure: Figure) -> bytes:
    """``figure`` as the bytes of a PNG file; the same figure gives the same bytes."""
    return _saved(figure, "png", {"Software": None})


def as_pdf(figure: Figure) -> bytes:
    """``figure`` as the bytes of a PDF file without a date; the same figure gives the same bytes."""
    return _saved(figure, "pdf", {"CreationDate": None, "Creator": None, "Producer": None})


def _saved(figure: Figure, file_format: str, metadata: dict[str, None]) -> bytes:
    """The file; drawn once more where other fonts stand in for signs that the usual one lacks.

    Only what was drawn tells all its texts, those at the ticks of an axis among them.
    """

    def saved() -> bytes:
        buffer = io.BytesIO()
        figure.savefig(buffer, format=file_format, metadata=metadata)
        return buffer.getvalue()

    with styled(), without_hints_on_fonts():
        content = saved()
        return saved() if let_fonts_stand_in(figure) else content
