"""Fonts for names in any script: where the usual font lacks a sign, an installed one that has it stands in."""

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

USUAL = Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
LAST_RESORT = "lastresort"  # a font that has a box for every sign there is
#: In the names of files of fonts that only stand in where no plainer one has as many signs.
FANCY = ("bold", "black", "heavy", "italic", "oblique", "light", "thin", "mono", "serif")


def lacking(text: str) -> frozenset[str]:
    """The signs of ``text`` that the usual font lacks."""
    known = _signs_in(USUAL)
    return frozenset(sign for sign in text if sign not in known and unicodedata.category(sign)[0] not in "CZ")


def fonts_with(signs: Iterable[str]) -> list[Path]:
    """Installed fonts that together have as many of ``signs`` as any have, those with the most of them first."""
    wanted, chosen = frozenset(signs), list[Path]()
    while wanted:
        best = max(_installed(), key=lambda path: len(wanted & _signs_in(path)), default=None)
        if best is None or not wanted & _signs_in(best):
            break
        chosen.append(best)
        wanted -= _signs_in(best)
    return chosen


def columns(text: str) -> int:
    """How many letters wide ``text`` is: a sign of Chinese, Japanese or Korean is as wide as two."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def let_fonts_stand_in(figure: Figure) -> bool:
    """Give all texts of ``figure``, which was drawn once, fonts for signs that the usual one lacks; whether any did."""
    texts = [text for text in figure.findobj(Text) if isinstance(text, Text)]
    families = [FontProperties(fname=str(path)).get_name() for path in _registered(lacking(_all(texts)))]
    for text in texts if families else []:
        text.set_fontfamily([*dict.fromkeys([*text.get_fontfamily(), *families])])
    return bool(families)


@contextmanager
def without_hints_on_fonts() -> Iterator[None]:
    """Let matplotlib say nothing of missing signs, which :func:`boxes_in` names once, and of missing weights."""
    logger = logging.getLogger("matplotlib.font_manager")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            yield
    finally:
        logger.setLevel(level)


def boxes_in(figure: Figure) -> str:
    """The signs in ``figure``, which was drawn once, that no installed font has: they are drawn as boxes."""
    signs = lacking(_all(text for text in figure.findobj(Text) if isinstance(text, Text)))
    return "".join(sorted(signs.difference(*map(_signs_in, fonts_with(signs)))))


def _all(texts: Iterable[Text]) -> str:
    return "".join(text.get_text() for text in texts)


def _registered(signs: frozenset[str]) -> list[Path]:
    """Fonts for these signs, known to matplotlib by their families; its list of fonts may be older than a font."""
    found = fonts_with(signs)
    known = {entry.fname for entry in fontManager.ttflist}
    for path in found:
        if str(path) not in known:
            fontManager.addfont(path)
    return found


@functools.cache
def _installed() -> tuple[Path, ...]:
    """The fonts of this machine, plain ones first, in an order that does not depend on the file system."""
    paths = [Path(path) for path in findSystemFonts() if LAST_RESORT not in path.lower()]
    return tuple(sorted(paths, key=lambda path: (any(word in path.name.lower() for word in FANCY), path.name, path)))


@functools.cache
def _signs_in(font: Path) -> frozenset[str]:
    """The signs of the font in a file; none where it cannot be read or drawn at every size."""
    try:
        face = FT2Font(str(font))
    except (OSError, RuntimeError):
        return frozenset()
    return frozenset(map(chr, face.get_charmap())) if face.scalable else frozenset()
