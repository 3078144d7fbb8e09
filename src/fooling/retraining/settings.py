"""Settings of retraining: the length of a chain, the content of the fooling class, and the runs that this takes."""

from __future__ import annotations

import math
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from fooling.encodings.settings import EncodingSettings
from fooling.reproducibility import derived_seed
from fooling.settings import LARGEST_SEED, Seed, Settings
from fooling.training.settings import ClassifierSettings

#: What a fooling class can be filled with. ``champions``: images evolved against the networks so far, half of them
#: from the archive after the start; ``random``: images of random genomes in the encoding of the chain; ``drift``: half
#: such images, half images of genomes that varied without selection for as many generations as a run has; ``noise``:
#: uniform noise, whatever the encoding; ``other-champions``: images evolved against the networks of another chain of
#: champions, that of the next classifier; ``nothing``: there is no such class, and a retrained network is just another
#: network.
Filling = Literal["champions", "random", "drift", "noise", "other-champions", "nothing"]
FILLINGS: tuple[Filling, ...] = ("champions", "random", "drift", "noise", "other-champions", "nothing")
PAINTED: tuple[Filling, ...] = ("random", "drift", "noise")  # images that no network selected
Exposure = Literal["equal-iterations", "equal-passes"]
Runs = Annotated[int, Field(ge=1, le=10_000)]
Rate = Annotated[float, Field(gt=0, le=0.2)]
RUNS_PER_JOB = 10
MOST_RUNS = 100_000  # against one network: room for its seeds in a row


class SupplySettings(Settings):
    """How many runs supply fooling images; each gives two of every class: its champion after the start and at its end.

    No image is used twice, and those for testing come from other runs than those for training.
    """

    training_runs: Runs = 300
    """Number of runs whose champions are used for training."""
    test_runs: Runs = 50
    """Number of further runs whose champions are used for testing."""

    @property
    def runs(self) -> int:
        """All runs."""
        return self.training_runs + self.test_runs


class RefusalSettings(Settings):
    """Comparison at equal refusal rates: every network refuses equally many real images by its fooling class.

    A constant is added to the logit of the fooling class, fitted on half of the test images. A network without that
    class refuses the images whose largest logit is below the constant.
    """

    rates: Annotated[tuple[Rate, ...], Field(min_length=1)] = (0.005, 0.01, 0.02)
    """Shares of real images to refuse; existing champions, which never met the constant, are scored again."""
    evolved_rate: Rate = 0.01
    """Share at which evolution runs again against the last network of every chain, with its constant."""


class RetrainingSettings(Settings):
    """A chain of networks; the defaults are the paper's numbers (Fig. 11; 20 images a run on MNIST)."""

    networks: Annotated[int, Field(ge=2, le=1000)] = 15
    """Networks in a chain, the first one included."""
    filled_with: Annotated[tuple[Filling, ...], Field(min_length=1)] = ("champions",)
    """What the fooling class holds; each filling is a chain of its own. `champions` is the paper's, all others are
    controls: docs/retraining.md."""
    exposure: Exposure = "equal-iterations"
    """`equal-iterations`: every network is trained for as many iterations as the first one (the paper). `equal-passes`:
    for more iterations, so that each sees every real image as often as the first one does."""
    first: SupplySettings = SupplySettings()
    """Runs against the first network that supply fooling images."""
    later: SupplySettings = SupplySettings(training_runs=50, test_runs=5)
    """Runs against each later network that supply fooling images."""
    measured_runs: Runs = 30
    """Number of runs that measure how easily each network is fooled."""
    measured_generations: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    """Generations of the runs against the last network of each chain; null: `search.generations`. The tables of all
    networks still read them at `search.generations`; the longer runs show what a larger budget changes."""
    refusal: RefusalSettings | None = None
    """Comparison at equal refusal rates; null: none."""
    seed: Seed = 1
    """Seed of all networks after the first, of all runs, and of the random images."""


class PaintSettings(SupplySettings):
    """Random images, in the number that a given number of runs would supply."""

    encoding: EncodingSettings
    """How a genome becomes an image."""
    seed: Seed = 1
    """Seed of the images."""
    generations: Annotated[int, Field(ge=0, le=10_000_000)] = 0
    """Generations for which half of the images vary without selection; 0: all images are of random genomes."""


class RetrainSettings(Settings):
    """One retrained network, and its place in the chain."""

    network: ClassifierSettings = ClassifierSettings()
    """Architecture, input and training: those of the first network, with a seed of its own."""
    first: str = "first"
    """Name of the first network of the chain."""
    filled_with: Filling = "champions"
    """What the fooling class holds."""
    number: Annotated[int, Field(ge=2)] = 2
    """The first network is number 1."""
    exposure: Exposure = "equal-iterations"
    """Whether iterations or passes over the real images are those of the first network."""


class MatchSettings(Settings):
    """A classifier that refuses a share of real images."""

    rate: Rate = 0.01
    """Share of the real images that is refused."""
    seed: Seed = 1
    """Seed by which the test images are halved."""


class RefusalTableSettings(RefusalSettings):
    """The rates of the comparison, and how the test images are halved."""

    seed: Seed = 1
    """Seed by which the test images are halved."""


class Block(NamedTuple):
    """The runs of one job.

    Runs are numbered from 1; the first ``measured_runs`` show how easily the network is fooled. Their seeds are drawn,
    so that they are as good a sample as any others, and they stay the same when a chain gets longer.
    """

    number: int  # from 1
    first_seed: int
    runs: int


def supply(settings: RetrainingSettings, network: int) -> SupplySettings:
    """Return what network number ``network`` (from 1) supplies."""
    return settings.first if network == 1 else settings.later


def runs_against(settings: RetrainingSettings, network: int, *, filled_with: Filling) -> int:
    """Return the number of runs against a network; the last one supplies no images and is only measured.

    There the count is rounded up to whole jobs, so that nothing is made again when the chain gets longer.
    """
    measured = settings.measured_runs
    whole = max(supply(settings, network).runs, measured)
    if filled_with == "champions" and network < settings.networks:
        return whole
    rounded = math.ceil(measured / RUNS_PER_JOB) * RUNS_PER_JOB
    return min(rounded, whole) if filled_with == "champions" else measured


def blocks(settings: RetrainingSettings, classifier: str, network: int, *, runs: int) -> list[Block]:
    """Return the jobs of the first ``runs`` runs against a network of the chain of ``classifier``."""
    first = 1 + derived_seed(settings.seed, "retraining runs", classifier, network) % (LARGEST_SEED - MOST_RUNS)
    return [
        Block(1 + done // RUNS_PER_JOB, first + done, min(RUNS_PER_JOB, runs - done))
        for done in range(0, runs, RUNS_PER_JOB)
    ]


def jobs_for(runs: int) -> range:
    """Return the numbers of the jobs that make the first ``runs`` runs against a network."""
    return range(1, math.ceil(runs / RUNS_PER_JOB) + 1)


def network_seed(settings: RetrainingSettings, classifier: str, network: int) -> int:
    """Return the seed of a retrained network; its controls share it and differ only in their images."""
    return derived_seed(settings.seed, "retrained network", classifier, network) % LARGEST_SEED


def random_images_seed(settings: RetrainingSettings, classifier: str, network: int) -> int:
    """Return the seed of the random images that a control adds after a network."""
    return derived_seed(settings.seed, "random fooling images", classifier, network) % LARGEST_SEED


def at_equal_passes(settings: ClassifierSettings, *, real: int, fooling: int) -> ClassifierSettings:
    """Return ``settings`` with more iterations, so that a pass more is not lost to ``fooling`` images.

    With ``real + fooling`` training images a network makes as many passes over each as one makes over ``real`` ones.
    """
    iterations = round(settings.training.iterations * (real + fooling) / real)
    training = settings.training.model_copy(update={"iterations": iterations})
    return settings.model_copy(update={"training": training})
