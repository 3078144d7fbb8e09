"""Settings of retraining: how many networks follow each other, and what they are told to be fooling images."""

from __future__ import annotations

from typing import Annotated, Generic, Literal, TypeVar

from pydantic import Field

from fooling.classifiers.settings import ClassifierSettings
from fooling.settings import Seed, Settings

#: What a fooling class can be filled with. ``champions``: images evolved against the networks so far, half of them
#: from the archive after the start; ``random``: images of random genomes that no network selected; ``nothing``: there
#: is no such class, and a retrained network is just another network.
Filling = Literal["champions", "random", "nothing"]
FILLINGS: tuple[Filling, ...] = ("champions", "random", "nothing")
EncodingSettings = TypeVar("EncodingSettings", bound=Settings)
Runs = Annotated[int, Field(ge=1, le=10_000)]


class SupplySettings(Settings):
    """How many runs supply fooling images; each gives two of every class: its champion after the start and at its end.

    No image is used twice, and those for testing come from other runs than those for training.
    """

    training_runs: Runs = 300
    """Runs whose champions are trained on."""
    test_runs: Runs = 50
    """Further runs whose champions are kept for testing."""

    @property
    def runs(self) -> int:
        """All runs."""
        return self.training_runs + self.test_runs


class RetrainingSettings(Settings):
    """A chain of networks; the defaults are the paper's numbers (Fig. 11; 20 images a run on MNIST)."""

    networks: Annotated[int, Field(ge=2, le=1000)] = 15
    """Networks in a chain, the first one included."""
    filled_with: Annotated[tuple[Filling, ...], Field(min_length=1)] = ("champions",)
    """What the fooling class holds; each filling is a chain of its own, `random` and `nothing` are controls."""
    first: SupplySettings = SupplySettings()
    """What the first network supplies."""
    later: SupplySettings = SupplySettings(training_runs=50, test_runs=5)
    """What each later network adds."""
    measured_runs: Runs = 30
    """Runs against each network that tell how easily it is fooled."""
    seed: Seed = 1
    """Seed of all networks after the first, of all runs, and of the random images."""


class PaintSettings(SupplySettings, Generic[EncodingSettings]):
    """Random images, as many as so many runs would supply."""

    encoding: EncodingSettings
    """How a genome becomes an image."""
    seed: Seed
    """Seed of the images."""


class RetrainSettings(Settings):
    """One retrained network, and its place in the chain."""

    network: ClassifierSettings
    """Architecture, input and training: those of the first network, with a seed of its own."""
    first: str
    """Name of the first network of the chain."""
    filled_with: Filling
    """What the fooling class holds."""
    number: Annotated[int, Field(ge=2)]
    """The first network is number 1."""
