"""Confidences in percent, as they are printed beside images and at axes."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal


def percent(confidence: float, *, decimals: int = 2) -> str:
    """Return a confidence (0 to 1) in percent, truncated to some decimals.

    .98999 gives ``98.99 %``, not ``99.00 %``. The highest value with so many decimals is printed with its sign: .9999,
    .99996 and 1 all give ``≥ 99.99 %``. Numbers just below 1 are 1 in `float32`.
    """
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
