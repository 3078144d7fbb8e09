"""Retraining: how easily the networks of a chain are fooled, and how well a fooling class defends them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter, StrMethodFormatter

from fooling.figures.style import (
    BACKGROUND,
    CHART,
    EXPLAINED,
    FAINT,
    FILLINGS,
    LABEL,
    PAPER,
    QUIET,
    REAL,
    TICKS,
    Look,
    draw_note,
    draw_title,
    finite_log_odds,
    in_style,
    log_odds,
    use_confidence_ticks,
)
from fooling.messages import counted

CROWDED = 9  # networks of a chain: of more, every second has a tick

#: The paper's median confidences against DNN_1 to DNN_15, in percent, read off the figure.
PAPER_MEDIANS = (
    *(99.99, 97.42, 99.83, 72.52, 97.55, 99.68, 76.13, 99.96),
    *(99.51, 99.48, 98.62, 99.97, 99.93, 99.15, 99.15),
)


@in_style
def retraining_curve(*, retraining: pd.DataFrame, effects: pd.DataFrame) -> Figure:
    """Draw how easily each network is fooled, and what the fooling class does.

    Above is the median confidence of all champions against each network; below, what the fooling class recognises and
    the cost in accuracy. ``retraining`` has a row for each network of each chain and, if there are several chains, one
    for all of them with an empty ``first``; ``effects`` compares the chains with their controls.
    """
    figure = Figure(figsize=(CHART, 5.6), layout="constrained")
    grid = figure.add_gridspec(2, 2, height_ratios=(1.35, 1))
    medians = figure.add_subplot(grid[0, :])
    handles = _draw_medians(medians, retraining)
    draw_title(figure, "Does retraining with a fooling class help? Median confidence of the champions", handles)
    _draw_recognised(figure.add_subplot(grid[1, 0]), retraining)
    _draw_errors(figure.add_subplot(grid[1, 1]), retraining)
    draw_note(figure, _curve_note(retraining, effects))
    return figure


def _draw_medians(axes: Axes, retraining: pd.DataFrame) -> list[Artist]:
    """Draw the medians of each filling beside the paper's, as far as the chain reaches; return the legend."""
    chain = _of_all_chains(retraining)
    paper = np.array([log_odds(value / 100) for value in PAPER_MEDIANS])[: int(chain["number"].max())]
    handles: list[Artist] = [
        *axes.plot(range(1, len(paper) + 1), paper, color=PAPER, marker="D", markersize=3.5, linewidth=0.9,
                   linestyle=(0, (1, 1.5)), label="the paper (MNIST, one chain)")
    ]  # fmt: skip
    shown = [paper]
    for filling, look in FILLINGS.items():
        rows = chain[chain["filled_with"] == filling].sort_values("number")
        if rows.empty:
            continue
        for _, single in retraining[retraining["filled_with"] == filling].groupby("first"):
            axes.plot(single["number"], finite_log_odds(single["median"]), color=look.colour, alpha=0.25, linewidth=0.8)
        middle, low, high = (finite_log_odds(rows[name]) for name in ("median", "median_low", "median_high"))
        spread = np.nan_to_num(np.stack([middle - low, high - middle]))
        axes.errorbar(
            rows["number"], middle, yerr=spread, color=look.colour, marker=look.marker, markersize=4.5, capsize=2,
            linewidth=1.3, elinewidth=0.9, linestyle=look.linestyle, label=look.label,
        )  # fmt: skip
        handles.append(Line2D([], [], color=look.colour, marker=look.marker, markersize=4.5, linewidth=1.3,
                              linestyle=look.linestyle, label=look.label))  # fmt: skip
        shown += [middle, low[np.isfinite(low)], high[np.isfinite(high)]]
    use_confidence_ticks(axes, np.concatenate(shown).tolist())
    axes.set(ylabel=LABEL)
    _use_numbers(axes, chain)
    return handles


def _draw_recognised(axes: Axes, retraining: pd.DataFrame) -> None:
    """Draw the shares of champions and real images that are classified as fooling images."""
    chain = _of_all_chains(retraining)
    rows = chain[(chain["filled_with"] == "champions") & (chain["number"] > 1)].sort_values("number")
    axes.set(title="Classified as fooling images", ylim=(-0.04, 1.04))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    _use_numbers(axes, chain)
    if rows.empty:
        axes.text(0.5, 0.5, "no chain is trained on champions", transform=axes.transAxes, ha="center", color=QUIET)
        return
    lines = {
        "recognised_new": ("evolved on the previous network", "#0072B2", "o"),
        "recognised_old": ("evolved on earlier networks", "#56B4E9", "s"),
        "real_as_fooling": ("real test images", REAL, "v"),
    }
    for column, (label, colour, marker) in lines.items():
        axes.plot(rows["number"], rows[column], color=colour, marker=marker, markersize=4, linewidth=1.2, label=label)
    axes.legend(fontsize=6.5, loc="best", frameon=True, facecolor=BACKGROUND, edgecolor="none", framealpha=0.85)


def _draw_errors(axes: Axes, retraining: pd.DataFrame) -> None:
    chain = _of_all_chains(retraining)
    for filling, look in FILLINGS.items():
        rows = chain[chain["filled_with"] == filling].sort_values("number")
        if len(rows):
            axes.plot(
                rows["number"], rows["test_error"], color=look.colour, marker=look.marker, markersize=4, linewidth=1.2,
                linestyle=look.linestyle,
            )  # fmt: skip
    axes.set(title="Test error on real images", ylim=(0, 1.08 * chain["test_error"].max() or None))
    axes.axhline(0, color=FAINT, linewidth=0.6)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=1, symbol=" %"))
    _use_numbers(axes, chain)


def _use_numbers(axes: Axes, chain: pd.DataFrame) -> None:
    """Label the x axis with the numbers of the networks."""
    last = int(chain["number"].max())
    axes.set(xlabel="network of the chain (DNN)", xlim=(0.5, last + 0.5))
    axes.set_xticks(range(1, last + 1, 1 if last <= CROWDED else 2))


def _curve_note(retraining: pd.DataFrame, effects: pd.DataFrame) -> str:
    chain = _of_all_chains(retraining)
    runs = chain.loc[chain["number"] > 1, "runs"].min()
    note = f"{counted(int(chain['units'].max()), 'chain')}, {counted(int(runs), 'run')} against each network; "
    note += "without intervals." if chain["median_low"].isna().all() else "bars: confidence intervals over the chains."
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
        note += f" Champions minus the control ({words[control]}): {difference:+.2f}{interval} log-odds."
    return f"{note} {EXPLAINED}"


@in_style
def retraining_budget(*, budget: pd.DataFrame) -> Figure:
    """Draw the median confidence of all champions against the images scored.

    ``budget`` has a row for each kept generation of the last network of each chain, and one for all chains.
    """
    figure = Figure(figsize=(CHART, 3.8), layout="constrained")
    axes = figure.subplots()
    shown, handles = [], []
    for filling, look in FILLINGS.items():
        rows = budget[budget["filled_with"] == filling]
        for _, single in rows.groupby("first"):
            axes.plot(
                single["evaluations"], finite_log_odds(single["median"]), color=look.colour, alpha=0.25, linewidth=0.8
            )
        together = _of_all_chains(rows)
        if together.empty:
            continue
        middle, low, high = (finite_log_odds(together[name]) for name in ("median", "median_low", "median_high"))
        handles += axes.plot(
            together["evaluations"], middle, color=look.colour, label=look.label, linestyle=look.linestyle
        )
        if np.isfinite(low).all():
            axes.fill_between(together["evaluations"], low, high, color=look.colour, alpha=0.12, linewidth=0)
        shown += [middle, low[np.isfinite(low)], high[np.isfinite(high)]]
    use_confidence_ticks(axes, np.concatenate(shown).tolist())
    axes.set(xscale="log", xlabel="images scored", ylabel=LABEL)
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.grid(color=FAINT, linewidth=0.4)
    draw_title(figure, "A larger budget: median confidence of the champions against the last network", handles)
    draw_note(figure, f"{_budget_note(budget)} {EXPLAINED}")
    return figure


def _budget_note(budget: pd.DataFrame) -> str:
    together = _of_all_chains(budget)
    chains, last = int(together["units"].max()), int(together["generation"].max())
    bands = "bands: 95 % confidence intervals over chains" if chains > 2 else "too few chains for an interval"
    return (
        f"Network {int(budget['number'].max())} of {counted(chains, 'chain')}, {counted(last, 'generation')}, "
        f"{counted(int(together['runs'].min()), 'run')} for each filling; pale lines: single chains; {bands}."
    )


@in_style
def retraining_refusal(*, refusal: pd.DataFrame) -> Figure:
    """Draw champions and real images accepted at equal refusal rates.

    The upper panels show champions against each network at one refusal rate; the lower ones show the last network at
    all rates, and the real images. ``refusal`` has a row for each network, rate and attack and, if there are several
    chains, one for all of them with an empty ``first``.
    """
    rate, highest = _shown_rate(refusal), float(refusal["rate"].max())
    figure = Figure(figsize=(CHART, 6.0), layout="constrained")
    panels = figure.subplots(2, 2)
    at_rate, last = refusal[refusal["rate"] == rate], int(refusal["number"].max())
    of_last = refusal[refusal["number"] == last]
    _draw_fillings(panels[0, 0], at_rate, "number", "accepted", step=0.25)
    _draw_fillings(panels[0, 1], at_rate, "number", "log_odds", step=0.25)
    _draw_fillings(panels[1, 0], of_last, "rate", "accepted", step=0.07 * highest)
    _draw_refused(panels[1, 1], of_last)
    for axes in panels[0]:
        axes.set(xlabel="network of the chain (DNN)", xlim=(0.5, last + 0.5))
        axes.set_xticks(range(1, last + 1, 1 if last <= CROWDED else 2))
    panels[0, 0].set_title(f"Champions accepted,\n{100 * rate:g} % of real images refused")
    panels[0, 1].set_title("Median confidence among\nthe real classes (log-odds axis)")
    panels[1, 0].set_title(f"Champions accepted,\nnetwork {last}")
    for axes in panels[:, 0]:
        axes.set_ylim(-0.06, 1.06)
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    for axes in panels[1]:
        axes.set_xlabel("real images refused (target)")
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=1, symbol=" %"))
        axes.set_xticks(sorted(refusal["rate"].unique()))
    panels[1, 0].set_xlim(0, 1.15 * highest)
    levels = at_rate[["log_odds", "log_odds_low", "log_odds_high"]].to_numpy(dtype=np.float64)
    use_confidence_ticks(panels[0, 1], _between_ticks(levels[np.isfinite(levels)].tolist()))
    _draw_refusal_legend(figure, refusal)
    draw_note(figure, _refusal_note(refusal))
    return figure


def _shown_rate(refusal: pd.DataFrame) -> float:
    """Return the refusal rate at which evolution ran again, or else the first rate."""
    adaptive = refusal[refusal["attack"] == "adaptive"]
    return float((refusal if adaptive.empty else adaptive)["rate"].iloc[0])


def _between_ticks(levels: Sequence[float]) -> list[float]:
    """Return ``levels`` of log-odds, extended by the next tick on both sides."""
    ticks = [log_odds(float(tick)) for tick in TICKS]
    below, above = [tick for tick in ticks if tick < min(levels)], [tick for tick in ticks if tick > max(levels)]
    return [*below[-1:], *levels, *above[:1]]


def _draw_fillings(axes: Axes, rows: pd.DataFrame, place: str, value: str, *, step: float) -> None:
    """Draw a line for each filling, and filled markers for adaptive champions.

    The markers are a ``step`` to the right.
    """
    shown = [(filling, look) for filling, look in FILLINGS.items() if (rows["filled_with"] == filling).any()]
    for index, (filling, look) in enumerate(shown):
        of_filling = _of_all_chains(rows[rows["filled_with"] == filling]).sort_values(place)
        beside = (index - (len(shown) - 1) / 2) * step / 6  # so that equal values do not overlap
        for attack, is_adaptive in (("not adaptive", False), ("adaptive", True)):
            points = of_filling[of_filling["attack"] == attack]
            if points.empty:
                continue
            middle, low, high = (
                points[name].to_numpy(dtype=np.float64) for name in (value, f"{value}_low", f"{value}_high")
            )
            places = points[place] + beside + step * is_adaptive
            axes.errorbar(
                places, middle, yerr=np.nan_to_num(np.stack([middle - low, high - middle])),
                color=look.colour, marker=look.marker, markersize=7 if is_adaptive else 4, capsize=2, elinewidth=0.9,
                linestyle="none" if is_adaptive else look.linestyle, linewidth=1.1,
                markerfacecolor=look.colour if is_adaptive else BACKGROUND, zorder=3 if is_adaptive else 2,
            )  # fmt: skip
    axes.grid(color=FAINT, linewidth=0.4)


def _draw_refused(axes: Axes, rows: pd.DataFrame) -> None:
    """Draw the share of real images refused against its target.

    It is evaluated on the half of the images that did not fit the constant.
    """
    for filling, look in FILLINGS.items():
        of_filling = _of_all_chains(rows[(rows["filled_with"] == filling) & (rows["attack"] == "not adaptive")])
        of_filling = of_filling.sort_values("rate")
        if not of_filling.empty:
            axes.plot(
                of_filling["rate"], of_filling["refused"], color=look.colour, marker=look.marker, markersize=4,
                linestyle=look.linestyle, linewidth=1.1, markerfacecolor=BACKGROUND,
            )  # fmt: skip
    limit = 1.15 * max(rows["rate"].max(), rows["refused"].max())
    axes.plot([0, limit], [0, limit], color=QUIET, linewidth=0.7)
    axes.set(xlim=(0, limit), ylim=(0, limit), title="Real images refused\n(other half)")
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=1, symbol=" %"))
    axes.grid(color=FAINT, linewidth=0.4)


def _draw_refusal_legend(figure: Figure, refusal: pd.DataFrame) -> None:
    def handle(look: Look, label: str) -> Line2D:
        return Line2D(
            [], [], color=look.colour, marker=look.marker, markersize=4, label=label, linestyle=look.linestyle,
            markerfacecolor=BACKGROUND,
        )  # fmt: skip

    shown = [look for filling, look in FILLINGS.items() if (refusal["filled_with"] == filling).any()]
    handles = [handle(look, look.label) for look in shown]
    handles.append(handle(Look("", QUIET, "", "o"), "not adaptive: scored again with the constant"))
    label = "adaptive: evolved against the network with the constant"
    handles.append(Line2D([], [], color=QUIET, marker="o", markersize=7, linestyle="none", label=label))
    draw_title(figure, "Does the fooling class help at equal refusal rates of real images?", handles)


def _refusal_note(refusal: pd.DataFrame) -> str:
    together = _of_all_chains(refusal)
    chains = int(together["units"].max())
    bars = "bars: 95 % confidence intervals over chains" if chains > 2 else "too few chains for an interval"
    return (
        f"{counted(chains, 'chain')}, {counted(int(together['runs'].min()), 'run')} against the networks of each "
        f"number; {bars}. A constant added to the logit of the fooling class is fitted on half of the real test "
        "images; networks without that class refuse by their largest logit. Only adaptive champions, which evolved "
        "against the constant, test the defence."
    )


def _of_all_chains(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of all chains together, or of the only chain."""
    count = "chains" if "chains" in table else "units"
    rows: pd.DataFrame = table[table[count] == table[count].max()]
    return rows
