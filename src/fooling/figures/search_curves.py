"""Curves over the number of images scored: one line for each search, with bands that say what the runs did."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
import seaborn as sns  # type: ignore[import-untyped]
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator
from numpy.typing import NDArray

from fooling.figures.style import ENCODINGS, SEARCHES, counted

#: The share of the runs, in percent, that each band holds, and how dark it is.
BANDS = {100: 0.12, 50: 0.24}
POINTS = 60  # of a curve at most: more cannot be told apart in print


def draw_search_curves(
    axes: Axes, runs: pd.DataFrame, column: Literal["confidence", "log_odds"], *, is_small: bool = False
) -> None:
    """The median of the runs for each search; a light band holds all runs, a darker one the middle half.

    ``runs`` has one row for each run and number of evaluations, in the columns ``search``, ``evaluations`` and
    ``column``. A panel that ``is_small`` has fewer ticks.
    """
    searches = present(runs)
    runs = runs[runs["evaluations"].isin(_told_apart(runs["evaluations"]))]
    for share, alpha in BANDS.items():
        sns.lineplot(
            runs,
            x="evaluations",
            y=column,
            hue="search",
            hue_order=searches,
            palette={search: SEARCHES[search].colour for search in searches},
            style="search",
            style_order=searches,
            dashes={search: SEARCHES[search].dashes for search in searches},
            estimator="median",
            errorbar=("pi", share),
            err_kws={"alpha": alpha, "linewidth": 0},
            linewidth=1.5 if share == min(BANDS) else 0,
            legend=False,
            ax=axes,
        )
    axes.set(xscale="log", xlabel="images scored", ylabel="")
    _limit_evaluations(axes, runs["evaluations"].min(), runs["evaluations"].max(), apart=4.5 if is_small else 2)


def _told_apart(evaluations: pd.Series[int]) -> NDArray[np.int64]:
    """Those of the numbers of evaluations that lie apart on a logarithmic axis, the first and the last among them."""
    there = np.unique(evaluations)
    spread = np.geomspace(there[0], there[-1], POINTS)
    return np.unique(there[np.searchsorted(there, spread - 0.5).clip(max=len(there) - 1)])


def _limit_evaluations(axes: Axes, first: int, last: int, *, apart: float) -> None:
    """Ticks at both ends, and at the powers of ten that are at least ``apart`` times as far or near."""
    powers = [10**power for power in range(1, 12) if apart * first <= 10**power <= last / apart]
    ticks = [first, *powers, last]
    axes.set_xlim(first, last)
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())


def present(table: pd.DataFrame) -> list[str]:
    """The searches that occur in ``table``, in the order of the study."""
    return [search for search in SEARCHES if search in set(table["search"])]


def draw_legend(figure: Figure, table: pd.DataFrame, *, marks: bool = False) -> None:
    """Name the searches above the figure's panels, by their lines or by coloured ``marks``."""
    handles = []
    for look in (SEARCHES[search] for search in present(table)):
        form = {"marker": "o", "linestyle": ""} if marks else {"dashes": look.dashes or (None, None)}
        handles.append(Line2D([], [], color=look.colour, label=look.label, **form))
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles))


def what_is_drawn(history: pd.DataFrame) -> str:
    """One line for under the figure: the encoding, how many runs there are, and what line and bands mean."""
    encoding = ENCODINGS[history["encoding"].iloc[0]].label
    runs = len(history[["classifier", "seed"]].drop_duplicates())
    networks = counted(history["classifier"].nunique(), "network")
    made = f"{encoding[0].upper()}{encoding[1:]}, {counted(runs, 'run')} of each search on {networks}."
    if runs < 3:
        return f"{made} Line: their median."
    return f"{made} Line: their median; darker band: their middle half; light band: all runs."
