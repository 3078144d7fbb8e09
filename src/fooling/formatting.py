"""Format what people read: shares and confidences in percent, never rounded up to 100 %, and rows of tables."""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

UNKNOWN = "unknown"
ENCODINGS = {"direct": "direct encoding", "cppn": "CPPN encoding"}


def percent(confidence: float, *, decimals: int = 2) -> str:
    """Return a confidence (0 to 1) in percent, truncated to some decimals.

    .98999 gives ``98.99 %``, not ``99.00 %``. The highest value with so many decimals is printed with its sign: .9999,
    .99996 and 1 all give ``≥ 99.99 %``. Numbers just below 1 are 1 in `float32`. NaN gives ``unknown``.
    """
    if math.isnan(confidence):
        return UNKNOWN
    step = Decimal(1).scaleb(-decimals)
    shown = (Decimal(repr(float(confidence))) * 100).quantize(step, rounding=ROUND_FLOOR)
    highest = 100 - step
    return f"≥ {highest} %" if shown >= highest else f"{shown} %"


def short_percent(confidence: Decimal | float) -> str:
    """Return a confidence in percent with the decimals it needs: ``99.99 %``, ``50 %``."""
    return f"{(Decimal(str(confidence)) * 100).normalize():f} %"


def whole_percent(share: float) -> str:
    """Return a share (0 to 1) in whole percent, never rounded to 0 or 100: ``37 %``, ``< 1 %``, ``> 99 %``."""
    if 0 < share < 0.01:
        return "< 1 %"
    if 0.99 < share < 1:
        return "> 99 %"
    return f"{100 * share:.0f} %"


def share_percent(share: float) -> str:
    """Return an exact ``share`` (0 to 1) in percent, rounded to two decimals; from 99 % on truncated.

    .99996 gives ``> 99.99 %``; only 1 gives ``100 %``. NaN gives ``unknown``.
    """
    if math.isnan(share):
        return UNKNOWN
    exact = Decimal(repr(float(share))) * 100
    if Decimal("99.99") < exact < 100:
        return "> 99.99 %"
    rounding = ROUND_FLOOR if 99 <= exact < 100 else ROUND_HALF_EVEN
    return f"{_trimmed(exact.quantize(Decimal('0.01'), rounding=rounding))} %"


def _trimmed(number: Decimal) -> str:
    """Return ``number`` as text without trailing zeros."""
    return f"{number:f}".rstrip("0").rstrip(".") if "." in f"{number:f}" else f"{number:f}"


def cell(text: object) -> str:
    """Return a text for a cell: on one line, with pipes escaped."""
    return " ".join(str(text).replace("|", "\\|").split("\n"))


def table_row(cells: Iterable[object]) -> str:
    """Return one row of a table, with the end of its line."""
    return f"| {' | '.join(map(cell, cells))} |\n"


def unbroken(text: str) -> str:
    """Return ``text`` with non-breaking spaces before percent signs and after ``≥``."""
    return text.replace(" %", "\N{NO-BREAK SPACE}%").replace("≥ ", "≥\N{NO-BREAK SPACE}")
