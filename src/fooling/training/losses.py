"""The loss of a training, and what may make a network harder to fool: outliers, and the worst images in boxes.

Outliers are images that show no class. Two losses on the outliers are known under several names::

    loss      mean over the outliers of          known as
    uniform   -(1/K) sum over k of log p_k       outlier exposure (Hendrycks, Mazeika and Dietterich 2018);
                                                 entropic open-set loss (Dhamija, Guenther and Boult 2018)
    largest   log(K max over k of p_k)           CEDA; with the worst images in boxes ACET (Hein,
                                                 Andriushchenko and Bitterwolf 2019)

Everything random follows from the seed and the number of the iteration, so that a resumed training draws the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, one_hot

from fooling.classifiers.classifier import Classifier
from fooling.classifiers.devices import SINGLE, ProcessGroup
from fooling.datasets.dataset import Dataset
from fooling.encodings.settings import CppnSettings, encoding_for
from fooling.messages import FoolingError
from fooling.reproducibility import derived_seed
from fooling.training.settings import (
    ClassifierSettings,
    ConstantPolicy,
    InversePolicy,
    OutlierSettings,
    PgdSettings,
    SgdSettings,
    StepPolicy,
    TrainingSettings,
)

LEVELS = 255.0  # per unit of a pixel
AT_ONCE = 500  # random CPPNs rendered at once


class LossTerms:
    """What a training shows its network in an iteration, and the loss of the logits."""

    def __init__(
        self, classifier: Classifier, settings: ClassifierSettings, *, outliers: Dataset | None, group: ProcessGroup
    ) -> None:
        """Make the outliers that the settings want.

        Args:
            classifier: The classifier in training.
            settings: Its settings.
            outliers: The fooling images of ``training.outliers`` with ``kind: fooling``.
            group: The process group, of which this process trains on its part of each batch.

        Raises:
            FoolingError: The ``outliers`` and the settings do not fit together.
        """
        self._classifier, self._seed, self._training = classifier, settings.seed, settings.training
        self._group, wanted = group, settings.training.outliers
        if wanted is None and outliers is not None:
            raise FoolingError(
                f"the training of {classifier.name} has no use for outliers",
                found=outliers.name,
                remedy="set training.outliers with kind: fooling, or leave out --outliers",
            )
        shape = classifier.input_shape
        self._outliers = (
            None if wanted is None else Outliers(wanted, seed=settings.seed, shape=shape, given=outliers, group=group)
        )

    def shown(self, images: Tensor, labels: Tensor, iteration: int) -> Tensor:
        """Return the levels (B + N, C, H, W) to train on: B real images or the worst ones around them, N outliers."""
        training = self._training

        def losses(logits: Tensor) -> Tensor:
            return mean_loss(logits, labels, loss=training.loss) * len(labels)

        if training.adversarial is not None:
            images = self._searched(images, losses, training.adversarial, "adversarial training", iteration)
        if self._outliers is None:
            return images
        outliers = self._outliers.of(iteration).to(images.device)
        if (worst := self._outliers.settings.worst) is not None:
            outliers = self._searched(outliers, largest_log_confidence, worst, "worst outliers", iteration)
        return torch.cat((images, outliers))

    def loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the loss for the ``logits`` (B + N, K) of what is shown, with the ``labels`` (B,) of real images."""
        training = self._training
        real = mean_loss(logits[: len(labels)], labels, loss=training.loss, label_smoothing=training.label_smoothing)
        if training.outliers is None:
            return real
        return real + training.outliers.weight * outlier_loss(logits[len(labels) :], loss=training.outliers.loss)

    def _searched(
        self, images: Tensor, objective: Callable[[Tensor], Tensor], settings: PgdSettings, purpose: str, iteration: int
    ) -> Tensor:
        """Return the worst images in boxes around ``images``, for an ``objective`` of logits.

        The network is in evaluation mode: the search leaves dropout and statistics of batch normalisation alone.
        """
        network = self._classifier.network  # not the parallel one: no gradient of a parameter is wanted

        def of_levels(levels: Tensor) -> Tensor:
            return objective(network(self._classifier.inputs(levels)).float())

        start = random_start(images, seed=self._seed, purpose=purpose, iteration=iteration, group=self._group)
        network.eval()
        try:
            return worst_images(images, of_levels, settings, start=start)
        finally:
            network.train()


def mean_loss(
    logits: Tensor, labels: Tensor, *, loss: Literal["softmax", "sigmoids"], label_smoothing: float = 0.0
) -> Tensor:
    """Return the mean loss over images with ``logits`` (B, K) and ``labels`` (B,).

    With ``sigmoids`` it is the sum over the classes of the binary cross-entropy of "this class or not". With
    ``label_smoothing`` s, only for ``softmax``, it is the cross-entropy to 1 - s + s / K for the label and s / K for
    each other class (Szegedy et al., Rethinking the Inception Architecture for Computer Vision, 2015).
    """
    if loss == "softmax":
        return cross_entropy(logits, labels, label_smoothing=label_smoothing)
    wanted = one_hot(labels, logits.shape[1]).to(logits.dtype)
    return binary_cross_entropy_with_logits(logits, wanted, reduction="sum") / len(labels)


class Outliers:
    """The outliers of a training, by iteration."""

    def __init__(
        self,
        settings: OutlierSettings,
        *,
        seed: int,
        shape: tuple[int, int, int],
        given: Dataset | None = None,
        group: ProcessGroup = SINGLE,
    ) -> None:
        """Make or take the images from which each iteration draws.

        Args:
            settings: Kind and number of the outliers.
            seed: Seed of the network.
            shape: Shape (C, H, W) of the images.
            given: The fooling images; only for ``kind: fooling``.
            group: The process group, of which this process gets its part of each batch.

        Raises:
            FoolingError: There are no fooling images for ``kind: fooling``, there are some for another kind, or they do
                not fit.
        """
        self.settings, self._seed, self._shape, self._group = settings, seed, shape, group
        if (given is None) == (settings.kind == "fooling"):
            raise FoolingError(
                "these outliers need images that fooled a network" if given is None else "outliers without a use",
                found=f"training.outliers.kind: {settings.kind}, {'no' if given is None else 'and'} file of outliers",
                remedy="name a data set file of fooling images (--outliers) with training.outliers.kind: fooling, and "
                "only with it; `fooling collect-champions` makes one",
            )
        if settings.per_batch % group.size:
            raise FoolingError(
                "the outliers cannot be divided evenly",
                found=f"training.outliers.per_batch: {settings.per_batch}, for {group.size} processes",
                expected=f"a multiple of {group.size}",
            )
        self._pool = None if settings.kind == "noise" else torch.from_numpy(self._images(given))

    def of(self, iteration: int) -> Tensor:
        """Return this process's outliers of an iteration, uint8 (N, C, H, W) on the CPU."""
        count = self.settings.per_batch
        generator = torch.Generator().manual_seed(derived_seed(self._seed, "outliers", iteration))
        if self._pool is None:
            drawn = torch.randint(256, (count, *self._shape), generator=generator, dtype=torch.uint8)
        else:
            drawn = self._pool[torch.randint(len(self._pool), (count,), generator=generator)]
        return own_part(drawn, self._group)

    def _images(self, given: Dataset | None) -> NDArray[np.uint8]:
        """Return the images (M, C, H, W) from which each iteration draws."""
        if given is None:
            return random_cppn_images(self.settings.images, shape=self._shape, seed=self._seed)
        given.require_training_images("training with outliers")
        if given.image_shape != self._shape:
            raise FoolingError(
                f"the outliers of {given.name} do not fit the real images",
                found="x".join(map(str, given.image_shape)),
                expected="x".join(map(str, self._shape)),
            )
        return given.train_images


def random_cppn_images(count: int, *, shape: tuple[int, int, int], seed: int) -> NDArray[np.uint8]:
    """Return images (B, C, H, W) of random CPPNs, computed on the CPU; no network has seen them."""
    encoding = encoding_for(CppnSettings(), image_shape=shape)
    generator = torch.Generator().manual_seed(derived_seed(seed, "outliers", "cppn"))
    parts = [
        encoding.render(encoding.random(min(AT_ONCE, count - first), generator)) for first in range(0, count, AT_ONCE)
    ]
    images: NDArray[np.uint8] = torch.cat(parts).numpy()
    return images


def outlier_loss(logits: Tensor, *, loss: str) -> Tensor:
    """Return the mean loss over outliers with ``logits`` (N, K); both losses are 0 or more.

    ``uniform`` is the cross-entropy to the uniform distribution, at least log K. ``largest`` is the log of the largest
    confidence, plus log K, a constant that has no effect on the training. Both are smallest where all classes have the
    confidence 1/K.
    """
    if loss == "uniform":
        return (logits.logsumexp(dim=1) - logits.mean(dim=1)).mean()
    return (largest_log_confidence(logits) + math.log(logits.shape[1])).mean()


def largest_log_confidence(logits: Tensor) -> Tensor:
    """Return the log of the largest confidence (N,), from ``logits`` (N, K)."""
    return logits.max(dim=1).values - logits.logsumexp(dim=1)


def worst_images(
    images: Tensor, objective: Callable[[Tensor], Tensor], settings: PgdSettings, *, start: Tensor
) -> Tensor:
    """Return the images in boxes around ``images`` for which projected gradient ascent finds the largest objective.

    Madry, Makelov, Schmidt, Tsipras and Vladu: Towards Deep Learning Models Resistant to Adversarial Attacks (2017).
    The images of a training are not rounded to levels.

    Args:
        images: Images (B, C, H, W) in levels, 0 to 255.
        objective: Maps levels (B, C, H, W) to one number for each image (B,).
        settings: Size of the box, and the steps.
        start: Places (B, C, H, W) of the first images in the boxes, each coordinate from 0 to 1.

    Returns:
        float32 levels (B, C, H, W), from 0 to 255.

    Raises:
        FoolingError: The objective has no gradients by the levels.
    """
    size = settings.size * LEVELS
    step = 2.5 * size / settings.steps if settings.step is None else settings.step * LEVELS
    centre = images.float()
    moved = (centre + (2 * start - 1) * size).clamp(0, LEVELS)
    for _ in range(settings.steps):
        moved.requires_grad_()
        (gradient,) = torch.autograd.grad(objective(moved).sum(), moved, allow_unused=True)
        if gradient is None:
            raise FoolingError(
                "the network has no gradients by its input",
                found="a part without gradients before its first weights, such as detach",
                remedy="leave out training.adversarial and training.outliers.worst",
            )
        stepped = moved.detach() + step * gradient.sign()
        moved = stepped.clamp(centre - size, centre + size).clamp(0, LEVELS)
    return moved


def random_start(images: Tensor, *, seed: int, purpose: str, iteration: int, group: ProcessGroup = SINGLE) -> Tensor:
    """Return random places for :func:`worst_images`, the same for a batch however many processes share it."""
    generator = torch.Generator().manual_seed(derived_seed(seed, purpose, iteration))
    drawn = torch.rand((len(images) * group.size, *images.shape[1:]), generator=generator)
    return own_part(drawn, group).to(images.device)


def own_part(values: Tensor, group: ProcessGroup) -> Tensor:
    """Return this process's part of ``values`` (B, ...), of equal parts for all processes of the group."""
    length = len(values) // group.size
    return values[group.rank * length : (group.rank + 1) * length]


def learning_rate_at(iteration: int, training: TrainingSettings) -> float:
    """Return the learning rate of ``iteration``, counted from 0.

    "inv" is ``rate * (1 + gamma * iteration) ** -power`` (Caffe's solver for LeNet; paper-facts, status C).
    """
    policy, rate = training.policy, training.learning_rate
    if isinstance(policy, ConstantPolicy):
        return rate
    if isinstance(policy, InversePolicy):
        return rate * math.pow(1 + policy.gamma * iteration, -policy.power)
    if isinstance(policy, StepPolicy):
        return rate * math.pow(policy.factor, iteration // policy.every)
    if iteration < policy.warm_up:
        return rate * (iteration + 1) / policy.warm_up
    fallen = (iteration - policy.warm_up) / (training.iterations - policy.warm_up)
    return rate * (1 + math.cos(math.pi * fallen)) / 2


def make_optimiser(network: nn.Module, training: TrainingSettings) -> torch.optim.Optimizer:
    """Make the optimiser in the settings; call :func:`set_learning_rate` before each of its steps."""
    settings, rate = training.optimiser, training.learning_rate
    decay = settings.weight_decay
    if isinstance(settings, SgdSettings):
        groups = _groups(network, apart=_is_bias, rate_factor=settings.bias_rate_factor)
        return torch.optim.SGD(groups, lr=rate, momentum=settings.momentum, weight_decay=decay, fused=True)
    groups = _groups(network, apart=_is_linear, rate_factor=settings.linear_rate_factor)
    return torch.optim.Adam(groups, lr=rate, weight_decay=decay, fused=True)


def set_learning_rate(optimiser: torch.optim.Optimizer, iteration: int, training: TrainingSettings) -> None:
    """Set the learning rate of ``optimiser`` for the step of ``iteration``.

    Caffe has the rate inside its momentum, ``v = momentum * v + rate * gradient; weight -= v`` (its solver), torch
    outside,
    ``v = momentum * v + gradient; weight -= rate * v``. The steps are equal if torch's momentum is multiplied by the
    last rate over this one.
    """
    rate = learning_rate_at(iteration, training)
    if rate == 0:
        found = f"0 at iteration {iteration}"
        raise FoolingError("the learning rate is 0", found=found, remedy="make training.policy decrease less")
    for group in optimiser.param_groups:
        group["lr"] = rate * group["rate_factor"]
        if isinstance(training.optimiser, SgdSettings) and iteration > 0:
            last_rate = learning_rate_at(iteration - 1, training)
            group["momentum"] = training.optimiser.momentum * last_rate / rate


def _groups(network: nn.Module, *, apart: Callable[[nn.Module, str], bool], rate_factor: float) -> list[dict[str, Any]]:
    """Divide the parameters into two groups: those that ``apart`` selects by layer and name learn at another rate."""
    groups: list[dict[str, Any]] = [{"params": [], "rate_factor": 1.0}, {"params": [], "rate_factor": rate_factor}]
    for path, parameter in network.named_parameters():
        layer, _, name = path.rpartition(".")
        groups[apart(network.get_submodule(layer), name)]["params"].append(parameter)
    return groups


def _is_bias(layer: nn.Module, name: str) -> bool:
    return name == "bias"


def _is_linear(layer: nn.Module, name: str) -> bool:
    return isinstance(layer, nn.Linear)
