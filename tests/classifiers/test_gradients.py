"""Gradients by the levels of an image: of networks that change their input in place, and of probabilities."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor, nn

from fooling.classifiers.classifier import Classifier
from fooling.classifiers.gradients import log_odds_gradients
from fooling.errors import FoolingError


class InPlace(nn.Module):
    """Shifts its input in place, and clips it, before a linear layer."""

    def __init__(self, decide: nn.Module, *, in_place: bool = True) -> None:
        super().__init__()
        self.decide, self._in_place = decide, in_place

    def forward(self, values: Tensor) -> Tensor:
        clipped = values.sub_(0.1).relu_() if self._in_place else (values - 0.1).relu()
        return self.decide(clipped.flatten(1))


def classifier_of(network: nn.Module, *, views: str = "centre", side: int = 6) -> Classifier:
    return Classifier(
        name="net",
        architecture="made here",
        network=network,
        input_shape=(1, 8, 7),
        crop=side,
        views=views,
        class_names=tuple("abc"),
        offset=torch.full((1, 1, 1), 100.0),
        scale=torch.full((1, 1, 1), 1 / 50),
        training_mean=torch.full((1, 8, 7), 90.0),
        chunk_size=4,
        device=torch.device("cpu"),
    )


def linear() -> nn.Linear:
    torch.manual_seed(3)
    return nn.Linear(36, 3)


LEVELS = 255 * torch.rand(5, 1, 8, 7, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
CLASSES = torch.tensor([0, 1, 2, 0, 1])


@pytest.mark.parametrize("views", ["centre", "ten"])
def test_an_input_changed_in_place_has_the_gradient_of_one_that_is_not(views: str) -> None:
    found, expected = (
        log_odds_gradients(classifier_of(InPlace(linear(), in_place=choice), views=views), LEVELS, CLASSES)
        for choice in (True, False)
    )
    assert torch.equal(found[0], expected[0])
    assert torch.equal(found[1], expected[1])
    assert expected[1].abs().amin(dim=(1, 2, 3)).max() == 0  # some levels are clipped
    assert (expected[1].abs().amax(dim=(1, 2, 3)) > 0).all()


@pytest.mark.parametrize("views", ["centre", "ten"])
def test_probabilities_have_the_gradient_and_confidences_of_their_logits(views: str) -> None:
    network = nn.Sequential(nn.Flatten(), linear())
    plain = classifier_of(network, views=views)
    soft = dataclasses.replace(plain, network=nn.Sequential(network, nn.Softmax(1)), outputs="probabilities")
    images = LEVELS.to(torch.uint8)
    torch.testing.assert_close(soft.confidences(images), plain.confidences(images))
    for found, expected in zip(
        log_odds_gradients(soft, LEVELS, CLASSES), log_odds_gradients(plain, LEVELS, CLASSES), strict=True
    ):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


def test_probabilities_of_many_labels_are_divided_by_their_sum() -> None:
    network = nn.Sequential(nn.Flatten(), linear(), nn.Sigmoid())
    classifier = dataclasses.replace(classifier_of(network), outputs="probabilities")
    images = LEVELS.to(torch.uint8)
    with torch.no_grad():
        given = network(classifier.inputs(classifier.seen[0].of(images)))
    torch.testing.assert_close(classifier.confidences(images), given / given.sum(dim=1, keepdim=True))


def test_a_probability_of_zero_is_the_least_one_and_leaves_numbers_finite() -> None:
    certain = nn.Linear(36, 3)
    with torch.no_grad():
        certain.weight.mul_(1e4)
    soft = dataclasses.replace(
        classifier_of(nn.Sequential(nn.Flatten(), certain, nn.Softmax(1))), outputs="probabilities"
    )
    assert soft.logits(LEVELS.to(torch.uint8)).amin() == pytest.approx(-87.336, abs=1e-2)
    _, gradients = log_odds_gradients(soft, LEVELS, CLASSES)
    assert gradients.isfinite().all()


def test_what_is_no_probability_is_refused_whenever_it_is_met() -> None:
    network = nn.Sequential(nn.Flatten(), linear())
    classifier = dataclasses.replace(classifier_of(network), outputs="probabilities")
    with pytest.raises(FoolingError, match="not finite numbers"):
        classifier.logits(LEVELS.to(torch.uint8))


def test_what_a_network_keeps_of_scoring_serves_a_gradient() -> None:
    class Keeping(nn.Module):
        """Keeps the squares of its first images, as some keep positions, for batches of their size."""

        def __init__(self) -> None:
            super().__init__()
            self.decide, self.kept = linear(), None

        def forward(self, values: Tensor) -> Tensor:
            if self.kept is None:
                self.kept = values.detach().square()[:1]
            return self.decide((values * self.kept).flatten(1))

    classifier = classifier_of(Keeping())
    classifier.logits(LEVELS.to(torch.uint8))
    assert log_odds_gradients(classifier, LEVELS, CLASSES)[1].isfinite().all()


def test_a_part_without_gradients_is_named() -> None:
    class Frozen(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.decide = nn.Conv2d(1, 1, 1), linear()

        def forward(self, values: Tensor) -> Tensor:
            with torch.no_grad():
                values = self.first(values)
            return self.decide(values.flatten(1))

    with pytest.raises(FoolingError, match=r"net has no gradients(.|\n)*in no_grad(.|\n)*remove it from `classifiers`"):
        log_odds_gradients(classifier_of(Frozen()), LEVELS, CLASSES)
