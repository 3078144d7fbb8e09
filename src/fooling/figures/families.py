"""Families of champions, where there are too many for a tree: variants of one image for many classes (Fig. 9)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fooling.evolution.record import RunRecord
from fooling.figures.image_grid import HEAD, INCHES_PER_CHARACTER_POINT, place_image, sheet, write, write_head
from fooling.figures.percentages import percent
from fooling.figures.style import ENCODINGS, QUIET, WIDTH, counted

FAMILIES, FEWEST, SHOWN = 6, 5, 10  # rows for each run, images in a family at least, and images shown of it
LEFT, RIGHT, GAP, CAPTION = 0.98, 0.1, 0.068, 0.29  # inches


@dataclass(frozen=True)
class Family:
    """Champions with a common ancestor: one class for each of their images, in the order of the classes."""

    ancestor: int
    generation: int  # in which it came
    classes: tuple[int, ...]


def families_of(run: RunRecord) -> Iterator[Family]:
    """The families of ``run``, those with the latest common ancestor first; every champion belongs to one at most.

    Of two parents the first is followed. A champion of several classes is one image, and stands for the first of them.
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
        if len(members) >= FEWEST:
            left -= members
            yield Family(ancestor, born[ancestor], tuple(sorted(first_class[champion] for champion in members)))


def drawn_families(runs: Sequence[RunRecord]) -> Figure:
    """For each of ``runs``, runs of MAP-Elites on one classifier, the families with the latest common ancestors."""
    found = [(run, family) for run in runs for family in list(families_of(run))[:FAMILIES]]
    pitch = (WIDTH - LEFT - RIGHT) / SHOWN
    height = pitch - GAP + CAPTION
    figure, axes = sheet(WIDTH, HEAD + max(len(found), 1) * height)
    encoding, network = ENCODINGS[runs[0].encoding].label, runs[0].classifier["name"]
    write_head(
        axes,
        f"Variants of one image: champions with the {encoding} on {network}",
        f"each row: at least {FEWEST} champions with the latest common ancestor, no champion twice; each with "
        "its class and confidence",
    )
    if not found:
        write(axes, LEFT, HEAD, f"No {FEWEST} champions have a common ancestor.", ha="left", color=QUIET)
    for row, (run, family) in enumerate(found):
        _draw_family(axes, run, family, top=HEAD - 0.1 + row * height, pitch=pitch)
    return figure


def _draw_family(axes: Axes, run: RunRecord, family: Family, *, top: float, pitch: float) -> None:
    side = pitch - GAP
    came = "the random start" if family.generation == 0 else f"generation {family.generation:,}"
    words = f"seed {run.seed}:\n{counted(len(family.classes), 'image')}\nfrom one of\n{came}"
    write(axes, LEFT - 0.08, top + side / 2, words, ha="right", va="center", color=QUIET, fontsize=6.5)
    for column, index in enumerate(family.classes[:SHOWN]):
        left = LEFT + column * pitch + GAP / 2
        name = run.class_names[index]
        size = min(6.0, pitch / (len(name) * INCHES_PER_CHARACTER_POINT))
        place_image(axes, run.images[index], left=left, top=top, side=side)
        write(axes, left + side / 2, top + side + 0.02, name, fontsize=size, fontweight="bold")
        write(axes, left + side / 2, top + side + 0.13, percent(float(run.confidences[index])), fontsize=6)
