"""Map of the confidence of every class in every generation (the paper's Figs 6 and 7), and its quantiles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from fooling.figures.style import (
    ENCODINGS,
    PAPER,
    SEARCHES,
    WIDTH,
    draw_note,
    draw_title,
    on_networks,
    searches_in,
    use_percent_ticks,
)
from fooling.messages import counted

COLUMNS = 600  # of a map, at most: more cannot be distinguished in print
QUANTILES = {0.95: 0.7, 0.9: 0.85, 0.75: 1.0, 0.5: 1.8, 0.25: 1.0}  # line width by quantile
IMAGENET_CLASSES = 1000
DOGS_AND_CATS = (157, 286)  # the range of classes that the paper names so


@dataclass(frozen=True)
class Published:
    """The paper's median over the classes of ImageNet, by generation."""

    medians: dict[int, float]
    batch: int  # images scored in each generation


#: Read off the paper's figures.
PUBLISHED = {
    "direct": Published({4000: 0.012, 8000: 0.067, 12000: 0.11, 16000: 0.161, 20000: 0.2157}, batch=200),
    "cppn": Published(
        {
            **{50: 0.079, 100: 0.169, 200: 0.30, 500: 0.49, 1000: 0.64, 2000: 0.78, 3000: 0.83},
            **{4000: 0.86, 4990: 0.8805},
        },
        batch=400,
    ),
}


def draw_class_map(history: pd.DataFrame) -> Figure:
    """Draw a map, by class and generation, of the median over the runs for each search."""
    searches = searches_in(history)
    levels = {search: _median_of_runs(history[history["search"] == search]) for search in searches}
    figure = Figure(figsize=(WIDTH, 5.4), layout="constrained")
    grid = figure.add_gridspec(2, len(searches), height_ratios=(1.45, 1))
    maps = [figure.add_subplot(grid[0, column]) for column in range(len(searches))]
    for axes, search in zip(maps, searches, strict=True):
        shown = _draw_map(axes, levels[search], title=SEARCHES[search].label, is_first=axes is maps[0])
    bar = figure.colorbar(shown, ax=maps, pad=0.01, fraction=0.03)
    bar.set_ticks([0, 0.25, 0.5, 0.75, 1], labels=["0 %", "25 %", "50 %", "75 %", "100 %"])
    bar.set_label("confidence", fontsize=7.5)
    quantiles = figure.add_subplot(grid[1, :])
    _draw_quantiles(quantiles, levels)
    paper = _draw_published(quantiles, history, classes=len(levels[searches[0]].columns))
    handles, _ = quantiles.get_legend_handles_labels()
    encoding = ENCODINGS[history["encoding"].iloc[0]].label
    draw_title(figure, f"Confidence in each class by generation: {encoding} on {on_networks(history)}", handles)
    draw_note(figure, _note(history, levels[searches[0]], paper))
    return figure


def _median_of_runs(history: pd.DataFrame) -> pd.DataFrame:
    """Return the median over the runs: a row for each generation, a column for each class."""
    exact = history.astype({"confidence": "float64"})
    medians = exact.groupby(["generation", "class_index"])["confidence"].median()
    return medians.unstack("class_index").sort_index()


def _draw_map(axes: Axes, levels: pd.DataFrame, *, title: str, is_first: bool) -> AxesImage:
    generations = levels.index.to_numpy()
    shown = _last_not_after(generations, np.linspace(0, generations[-1], min(COLUMNS, int(generations[-1]) + 1)))
    classes = len(levels.columns)
    image = axes.imshow(
        levels.to_numpy()[shown].T,
        cmap="inferno",
        vmin=0,
        vmax=1,
        aspect="auto",
        interpolation="nearest",
        extent=(0, float(generations[-1]), classes - 0.5, -0.5),
    )
    axes.grid(visible=False)
    axes.set_title(title)
    axes.set(xlabel="generation")
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.tick_params(labelleft=is_first)
    if is_first:
        axes.set_ylabel("class")
    if classes == IMAGENET_CLASSES and is_first:
        for edge in DOGS_AND_CATS:
            axes.axhline(edge, color="white", linewidth=0.7, linestyle=(0, (1, 1.5)))
        axes.text(
            float(generations[-1]) * 0.98, sum(DOGS_AND_CATS) / 2, "dogs and cats", color="white", fontsize=6.5,
            ha="right", va="center", path_effects=[withStroke(linewidth=2, foreground="black")],
        )  # fmt: skip
    return image


def _last_not_after(kept: NDArray[np.int64], wanted: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the index of the last of ``kept`` (ascending) up to each of ``wanted``."""
    return np.searchsorted(kept, wanted, side="right") - 1


def _draw_quantiles(axes: Axes, levels: dict[str, pd.DataFrame]) -> None:
    for search, table in levels.items():
        look = SEARCHES[search]
        for share, width in QUANTILES.items() if search == "map-elites" else [(0.5, 1.4)]:
            line = table.quantile(share, axis=1)
            label = f"{look.label}, median" if share == 0.5 else ""
            linestyle = look.linestyle
            axes.plot(line.index, line, color=look.colour, linewidth=width, linestyle=linestyle, label=label)
    use_percent_ticks(axes)
    axes.set(title="Quantiles over the classes", xlabel="generation", ylabel="confidence")
    axes.set_xlim(0, max(table.index[-1] for table in levels.values()))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _draw_published(axes: Axes, history: pd.DataFrame, *, classes: int) -> bool:
    """Draw the paper's medians, if it has as many classes, and return whether any is drawn.

    Each is drawn where the same number of images has been scored.
    """
    published = PUBLISHED[history["encoding"].iloc[0]]
    if classes != IMAGENET_CLASSES:
        return False
    reached = history[["generation", "evaluations"]].drop_duplicates().sort_values("evaluations")
    batch = float(np.diff(reached["evaluations"]).sum() / max(np.diff(reached["generation"]).sum(), 1))
    places = {generation * published.batch / batch: value for generation, value in published.medians.items()}
    within = {place: value for place, value in places.items() if place <= 1.02 * reached["generation"].max()}
    if within:
        axes.plot(
            list(within), list(within.values()), color=PAPER, marker="D", markersize=3.5, linewidth=0, clip_on=False,
            label="the paper, median",
        )  # fmt: skip
    return bool(within)


def _note(history: pd.DataFrame, levels: pd.DataFrame, paper: bool) -> str:
    runs = len(history[["classifier", "seed"]].drop_duplicates())
    of_runs = "one run" if runs == 1 else f"median of {counted(runs, 'run')}"
    classes = counted(len(levels.columns), "class", "classes")
    parts = [
        f"{classes}, {of_runs}.",
        "Thin lines: the 25, 75, 90 and 95 % quantiles of evolution over the classes.",
    ]
    if paper:
        parts.append("The paper's median: another network, at the same number of images scored.")
    return " ".join(parts)
