"""Confidences in percent as they stand beside images and axes: cut, never rounded up."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal


def percent(confidence: float, *, decimals: int = 2) -> str:
    """``confidence`` (0 to 1) in percent, cut after ``decimals`` places: .99996 gives ``99.99 %``, never ``100 %``.

    A confidence of exactly 1, which float32 cannot tell from almost 1, gives ``>99.99 %``.
    """
    step = Decimal(1).scaleb(-decimals)
    if confidence >= 1:
        return f">{100 - step} %"
    return f"{(Decimal(repr(float(confidence))) * 100).quantize(step, rounding=ROUND_FLOOR)} %"


def short_percent(confidence: Decimal | float) -> str:
    """``confidence`` in percent with exactly the places it needs."""
    return f"{(Decimal(str(confidence)) * 100).normalize():f} %"
