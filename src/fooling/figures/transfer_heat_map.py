"""Networks x networks: the share of images evolved on one that keep their class on another, with its interval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from fooling.figures.style import FAINT, INK, QUIET, WIDTH, draw_note

SHARES = LinearSegmentedColormap.from_list("shares", ["#FFFFFF", "#8FC1E3", "#0B4F8A"])
MOST_WITH_INTERVALS = 7  # networks: with more there is no room for the intervals


def draw_heat_map(transfer: pd.DataFrame, *, names: Mapping[str, str], title: str, axis: str) -> Figure:
    """Left all images, right those that their own network is sure of; ``names`` says what the networks are called.

    ``transfer`` has one row for each pair of networks, set of images and kind of label.
    """
    rows = transfer[transfer["label"] == "class"]
    sources, targets = (list(dict.fromkeys(rows[end])) for end in ("source", "target"))
    height = 0.47 * WIDTH * len(sources) / len(targets)
    figure = Figure(figsize=(WIDTH, height + 1.3), layout="constrained")
    for axes, subset in zip(figure.subplots(1, 2), ("all", "sure"), strict=True):
        _draw_shares(axes, rows[rows["images"] == subset], sources, targets)
        axes.set_title(
            {"all": "all champions", "sure": "champions with high confidence on their own network"}[subset],
            fontsize=7.5,
        )
        axes.set_xticks(range(len(targets)), [names[target] for target in targets], fontsize=6.5)
        if max(map(len, names.values())) > 4:
            axes.tick_params(axis="x", rotation=30)
        axes.set_yticks(range(len(sources)), [names[source] for source in sources], fontsize=6.5)
        axes.set(xlabel=f"shown to ({axis})", ylabel=f"evolved on ({axis})" if subset == "all" else "")
    figure.suptitle(title, x=0.008, ha="left", fontsize=9, fontweight="bold")
    draw_note(figure, _note(rows))
    return figure


def _draw_shares(axes: Axes, images: pd.DataFrame, sources: list[str], targets: list[str]) -> None:
    """One cell for each pair: the share, its interval and chance as far as there is room."""
    cells = images.set_index(["source", "target"])[["alike", "low", "high", "chance"]].astype(float)
    grid = cells["alike"].unstack().reindex(index=sources, columns=targets).to_numpy()
    axes.imshow(np.ma.masked_invalid(grid), cmap=SHARES, vmin=0, vmax=1)
    axes.grid(visible=False)
    axes.tick_params(length=0)
    is_small = len(targets) > MOST_WITH_INTERVALS
    for row, (share, low, high, chance) in enumerate(cells.to_numpy()):
        source, target = map(str, cells.index[row])
        x, y = targets.index(target), sources.index(source)
        ink, quiet = ("white", "white") if share > 0.6 else (INK, QUIET)
        if np.isnan(share):
            _write(axes, x, y, "none", color=FAINT, fontsize=5.5)
        elif is_small:
            _write(axes, x, y, f"{100 * share:.0f}", color=ink, fontsize=5)
        else:
            _write(axes, x, y - 0.18, f"{100 * share:.0f}", color=ink, fontsize=7.5, fontweight="bold")
            _write(axes, x, y + 0.1, "" if np.isnan(low) else f"{100 * low:.0f} to {100 * high:.0f}", color=ink)
            _write(axes, x, y + 0.3, f"chance {100 * chance:.0f}", color=quiet)


def _write(axes: Axes, x: float, y: float, text: str, **style: Any) -> None:
    axes.text(x, y, text, **{"ha": "center", "va": "center", "fontsize": 5.5, **style})


def _note(rows: pd.DataFrame) -> str:
    every = rows[rows["images"] == "all"]
    others = every[every["relation"] != "itself"]
    said = "Percentage of images whose top class is the one they were evolved for"
    if rows["target"].nunique() <= MOST_WITH_INTERVALS:
        said += ", with its interval over the runs, and chance: the percentage with exchanged labels"
    if others.empty:
        return f"{said}."
    higher, exchanged = others["higher_on_source"].mean(), others["exchanged"].mean()
    own = (
        f" Among images with the same label on both, {100 * higher:.0f} % have a higher confidence on their own network"
    )
    other = f"; for images evolved on the other, this network has a higher confidence in {100 * exchanged:.0f} %."
    return said + "." + (own + other if np.isfinite([higher, exchanged]).all() else "")
