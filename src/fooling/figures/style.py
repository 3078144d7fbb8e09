"""How all figures look, their axes of confidence, and their bytes: equal figures give equal bytes.

Confidence is drawn in log-odds, so that 99.9 and 99.99 % lie apart, or in percent, with the paper's number beside it.
"""

from __future__ import annotations

import functools
import io
import math
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Literal, ParamSpec

import matplotlib.style
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator
from numpy.typing import NDArray
from PIL import Image

from fooling.fonts import add_fallback_fonts, hide_overlapping_numbers, without_font_warnings
from fooling.messages import counted, listed, short_percent

DATA_FILES = ("style.mplstyle",)
STYLE_FILE = Path(__file__).with_name(*DATA_FILES)
WIDTH = 7.2  # inches: the text width of a printed page; of sheets of images
PIXELS_PER_INCH = 200  # of PNG files
CHART = 5.6  # inches: of most charts, so that their text can be read on a phone

BACKGROUND = "#F5F5F5"  # of every figure: light, but not glaring on a dark page; a grey, as most images are grey
INK, QUIET, FAINT = "#222222", "#5F5F5F", "#C4C4C4"
PAPER = "#8A1C4A"  # numbers of the paper
REAL = "#E69F00"  # real images
SHARES = LinearSegmentedColormap.from_list("shares", [BACKGROUND, "#8FC1E3", "#0B4F8A"])  # of 0 to 1, in a heat map
INCHES_PER_LETTER = {"title": 0.087, "label": 0.058, "note": 0.0505}  # the mean width of a letter

Parameters = ParamSpec("Parameters")
PALETTE = 256  # colours of a PNG file with one byte for each pixel
COMMON = 128  # colours of a figure that stay exact
STEPS = (1, 4, 8, 16, 32)  # levels to which the others are rounded: the first with which all fit into the palette

_NINES = [Decimal(10) ** -power for power in range(7, 0, -1)]

#: The confidences that may stand at a tick.
TICKS = [*_NINES, Decimal("0.5"), *(1 - share for share in reversed(_NINES))]

#: Half a float32 step below 1: where a confidence of 1, whose log-odds are infinite, is drawn.
HIGHEST = 1 - 2.0**-25
SAME_PLACE = 0.05  # of an axis: ticks that all lie within it would overlap
MARKED = Decimal("0.9999")  # keeps its tick if there are too many
LABEL = "confidence (log-odds axis)"
EXPLAINED = "Log-odds axis: 90 %, 99 % and 99.9 % are the same distance apart."
LINE, DOTS = 1.0, (0, (1, 1.5))  # the look of a line at a number of the paper


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
    surfaces = ("figure.facecolor", "axes.facecolor", "savefig.facecolor", "savefig.edgecolor")
    declared_here = {**dict.fromkeys(surfaces, BACKGROUND), "savefig.dpi": PIXELS_PER_INCH}
    with matplotlib.style.context(["default", STYLE_FILE, declared_here]):
        yield


def in_style(draw: Callable[Parameters, Figure]) -> Callable[Parameters, Figure]:
    """Decorate a function so that it makes its figure in the shared style."""

    @functools.wraps(draw)
    def drawn(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Figure:
        with styled():
            return draw(*args, **kwargs)

    return drawn


def on_networks(table: pd.DataFrame) -> str:
    """Return the classifiers of ``table`` as a phrase: their names, or their number if there are more than three."""
    names = list(dict.fromkeys(map(str, table["classifier"])))
    return listed(names) if len(names) <= 3 else counted(len(names), "network")


def draw_title(figure: Figure, text: str, handles: Sequence[Artist] = ()) -> None:
    """Write a title at the top left of ``figure``, which uses the constrained layout, above a legend of ``handles``."""
    width = figure.get_figwidth()
    title = _wrapped(text, width, "title")
    if not handles:
        figure.suptitle(title, x=0.008, ha="left", fontsize=9, fontweight="bold")
        return
    longest = max(len(line) for handle in handles for line in str(handle.get_label()).splitlines())
    columns = max(1, int(width / (0.55 + longest * INCHES_PER_LETTER["label"])))
    figure.legend(
        handles=handles, loc="outside upper left", ncols=min(columns, len(handles)), title=title, alignment="left",
        title_fontproperties={"size": 9, "weight": "bold"}, borderpad=0.1,
    )  # fmt: skip


def draw_note(figure: Figure, text: str) -> None:
    """Write small print below everything else in ``figure``, which uses the constrained layout."""
    figure.supxlabel(_wrapped(text, figure.get_figwidth(), "note"), x=0.008, ha="left", fontsize=6.5, color=QUIET)


def _wrapped(text: str, width: float, kind: str) -> str:
    """Return ``text`` wrapped to ``width`` inches; numbers keep their signs and units on their line."""
    joined = text.replace(" %", "\N{NO-BREAK SPACE}%")
    return textwrap.fill(joined, int(width / INCHES_PER_LETTER[kind]), break_on_hyphens=False)


def searches_in(table: pd.DataFrame) -> list[str]:
    """Return the searches that occur in ``table``, in the order of :data:`SEARCHES`."""
    return [search for search in SEARCHES if search in set(table["search"])]


def search_handles(table: pd.DataFrame, *, marks: bool = False) -> list[Line2D]:
    """Return the legend of the searches in ``table``, as lines or as coloured ``marks``."""
    handles = []
    for look in (SEARCHES[search] for search in searches_in(table)):
        form = {"marker": "o", "linestyle": ""} if marks else {"linestyle": look.linestyle}
        handles.append(Line2D([], [], color=look.colour, label=look.label, **form))
    return handles


def as_png(figure: Figure) -> bytes:
    """Return ``figure`` as the bytes of a small PNG file.

    The file is grey if the figure is. Else it has a palette if that can hold the figure: common colours are exact, and
    rare ones, which blend into each other at the edges of letters and lines, are rounded by at most half of the largest
    of :data:`STEPS`. A figure with too many colours, such as one of colour images, has three exact bytes per pixel.
    """
    with Image.open(io.BytesIO(_saved(figure, "png", {"Software": None}))) as drawn:
        pixels = np.asarray(drawn.convert("RGB"))
    buffer = io.BytesIO()
    _with_few_bytes(pixels).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def _with_few_bytes(pixels: NDArray[np.uint8]) -> Image.Image:
    """Return RGB pixels ``(H, W, 3)`` as a grey picture, with a palette, or as they are."""
    if (pixels == pixels[..., :1]).all():
        return Image.fromarray(pixels[..., 0])
    codes, places, counts = np.unique(_codes(pixels.astype(np.int64)), return_inverse=True, return_counts=True)
    colours = np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=1)
    is_rare = np.ones(len(codes), dtype=bool)
    is_rare[np.argsort(-counts, kind="stable")[:COMMON]] = False
    for step in STEPS:
        rounded = colours.copy()
        rounded[is_rare] = ((colours[is_rare] + step // 2) // step * step).clip(max=255)
        kept, entries = np.unique(_codes(rounded), return_inverse=True)
        if len(kept) <= PALETTE:
            picture = Image.fromarray(entries[places].reshape(pixels.shape[:2]).astype(np.uint8), mode="P")
            palette = np.stack([kept >> 16, kept >> 8 & 255, kept & 255], axis=1)
            picture.putpalette(palette.astype(np.uint8).tobytes())
            return picture
    return Image.fromarray(pixels)


def _codes(colours: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return colours ``(..., 3)`` as one number each ``(...)``."""
    return colours[..., 0] << 16 | colours[..., 1] << 8 | colours[..., 2]


def as_pdf(figure: Figure) -> bytes:
    """Return ``figure`` as the bytes of a PDF file without a date."""
    return _saved(figure, "pdf", {"CreationDate": None, "Creator": None, "Producer": None})


def _saved(figure: Figure, file_format: str, metadata: dict[str, None]) -> bytes:
    """Return the file; draw twice if numbers overlap or other fonts must supply characters.

    The texts at the ticks of an axis are known only after the first drawing.
    """

    def saved() -> bytes:
        buffer = io.BytesIO()
        figure.savefig(buffer, format=file_format, metadata=metadata)
        return buffer.getvalue()

    with styled(), without_font_warnings():
        content = saved()
        changed = [add_fallback_fonts(figure), hide_overlapping_numbers(figure)]
        return saved() if any(changed) else content


def log_odds(confidence: float) -> float:
    """Return log(p / (1 - p)) of a confidence strictly between 0 and 1."""
    return math.log(confidence / (1 - confidence))


def finite_log_odds(confidences: pd.Series[float]) -> NDArray[np.float64]:
    """Return log-odds of confidences (0 to 1), finite at both ends: see :data:`HIGHEST`."""
    exact = confidences.to_numpy(dtype=np.float64).clip(1 - HIGHEST, HIGHEST)
    return np.asarray(np.log(exact / (1 - exact)))


PLACES = [log_odds(float(tick)) for tick in TICKS]
SATURATED = log_odds(HIGHEST)  # a confidence beyond is 1 in float32


def visible(log_odds: NDArray[np.float64] | pd.Series[float]) -> NDArray[np.float64]:
    """Return log-odds as they are drawn: those beyond :data:`SATURATED` at its place."""
    return np.clip(np.asarray(log_odds, dtype=np.float64), -SATURATED, SATURATED)


def use_confidence_ticks(axes: Axes, values: Sequence[float], *, which: Literal["x", "y"] = "y", most: int = 9) -> None:
    """Limit an axis of log-odds to ``values``, with ticks labelled in percent.

    There are at most ``most`` ticks, 99.99 % among them if it is in the range. If the range holds no tick, it is
    widened to the nearest one on both sides; of ticks in the same place one is kept.
    """
    low, high = float(np.min(values)), float(np.max(values))
    margin = max(0.04 * (high - low), 0.3)
    low, high = low - margin, high + margin
    if not any(low <= place <= high for place in PLACES):
        low = max((place for place in PLACES if place < low), default=low)
        high = min((place for place in PLACES if place > high), default=high)
    shown = [tick for tick in TICKS if low <= log_odds(float(tick)) <= high]
    if (high - low) * SAME_PLACE > PLACES[-1] - PLACES[0]:
        shown = shown[len(shown) // 2 :][:1]
    if len(shown) > most:
        step = math.ceil(len(shown) / most)
        shown = shown[shown.index(MARKED) % step if MARKED in shown else 0 :: step]
    axis = axes.yaxis if which == "y" else axes.xaxis
    axis.set_ticks([log_odds(float(tick)) for tick in shown], [short_percent(tick) for tick in shown])
    (axes.set_ylim if which == "y" else axes.set_xlim)(low, high)


def limit_evaluations(axes: Axes, first: int, last: int, *, apart: float) -> None:
    """Limit an axis of evaluations, with ticks at both ends, and at powers of ten a factor ``apart`` or more away."""
    powers = [10**power for power in range(1, 12) if apart * first <= 10**power <= last / apart]
    ticks = [first, *powers, last]
    axes.set_xlim(first, last)
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())


def use_percent_ticks(axes: Axes, *, which: Literal["x", "y"] = "y") -> None:
    """Label an axis of confidences (0 to 1) in percent."""
    axis = axes.yaxis if which == "y" else axes.xaxis
    axis.set_ticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    (axes.set_ylim if which == "y" else axes.set_xlim)(-0.02, 1.02)


def draw_reference(axes: Axes, value: float, *, which: Literal["x", "y"] = "y") -> None:
    """Draw a dotted line at a number of the paper; set the limits of the axis first."""
    draw_line = axes.axhline if which == "y" else axes.axvline
    draw_line(value, color=PAPER, linewidth=LINE, linestyle=DOTS, zorder=1.5)


def reference_handle(reference: float, *, of: str = "the paper's median") -> Line2D:
    """Return the entry of a legend for a line at a number of the paper (0 to 1)."""
    label = f"{of}, {short_percent(reference)}"
    return Line2D([], [], color=PAPER, linewidth=LINE, linestyle=DOTS, label=label)


def name_of_kind(built_as: object, weight_decay: float, retraining: object, number: int, filled_with: object) -> str:
    """Return the name of a kind of networks."""
    words = [str(built_as)]
    if not pd.isna(weight_decay):
        words.append(f"weight decay {weight_decay:g}")
    if number > 1:
        words.append(f"network {number} of {retraining}, {filled_with}")
    lines, line = [], ""
    for word in words:
        if line and len(line) + len(word) > 34:
            lines.append(line + ",")
            line = word
        else:
            line = f"{line}, {word}" if line else word
    return "\n".join([*lines, line])


def same(one: object, other: object) -> bool:
    """Return whether two cells of a table are equal, or both are empty."""
    empty = [bool(pd.isna(value)) for value in (one, other)]  # type: ignore[call-overload]
    return all(empty) or (not any(empty) and bool(one == other))
