"""Settings of a classifier: its architecture, its input and its training. Caffe's LeNet recipe is the default."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, JsonValue, model_validator

from fooling.settings import Count, Seed, Settings

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, lt=1)]


class InputSettings(Settings):
    """How grey or colour levels 0..255 become the network's input: ``(level / divisor - mean) / std``."""

    divisor: Positive = 256.0
    """Levels are divided by this: 256 as Caffe's MNIST example does, 255 for torchvision's networks."""
    subtract_mean: bool = False
    """Subtract the mean training image, pixel by pixel, before the division."""
    mean: list[float] = Field(default=[], examples=[[0.485, 0.456, 0.406]])
    """One number per channel, subtracted after the division; none: nothing is subtracted."""
    std: list[Positive] = Field(default=[], examples=[[0.229, 0.224, 0.225]])
    """One number per channel to divide by at last; none: no such division."""

    @model_validator(mode="after")
    def _one_mean(self) -> Self:
        if self.subtract_mean and self.mean:
            raise ValueError("either subtract_mean or mean, not both")
        return self


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
    policy: Annotated[InversePolicy | ConstantPolicy | CosinePolicy, Field(discriminator="kind")] = InversePolicy()
    """How the learning rate changes over the iterations: `inv`, `constant` or `cosine`."""
    threads: Annotated[int, Field(ge=1, le=1024)] = 1
    """Threads on a CPU. The last bits of the weights depend on it, so it never follows the machine."""

    @model_validator(mode="after")
    def _warm_up_ends(self) -> Self:
        if isinstance(self.policy, CosinePolicy) and self.policy.warm_up >= self.iterations:
            raise ValueError(f"warm_up must be below the {self.iterations} iterations")
        return self


class ClassifierSettings(Settings):
    """A network that the study trains itself."""

    architecture: str = Field(default="lenet", examples=["lenet", "alexnet", "torchvision:resnet18", "mine.py:build"])
    """`lenet`, `alexnet`, `torchvision:<name>` or `path/to/file.py:function`."""
    options: dict[str, JsonValue] = Field(default={}, examples=[{}])
    """Further arguments of the architecture's function."""
    seed: Seed = 1
    """Seed of the first weights, the order of the images and the dropout."""
    input: InputSettings = InputSettings()
    """How levels become the network's input."""
    training: TrainingSettings = TrainingSettings()
    """How the network is trained."""


class ImportSettings(Settings):
    """A network that someone else has trained."""

    architecture: str = Field(examples=["torchvision:squeezenet1_1", "mine.py:build"])
    """`lenet`, `alexnet`, `torchvision:<name>` or `path/to/file.py:function`."""
    options: dict[str, JsonValue] = Field(default={}, examples=[{}])
    """Further arguments of the architecture's function."""
    weights: Path = Field(examples=["mine.safetensors"])
    """The network's state dict as a safetensors file."""
    input: InputSettings = InputSettings()
    """How levels become the network's input."""
