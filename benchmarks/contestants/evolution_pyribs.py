"""The same evolution with pyribs: its archive and its selection, our network, numpy in between.

What was done for pyribs: a GridArchive of one cell a class finds cells without a Python loop, unlike its
CategoricalArchive. A solution has one objective there and enters one cell, so every child is offered once for each
class. Genes are uint8 levels, which makes these offers as small as they can be. pyribs has no polynomial mutation: it
is written in numpy and touches the chosen pixels alone. Scoring is the product's, so that the loop alone is compared.
"""

from __future__ import annotations

# mypy: disable-error-code="import-untyped, import-not-found"
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from ribs.archives import GridArchive

from benchmarks.interleaving import Contestant
from benchmarks.material import OFFSPRING, Material
from fooling.classifiers.classifier import Classifier
from fooling.encodings.settings import DirectSettings

LEVELS = 255


class PyribsEvolution:
    """MAP-Elites over classes, direct encoding, at the product's default settings."""

    def __init__(self, classifier: Classifier, *, seed: int) -> None:
        self._classifier = classifier
        self._settings = DirectSettings()
        self._rng = np.random.default_rng(seed)
        classes = len(classifier.class_names)
        self._cells = np.tile(np.arange(classes, dtype=np.float32), OFFSPRING)[:, None]
        self._archive: Any = GridArchive(
            solution_dim=int(np.prod(classifier.input_shape)),
            dims=[classes],
            ranges=[(-0.5, classes - 0.5)],
            solution_dtype=np.uint8,
            objective_dtype=np.float32,
            measures_dtype=np.float32,
            seed=seed,
        )
        shape = (OFFSPRING, int(np.prod(classifier.input_shape)))
        self._offer(self._rng.integers(0, LEVELS, shape, dtype=np.uint8, endpoint=True))

    def advance(self) -> None:
        """One generation."""
        parents = self._archive.sample_elites(OFFSPRING)["solution"]
        self._offer(self._mutated(parents))

    def champion_images(self) -> torch.Tensor:
        """The champion of every class, uint8 (K, C, H, W)."""
        solutions = self._archive.data("solution")[np.argsort(self._archive.data("index"))]
        return torch.from_numpy(solutions).view(-1, *self._classifier.input_shape)

    def _offer(self, solutions: NDArray[np.uint8]) -> None:
        images = torch.from_numpy(solutions).view(-1, *self._classifier.input_shape)
        confidences = self._classifier.confidences(images).numpy()
        offered = np.repeat(solutions, confidences.shape[1], axis=0)
        self._archive.add(offered, confidences.ravel(), self._cells)

    def _mutated(self, levels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Polynomial mutation of the sampled copies, in place."""
        genes = levels.reshape(-1)
        chosen = np.flatnonzero(self._rng.random(genes.size, dtype=np.float32) < self._settings.mutation_rate)
        signed = 2 * self._rng.random(chosen.size, dtype=np.float32) - 1
        steps = np.copysign(np.abs(signed) ** (1 / (self._settings.mutation_eta + 1)) - 1, signed)
        values = np.clip(genes[chosen] + LEVELS * steps, 0, LEVELS)
        genes[chosen] = np.rint(values).astype(np.uint8)
        return levels


def contestant(material: Material) -> Contestant:
    """An evolution in pyribs, as many generations old as the product's."""
    evolution = PyribsEvolution(material.classifier, seed=1)
    for _ in range(material.generations):
        evolution.advance()
    return Contestant(what="evolution with pyribs", work=evolution.advance, images=OFFSPRING, calls=5)
