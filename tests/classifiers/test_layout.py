"""Networks run channels-last wherever they can, and in the plain layout where their code needs it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from fooling.classifiers.classifier import Classifier
from fooling.classifiers.ensemble import Member
from fooling.classifiers.layout import channels_last_zeros, lay_out, tried_logits
from fooling.classifiers.views import views_of

CPU = torch.device("cpu")


class Convolving(nn.Module):
    """A convolution and a linear layer, with flattening that works in every layout."""

    def __init__(self, channels: int = 1, side: int = 20) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, 3, 3)
        self.decide = nn.Linear(3 * (side - 2) ** 2, 4)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return self.decide(self.conv(values).relu().flatten(1))


class Viewing(Convolving):
    """The same, with a view that the channels-last layout does not allow."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        maps = self.conv(values).relu()
        return self.decide(maps.view(maps.size(0), -1))


class Lazy(nn.Module):
    """Takes the shape of its weights from the first images."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.decide = nn.LazyConv2d(3, 3), nn.LazyLinear(4)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return self.decide(self.conv(values).relu().flatten(1))


class Solid(nn.Module):
    """Has weights of five dimensions, which have no channels-last layout for images."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv3d(1, 3, (1, 3, 3))
        self.decide = nn.Linear(3 * 18 * 18, 4)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return self.decide(self.conv(values[:, None]).flatten(1))


def classifier_of(network: nn.Module, channels: int = 1) -> Classifier:
    with torch.no_grad():
        tried_logits(network, (2, channels, 20, 20))
    return Classifier(
        name="net",
        architecture="made here",
        network=network,
        input_shape=(channels, 20, 20),
        class_names=tuple("abcd"),
        offset=torch.full((channels, 1, 1), 100.0),
        scale=torch.full((channels, 1, 1), 1 / 100),
        training_mean=torch.full((channels, 20, 20), 90.0),
        chunk_size=8,
        device=CPU,
    )


def random_images(count: int, channels: int = 1) -> torch.Tensor:
    return torch.randint(0, 256, (count, channels, 20, 20), dtype=torch.uint8)


def is_channels_last(network: nn.Module) -> bool:
    """Whether the maps that its convolution gives for such an input lie channels-last."""
    channels = network.conv.weight.shape[1]
    return network.conv(channels_last_zeros((2, channels, 20, 20))).is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_network_with_a_view_runs_and_gives_the_same_as_without(channels: int) -> None:
    torch.manual_seed(0)
    viewing, convolving = Viewing(channels), Convolving(channels)
    convolving.load_state_dict(viewing.state_dict())
    images = random_images(19, channels)
    plain = classifier_of(viewing, channels)
    torch.testing.assert_close(plain.logits(images), classifier_of(convolving, channels).logits(images))
    assert torch.equal(plain.to(torch.device("cpu", 0)).logits(images), plain.logits(images))


@pytest.mark.parametrize("made", [Convolving, Lazy])
def test_a_network_that_can_runs_channels_last(made: Callable[[], nn.Module]) -> None:
    network = made()
    assert network.eval() is classifier_of(network).network
    assert is_channels_last(network)
    assert not network._forward_pre_hooks


def test_a_trial_leaves_the_weights_as_they_lie() -> None:
    for network in (Viewing(3), Convolving(3)):
        before = {key: (value.clone(), value.stride()) for key, value in network.state_dict().items()}
        with torch.no_grad():
            tried_logits(network, (2, 3, 20, 20))
        for key, value in network.state_dict().items():
            assert torch.equal(value, before[key][0])
            assert value.stride() == before[key][1]


def test_weights_without_a_channels_last_layout_stay_plain() -> None:
    classifier = classifier_of(Solid())
    images = random_images(3)
    with torch.no_grad():
        expected = classifier.network(classifier.inputs(images))
    torch.testing.assert_close(classifier.logits(images), expected)


def test_only_the_part_that_needs_it_is_laid_out_plain() -> None:
    views = views_of((1, 20, 20), crop=None, views="centre")
    parts = [Viewing(), Convolving()]
    members = nn.ModuleList(Member(network, fed=(1, 20, 20), views=views) for network in parts)
    with torch.no_grad():
        for network in parts:
            tried_logits(network, (2, 1, 20, 20))
    lay_out(members, CPU)
    levels = channels_last_zeros((2, 1, 20, 20))
    assert [member(levels).shape for member in members] == [(2, 4), (2, 4)]
    assert is_channels_last(parts[1])


def test_what_fails_in_both_layouts_fails_as_in_the_plain_one() -> None:
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        tried_logits(Viewing(side=21), (2, 1, 20, 20))
