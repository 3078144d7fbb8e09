"""Settings of training. The recipe of Caffe's LeNet is the default."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from fooling.classifiers.settings import Fraction, NetworkSettings, NotNegative, Positive
from fooling.settings import Count, Seed, Settings


class SgdSettings(Settings):
    """Stochastic gradient descent with momentum, in Caffe's form."""

    kind: Literal["sgd"] = "sgd"
    """Stochastic gradient descent with momentum."""
    momentum: Fraction = 0.9
    """Share of the last step that is taken again."""
    weight_decay: NotNegative = 5.0e-4
    """Times a parameter is added to its gradient."""
    bias_rate_factor: Positive = 2.0
    """Biases learn at this multiple of the learning rate."""


class AdamSettings(Settings):
    """Adam, for networks that plain gradient descent would train too slowly."""

    kind: Literal["adam"] = "adam"
    """Adam with its usual constants .9, .999 and 1e-8."""
    weight_decay: NotNegative = 0.0
    """Times a parameter is added to its gradient."""
    linear_rate_factor: Positive = 1.0
    """Fully connected layers learn at this multiple of the learning rate: the wider they are, the less they bear."""


class InversePolicy(Settings):
    """Caffe's "inv": ``learning_rate * (1 + gamma * iteration) ** -power``."""

    kind: Literal["inv"] = "inv"
    """Falls slowly and for ever, as Caffe's "inv"."""
    gamma: NotNegative = 1.0e-4
    """How soon the rate falls, per iteration."""
    power: NotNegative = 0.75
    """How steeply it falls in the end."""


class ConstantPolicy(Settings):
    """The learning rate stays as it is."""

    kind: Literal["constant"] = "constant"
    """Stays as it is."""


class CosinePolicy(Settings):
    """A linear rise over the first iterations, then half a cosine down to 0 at the end."""

    kind: Literal["cosine"] = "cosine"
    """Rises over the first iterations, then falls to 0 as half a cosine."""
    warm_up: Annotated[int, Field(ge=0)] = 0
    """Iterations of the rise."""


class StepPolicy(Settings):
    """Caffe's "step": the learning rate falls all at once, again and again."""

    kind: Literal["step"] = "step"
    """Falls in steps, as Caffe's "step"."""
    every: Count = 100_000
    """Iterations from one step to the next."""
    factor: Annotated[float, Field(gt=0, le=1)] = 0.1
    """What the rate is multiplied by at each step."""


Policy = Annotated[InversePolicy | ConstantPolicy | CosinePolicy | StepPolicy, Field(discriminator="kind")]


class TrainingSettings(Settings):
    """How a network is trained; the defaults are Caffe's solver for LeNet on MNIST."""

    iterations: Count = 10_000
    """Steps of the optimiser, each on one batch."""
    batch_size: Annotated[int, Field(ge=1, le=100_000)] = 64
    """Images per step."""
    optimiser: Annotated[SgdSettings | AdamSettings, Field(discriminator="kind")] = SgdSettings()
    """How gradients become steps: `sgd` or `adam`."""
    learning_rate: Positive = 0.01
    """Size of a step, at its largest."""
    policy: Policy = InversePolicy()
    """How the learning rate changes over the iterations: `inv`, `constant`, `cosine` or `step`."""
    pictures: Literal["kept", "all"] = "kept"
    """Which pictures it is trained on: those `kept` in the data set file, or `all` of the training part, read from
    their folder again and again; the latter for data sets of kind `imagenet` and `folder` (docs/training.md)."""
    precision: Literal["float32", "mixed"] = "float32"
    """`mixed`: the network computes in bfloat16 where that does no harm, in training alone; for GPUs that know it."""
    test_every: Count | None = None
    """Iterations after which the test error is measured within a pass over the images; null: at its end alone."""
    threads: Annotated[int, Field(ge=1, le=1024)] = 1
    """Threads on a CPU. The last bits of the weights depend on it, so it never follows the machine."""

    @model_validator(mode="after")
    def _warm_up_ends(self) -> Self:
        if isinstance(self.policy, CosinePolicy) and self.policy.warm_up >= self.iterations:
            raise ValueError(f"warm_up must be below the {self.iterations} iterations")
        return self


class ClassifierSettings(NetworkSettings):
    """A network that the study trains itself."""

    seed: Seed = 1
    """Seed of the first weights, the order of the images, their crops and the dropout."""
    training: TrainingSettings = TrainingSettings()
    """How the network is trained."""
