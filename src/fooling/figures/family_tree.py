"""Lineage of the champions: the tree of one run, or families if there are many classes (the paper's Fig. 9)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fooling.attacks.evolution.record import RunRecord
from fooling.figures.image_grid import (
    HEAD,
    INCHES_PER_CHARACTER_POINT,
    are_many,
    panel,
    place_image,
    sheet,
    write,
    write_head,
)
from fooling.figures.style import ENCODINGS, FAINT, INK, QUIET, WIDTH, in_style
from fooling.findings.lineage import Genealogy, descent, genealogy_of, measures_of
from fooling.messages import counted, percent

PITCH, SIDE = 0.36, 0.32  # inches: a row, and an image in it
TOP = HEAD + 0.02
RIGHT, BELOW, LINE = 0.45, 0.42, 0.14  # inches: the space around the tree, and a line of the summary
NAMES = 1.2  # inches: the largest width of the names of classes
BEND = 0.35  # square roots of generations: how far left of the child a line leaves the row of the parent
TICKS = (0, 1, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000)
FAMILIES, SMALLEST, SHOWN = 6, 5, 10  # at most for each run; images in a family: at least, and shown at most
FAMILY_LEFT, FAMILY_RIGHT, GAP, CAPTION = 0.98, 0.1, 0.068, 0.29  # inches
#: Colours of the classes (Paul Tol's muted scheme), in an order in which neighbours differ most.
CLASSES = ("#332288", "#CC6677", "#117733", "#DDAA33", "#88CCEE", "#882255", "#44AA99", "#999933", "#AA4499", "#555555")

Path = NDArray[np.float64]  # points (N, 2)
Node = tuple[int, int]  # an individual, and a class of which it was the champion


@dataclass(frozen=True)
class Line:
    """A line of the tree, from a parent to its child."""

    parent: Node
    child: Node
    start: int  # the generation of the parent
    end: int  # and of the child

    @property
    def is_switch(self) -> bool:
        """Whether the parent was the champion of another class."""
        return self.parent[1] != self.child[1]


@in_style
def family_tree(*, runs: Sequence[RunRecord]) -> Figure:
    """Draw the tree of the first of ``runs``, with a row for each class, and summarise all of them.

    These are runs of MAP-Elites on one classifier. If there are many classes, draw families instead.
    """
    if are_many(runs):
        return draw_families(runs)
    run = runs[0]
    height, longest = PITCH * len(run.class_names), max(map(len, run.class_names))
    size = min(7.0, NAMES / (longest * INCHES_PER_CHARACTER_POINT))
    left = 0.28 + SIDE + longest * size * INCHES_PER_CHARACTER_POINT
    summary = _summary(runs)
    figure, axes = sheet(WIDTH, TOP + height + BELOW + LINE * len(summary))
    write_head(
        axes,
        f"Lineage of a run with the {ENCODINGS[run.encoding].label} on {run.classifier['name']}, seed {run.seed}",
        "each dot became champion of the class in its row; a line connects it to its parent; in colour: images with "
        "descendants at the end",
    )
    for words, x, ha in (("start", left, "right"), ("end", WIDTH - RIGHT, "left")):
        write(axes, x, TOP - 0.03, words, ha=ha, va="bottom", color=QUIET, fontsize=6.5)
    tree = panel(figure, left=left, top=TOP, width=WIDTH - left - RIGHT, height=height)
    _draw_tree(tree, run, genealogy_of(run))
    _draw_ends(axes, run, left=left, top=TOP, size=size)
    for line, words in enumerate(summary):
        write(axes, 0.06, TOP + height + BELOW + LINE * line, words, ha="left", color=INK, fontsize=6.5)
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
    """Draw each path, in the colour of its row or faint."""
    colours = [_colour(row) if is_strong else FAINT for _, row in paths]
    axes.add_collection(
        LineCollection([path for path, _ in paths], colors=colours, linewidths=width, zorder=2 + is_strong)
    )


def _draw_ends(axes: Axes, run: RunRecord, *, left: float, top: float, size: float) -> None:
    """Draw the class of every row, its first champion and its last."""
    for row, name in enumerate(run.class_names):
        upper, colour = top + row * PITCH + (PITCH - SIDE) / 2, _colour(row)
        style = {"ha": "right", "va": "center", "color": colour, "fontsize": size}
        write(axes, left - SIDE - 0.16, upper + SIDE / 2, name, **style)
        place_image(axes, run.start_images[row], left=left - SIDE - 0.1, top=upper, side=SIDE)
        place_image(axes, run.images[row], left=WIDTH - RIGHT + 0.06, top=upper, side=SIDE, frame=colour)


def _summary(runs: Sequence[RunRecord]) -> list[str]:
    """Return, in two lines, from how far the champions of each run descend."""
    measures = [measures_of(descent(genealogy_of(run))) for run in runs]
    classes = len(runs[0].class_names)
    others = [round(float(found["other_ancestor"][0]) * classes) for found in measures]
    starts = [int(found["start_images"][0]) for found in measures]
    these = "this run" if len(runs) == 1 else f"each of {counted(len(runs), 'run')}"
    return [
        f"Champions that descend from a champion of another class, of {classes}, in {these}: {_joined(others)}.",
        f"Images of the random start from which all champions of a run come: {_joined(starts)}.",
    ]


def _joined(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def _lines(genealogy: Genealogy) -> Iterator[Line]:
    """Yield every line; it starts in the child's class or else in the parent's first."""
    since = dict.fromkeys(range(len(genealogy.starters)), 0)  # the generation of each class's champion
    for birth in genealogy.births:
        for cell, winner in zip(birth.cells.tolist(), birth.winners.tolist(), strict=True):
            for parent, first in zip(birth.parents[winner].tolist(), birth.parent_cells[winner].tolist(), strict=True):
                stands = cell if birth.before[cell] == parent else first
                child = (int(birth.newborns[winner]), cell)
                yield Line(parent=(parent, stands), child=child, start=since[stands], end=birth.generation)
        since |= dict.fromkeys(birth.cells.tolist(), birth.generation)


def _lasting(run: RunRecord, lines: Sequence[Line]) -> set[Node]:
    """Return the final champions, and every node from which lines lead to them."""
    lasting = set(zip(run.individuals.tolist(), range(len(run.class_names)), strict=True))
    for line in reversed(lines):  # a child comes after its parents
        if line.child in lasting:
            lasting.add(line.parent)
    return lasting


def _along(line: Line) -> Path:
    """Return the horizontal part of a line, in the parent's row."""
    start, end = float(_across(line.start)), float(_across(line.end))
    return np.array([(start, line.parent[1]), (max(start, end - BEND) if line.is_switch else end, line.parent[1])])


def _over(line: Line) -> Path:
    """Return the S-shaped part of a line, from the parent's row to the child's."""
    part = np.linspace(0, 1, 12)
    end = float(_across(line.end))
    start = max(float(_across(line.start)), end - BEND)
    down = line.parent[1] + (line.child[1] - line.parent[1]) * part**2 * (3 - 2 * part)
    return np.column_stack((start + (end - start) * part, down))


def _across(generations: NDArray[np.int64] | int) -> NDArray[np.float64]:
    """Return the x coordinates of generations; early ones, with more events, have more space."""
    return np.asarray(np.sqrt(generations))


def _colour(row: int) -> str:
    return CLASSES[row % len(CLASSES)]


@dataclass(frozen=True)
class Family:
    """Champions with a common ancestor, one class for each image."""

    ancestor: int
    generation: int  # of the ancestor
    classes: tuple[int, ...]  # ascending


def families_of(run: RunRecord) -> Iterator[Family]:
    """Yield the families of ``run``, latest common ancestor first; a champion belongs to at most one.

    Of two parents, the first counts. A champion of several classes is one image, of the first of these classes.
    """
    parents = dict(zip(run.lineage.individual.tolist(), run.lineage.parents[:, 0].tolist(), strict=True))
    born = dict(zip(run.lineage.individual.tolist(), run.lineage.generation.tolist(), strict=True))
    first_class = {individual: index for index, individual in reversed(list(enumerate(run.individuals.tolist())))}
    descendants: dict[int, set[int]] = defaultdict(set)
    for champion in first_class:
        ancestor = champion
        while ancestor >= 0:
            descendants[ancestor].add(champion)
            ancestor = parents[ancestor]
    left = set(first_class)
    for ancestor in sorted(descendants, reverse=True):
        members = descendants[ancestor] & left
        if len(members) >= SMALLEST:
            left -= members
            yield Family(ancestor, born[ancestor], tuple(sorted(first_class[champion] for champion in members)))


def draw_families(runs: Sequence[RunRecord]) -> Figure:
    """Draw the families of each of ``runs`` with the latest common ancestors."""
    found = [(run, family) for run in runs for family in list(families_of(run))[:FAMILIES]]
    pitch = (WIDTH - FAMILY_LEFT - FAMILY_RIGHT) / SHOWN
    height = pitch - GAP + CAPTION
    figure, axes = sheet(WIDTH, HEAD + max(len(found), 1) * height)
    encoding, network = ENCODINGS[runs[0].encoding].label, runs[0].classifier["name"]
    write_head(
        axes,
        f"Variants of one image: champions with the {encoding} on {network}",
        f"each row: at least {SMALLEST} champions with a common ancestor; families with the latest ancestors, no "
        "champion twice",
    )
    if not found:
        write(axes, FAMILY_LEFT, HEAD, f"No {SMALLEST} champions have a common ancestor.", ha="left", color=QUIET)
    for row, (run, family) in enumerate(found):
        _draw_family(axes, run, family, top=HEAD - 0.1 + row * height, pitch=pitch)
    return figure


def _draw_family(axes: Axes, run: RunRecord, family: Family, *, top: float, pitch: float) -> None:
    side = pitch - GAP
    came = "the random start" if family.generation == 0 else f"generation {family.generation:,}"
    words = f"seed {run.seed}\n{counted(len(family.classes), 'image')},\nancestor from\n{came}"
    write(axes, FAMILY_LEFT - 0.08, top + side / 2, words, ha="right", va="center", color=QUIET, fontsize=6.5)
    for column, index in enumerate(family.classes[:SHOWN]):
        left = FAMILY_LEFT + column * pitch + GAP / 2
        name = run.class_names[index]
        size = min(6.0, pitch / (len(name) * INCHES_PER_CHARACTER_POINT))
        place_image(axes, run.images[index], left=left, top=top, side=side)
        write(axes, left + side / 2, top + side + 0.02, name, fontsize=size, fontweight="bold")
        write(axes, left + side / 2, top + side + 0.13, percent(float(run.confidences[index])), fontsize=6)
