"""How the fillings of a fooling class look in every figure, and what these figures share."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fooling.figures.style import Look

FILLINGS = {
    "champions": Look("fooling class filled with champions", "#0072B2", "", "o"),
    "random": Look("filled with random images", "#D55E00", (4, 1.6), "s"),
    "drift": Look("filled with drift images", "#009E73", (5, 1.4, 1.2, 1.4), "D"),
    "noise": Look("filled with uniform noise", "#E69F00", (2.4, 1), "v"),
    "other-champions": Look("filled with another network's champions", "#B4568C", (6, 2), "P"),
    "nothing": Look("no fooling class, new seed", "#5F5F5F", (1.2, 1.4), "^"),
}
SUREST = 1 - 2.0**-24  # the largest float32 below 1 and half a step: where a median of 1 is drawn


def line_of(look: Look) -> Literal["-"] | tuple[float, tuple[float, ...]]:
    """The line style of a filling."""
    return (0, look.dashes) if isinstance(look.dashes, tuple) else "-"


def whole(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of all chains together where there are several, else of the only one."""
    count = "chains" if "chains" in table else "units"
    rows: pd.DataFrame = table[table[count] == table[count].max()]
    return rows


def stretched(confidences: pd.Series[float]) -> NDArray[np.float64]:
    """The log-odds of confidences, finite at 0 and 1."""
    exact = confidences.to_numpy(dtype=np.float64).clip(1 - SUREST, SUREST)
    return np.asarray(np.log(exact / (1 - exact)))
