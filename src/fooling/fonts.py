"""The texts of a figure that was drawn once: fonts for names in any script, and numbers at ticks that do not overlap.

Installed fonts supply the characters that the default font lacks.
"""

from __future__ import annotations

import functools
import logging
import unicodedata
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findSystemFonts, fontManager
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text
from matplotlib.transforms import Bbox

DEFAULT = Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
LAST_RESORT = "lastresort"  # a font that draws a box for every character
#: Words in the file names of fonts that are used only if no plainer font has as many of the characters.
FANCY = ("bold", "black", "heavy", "italic", "oblique", "light", "thin", "mono", "serif")


def lacking(text: str) -> frozenset[str]:
    """Return the characters of ``text``, spaces apart, that the default font lacks."""
    known = _characters_of(DEFAULT)
    return frozenset(
        character for character in text if character not in known and unicodedata.category(character)[0] not in "CZ"
    )


def fonts_with(characters: Iterable[str]) -> list[Path]:
    """Return installed fonts that cover as many of ``characters`` as possible, best first."""
    wanted, chosen = frozenset(characters), list[Path]()
    while wanted:
        best = max(_installed(), key=lambda path: len(wanted & _characters_of(path)), default=None)
        if best is None or not wanted & _characters_of(best):
            break
        chosen.append(best)
        wanted -= _characters_of(best)
    return chosen


def columns(text: str) -> int:
    """Return the width of ``text`` in letters; a Chinese, Japanese or Korean character is as wide as two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def add_fallback_fonts(figure: Figure) -> bool:
    """Add fonts for characters that the default font lacks; return whether any were added.

    The figure must have been drawn once: the texts at ticks do not exist before.
    """
    texts = _texts(figure)
    families = [FontProperties(fname=str(path)).get_name() for path in _registered(lacking(_joined(texts)))]
    for text in texts if families else []:
        text.set_fontfamily([*dict.fromkeys([*text.get_fontfamily(), *families])])
    return bool(families)


def hide_overlapping_numbers(figure: Figure) -> bool:
    """Hide numbers at ticks that lie on the number before them on their axis; return whether any were hidden.

    Names stay: a reader cannot guess them. The figure must have been drawn once: before, the places are not known.
    """
    hidden = False
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        last: Bbox | None = None
        for label in axis.get_ticklabels():
            text = label.get_text()
            if not label.get_visible() or not text or any(map(str.isalpha, text)):
                continue
            box = label.get_window_extent()
            if last is not None and box.padded(1).overlaps(last):
                label.set_visible(False)
                hidden = True
            else:
                last = box
    return hidden


@contextmanager
def without_font_warnings() -> Iterator[None]:
    """Silence matplotlib's font warnings; :func:`missing_in` reports missing characters."""
    logger = logging.getLogger("matplotlib.font_manager")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            yield
    finally:
        logger.setLevel(level)


def missing_in(figure: Figure) -> str:
    """Return the characters in ``figure`` that no installed font has; they appear as boxes.

    The figure must have been drawn once.
    """
    characters = lacking(_joined(_texts(figure)))
    return "".join(sorted(characters.difference(*map(_characters_of, fonts_with(characters)))))


def _texts(figure: Figure) -> list[Text]:
    return [text for text in figure.findobj(Text) if isinstance(text, Text)]


def _joined(texts: Iterable[Text]) -> str:
    return "".join(text.get_text() for text in texts)


def _registered(characters: frozenset[str]) -> list[Path]:
    """Return fonts for these characters; register those that matplotlib's list of fonts does not hold yet."""
    found = fonts_with(characters)
    known = {entry.fname for entry in fontManager.ttflist}
    for path in found:
        if str(path) not in known:
            fontManager.addfont(path)
    return found


@functools.cache
def _installed() -> tuple[Path, ...]:
    """Return the installed fonts, plain ones first, in a reproducible order."""
    paths = [Path(path) for path in findSystemFonts() if LAST_RESORT not in path.lower()]
    return tuple(sorted(paths, key=lambda path: (any(word in path.name.lower() for word in FANCY), path.name, path)))


@functools.cache
def _characters_of(font: Path) -> frozenset[str]:
    """Return the characters of a font file; none if it cannot be read or is not scalable."""
    try:
        face = FT2Font(str(font))
    except (OSError, RuntimeError):
        return frozenset()
    return frozenset(map(chr, face.get_charmap())) if face.scalable else frozenset()
