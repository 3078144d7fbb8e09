"""Whether a fooling class defends where every network refuses equally many real images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from fooling.figures.confidence_axis import TICKS, log_odds, use_confidence_ticks
from fooling.figures.fillings import FILLINGS, line_of, whole
from fooling.figures.style import FAINT, QUIET, WIDTH, Look, counted, draw_note, in_style


@in_style
def draw(*, refusal: pd.DataFrame) -> Figure:
    """Above what becomes of the champions against each network at one rate; below at all rates, and on real images.

    ``refusal`` has a row for each network, rate and attack and, where there are several chains, one for all with an
    empty ``first``.
    """
    rate, highest = _shown_rate(refusal), float(refusal["rate"].max())
    figure = Figure(figsize=(WIDTH, 5.6), layout="constrained")
    panels = figure.subplots(2, 2)
    at_rate, last = refusal[refusal["rate"] == rate], int(refusal["number"].max())
    of_last = refusal[refusal["number"] == last]
    _draw_fillings(panels[0, 0], at_rate, "number", "accepted", step=0.25)
    _draw_fillings(panels[0, 1], at_rate, "number", "log_odds", step=0.25)
    _draw_fillings(panels[1, 0], of_last, "rate", "accepted", step=0.07 * highest)
    _draw_refused(panels[1, 1], of_last)
    for axes in panels[0]:
        axes.set(xlabel="network of the chain (DNN)", xlim=(0.5, last + 0.5))
        axes.set_xticks(range(1, last + 1))
    panels[0, 0].set_title(f"Champions accepted, {100 * rate:g} % of real images refused")
    panels[0, 1].set_title("Confidence among the real classes (median)")
    panels[1, 0].set_title(f"Champions accepted, network {last}")
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
    _draw_legend(figure, refusal)
    draw_note(figure, _note(refusal))
    return figure


def _shown_rate(refusal: pd.DataFrame) -> float:
    """The rate at which evolution ran again."""
    adaptive = refusal[refusal["attack"] == "adaptive"]
    return float((refusal if adaptive.empty else adaptive)["rate"].iloc[0])


def _between_ticks(levels: Sequence[float]) -> list[float]:
    """``levels`` of log-odds with the confidences at the next ticks on both sides, so that an axis has ticks."""
    ticks = [log_odds(float(tick)) for tick in TICKS]
    below, above = [tick for tick in ticks if tick < min(levels)], [tick for tick in ticks if tick > max(levels)]
    return [*below[-1:], *levels, *above[:1]]


def _draw_fillings(axes: Axes, rows: pd.DataFrame, place: str, value: str, *, step: float) -> None:
    """A line for each filling of what is not adaptive, and a filled marker a ``step`` to the right for what is."""
    shown = [(filling, look) for filling, look in FILLINGS.items() if (rows["filled_with"] == filling).any()]
    for index, (filling, look) in enumerate(shown):
        of_filling = whole(rows[rows["filled_with"] == filling]).sort_values(place)
        beside = (index - (len(shown) - 1) / 2) * step / 6  # markers of fillings that agree
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
                linestyle="none" if is_adaptive else line_of(look), linewidth=1.1,
                markerfacecolor=look.colour if is_adaptive else "white", zorder=3 if is_adaptive else 2,
            )  # fmt: skip
    axes.grid(color=FAINT, linewidth=0.4)


def _draw_refused(axes: Axes, rows: pd.DataFrame) -> None:
    """What was refused on the half that the constant was not fitted on, beside what was asked for."""
    for filling, look in FILLINGS.items():
        of_filling = whole(rows[(rows["filled_with"] == filling) & (rows["attack"] == "not adaptive")])
        of_filling = of_filling.sort_values("rate")
        if not of_filling.empty:
            axes.plot(
                of_filling["rate"], of_filling["refused"], color=look.colour, marker=look.marker, markersize=4,
                linestyle=line_of(look), linewidth=1.1, markerfacecolor="white",
            )  # fmt: skip
    limit = 1.15 * max(rows["rate"].max(), rows["refused"].max())
    axes.plot([0, limit], [0, limit], color=QUIET, linewidth=0.7)
    axes.set(xlim=(0, limit), ylim=(0, limit), title="Real images refused on the other half")
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=1, symbol=" %"))
    axes.grid(color=FAINT, linewidth=0.4)


def _draw_legend(figure: Figure, refusal: pd.DataFrame) -> None:
    def handle(look: Look, label: str) -> Line2D:
        return Line2D(
            [], [], color=look.colour, marker=look.marker, markersize=4, label=label, linestyle=line_of(look),
            markerfacecolor="white",
        )  # fmt: skip

    shown = [look for filling, look in FILLINGS.items() if (refusal["filled_with"] == filling).any()]
    handles = [handle(look, look.label) for look in shown]
    handles.append(handle(Look("", QUIET, "", "o"), "not adaptive: scored again with the constant"))
    label = "adaptive: evolved against the network with the constant"
    handles.append(Line2D([], [], color=QUIET, marker="o", markersize=7, linestyle="none", label=label))
    figure.legend(handles=handles, loc="outside upper left", ncols=2, fontsize=7)


def _note(refusal: pd.DataFrame) -> str:
    together = whole(refusal)
    chains = int(together["units"].max())
    bars = "bars: 95 % confidence intervals over chains" if chains > 2 else "too few chains for an interval"
    return (
        f"{counted(chains, 'chain')}, {counted(int(together['runs'].min()), 'run')} against the networks of each "
        f"number; {bars}. A constant on the logit of the fooling class is fitted on half of the real test images; "
        "networks without that class refuse by their largest logit. Only adaptive champions, which evolved against the "
        "constant, test a defence."
    )
