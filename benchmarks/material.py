"""What all contestants work on: one trained LeNet, and runs that have evolved against it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import torch

from fooling.attacks.evolution.run import Run
from fooling.attacks.evolution.searches import MapElites
from fooling.attacks.settings import SearchSettings
from fooling.classifiers.classifier import Classifier
from fooling.datasets.digits import DigitsSettings, make_digits
from fooling.encodings.cppn.encoding import CppnEncoding
from fooling.encodings.cppn.genome import CppnGenomes
from fooling.encodings.encoding import Encoding, Genomes
from fooling.encodings.settings import CppnSettings
from fooling.training.settings import ClassifierSettings, TrainingSettings
from fooling.training.training import Training

OFFSPRING = 200
PICTURES = 64
UNLIMITED = 1_000_000  # generations: the clock decides when a run ends

CPU = torch.device("cpu")
G = TypeVar("G", bound=Genomes)


@dataclass(frozen=True, kw_only=True)
class Material:
    """What the contestants are made from."""

    classifier: Classifier
    """Scores all images."""
    generations: int
    """How many a run evolves before it is timed."""
    genomes: int
    """How many the renderers paint at a time."""

    @property
    def pictures(self) -> int:
        """How many pictures of ImageNet's size are painted or scored at a time."""
        return min(self.genomes, PICTURES)

    @cached_property
    def colour_genomes(self) -> CppnGenomes:
        """As many genomes of pictures in colour, mutated in every generation of the others, and never selected."""
        encoding = CppnEncoding(settings=CppnSettings(), image_shape=(3, 28, 28), device=CPU)
        generator = torch.Generator().manual_seed(1)
        genomes = encoding.random(self.pictures, generator)
        for generation in range(1, self.generations + 1):
            genomes = encoding.vary(genomes, generation, generator)
        return genomes

    @cached_property
    def cppn_genomes(self) -> CppnGenomes:
        """Offspring of an evolved run, for the renderers."""
        run = self.evolved(self.cppn_encoding())
        return run.search.ask(self.genomes, generation=run.steps_done)

    def evolved(self, encoding: Encoding[G]) -> Run[G]:
        """A run of MAP-Elites with this encoding, past its start."""
        search = MapElites(encoding=encoding, generator=torch.Generator().manual_seed(1))
        settings = SearchSettings(start=OFFSPRING, offspring=OFFSPRING, generations=UNLIMITED)
        run = Run(search=search, classifier=self.classifier, settings=settings, identity={})
        for _ in range(self.generations + 1):
            run.advance()
        return run

    def cppn_encoding(self) -> CppnEncoding:
        """The CPPN encoding of the classifier's images, with its default settings."""
        return CppnEncoding(settings=CppnSettings(), image_shape=self.classifier.input_shape, device=CPU)


def prepared(*, iterations: int, generations: int, genomes: int) -> Material:
    """A LeNet trained on scikit-learn's digits for so many ``iterations``; the data set is bundled, not downloaded."""
    training = Training(
        name="lenet",
        dataset=make_digits(DigitsSettings(), name="digits"),
        settings=ClassifierSettings(training=TrainingSettings(iterations=iterations)),
        device=CPU,
    )
    while not training.is_done:
        training.run_epoch()
    return Material(classifier=training.classifier(), generations=generations, genomes=genomes)
