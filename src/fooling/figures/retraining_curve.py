"""How easily every network of a chain is fooled, beside the paper's fifteen (Fig. 11), and what retraining changes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from fooling.figures.confidence_axis import log_odds, use_confidence_ticks
from fooling.figures.fillings import FILLINGS, stretched, whole
from fooling.figures.style import FAINT, PAPER, QUIET, REAL, WIDTH, counted, draw_note, in_style

#: The paper's median confidences against DNN_1 to DNN_15, in percent, read off the figure.
PAPER_MEDIANS = (
    *(99.99, 97.42, 99.83, 72.52, 97.55, 99.68, 76.13, 99.96),
    *(99.51, 99.48, 98.62, 99.97, 99.93, 99.15, 99.15),
)


@in_style
def draw(*, retraining: pd.DataFrame, effects: pd.DataFrame) -> Figure:
    """Above the median confidence of all champions against each network; below what the fooling class learns and costs.

    ``retraining`` has a row for each network of each chain and, where there are several chains, one for all with an
    empty ``first``; ``effects`` compares the chains with their controls.
    """
    figure = Figure(figsize=(WIDTH, 5.4), layout="constrained")
    grid = figure.add_gridspec(2, 2, height_ratios=(1.35, 1))
    medians = figure.add_subplot(grid[0, :])
    _draw_medians(medians, retraining)
    _draw_recognised(figure.add_subplot(grid[1, 0]), retraining)
    _draw_errors(figure.add_subplot(grid[1, 1]), retraining)
    draw_note(figure, _note(retraining, effects))
    return figure


def _draw_medians(axes: Axes, retraining: pd.DataFrame) -> None:
    chain = whole(retraining)
    paper = np.array([log_odds(value / 100) for value in PAPER_MEDIANS])
    axes.plot(range(1, len(paper) + 1), paper, color=PAPER, marker="D", markersize=3.5, linewidth=0.9,
              linestyle=(0, (1, 1.5)), label="the paper (MNIST, one chain)")  # fmt: skip
    shown = [paper]
    for filling, look in FILLINGS.items():
        rows = chain[chain["filled_with"] == filling].sort_values("number")
        if rows.empty:
            continue
        for _, single in retraining[retraining["filled_with"] == filling].groupby("first"):
            axes.plot(single["number"], stretched(single["median"]), color=look.colour, alpha=0.25, linewidth=0.8)
        middle, low, high = (stretched(rows[name]) for name in ("median", "median_low", "median_high"))
        spread = np.nan_to_num(np.stack([middle - low, high - middle]))
        axes.errorbar(
            rows["number"], middle, yerr=spread, color=look.colour, marker=look.marker, markersize=4.5, capsize=2,
            linewidth=1.3, elinewidth=0.9, linestyle=(0, look.dashes or (None, None)) if look.dashes else "-",
            label=look.label,
        )  # fmt: skip
        shown += [middle, low[np.isfinite(low)], high[np.isfinite(high)]]
    use_confidence_ticks(axes, np.concatenate(shown).tolist())
    axes.set(title="Median confidence of all champions evolved against each network")
    _use_numbers(axes, chain)
    axes.legend(fontsize=7, frameon=True, facecolor="white", edgecolor="none", framealpha=0.85)


def _draw_recognised(axes: Axes, retraining: pd.DataFrame) -> None:
    """Which test images the retrained networks take for fooling ones."""
    chain = whole(retraining)
    rows = chain[(chain["filled_with"] == "champions") & (chain["number"] > 1)].sort_values("number")
    axes.set(title="Classified as fooling images", ylim=(-0.04, 1.04))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    _use_numbers(axes, chain)
    if rows.empty:
        axes.text(0.5, 0.5, "no chain is trained on champions", transform=axes.transAxes, ha="center", color=QUIET)
        return
    lines = {
        "recognised_new": ("fooled the network before", "#0072B2", "o"),
        "recognised_old": ("fooled earlier networks", "#56B4E9", "s"),
        "real_taken_for_fooling": ("real test images", REAL, "v"),
    }
    for column, (label, colour, marker) in lines.items():
        axes.plot(rows["number"], rows[column], color=colour, marker=marker, markersize=4, linewidth=1.2, label=label)
    axes.legend(fontsize=7, loc="center right", frameon=True, facecolor="white", edgecolor="none", framealpha=0.85)


def _draw_errors(axes: Axes, retraining: pd.DataFrame) -> None:
    chain = whole(retraining)
    for filling, look in FILLINGS.items():
        rows = chain[chain["filled_with"] == filling].sort_values("number")
        if len(rows):
            axes.plot(
                rows["number"], rows["test_error"], color=look.colour, marker=look.marker, markersize=4, linewidth=1.2,
                linestyle=(0, look.dashes) if look.dashes else "-",
            )  # fmt: skip
    axes.set(title="Test error on real images", ylim=(0, 1.08 * chain["test_error"].max() or None))
    axes.axhline(0, color=FAINT, linewidth=0.6)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=1, symbol=" %"))
    _use_numbers(axes, chain)


def _use_numbers(axes: Axes, chain: pd.DataFrame) -> None:
    """An axis of the numbers of the networks."""
    last = int(chain["number"].max())
    axes.set(xlabel="network of the chain (DNN)", xlim=(0.5, last + 0.5))
    axes.set_xticks(range(1, last + 1))


def _note(retraining: pd.DataFrame, effects: pd.DataFrame) -> str:
    chain = whole(retraining)
    runs = chain.loc[chain["number"] > 1, "runs"].min()
    said = f"{counted(int(chain['units'].max()), 'chain')}, {counted(int(runs), 'run')} against each network; "
    said += "without intervals." if chain["median_low"].isna().all() else "bars: confidence intervals over the chains."
    words = {
        "nothing": "retraining with only a new seed",
        "random": "retraining on random images",
        "drift": "retraining on drift images",
        "noise": "retraining on uniform noise",
        "other-champions": "retraining on another network's champions",
    }
    found = effects[["difference", "low", "high"]].to_numpy(dtype=np.float64)
    for control, (difference, low, high) in zip(effects["control"], found, strict=True):
        interval = "" if np.isnan(low) else f" ({low:+.2f} to {high:+.2f})"
        said += f" Difference in log-odds to {words[control]}: {difference:+.2f}{interval}."
    return said
