"""Lineages: runs of evolution replayed from their records, and compared with replays with uniformly drawn parents.

An *ancestor* of a champion is any image in its line of parents, back to an image of the random start. When a parent is
drawn, it is a champion of one class or several. If an encoding crosses two parents, each counts half: numbers are means
over both, and an image descends from the start images of both.

A *switch* is a step from parent to child at which the class changes. Each ancestor is labelled with a class of which it
was a champion, such that the number of switches is smallest. A champion has no switch exactly if each of its ancestors
was a champion of its own class when it became a parent.

Parents are drawn uniformly from the cells, so *by chance* nine of ten are champions of another class (of ten). Children
that win a cell are informative: if the images of one class are useless for another, their parents come from the same
class more often than by chance. The chance level is computed from replays of the run in which the same cells get new
champions at the same times, but the parents of every new champion are redrawn uniformly from the champions of the time.

::

    class 0   a──────────┐d──────      d, a child of b, replaces a in cell 0: the step from b to d is a switch
                         │
    class 1   b──────────┴───────      its probability by chance: 1 - (cells held by a) / (all cells)
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fooling.attacks.evolution.record import RunRecord
from fooling.messages import REMEDY, FoolingError

Cells = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Births:
    """The images of one batch that won cells: N newborns, M cells, P parents (1, or 2 with crossover)."""

    generation: int
    newborns: NDArray[np.int64]  # (N,) individuals, ascending
    parents: NDArray[np.int64]  # (N, P) individuals
    cells: Cells  # (M,) cells with a new champion
    winners: NDArray[np.int64]  # (M,) index of the newborn in each of these cells
    before: NDArray[np.int64]  # (K,) the individual that held each cell when the parents were drawn

    @property
    def parent_cells(self) -> Cells:
        """First of the cells that each parent held when it was drawn, (N, P)."""
        return np.asarray((self.before == self.parents[:, :, None]).argmax(axis=2))

    @property
    def chance_of_other_parent(self) -> NDArray[np.float64]:
        """Probability (M,) of a parent that does not hold the cell, if all cells are equally likely."""
        return np.asarray((self.before != self.before[self.cells][:, None]).mean(axis=1))


@dataclass(frozen=True, kw_only=True)
class Genealogy:
    """A replayed run: the R start images that first held its K cells, and then all images that won a cell."""

    starters: NDArray[np.int64]  # (K,) the individual that first held each cell
    births: tuple[Births, ...]

    @property
    def parents(self) -> dict[int, tuple[int, ...]]:
        """Parents of every individual that ever held a cell; empty for those of the random start."""
        family: dict[int, tuple[int, ...]] = {int(individual): () for individual in self.starters}
        for birth in self.births:
            family |= {
                int(child): tuple(map(int, parents))
                for child, parents in zip(birth.newborns, birth.parents, strict=True)
            }
        return family


@dataclass(frozen=True, kw_only=True)
class Descent:
    """The descent of K champions in each of S replays."""

    steps: NDArray[np.float64]  # (S, K) from the start image to the champion
    switches: NDArray[np.float64]  # (S, K)
    other_parents: NDArray[np.float64]  # (S, K) share of the parents from other classes; NaN for a start image
    roots: NDArray[np.bool_]  # (S, K, R) whether it descends from each start image
    other_parents_of_all: NDArray[np.float64]  # (S,) the same share for all images that ever won a cell; NaN if none


def genealogy_of(run: RunRecord) -> Genealogy:
    """Replay a ``run`` of MAP-Elites from its lineage.

    Raises:
        FoolingError: The run is of another search, or its lineage is invalid.
    """
    if run.search != "map-elites":
        raise FoolingError("only the parents of MAP-Elites are champions", found=run.search, expected="map-elites")
    lineage, classes = run.lineage, len(run.class_names)
    is_start = lineage.parents[:, 0] < 0
    starters = lineage.individual[is_start]
    if not np.array_equal(lineage.class_index[is_start], np.arange(classes)) or not is_start[:classes].all():
        raise _impossible(run, f"{is_start.sum()} entries of the random start", f"one for each of {classes} classes")
    if not ((lineage.class_index >= 0) & (lineage.class_index < classes)).all():
        raise _impossible(run, "an unknown cell", f"cells 0 to {classes - 1}")
    holders, births = starters.copy(), []
    # With an extra batch, generation 0 has children too: only their parents distinguish them from the random start.
    generations = lineage.generation[classes:]
    bounds = [0, *(np.flatnonzero(np.diff(generations)) + 1), len(generations)] if len(generations) else []
    for first, last in itertools.pairwise(bounds):
        entries = slice(classes + first, classes + last)
        births.append(_births(run, entries, holders.copy()))
        holders[births[-1].cells] = lineage.individual[entries]
    if not np.array_equal(holders, run.individuals):
        raise _impossible(run, "champions that never entered their cells", "every champion in the lineage")
    return Genealogy(starters=starters, births=tuple(births))


def descent(genealogy: Genealogy) -> Descent:
    """Return the descent of the final champions with their real parents, as one replay."""
    return replayed(genealogy, [birth.parent_cells[None] for birth in genealogy.births], replays=1)


def replayed(genealogy: Genealogy, parent_cells: Sequence[NDArray[np.int64]], *, replays: int) -> Descent:
    """Return the descent of the final champions in S ``replays``.

    ``parent_cells`` has, for each of the births, the cells (S, N, P) from which the parents of the newborns come. A run
    without births is allowed.
    """
    classes = len(genealogy.starters)
    individuals, root = np.unique(genealogy.starters, return_inverse=True)
    steps, switches = np.zeros((replays, classes)), np.zeros((replays, classes))
    others = np.full((replays, classes), np.nan)
    roots = np.broadcast_to(np.eye(len(individuals), dtype=bool)[root], (replays, classes, len(individuals))).copy()
    total, entries = np.zeros(replays), 0
    row = np.arange(replays)[:, None, None]
    for birth, drawn in zip(genealogy.births, parent_cells, strict=True):
        parent = drawn[:, birth.winners]  # (S, M, P)
        is_other = birth.before[parent] != birth.before[birth.cells][:, None]
        kept = switches[:, birth.cells, None]
        changed = 1 + _fewest_of_holder(switches, birth.before)[row, parent]
        steps[:, birth.cells] = 1 + steps[row, parent].mean(axis=2)
        switches[:, birth.cells] = np.where(is_other, changed, kept).mean(axis=2)
        others[:, birth.cells] = is_other.mean(axis=2)
        roots[:, birth.cells] = roots[row, parent].any(axis=2)
        total += is_other.mean(axis=2).sum(axis=1)
        entries += len(birth.cells)
    of_all = total / entries if entries else np.full(replays, np.nan)
    return Descent(steps=steps, switches=switches, other_parents=others, roots=roots, other_parents_of_all=of_all)


def redrawn(genealogy: Genealogy, *, replays: int, generator: np.random.Generator) -> Descent:
    """Return the descent in ``replays`` of the run with all parents drawn uniformly from the cells of their time."""
    classes = len(genealogy.starters)
    drawn = [generator.integers(classes, size=(replays, *birth.parents.shape)) for birth in genealogy.births]
    return replayed(genealogy, drawn, replays=replays)


def measures_of(found: Descent) -> dict[str, NDArray[np.float64]]:
    """Return each measure of a run, (S,); NaN if it is undefined, such as the share of parents without births."""
    steps, switches = found.steps.mean(axis=1), found.switches.mean(axis=1)
    known = np.isfinite(found.other_parents)
    return {
        "other_parent": _ratio(np.where(known, found.other_parents, 0).sum(axis=1), known.sum(axis=1)),
        "other_parent_of_all": found.other_parents_of_all,
        "other_ancestor": (found.switches > 0).mean(axis=1),
        "switches": switches,
        "steps": steps,
        "switches_per_step": _ratio(switches, steps),
        "start_images": found.roots.any(axis=1).sum(axis=1).astype(np.float64),
        "common_start": np.array([_share_of_pairs(roots) for roots in found.roots]),
    }


def _share_of_pairs(roots: NDArray[np.bool_]) -> float:
    """Return the share of pairs of champions with a common start image, from ``roots`` (K, R); NaN for K = 1."""
    if len(roots) < 2:
        return math.nan
    exact = roots.astype(np.float32)  # whole numbers below 2**24, summed exactly, by the fast product
    alike = exact @ exact.T > 0
    return float(alike[np.triu_indices(len(roots), k=1)].mean())


def common_ancestors(genealogy: Genealogy, champions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the youngest common ancestor of each pair of ``champions`` (K,), or one of the two itself, as (K, K).

    -1 if they have none.
    """
    family = genealogy.parents
    lines = [_ancestors(int(champion), family) for champion in champions]
    return np.array([[max(one & other, default=-1) for other in lines] for one in lines], dtype=np.int64)


def generations_of(genealogy: Genealogy) -> dict[int, int]:
    """Return the generation in which each individual that ever held a cell was found."""
    found = {int(individual): 0 for individual in genealogy.starters}
    for birth in genealogy.births:
        found |= dict.fromkeys(map(int, birth.newborns), birth.generation)
    return found


def _births(run: RunRecord, entries: slice, before: NDArray[np.int64]) -> Births:
    lineage = run.lineage
    newborns, first, winners = np.unique(lineage.individual[entries], return_index=True, return_inverse=True)
    parents = lineage.parents[entries][first]
    parents = parents[:, : 2 if (parents[:, 1] >= 0).all() else 1]
    if unknown := set(parents.ravel().tolist()) - set(before.tolist()):
        raise _impossible(run, f"individual {min(unknown)}, a parent without a cell", "champions as parents")
    return Births(
        generation=int(lineage.generation[entries][0]),
        newborns=newborns,
        parents=parents,
        cells=lineage.class_index[entries],
        winners=winners,
        before=before,
    )


def _fewest_of_holder(switches: NDArray[np.float64], holders: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the smallest number of switches (S, K) over all cells that the holder of each cell holds."""
    individuals, which = np.unique(holders, return_inverse=True)
    if len(individuals) == len(holders):
        return switches
    order = np.argsort(which, kind="stable")
    starts = np.searchsorted(which[order], np.arange(len(individuals)))
    fewest: NDArray[np.float64] = np.minimum.reduceat(switches[:, order], starts, axis=1)[:, which]
    return fewest


def _ancestors(individual: int, family: Mapping[int, tuple[int, ...]]) -> set[int]:
    """Return ``individual`` and all its ancestors."""
    found, pending = set(), [individual]
    while pending:
        if (one := pending.pop()) not in found:
            found.add(one)
            pending += family[one]
    return found


def _ratio(above: NDArray[np.float64], below: NDArray[np.float64] | NDArray[np.int64]) -> NDArray[np.float64]:
    ratio: NDArray[np.float64] = np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)
    return ratio


def _impossible(run: RunRecord, found: str, expected: str) -> FoolingError:
    name = f"{run.classifier['name']}, seed {run.seed}"
    return FoolingError(f"the lineage of the run on {name} is invalid", found=found, expected=expected, remedy=REMEDY)
