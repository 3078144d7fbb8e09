"""How evolution fares against each network of a chain, generation by generation (the paper's Fig. 12)."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from fooling.evolution.record import RunRecord
from fooling.figures.class_map import IMAGENET_CLASSES, PUBLISHED
from fooling.figures.confidence_axis import log_odds, use_confidence_ticks
from fooling.figures.style import PAPER, WIDTH, counted, draw_note, in_style

NAMED = 8  # networks with a line of their own in the legend; of more the first and the last
FIRST, LAST = 0.0, 0.85  # of the colour map
#: The paper's median against its network with class 1001, by generation, read off the figure.
PUBLISHED_RETRAINED = {60: 0.048, 200: 0.087, 500: 0.098, 2350: 0.100, 4010: 0.110}
SATURATED = 17.0  # log-odds, beyond what float32 can tell from 1


@in_style
def draw(*, batches: Sequence[Sequence[RunRecord]]) -> Figure:
    """The median over the classes, and the surest class, against each network; ``batches`` has some runs for each."""
    figure = Figure(figsize=(WIDTH, 3.4), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    colours = matplotlib.colormaps["viridis"](np.linspace(FIRST, LAST, len(batches)))
    drawn = []
    for number, (runs, colour) in enumerate(zip(batches, colours, strict=True), start=1):
        generations = runs[0].history.generations
        levels = np.stack([run.history.log_odds for run in runs]).clip(-SATURATED, SATURATED)
        is_named = len(batches) <= NAMED or number in (1, len(batches))
        for axes, of_runs in zip(panels, (np.median(levels, axis=2), levels.max(axis=2)), strict=True):
            _draw_runs(axes, generations, of_runs, colour, label=f"DNN {number}" if is_named else "")
            drawn.append(of_runs)
    if len(batches[0][0].class_names) == IMAGENET_CLASSES:
        drawn += _draw_published(panels[0], last=int(batches[0][0].history.generations[-1]))
    use_confidence_ticks(panels[0], np.concatenate([values.ravel() for values in drawn]).tolist())
    for axes, title in zip(panels, ("Median over the classes", "The most confident class"), strict=True):
        axes.set(title=title, xlabel="generation")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlim(0, max(runs[0].history.generations[-1] for runs in batches))
    panels[0].set_ylabel("confidence, log-odds scale")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper left", ncols=NAMED)
    draw_note(figure, _note(batches))
    return figure


def _draw_runs(
    axes: Axes, generations: NDArray[np.int64], of_runs: NDArray[np.float64], colour: NDArray[np.float64], *, label: str
) -> None:
    """The median of the runs (R, T), and a band that holds all of them."""
    axes.plot(generations, np.median(of_runs, axis=0), color=colour, label=label)
    if len(of_runs) > 1:
        axes.fill_between(
            generations, of_runs.min(axis=0), of_runs.max(axis=0), color=colour, alpha=0.12, linewidth=0
        )  # fmt: skip


def _draw_published(axes: Axes, *, last: int) -> list[NDArray[np.float64]]:
    """The paper's medians up to generation ``last``, before and after it learned its fooling images."""
    drawn = []
    for marker, label, medians in (
        ("D", "the paper, 1000 classes", PUBLISHED["cppn"].medians),
        ("v", "the paper, 1001 classes", PUBLISHED_RETRAINED),
    ):
        places = [generation for generation in medians if generation <= last]
        values = np.array([log_odds(medians[generation]) for generation in places])
        axes.plot(places, values, color=PAPER, marker=marker, markersize=3.5, linewidth=0, label=label)
        drawn.append(values)
    return drawn


def _note(batches: Sequence[Sequence[RunRecord]]) -> str:
    runs = min(len(batch) for batch in batches)
    more = ", at least" if any(len(batch) > runs for batch in batches) else ""
    return (
        f"{counted(len(batches), 'network')} of {batches[0][0].classifier['name']}'s chain, from dark to light; "
        f"{counted(runs, 'run')} against each{more}. Each network has learned the images evolved against those before "
        "it as an additional class. Lines: medians of the runs; bands: all runs."
    )
