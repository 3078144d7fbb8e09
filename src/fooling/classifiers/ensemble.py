"""Several networks as one, which says the mean of their confidences: an image that fools it fools most of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from fooling.classifiers.architectures import build_network
from fooling.classifiers.classifier import Classifier, logarithms_of
from fooling.classifiers.header import MemberHeader, Outputs
from fooling.classifiers.permission import described
from fooling.classifiers.views import View, fed_shape, log_mean_probabilities, views_of
from fooling.errors import FoolingError

#: Images scored at once, where none of its members wants fewer.
CHUNK_SIZE = 16


class Member(nn.Module):
    """A network with its own preprocessing: levels ``(B, C, H, W)`` float32 to the logarithms of its confidences."""

    offset: torch.Tensor
    scale: torch.Tensor

    def __init__(
        self, network: nn.Module, *, fed: tuple[int, int, int], views: Sequence[View], outputs: Outputs = "logits"
    ) -> None:
        super().__init__()
        self.network = network
        self._outputs = outputs
        self.register_buffer("offset", torch.zeros(fed))
        self.register_buffer("scale", torch.ones(fed[0], 1, 1))
        self._views = views

    def forward(self, levels: torch.Tensor) -> torch.Tensor:
        """The logarithms (B, K) of its confidences, over its own views."""
        seen = (view.of(levels).contiguous(memory_format=torch.channels_last) for view in self._views)
        given = [self.network((shown - self.offset) * self.scale) for shown in seen]
        return log_mean_probabilities(given if self._outputs == "logits" else map(logarithms_of, given))


class Ensemble(nn.Module):
    """Members that each see the levels of the whole image."""

    def __init__(self, members: Sequence[Member]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, levels: torch.Tensor) -> torch.Tensor:
        """The logarithms (B, K) of the mean of the members' confidences, for levels ``(B, C, H, W)`` float32."""
        return log_mean_probabilities([member(levels) for member in self.members])


def build(*, input_shape: tuple[int, int, int], classes: int, members: Sequence[Mapping[str, Any]]) -> nn.Module:
    """An ensemble with fresh weights; each of ``members`` has an architecture, options, crop, views and outputs."""
    return Ensemble([_member(member, input_shape=input_shape, classes=classes) for member in members])


def ensemble_of(classifiers: Sequence[Classifier], *, name: str) -> Classifier:
    """The ``classifiers`` as one, whose confidences are the mean of theirs.

    Raises :class:`FoolingError` unless all have the same classes and images, and none of them a fooling class.
    """
    first = classifiers[0]
    for other in classifiers:
        if other.class_names != first.class_names or other.input_shape != first.input_shape or other.fooling_class:
            raise FoolingError(
                f"{first.name} and {other.name} cannot be members of one ensemble",
                found=f"{_told(first)}; {_told(other)}",
                expected="the same classes, images of the same shape, and no fooling class",
                remedy="correct `members`",
            )
    keys = MemberHeader.model_fields
    members = [MemberHeader.model_validate({key: getattr(one, key) for key in keys}) for one in classifiers]
    options = {"members": [described(member) for member in members]}
    with torch.random.fork_rng(devices=[]):  # the fresh weights are thrown away
        network = build(input_shape=first.input_shape, classes=len(first.class_names), **options)
    for member, one in zip(network.members, classifiers, strict=True):  # type: ignore[arg-type]
        member.network.load_state_dict(one.network.state_dict())
        member.offset.copy_(one.subtracted.expand_as(member.offset))
        member.scale.copy_(one.scale.expand_as(member.scale))
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


def _member(member: Mapping[str, Any], *, input_shape: tuple[int, int, int], classes: int) -> Member:
    fed = fed_shape(input_shape, member["crop"])
    network = build_network(member["architecture"], input_shape=fed, classes=classes, options=member["options"])
    views = views_of(input_shape, crop=member["crop"], views=member["views"])
    return Member(network, fed=fed, views=views, outputs=member.get("outputs", "logits"))


def _told(classifier: Classifier) -> str:
    shape = "x".join(map(str, classifier.input_shape))
    extra = ", one of them for fooling images" if classifier.fooling_class else ""
    return f"{classifier.name}: {len(classifier.class_names)} classes{extra}, images {shape}"
