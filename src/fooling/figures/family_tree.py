"""The family trees of the champions, run by run: whether classes get variants of one image (the paper's Fig. 9)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fooling.evolution.record import RunRecord
from fooling.figures.families import drawn_families
from fooling.figures.image_grid import HEAD, INCHES_PER_CHARACTER_POINT, panel, place_image, sheet, write, write_head
from fooling.figures.shown_classes import are_many
from fooling.figures.style import ENCODINGS, FAINT, QUIET, WIDTH, in_style
from fooling.findings.lineage import Genealogy, descent, genealogy_of, measures_of

PITCH, SIDE = 0.27, 0.24  # inches: a row, and an image in it
TOP = HEAD - 0.2
RIGHT, ABOVE, BELOW = 0.36, 0.3, 0.34  # inches around a tree
NAMES = 1.2  # inches: at most so wide are the names of the classes
BEND = 0.35  # how far to the left of the child a line leaves the row of the parent, in roots of generations
TICKS = (0, 1, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000)
#: One colour after another for the classes (Paul Tol's muted scheme); neighbours differ most.
CLASSES = ("#332288", "#CC6677", "#117733", "#DDAA33", "#88CCEE", "#882255", "#44AA99", "#999933", "#AA4499", "#555555")

Path = NDArray[np.float64]  # points (N, 2)
Node = tuple[int, int]  # an individual, and a cell that it held


@dataclass(frozen=True)
class Line:
    """From a parent in one of its cells to its child in one of its own, each at the generation in which it came."""

    parent: Node
    child: Node
    start: int
    end: int

    @property
    def is_switch(self) -> bool:
        """Whether the parent held another cell."""
        return self.parent[1] != self.child[1]


@in_style
def draw(*, runs: Sequence[RunRecord]) -> Figure:
    """One tree for each of ``runs``, runs of MAP-Elites on one classifier; one row in it for each class.

    Of many classes families are shown instead.
    """
    if are_many(runs):
        return drawn_families(runs)
    run = runs[0]
    height, longest = PITCH * len(run.class_names), max(map(len, run.class_names))
    size = min(7.0, NAMES / (longest * INCHES_PER_CHARACTER_POINT))
    left = 0.28 + SIDE + longest * size * INCHES_PER_CHARACTER_POINT
    figure, axes = sheet(WIDTH, TOP + len(runs) * (ABOVE + height + BELOW))
    write_head(
        axes,
        f"Lineage: images evolved with the {ENCODINGS[run.encoding].label} on {run.classifier['name']}",
        "each dot became champion of the class in its row; a line connects it to its parent; in colour: images with "
        "descendants at the end",
    )
    for place, one in enumerate(runs):
        top = TOP + place * (ABOVE + height + BELOW) + ABOVE
        tree = panel(figure, left=left, top=top, width=WIDTH - left - RIGHT, height=height)
        genealogy = genealogy_of(one)
        _draw_tree(tree, one, genealogy)
        _write_measures(axes, one, genealogy, left=left, bottom=top - 0.05)
        _draw_ends(axes, one, left=left, top=top, size=size)
    return figure


def _draw_tree(axes: Axes, run: RunRecord, genealogy: Genealogy) -> None:
    lines = list(_lines(genealogy))
    lasting = _lasting(run, lines)
    is_crossed = any(birth.parents.shape[1] > 1 for birth in genealogy.births)
    for is_strong in (False, True):
        drawn = [line for line in lines if (line.child in lasting) == is_strong]
        width = (1.5 if is_strong else 0.5) * (0.4 if is_crossed else 1)
        _draw_paths(axes, [(_along(line), line.parent[1]) for line in drawn], is_strong, 1.5 if is_strong else 0.5)
        _draw_paths(axes, [(_over(line), line.child[1]) for line in drawn if line.is_switch], is_strong, width)
        ends = [(float(_across(line.end)), line.child[1]) for line in drawn]
        colours = [_colour(row) if is_strong else FAINT for _, row in ends]
        x, y = np.array(ends).reshape(-1, 2).T
        axes.scatter(x, y, s=5 if is_strong else 2, c=colours, linewidths=0, zorder=5 + is_strong, clip_on=False)
    last = int(run.history.generations[-1])
    for row, generation in enumerate(run.generations):
        axes.plot(_across(np.array([generation, last])), [row, row], ":", color=_colour(row), linewidth=1, zorder=1)
    shown = [tick for tick in TICKS if tick <= last]
    axes.set_xticks(_across(np.array(shown)), [f"{tick:,}" for tick in shown])
    axes.set(xlim=(0, _across(last)), ylim=(len(run.class_names) - 0.5, -0.5), yticks=[], xlabel="generation")
    axes.xaxis.labelpad = 1
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)


def _draw_paths(axes: Axes, paths: Sequence[tuple[Path, int]], is_strong: bool, width: float) -> None:
    """Each path in the colour of its row, or faint."""
    colours = [_colour(row) if is_strong else FAINT for _, row in paths]
    axes.add_collection(
        LineCollection([path for path, _ in paths], colors=colours, linewidths=width, zorder=2 + is_strong)
    )


def _draw_ends(axes: Axes, run: RunRecord, *, left: float, top: float, size: float) -> None:
    """The class of every row, its first champion and its last."""
    for row, name in enumerate(run.class_names):
        upper, colour = top + row * PITCH + (PITCH - SIDE) / 2, _colour(row)
        style = {"ha": "right", "va": "center", "color": colour, "fontsize": size}
        write(axes, left - SIDE - 0.16, upper + SIDE / 2, name, **style)
        place_image(axes, run.start_images[row], left=left - SIDE - 0.1, top=upper, side=SIDE)
        place_image(axes, run.images[row], left=WIDTH - RIGHT + 0.06, top=upper, side=SIDE, frame=colour)


def _write_measures(axes: Axes, run: RunRecord, genealogy: Genealogy, *, left: float, bottom: float) -> None:
    found = {name: float(values[0]) for name, values in measures_of(descent(genealogy)).items()}
    classes = len(run.class_names)
    text = (
        f"seed {run.seed}: {round(found['other_ancestor'] * classes)} of {classes} champions descend from a champion "
        f"of another class; all come from {found['start_images']:.0f} images of the start"
    )
    write(axes, left, bottom, text, ha="left", va="bottom", color=QUIET)


def _lines(genealogy: Genealogy) -> Iterator[Line]:
    """Every line of the tree. A parent that held the child's own cell stands there, any other in its first cell."""
    since = dict.fromkeys(range(len(genealogy.starters)), 0)  # when the champion of each cell took it
    for birth in genealogy.births:
        for cell, winner in zip(birth.cells.tolist(), birth.winners.tolist(), strict=True):
            for parent, first in zip(birth.parents[winner].tolist(), birth.parent_cells[winner].tolist(), strict=True):
                stands = cell if birth.before[cell] == parent else first
                child = (int(birth.newborns[winner]), cell)
                yield Line(parent=(parent, stands), child=child, start=since[stands], end=birth.generation)
        since |= dict.fromkeys(birth.cells.tolist(), birth.generation)


def _lasting(run: RunRecord, lines: Sequence[Line]) -> set[Node]:
    """The champions at the end, and every node from which lines lead to them."""
    lasting = set(zip(run.individuals.tolist(), range(len(run.class_names)), strict=True))
    for line in reversed(lines):  # children stand after their parents
        if line.child in lasting:
            lasting.add(line.parent)
    return lasting


def _along(line: Line) -> Path:
    """From where the parent came to where its child comes, in the parent's row."""
    start, end = float(_across(line.start)), float(_across(line.end))
    return np.array([(start, line.parent[1]), (max(start, end - BEND) if line.is_switch else end, line.parent[1])])


def _over(line: Line) -> Path:
    """From the parent's row to that of the child, in an S."""
    part = np.linspace(0, 1, 12)
    end = float(_across(line.end))
    start = max(float(_across(line.start)), end - BEND)
    down = line.parent[1] + (line.child[1] - line.parent[1]) * part**2 * (3 - 2 * part)
    return np.column_stack((start + (end - start) * part, down))


def _across(generations: NDArray[np.int64] | int) -> NDArray[np.float64]:
    """Where generations stand: early ones, in which most happens, have more room."""
    return np.asarray(np.sqrt(generations))


def _colour(row: int) -> str:
    return CLASSES[row % len(CLASSES)]
