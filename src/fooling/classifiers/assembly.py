"""Make a classifier: from a network and a data set, or from several classifiers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from fooling.classifiers.architectures import Architecture, build_network, described, find_architecture
from fooling.classifiers.classifier import Classifier, View, fed_shape, log_mean_probabilities, logarithms_of, views_of
from fooling.classifiers.header import MemberHeader, Outputs
from fooling.classifiers.settings import InputSettings, NetworkSettings
from fooling.datasets.dataset import Dataset
from fooling.messages import FoolingError

MID_GREY = 127.5
CHUNK_SIZE_OF_ENSEMBLE = 16  # images scored at once


def assembled(
    network: nn.Module,
    *,
    name: str,
    settings: NetworkSettings,
    dataset: Dataset,
    device: torch.device,
) -> Classifier:
    """Return ``network`` as a classifier of the images and classes of ``dataset``.

    Args:
        network: The network, whose input follows ``settings.input``.
        name: The name of the classifier.
        settings: The settings of the network.
        dataset: Its training images give the mean image, its names those of the classes.
        device: Where the classifier computes.
    """
    if settings.input.subtract_mean:
        dataset.require_training_images("input.subtract_mean")
    mean = training_mean_of(dataset.train_images)
    offset, scale = offset_and_scale(settings.input, mean)
    architecture = find_architecture(settings.architecture)
    return Classifier(
        name=name,
        architecture=settings.architecture,
        architecture_sha256=architecture.sha256,
        options=settings.options,
        network=network,
        input_shape=dataset.image_shape,
        crop=settings.input.crop,
        views=settings.input.views,
        class_names=dataset.class_names,
        offset=offset,
        scale=scale,
        training_mean=mean,
        chunk_size=settings.chunk_size or architecture.chunk_size,
        device=device,
    )


def training_mean_of(images: NDArray[np.uint8]) -> torch.Tensor:
    """Return the float32 mean ``(C, H, W)`` of uint8 images ``(N, C, H, W)``, levels 0 to 255; mid grey if N is 0."""
    if len(images) == 0:
        return torch.full(images.shape[1:], MID_GREY)
    return torch.from_numpy(images.mean(axis=0, dtype=np.float64).astype(np.float32))


def offset_and_scale(settings: InputSettings, training_mean: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return float32 offset and scale such that the input of the network is ``(levels - offset) * scale``.

    Both broadcast to ``(C, H, W)``. Raises :class:`FoolingError` unless mean and std have one number per channel.
    """
    channels = training_mean.shape[0]
    mean = _per_channel("mean", settings.mean or [0.0] * channels, channels)
    std = _per_channel("std", settings.std or [1.0] * channels, channels)
    offset = training_mean if settings.subtract_mean else torch.from_numpy(mean * settings.divisor).float()
    with np.errstate(divide="ignore", over="ignore"):
        scale = torch.from_numpy(1 / (settings.divisor * std)).float()
    if not (offset.isfinite().all() and scale.isfinite().all()):
        raise FoolingError(
            "input gives numbers beyond the range of float32",
            found=f"divisor {settings.divisor}, mean {settings.mean}, std {settings.std}",
            expected="finite values of (level / divisor - mean) / std for levels from 0 to 255",
        )
    return offset, scale


def measured_errors(
    classifier: Classifier, images: NDArray[np.uint8], labels: NDArray[np.int64]
) -> dict[str, float | None]:
    """Compute the test error and the top-5 error of ``images`` (N, C, H, W) with ``labels`` (N,).

    Both use only the centre crop, as published errors do: ten views would give lower errors and take ten times as long.
    The top-5 error is None for five classes or fewer.
    """
    logits = classifier.with_centre_view().logits(torch.from_numpy(images)).cpu().numpy()
    top5 = None
    if logits.shape[1] > 5:
        best = torch.from_numpy(logits).topk(5).indices.numpy()
        top5 = float((best != labels[:, None]).all(axis=1).mean())
    return {"test_error": float((logits.argmax(axis=1) != labels).mean()), "top5_error": top5}


def _per_channel(key: str, numbers: list[float], channels: int) -> NDArray[Any]:
    if len(numbers) != channels:
        raise FoolingError(
            f"the {key} of the input needs one number for each channel of the images",
            found=f"{len(numbers)} numbers",
            expected=f"{channels}",
            remedy=f"give as many numbers in input.{key} (--{key} of an audit), or change the size of the images",
        )
    return np.array(numbers, dtype=np.float64).reshape(channels, 1, 1)


class Member(nn.Module):
    """A network with its own preprocessing: from levels ``(B, C, H, W)`` float32 to log probabilities ``(B, K)``."""

    offset: torch.Tensor
    scale: torch.Tensor

    def __init__(
        self, network: nn.Module, *, fed: tuple[int, int, int], views: Sequence[View], outputs: Outputs = "logits"
    ) -> None:
        super().__init__()
        self.network = network
        self.gives_logits = outputs == "logits"
        self.register_buffer("offset", torch.zeros(fed))
        self.register_buffer("scale", torch.ones(fed[0], 1, 1))
        self._views = views

    def forward(self, levels: torch.Tensor) -> torch.Tensor:
        """Return the log probabilities (B, K), averaged over its own views."""
        return self.mean_of(self.outputs(levels))

    def outputs(self, levels: torch.Tensor) -> list[torch.Tensor]:
        """Return what the network gives (B, K) for each of its views."""
        seen = (view.of(levels).contiguous(memory_format=torch.channels_last) for view in self._views)
        return [self.network((shown - self.offset) * self.scale) for shown in seen]

    def mean_of(self, outputs: Sequence[torch.Tensor]) -> torch.Tensor:
        """Return the log probabilities (B, K) of these ``outputs``, averaged over the views."""
        return log_mean_probabilities(outputs if self.gives_logits else map(logarithms_of, outputs))

    def take(self, classifier: Classifier) -> None:
        """Take weights and preprocessing of a classifier of the same architecture."""
        self.network.load_state_dict(classifier.network.state_dict())
        self.offset.copy_(classifier.subtracted.expand_as(self.offset))
        self.scale.copy_(classifier.scale.expand_as(self.scale))


class Ensemble(nn.Module):
    """Members that each see the levels of the whole image."""

    def __init__(self, members: Sequence[Member]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, levels: torch.Tensor) -> torch.Tensor:
        """Return the logarithm (B, K) of the mean probabilities of all members, for levels ``(B, C, H, W)`` float32."""
        return log_mean_probabilities([member(levels) for member in self.members])


def architecture_of(name: str) -> Architecture:
    """Return the architecture of an ensemble; ``name`` is ``ensemble``."""
    return Architecture(build=build_ensemble, chunk_size=CHUNK_SIZE_OF_ENSEMBLE)


def build_ensemble(
    *, input_shape: tuple[int, int, int], classes: int, members: Sequence[Mapping[str, Any]]
) -> nn.Module:
    """Build an ensemble with new weights; each member has an architecture, options, crop, views and outputs."""
    return Ensemble([member_of(member, input_shape=input_shape, classes=classes) for member in members])


def ensemble_of(classifiers: Sequence[Classifier], *, name: str) -> Classifier:
    """Return a classifier whose confidences are the mean of those of the ``classifiers``.

    An image that fools it fools most of them. Raises :class:`FoolingError` unless all have the same classes and images,
    and none has a fooling class.
    """
    first = classifiers[0]
    for other in classifiers:
        if other.class_names != first.class_names or other.input_shape != first.input_shape or other.fooling_class:
            raise FoolingError(
                f"{first.name} and {other.name} cannot be members of one ensemble",
                found=f"{_summary(first)}; {_summary(other)}",
                expected="the same classes, images of the same shape, and no fooling class",
                remedy="correct `members`",
            )
    keys = MemberHeader.model_fields
    members = [MemberHeader.model_validate({key: getattr(one, key) for key in keys}) for one in classifiers]
    options = {"members": [described(member) for member in members]}
    with torch.random.fork_rng(devices=[]):  # the new weights are replaced
        network = build_ensemble(input_shape=first.input_shape, classes=len(first.class_names), **options)
    for member, one in zip(network.members, classifiers, strict=True):  # type: ignore[arg-type]
        member.take(one)
    return Classifier(
        name=name,
        architecture="ensemble",
        options=options,
        network=network,
        input_shape=first.input_shape,
        class_names=first.class_names,
        offset=torch.zeros(first.input_shape[0], 1, 1),
        scale=torch.ones(first.input_shape[0], 1, 1),
        training_mean=first.training_mean,
        chunk_size=min(one.chunk_size for one in classifiers),
        device=first.device,
    )


def member_of(member: Mapping[str, Any], *, input_shape: tuple[int, int, int], classes: int) -> Member:
    """Build a member with new weights, from its architecture, options, crop, views and outputs."""
    fed = fed_shape(input_shape, member["crop"])
    network = build_network(member["architecture"], input_shape=fed, classes=classes, options=member["options"])
    views = views_of(input_shape, crop=member["crop"], views=member["views"])
    return Member(network, fed=fed, views=views, outputs=member.get("outputs", "logits"))


def _summary(classifier: Classifier) -> str:
    shape = "x".join(map(str, classifier.input_shape))
    extra = ", one of them for fooling images" if classifier.fooling_class else ""
    return f"{classifier.name}: {len(classifier.class_names)} classes{extra}, images {shape}"
