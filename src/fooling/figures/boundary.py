"""Where champions lie: confidence against the distance to the nearest decision boundary, and medians of networks."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from fooling.figures.confidence_axis import LABEL, use_confidence_ticks, visible
from fooling.figures.style import ENCODINGS, REAL, WIDTH, Look, draw_note, draw_title, in_style, on_networks
from fooling.findings.boundary import CHAMPION, REAL_IMAGE, START
from fooling.formatting import ENCODINGS as ENCODING_NAMES

OF_REAL = Look("real test images", REAL, "", "s")
START_MARKER = "^"
NETWORK_SIZE = 4.5  # points: the mark of a network's median


@in_style
def boundary(*, boundary: pd.DataFrame) -> Figure:
    """Draw the distance to the nearest boundary: of images against confidence, and the medians of the networks."""
    known = boundary.dropna(subset="distance")
    known = known[known["distance"] > 0]
    groups = _groups(known)
    figure = Figure(figsize=(WIDTH, 3.3 + 0.1 * len(groups)), layout="constrained")
    images, medians = figure.subplots(1, 2, width_ratios=(1.25, 1))
    for rows in groups.values():
        look, filled = _look(rows)
        style = {"markersize": 2.6, "alpha": 0.55, "markeredgewidth": 0.6}
        face = look.colour if filled else "none"
        images.plot(rows["distance"], visible(rows["log_odds"]), look.marker, color=look.colour, mfc=face, **style)
    images.set_ylabel(LABEL)
    images.set_xlabel("distance to the nearest boundary\n(root mean square, 0..1)")
    if len(known):
        use_confidence_ticks(images, list(visible(known["log_odds"])))
    _draw_medians(medians, groups)
    for axes, labelled in ((images, (1,)), (medians, (1, 2, 5))):
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=labelled))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
    draw_title(figure, f"Where champions lie, on {on_networks(boundary)}", _handles(known))
    missing = int(boundary["distance"].isna().sum())
    left_out = f" No boundary was found for {missing:,} of {len(boundary):,} images." if missing else ""
    draw_note(
        figure,
        "Left: single images with their class as label. Right: medians of the networks, and a line at their geometric "
        "mean. DeepFool finds a small change, not provably the smallest. Starts: the best image of each class in the "
        f"random start of a run.{left_out}",
    )
    return figure


def _groups(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the rows of real images, and of champions and starts of each experiment, by a name for the axis."""
    found = {"real images": table[table["kind"] == REAL_IMAGE]}
    for experiment in table["experiment"].dropna().unique():
        rows = table[table["experiment"] == experiment]
        found |= {
            f"{experiment}\n{words}": rows[rows["kind"] == kind]
            for kind, words in ((START, "starts"), (CHAMPION, "champions"))
        }
    return {name: rows for name, rows in found.items() if len(rows)}


def _look(rows: pd.DataFrame) -> tuple[Look, bool]:
    """Return the look of a group, and whether its marks are filled."""
    kind = rows["kind"].iloc[0]
    if kind == REAL_IMAGE:
        return OF_REAL, True
    look = ENCODINGS[rows["encoding"].iloc[0]]
    return (look, True) if kind == CHAMPION else (Look(look.label, look.colour, "", START_MARKER), False)


def _draw_medians(axes: Axes, groups: dict[str, pd.DataFrame]) -> None:
    for place, rows in enumerate(groups.values()):
        look, filled = _look(rows)
        medians = rows.groupby("classifier")["distance"].median()
        face = look.colour if filled else "none"
        axes.plot(medians, np.full(len(medians), place), look.marker, color=look.colour, mfc=face, ms=NETWORK_SIZE)
        middle = float(np.exp(np.log(medians).mean()))
        axes.plot([middle] * 2, [place - 0.3, place + 0.3], color=look.colour, linewidth=1.4)
    axes.set_yticks(range(len(groups)), list(groups), fontsize=6.5)
    axes.set_ylim(max(len(groups), 1) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("median distance of a network\n(root mean square, 0..1)")


def _handles(table: pd.DataFrame) -> list[Line2D]:
    handles = [_handle(OF_REAL, OF_REAL.label, filled=True)]
    for encoding in (name for name in ENCODINGS if name in set(table["encoding"].dropna())):
        look, words = ENCODINGS[encoding], ENCODING_NAMES[encoding]
        start = Look("", look.colour, "", START_MARKER)
        handles += [_handle(look, f"champions, {words}", filled=True), _handle(start, f"starts, {words}", filled=False)]
    return handles


def _handle(look: Look, label: str, *, filled: bool) -> Line2D:
    face = look.colour if filled else "none"
    return Line2D([], [], color=look.colour, marker=look.marker, mfc=face, linestyle="", markersize=4, label=label)
