"""One style for every figure: the style file, colour-blind safe colours, lines and markers, and saving."""

from __future__ import annotations

import functools
import io
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, ParamSpec

import matplotlib.style
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fooling.fonts import add_fallback_fonts, without_font_warnings

DATA_FILES = ("style.mplstyle",)
STYLE_FILE = Path(__file__).with_name(*DATA_FILES)
WIDTH = 7.2  # inches: the text width of a printed page

INK, QUIET, FAINT = "#222222", "#6B6B6B", "#C8C8C8"
PAPER = "#8A1C4A"  # numbers of the paper
REAL = "#E69F00"  # real images
SHARES = LinearSegmentedColormap.from_list("shares", ["#FFFFFF", "#8FC1E3", "#0B4F8A"])  # of 0 to 1, in a heat map

Parameters = ParamSpec("Parameters")


@dataclass(frozen=True)
class Look:
    """How one kind of data is drawn in every figure; line and marker distinguish it without colour."""

    label: str
    colour: str
    dashes: tuple[float, ...] | str = ""
    marker: str = "o"

    @property
    def linestyle(self) -> Literal["-"] | tuple[float, tuple[float, ...]]:
        """Its line style, as matplotlib takes it."""
        return (0, self.dashes) if isinstance(self.dashes, tuple) else "-"


SEARCHES = {
    "map-elites": Look("evolution (MAP-Elites)", "#0072B2", "", "o"),
    "random-search": Look("random search", "#D55E00", (4, 1.6), "s"),
    "drift": Look("drift (unselected)", "#5F5F5F", (1.2, 1.4), "^"),
}
ENCODINGS = {"direct": Look("direct encoding", "#009E73"), "cppn": Look("CPPN encoding", "#B4568C")}
#: What the fooling class of a retrained network is filled with.
FILLINGS = {
    "champions": Look("fooling class filled with champions", "#0072B2", "", "o"),
    "random": Look("filled with random images", "#D55E00", (4, 1.6), "s"),
    "drift": Look("filled with drift images", "#009E73", (5, 1.4, 1.2, 1.4), "D"),
    "noise": Look("filled with uniform noise", "#E69F00", (2.4, 1), "v"),
    "other-champions": Look("filled with another network's champions", "#B4568C", (6, 2), "P"),
    "nothing": Look("no fooling class, new seed", "#5F5F5F", (1.2, 1.4), "^"),
}

#: Looks for things without one of their own, such as networks.
SERIES = [
    Look("", "#0072B2", "", "o"),
    Look("", "#D55E00", (4, 1.6), "s"),
    Look("", "#009E73", (1.2, 1.4), "^"),
    Look("", "#B4568C", (5, 1.4, 1.2, 1.4), "D"),
    Look("", "#E69F00", (2.4, 1), "v"),
    Look("", "#56B4E9", (6, 2), "P"),
]


def series(count: int) -> list[Look]:
    """Return ``count`` looks in a fixed order; after the sixth they repeat."""
    return [SERIES[index % len(SERIES)] for index in range(count)]


@contextmanager
def styled() -> Iterator[None]:
    """Use the shared style, whatever the user's own matplotlib settings are."""
    with matplotlib.style.context(["default", STYLE_FILE]):
        yield


def in_style(draw: Callable[Parameters, Figure]) -> Callable[Parameters, Figure]:
    """Decorate a function so that it makes its figure in the shared style."""

    @functools.wraps(draw)
    def drawn(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Figure:
        with styled():
            return draw(*args, **kwargs)

    return drawn


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return a count with its noun: ``1 run``, ``5 runs``, ``2 classes``."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def draw_note(figure: Figure, text: str) -> None:
    """Write small print below everything else in ``figure``, which uses the constrained layout."""
    figure.supxlabel(textwrap.fill(text, 144), x=0.008, ha="left", fontsize=6.5, color=QUIET)


def searches_in(table: pd.DataFrame) -> list[str]:
    """Return the searches that occur in ``table``, in the order of :data:`SEARCHES`."""
    return [search for search in SEARCHES if search in set(table["search"])]


def draw_search_legend(figure: Figure, table: pd.DataFrame, *, marks: bool = False) -> None:
    """Add a legend of the searches in ``table``, as lines or as coloured ``marks``."""
    handles = []
    for look in (SEARCHES[search] for search in searches_in(table)):
        form = {"marker": "o", "linestyle": ""} if marks else {"linestyle": look.linestyle}
        handles.append(Line2D([], [], color=look.colour, label=look.label, **form))
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles))


def as_png(figure: Figure) -> bytes:
    """Return ``figure`` as the bytes of a PNG file; equal figures give equal bytes."""
    return _saved(figure, "png", {"Software": None})


def as_pdf(figure: Figure) -> bytes:
    """Return ``figure`` as the bytes of a PDF file without a date; equal figures give equal bytes."""
    return _saved(figure, "pdf", {"CreationDate": None, "Creator": None, "Producer": None})


def _saved(figure: Figure, file_format: str, metadata: dict[str, None]) -> bytes:
    """Return the file; draw twice if other fonts must supply characters that the default font lacks.

    The texts at the ticks of an axis are known only after the first drawing.
    """

    def saved() -> bytes:
        buffer = io.BytesIO()
        figure.savefig(buffer, format=file_format, metadata=metadata)
        return buffer.getvalue()

    with styled(), without_font_warnings():
        content = saved()
        return saved() if add_fallback_fonts(figure) else content
