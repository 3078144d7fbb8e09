"""What a study found about inputs far from the data, in sentences of the report."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any

import pandas as pd

from fooling.formatting import share_percent, short_percent
from fooling.report.story import MOST_NAMED, RETRAINED

LINEAR = 0.01  # largest relative difference of two slopes that count as equal


def are_far_inputs_confident(rubbish: pd.DataFrame | None, slopes: pd.DataFrame | None, *, threshold: float) -> str:
    """Return how confident the networks are in random inputs and far along rays; empty without these tables.

    ``rubbish`` is the table ``rubbish_summary``, ``slopes`` the table ``ray_slopes``.
    """
    if rubbish is None or slopes is None:
        return ""
    first = rubbish[~rubbish["clipped"] & (rubbish["number"] == 1)]
    parts = [_random_inputs(row) for row in first.head(MOST_NAMED).to_dict("records")]
    others = len(first) - len(parts)
    named = "; ".join(parts) + (f"; and {others} more kinds of networks" if others else "")
    named += _after_retraining(rubbish)
    sure, linear = (float(part.mean()) for part in (slopes["sure"], slopes["slope_difference"] <= LINEAR))
    return (
        f"Random inputs from N(0, I), with pixels from 0 to 1, that get a class with more than 50 %: {named}. These "
        f"are random inputs, not what an attack would find. At {slopes['factor'].iloc[0]:,.0f} times a real image or a "
        f"random direction, {share_percent(sure)} of the rays get at least {short_percent(threshold)}, and along "
        f"{share_percent(linear)} the log-odds grow at the rate of their gradient, as the theorem for piecewise linear "
        "networks says."
    )


def _random_inputs(row: dict[Hashable, Any]) -> str:
    """Return the share of the random inputs that networks of one kind give a class, and their confidence."""
    decay = "" if math.isnan(row["weight_decay"]) else f" with weight decay {row['weight_decay']:g}"
    networks = "1 network" if row["networks"] == 1 else f"{row['networks']} networks"
    confidence = row["mistaken_confidence"]
    mean = "" if math.isnan(confidence) else f", at a mean confidence of {share_percent(confidence)}"
    return f"{row['built_as']}{decay}, {networks}: {share_percent(row['rubbish_share'])} of {row['inputs']:,}{mean}"


def _after_retraining(rubbish: pd.DataFrame) -> str:
    """Return the share for the last networks of the chains that learned champions; empty without any."""
    rows = rubbish[~rubbish["clipped"] & (rubbish["number"] > 1) & (rubbish["filled_with"] == RETRAINED)]
    if rows.empty:
        return ""
    last = rows.sort_values("number").iloc[-1]
    return f"; after retraining with a fooling class of champions: {share_percent(last['rubbish_share'])}"
