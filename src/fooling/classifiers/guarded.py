"""A guarded classifier: a network, and a detector that rejects images unlike real ones, as one classifier.

::

    levels ──► network ──► log p(class) ──┬──► log p(class) + log a
                  │                       │
                  └──► score ──► margin ──┴──► log(1 - a)       the last class, "rejected"

The margin is (score - threshold) / width. The hard version accepts (a = 1) from margin 0 on and rejects (a = 0) below.
The smooth version has a gradient everywhere: a is the sigmoid of the margin m from 0 on, and 1 / (2 - m) below, with
the same value and slope at 0. A sigmoid would be 0 in float32 far below, where a search then finds no direction.

An attack on a guarded classifier is therefore an attack that knows the detector. Scores follow pytorch-ood 0.4.0
(Kirchheim et al. 2022), with the opposite sign or a monotone function of it: the larger, the more like a real image.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from fooling.classifiers.architectures import Architecture
from fooling.classifiers.assembly import CHUNK_SIZE_OF_ENSEMBLE, Member, member_of
from fooling.classifiers.gradients import averaged
from fooling.messages import FoolingError

REJECTED = "rejected"  # name of the last class
NEVER = -110.0  # natural logarithm of a probability that is 0 in float32
STEEPEST = 6.0  # exp(-exp(6)) is 0 in float64

#: The detectors that read the features before the last layer, the logits, or the probabilities of several networks.
OF_FEATURES = ("mahalanobis", "neighbours")
OF_LOGITS = ("temperature", "energy", "openmax")
OF_SEVERAL = ("disagreement",)


class Detector(nn.Module):
    """The score of an image, with the arrays that were fitted on real images."""

    threshold: Tensor
    width: Tensor

    def __init__(self, **shapes: tuple[int, ...]) -> None:
        super().__init__()
        for name, shape in {"threshold": (), "width": (), **shapes}.items():
            self.register_buffer(name, torch.ones(shape, dtype=torch.float64))

    def score(self, logits: Tensor, features: Tensor | None, others: Sequence[Tensor]) -> Tensor:
        """Return the score (B,), larger for images more like real ones.

        Args:
            logits: Logits (B, K) of the network.
            features: Features (B, D) before its last layer; None for detectors that do not read them.
            others: Log probabilities (B, K) of each of the other networks.
        """
        raise NotImplementedError

    def margin(self, score: Tensor) -> Tensor:
        """Return the float32 margin (B,) of scores (B,): 0 at the threshold."""
        return ((score.double() - self.threshold) / self.width).float()


class MaximumSoftmax(Detector):
    """The log-odds of the largest softmax probability (Hendrycks and Gimpel 2017)."""

    temperature: Tensor

    def __init__(self) -> None:
        super().__init__(temperature=())

    def score(self, logits: Tensor, features: Tensor | None, others: Sequence[Tensor]) -> Tensor:
        """Return log(p / (1 - p)), which ranks images as the probability p does, without its saturation at 1."""
        exact = logits.double() / self.temperature
        best = exact.argmax(dim=1, keepdim=True)
        rest = exact.scatter(1, best, -math.inf).logsumexp(dim=1)
        return exact.gather(1, best).squeeze(1) - rest


class Energy(MaximumSoftmax):
    """The negative energy (Liu et al. 2020): T log sum exp(z / T)."""

    def score(self, logits: Tensor, features: Tensor | None, others: Sequence[Tensor]) -> Tensor:
        """Return the negative energy."""
        return self.temperature * torch.logsumexp(logits.double() / self.temperature, dim=1)


class Mahalanobis(Detector):
    """Minus half the squared Mahalanobis distance to the nearest class mean (Lee et al. 2018)."""

    means: Tensor
    whitening: Tensor

    def __init__(self, *, classes: int, features: int) -> None:
        super().__init__(means=(classes, features), whitening=(features, features))

    def score(self, logits: Tensor, features: Tensor | None, others: Sequence[Tensor]) -> Tensor:
        """Return it; means and features are multiplied by a square root of the precision matrix."""
        assert features is not None
        apart = (features.double() @ self.whitening)[:, None] - self.means
        return -0.5 * apart.square().sum(dim=2).amin(dim=1)


class Neighbours(Detector):
    """The cosine similarity to the k-th nearest real image in the features, minus 1 (Sun et al. 2022).

    It is minus half the square of the Euclidean distance between features of unit length.
    """

    bank: Tensor

    def __init__(self, *, images: int, features: int, neighbours: int) -> None:
        super().__init__(bank=(images, features))
        self._neighbours = neighbours

    def score(self, logits: Tensor, features: Tensor | None, others: Sequence[Tensor]) -> Tensor:
        """Return it."""
        assert features is not None
        similar = nn.functional.normalize(features.double(), dim=1) @ self.bank.T
        return similar.topk(self._neighbours, dim=1).values[:, -1] - 1


class OpenMax(Detector):
    """The log-odds that an image is of a known class, by OpenMax (Bendale and Boult 2016) on the logits.

    The distances to the class means have a Weibull distribution (shape, scale, shift) for each class. Unlike in
    pytorch-ood, the distances to all class means are computed, so that a score depends on its image alone.
    """

    means: Tensor
    weibull: Tensor

    def __init__(self, *, classes: int, revised: int) -> None:
        super().__init__(means=(classes, classes), weibull=(classes, 3))
        self._revised = min(revised, classes)

    def score(self, logits: Tensor, features: Tensor | None, others: Sequence[Tensor]) -> Tensor:
        """Return the log-odds of all known classes together against the unknown one."""
        exact, (shape, scale, shift) = logits.double(), self.weibull.unbind(dim=1)
        distances = (exact[:, None] - self.means).square().sum(dim=2).clamp(min=1e-24).sqrt()
        steepness = (shape * torch.log((distances + shift).clamp(min=1e-300) / scale)).clamp(max=STEEPEST)
        far = 1 - torch.exp(-torch.exp(steepness))
        best = exact.argsort(dim=1, descending=True, stable=True)[:, : self._revised]
        weights = torch.arange(self._revised, 0, -1, dtype=torch.float64, device=exact.device) / self._revised
        taken = far * torch.zeros_like(exact).scatter(1, best, weights.expand(len(exact), -1))
        return torch.logsumexp(exact * (1 - taken), dim=1) - (exact * taken).sum(dim=1)


class Disagreement(Detector):
    """Minus the mutual information between the class and the network, in nats, over several networks.

    It is the entropy of the mean probabilities minus the mean entropy (Lakshminarayanan et al. 2017 use ensembles;
    Gal et al. 2017 the mutual information). It is 0 where all networks agree, however sure they are.
    """

    def score(self, logits: Tensor, features: Tensor | None, others: Sequence[Tensor]) -> Tensor:
        """Return it."""
        each = torch.stack([torch.log_softmax(logits.double(), dim=1), *(one.double() for one in others)])
        mean = torch.logsumexp(each, dim=0) - math.log(len(each))
        return (mean.exp() * mean).sum(dim=1) - (each.exp() * each).sum(dim=2).mean(dim=0)


#: The class of each kind; its options in a classifier file are its arguments.
DETECTORS: Mapping[str, Callable[..., Detector]] = {
    "maximum-softmax": MaximumSoftmax,
    "temperature": MaximumSoftmax,
    "energy": Energy,
    "mahalanobis": Mahalanobis,
    "neighbours": Neighbours,
    "openmax": OpenMax,
    "disagreement": Disagreement,
}


class Guarded(nn.Module):
    """A network with a detector, whose input are the levels of the whole image; members but the first are others."""

    def __init__(self, members: Sequence[Member], detector: Detector, *, layer: str | None, smooth: bool) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.detector = detector
        self.smooth = smooth
        self._layer = layer

    def forward(self, levels: Tensor) -> Tensor:
        """Return logits (B, K + 1) for levels ``(B, C, H, W)`` float32: log probabilities, that of rejection last."""
        logarithms, score = self.scored(levels)
        return with_rejection(logarithms, self.detector.margin(score), smooth=self.smooth)

    def scored(self, levels: Tensor) -> tuple[Tensor, Tensor]:
        """Return the log probabilities (B, K) of the network, and the scores (B,) of the detector, both float32."""
        first, *others = self.members
        assert isinstance(first, Member)
        noted: list[Tensor] = []

        def note(layer: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
            noted.append(averaged(given[0] if given else named["input"]))

        if self._layer is None:
            outputs = first.outputs(levels)
        else:
            with first.network.get_submodule(self._layer).register_forward_pre_hook(note, with_kwargs=True):
                outputs = first.outputs(levels)
        logarithms = first.mean_of(outputs)
        logits = outputs[0] if len(outputs) == 1 and first.gives_logits else logarithms
        features = noted[0] if noted else None
        score = self.detector.score(logits.float(), features, [other(levels) for other in others])
        return logarithms, score.float()


def with_rejection(logarithms: Tensor, margin: Tensor, *, smooth: bool) -> Tensor:
    """Return the logits (B, K + 1) of a guarded classifier.

    Args:
        logarithms: Log probabilities (B, K) of the network.
        margin: Margin (B,) of each image; the hard version accepts from 0 on.
        smooth: Whether the version is smooth, and so differentiable.
    """
    if smooth:
        above, below = margin.clamp(min=0), (-margin).clamp(min=0)
        accepted = margin >= 0
        log_accepted = torch.where(accepted, nn.functional.logsigmoid(above), -torch.log(2 + below))
        log_rejected = torch.where(
            accepted, nn.functional.logsigmoid(-above), torch.log1p(below) - torch.log(2 + below)
        )
        return torch.cat((logarithms + log_accepted[:, None], log_rejected[:, None]), dim=1)
    accepted = (margin >= 0)[:, None]
    never = torch.full_like(logarithms, NEVER)
    of_rejection = torch.where(accepted, never[:, :1], torch.zeros_like(never[:, :1]))
    return torch.cat((torch.where(accepted, logarithms, never), of_rejection), dim=1)


def architecture_of(name: str) -> Architecture:
    """Return the architecture of a guarded classifier; ``name`` is ``guarded``."""
    return Architecture(build=build_guarded, chunk_size=CHUNK_SIZE_OF_ENSEMBLE)


def build_guarded(
    *,
    input_shape: tuple[int, int, int],
    classes: int,
    members: Sequence[Mapping[str, Any]],
    detector: Mapping[str, Any],
    layer: str | None = None,
    smooth: bool = False,
) -> nn.Module:
    """Build a guarded classifier with new weights.

    Args:
        input_shape: Shape (C, H, W) of the whole image.
        classes: Number of classes, that of rejection included.
        members: Architecture, options, crop, views and outputs of the guarded network, and of each other one.
        detector: The kind of the detector, and the arguments of its class.
        layer: Name of the layer whose input are the features; None: the detector reads none.
        smooth: Whether it is the smooth version.

    Raises:
        FoolingError: The detector is unknown.
    """
    arguments = dict(detector)
    kind = arguments.pop("kind", None)
    if kind not in DETECTORS:
        raise FoolingError("unknown detector", found=repr(kind), expected=", ".join(DETECTORS))
    built = [member_of(member, input_shape=input_shape, classes=classes - 1) for member in members]
    return Guarded(built, DETECTORS[kind](**arguments), layer=layer, smooth=smooth)
