"""The archive of MAP-Elites over classes: each class has a cell with its most confident image, the champion."""

from __future__ import annotations

from typing import Generic, Self, TypeVar

import torch
from torch import Tensor

from fooling.classifiers.classifier import confidences_of, log_odds_of
from fooling.encodings.encoding import Genomes

G = TypeVar("G", bound=Genomes)


class Archive(Generic[G]):
    """The champions of K classes, all tensors on one device.

    Every offspring competes in every class. Strictly higher confidence replaces a champion, a tie keeps it, and of
    equal offspring the first wins: just what inserting them one after the other gives (paper: section 2.2; the
    released code). A champion at confidence 1.0 in float32 can never be replaced.

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
    ) -> None:
        self.confidences = confidences
        self.log_odds = log_odds
        self.logits = logits
        self.images = images
        self.generations = generations
        self.individuals = individuals
        self.parents = parents
        self.genomes = genomes

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
    ) -> Self:
        """Return the archive of a first batch of B genomes, with the most confident image of each class.

        Of L classes only the first ``classes`` get a cell; None: all of them.
        """
        confidences, rows = confidences_of(logits)[:, :classes].max(dim=0)
        return cls(
            confidences=confidences,
            log_odds=log_odds_of(logits[rows]).diagonal().clone(),
            logits=logits[rows],
            images=images[rows],
            generations=torch.zeros_like(rows),
            individuals=individuals[rows],
            parents=parents[rows],
            genomes=genomes.take(rows),
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
        best, rows = confidences_of(logits)[:, : self.classes].max(dim=0)
        cells = (best > self.confidences).nonzero()[:, 0]
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
