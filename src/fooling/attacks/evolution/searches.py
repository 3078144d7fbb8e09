"""MAP-Elites over classes, and the two searches it is compared with: random search and drift, which select nothing.

The archive of MAP-Elites has a cell for each class with its most confident image, the champion. All three searches are
used alike: ``ask`` for genomes, show their images to the classifier, ``tell`` the scores that it gave.

::

    map-elites      parents are champions, drawn uniformly from the cells
    random-search   every genome is a start genome
    drift           parents are drawn uniformly from the last batch, whatever the scores
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Generic, Self, TypeVar

import torch
from torch import Tensor

from fooling.classifiers.classifier import confidences_of, log_odds_of
from fooling.encodings.encoding import Encoding, Genomes

G = TypeVar("G", bound=Genomes)


class Archive(Generic[G]):
    """The champions of K classes, all tensors on one device.

    Every offspring competes in every class. Strictly higher confidence replaces a champion, a tie keeps it, and of
    equal offspring the first wins: just what inserting them one after the other gives (paper: section 2.2; the
    released code). A champion at confidence 1.0 in float32 can never be replaced, unless ties are decided
    ``by_log_odds``: then, of equal confidences, higher log-odds in float64 win.

    ::

                     offspring (B)                 cells (K)
        confidences  ┌─────────┐   max over B   ┌─────────────┐
        (B, K)       │ . . x . │ ─────────────► │ > champion? │ ──► genome, image, logits, individual, parents
                     └─────────┘                └─────────────┘
    """

    def __init__(
        self,
        *,
        confidences: Tensor,  # (K,) float32
        log_odds: Tensor,  # (K,) float64
        logits: Tensor,  # (K, L) float32, L >= K: a class without a cell counts in the confidences alone
        images: Tensor,  # (K, C, H, W) uint8
        generations: Tensor,  # (K,) int64
        individuals: Tensor,  # (K,) int64
        parents: Tensor,  # (K, 2) int64, -1 = none
        genomes: G,  # K of them
        by_log_odds: bool = False,
    ) -> None:
        self.confidences = confidences
        self.log_odds = log_odds
        self.logits = logits
        self.images = images
        self.generations = generations
        self.individuals = individuals
        self.parents = parents
        self.genomes = genomes
        self._by_log_odds = by_log_odds

    @classmethod
    def of_first(
        cls,
        *,
        genomes: G,
        images: Tensor,
        logits: Tensor,
        individuals: Tensor,
        parents: Tensor,
        classes: int | None = None,
        by_log_odds: bool = False,
    ) -> Self:
        """Return the archive of a first batch of B genomes, with the most confident image of each class.

        Of L classes only the first ``classes`` get a cell; None: all of them.
        """
        confidences, rows, _ = _best(logits, classes, by_log_odds=by_log_odds)
        return cls(
            confidences=confidences,
            log_odds=log_odds_of(logits[rows]).diagonal().clone(),
            logits=logits[rows],
            images=images[rows],
            generations=torch.zeros_like(rows),
            individuals=individuals[rows],
            parents=parents[rows],
            genomes=genomes.take(rows),
            by_log_odds=by_log_odds,
        )

    @property
    def classes(self) -> int:
        """Number of cells, K."""
        return len(self.confidences)

    def update(
        self, *, genomes: G, images: Tensor, logits: Tensor, individuals: Tensor, parents: Tensor, generation: int
    ) -> Tensor:
        """Let B offspring compete in every class, and return the cells with a new champion, in ascending order.

        Shapes: ``images`` (B, C, H, W), ``logits`` (B, L), ``individuals`` (B,), ``parents`` (B, 2).
        """
        best, rows, log_odds = _best(logits, self.classes, by_log_odds=self._by_log_odds)
        wins = best > self.confidences
        if log_odds is not None:
            wins |= (best == self.confidences) & (log_odds > self.log_odds)
        cells = wins.nonzero()[:, 0]
        if len(cells) == 0:
            return cells
        rows = rows[cells]
        won = logits[rows]
        self.confidences[cells] = best[cells]
        self.log_odds[cells] = log_odds_of(won).gather(1, cells[:, None])[:, 0]
        self.logits[cells] = won
        self.images[cells] = images[rows]
        self.generations[cells] = generation
        self.individuals[cells] = individuals[rows]
        self.parents[cells] = parents[rows]
        self.genomes = self.genomes.with_rows(cells, genomes, rows)
        return cells


def _best(logits: Tensor, classes: int | None, *, by_log_odds: bool) -> tuple[Tensor, Tensor, Tensor | None]:
    """Return the highest confidence (K,) in each class, its row, and with ``by_log_odds`` the highest log-odds there.

    ``logits`` are (B, L), of which the first ``classes`` count. Of equal rows the first is returned.
    """
    confidences = confidences_of(logits)[:, :classes]
    best, rows = confidences.max(dim=0)
    if not by_log_odds:
        return best, rows, None
    log_odds, rows = log_odds_of(logits)[:, :classes].where(confidences == best, -math.inf).max(dim=0)
    return best, rows, log_odds


class Search(ABC, Generic[G]):
    """The common part of the searches: an archive, its lineage, and the generator of all random numbers.

    ``archive`` exists from the first ``tell`` on. ``entries`` lists every entry into a cell as
    (individual, class, generation, parent, parent, confidence).
    """

    name: ClassVar[str]

    def __init__(
        self,
        *,
        encoding: Encoding[G],
        generator: torch.Generator,
        classes: int | None = None,
        by_log_odds: bool = False,
    ) -> None:
        """Prepare a search; only the first ``classes`` of the classifier get a cell (None: all).

        Ties of confidences keep the champion, or with ``by_log_odds`` are decided by log-odds.
        """
        self.by_log_odds = by_log_odds
        self.encoding = encoding
        self.generator = generator
        self._classes = classes
        self.evaluations = 0
        self.archive: Archive[G] | None = None
        self.entries: list[tuple[int, int, int, int, int, float]] = []
        self._asked_parents: Tensor | None = None

    def ask(self, count: int, *, generation: int) -> G:
        """Return the next ``count`` genomes (an even number); the first batch is the random start."""
        if self.archive is None:
            self._asked_parents = None
            return self.encoding.random(count, self.generator)
        return self._next(count, generation)

    def tell(self, genomes: G, images: Tensor, logits: Tensor, *, generation: int) -> None:
        """Take the ``logits`` (B, L) of the ``images`` (B, C, H, W) uint8 of the genomes that were asked for last."""
        count = len(genomes)
        individuals = torch.arange(self.evaluations, self.evaluations + count, device=logits.device)
        parents = self._asked_parents
        if parents is None:
            parents = torch.full((count, 2), -1, device=logits.device)
        self.evaluations += count
        if self.archive is None:
            self.archive = Archive.of_first(
                genomes=genomes,
                images=images,
                logits=logits,
                individuals=individuals,
                parents=parents,
                classes=self._classes,
                by_log_odds=self.by_log_odds,
            )
            cells = torch.arange(self.archive.classes, device=logits.device)
        else:
            cells = self.archive.update(
                genomes=genomes,
                images=images,
                logits=logits,
                individuals=individuals,
                parents=parents,
                generation=generation,
            )
        self._note_entries(cells, generation)
        self._told(genomes, individuals)

    @property
    def state_layout(self) -> Mapping[str, str]:
        """Type and shape of every array of the state, for :func:`fooling.schemas.require_schema`."""
        return {}

    def state(self) -> dict[str, Tensor]:
        """Return what a resumed search needs besides its archive, its entries and its generator."""
        return {}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Resume from a state."""

    @abstractmethod
    def _next(self, count: int, generation: int) -> G:
        """Return genomes after the start, and remember their parents (count, 2), or None."""

    def _told(self, genomes: G, individuals: Tensor) -> None:
        """Keep what a search needs of a scored batch besides the archive."""

    def _children(self, population: G, individuals: Tensor, count: int, generation: int) -> G:
        """Return ``count`` children of parents drawn uniformly, with replacement, from ``population``."""
        chosen = torch.randint(len(individuals), (count,), generator=self.generator, device=individuals.device)
        drawn = individuals[chosen]
        if self.encoding.recombines:
            self._asked_parents = drawn.view(-1, 2).repeat_interleave(2, dim=0)
        else:
            self._asked_parents = torch.stack((drawn, torch.full_like(drawn, -1)), dim=1)
        return self.encoding.vary(population.take(chosen), generation, self.generator)

    def _note_entries(self, cells: Tensor, generation: int) -> None:
        if self.archive is None or len(cells) == 0:
            return
        archive = self.archive
        columns = torch.cat((archive.individuals[cells, None], cells[:, None], archive.parents[cells]), dim=1).tolist()
        for (individual, cell, first, second), confidence in zip(
            columns, archive.confidences[cells].tolist(), strict=True
        ):
            self.entries.append((individual, cell, generation, first, second, confidence))


class MapElites(Search[G]):
    """MAP-Elites: children of champions compete in every cell (paper, section 2.2)."""

    name = "map-elites"

    def _next(self, count: int, generation: int) -> G:
        assert self.archive is not None
        return self._children(self.archive.genomes, self.archive.individuals, count, generation)


class RandomSearch(Search[G]):
    """Random search: start genomes only, with the same number of evaluations."""

    name = "random-search"

    def _next(self, count: int, generation: int) -> G:
        self._asked_parents = None
        return self.encoding.random(count, self.generator)


class Drift(Search[G]):
    """Drift (unselected): the parents of a child are drawn from the previous batch, whatever their confidence."""

    name = "drift"

    def __init__(
        self,
        *,
        encoding: Encoding[G],
        generator: torch.Generator,
        classes: int | None = None,
        by_log_odds: bool = False,
    ) -> None:
        super().__init__(encoding=encoding, generator=generator, classes=classes, by_log_odds=by_log_odds)
        self._population: G | None = None
        self._individuals: Tensor | None = None

    @property
    def state_layout(self) -> Mapping[str, str]:
        """Type and shape of the arrays of a batch and its individuals."""
        return {"individuals": "int64 B", **self.encoding.schema}

    def state(self) -> dict[str, Tensor]:
        """Return the last batch and its individuals."""
        assert self._population is not None
        assert self._individuals is not None
        return {"individuals": self._individuals, **self._population.arrays()}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Resume from the last batch."""
        self._individuals = state["individuals"]
        self._population = self.encoding.genomes_from(
            {name: array for name, array in state.items() if name != "individuals"}
        )

    def _next(self, count: int, generation: int) -> G:
        assert self._population is not None
        assert self._individuals is not None
        return self._children(self._population, self._individuals, count, generation)

    def _told(self, genomes: G, individuals: Tensor) -> None:
        self._population, self._individuals = genomes, individuals
