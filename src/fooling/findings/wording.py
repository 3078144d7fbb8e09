"""Numbers as a reader sees them: percentages are cut and never rounded up, so that 100 % means all of it."""

from __future__ import annotations

import math
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

#: The largest float32 below 1 is .99999994: a probability of 1 is some number above that.
SATURATED = "above 99.99999 %"


def in_words(value: float | None, unit: str) -> str:
    """``value`` with its ``unit``; an infinite number of generations is "never", NaN and None are a hyphen."""
    if value is None or math.isnan(value):
        return "-"
    if unit == "generations":
        return "never" if math.isinf(value) else f"{value:.1f}".removesuffix(".0")
    if unit == "probability":
        return SATURATED if value == 1 else percent(value)
    return percent(value) if unit == "share" else f"{value:.2f}"


def percent(share: float) -> str:
    """``share`` (0 to 1) in percent: two decimals, above 99 % as many as it has nines if that is more, and cut there.

    .99996 gives ``99.996 %``, .9999999 gives ``99.99999 %``; only 1 gives ``100 %``.
    """
    exact = Decimal(repr(float(share)))
    if not Decimal("0.99") <= exact < 1:
        return f"{_trimmed((exact * 100).quantize(Decimal('0.01'), rounding=ROUND_HALF_EVEN))} %"
    nines = -(1 - exact).adjusted() - 1  # .9996 has three
    decimals = max(2, nines)
    return f"{_trimmed((exact * 100).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_FLOOR))} %"


def _trimmed(number: Decimal) -> str:
    """Without zeros at its end."""
    return f"{number:f}".rstrip("0").rstrip(".") if "." in f"{number:f}" else f"{number:f}"
