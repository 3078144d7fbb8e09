"""Gradients by the levels of an image: of networks that change their input in place, and of probabilities."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from fooling.classifiers.classifier import Classifier
from fooling.classifiers.gradients import (
    built_as,
    log_odds_gradients,
    logits_and_features,
    logits_of_levels,
    loss_of,
    weight_decay_of,
)
from fooling.classifiers.networks import build_lenet
from fooling.messages import FoolingError
from linear_classifier import SHAPE, HandMade, made_classifier


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

    with pytest.raises(FoolingError, match=r"net has no gradients(.|\n)*in no_grad(.|\n)*remove it from"):
        log_odds_gradients(classifier_of(Frozen()), LEVELS, CLASSES)


COUNT = 3
IMAGES = np.random.default_rng(0).integers(0, 256, (11, 1, 16, 16)).astype(np.uint8)


def classifier_of_squares(network: nn.Module) -> Classifier:
    return Classifier(
        name="network",
        architecture="own",
        network=network,
        input_shape=(1, 16, 16),
        class_names=tuple("abc"),
        offset=torch.tensor(0.0),
        scale=torch.tensor(1 / 256),
        training_mean=torch.zeros(1, 16, 16),
        chunk_size=4,
        device=torch.device("cpu"),
    )


def test_features_are_what_the_last_linear_layer_decides_by():
    network = build_lenet(input_shape=(1, 16, 16), classes=COUNT)
    classifier = classifier_of_squares(network)
    logits, features = logits_and_features(classifier, IMAGES)
    assert features.shape == (11, 500)
    np.testing.assert_array_equal(logits, classifier.logits(torch.from_numpy(IMAGES)).numpy())
    decided = features.astype(np.float64) @ network.fc2.weight.double().detach().numpy().T
    np.testing.assert_allclose(decided + network.fc2.bias.double().detach().numpy(), logits, atol=1e-5)
    assert not any(layer._forward_pre_hooks for layer in network.modules())


def test_maps_before_a_last_convolution_are_averaged():
    body, last = nn.Sequential(nn.Conv2d(1, 5, 3), nn.ReLU()), nn.Conv2d(5, COUNT, 1)
    network = nn.Sequential(body, last, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    classifier = classifier_of_squares(network)
    logits, features = logits_and_features(classifier, IMAGES)
    with torch.inference_mode():
        expected = body(classifier.inputs(torch.from_numpy(IMAGES))).mean(dim=(2, 3)).numpy()
    np.testing.assert_allclose(features, expected, rtol=1e-5, atol=1e-6)
    # A 1x1 convolution and averaging may change places: the averages decide.
    weight, bias = last.weight[:, :, 0, 0].detach().numpy(), last.bias.detach().numpy()
    np.testing.assert_allclose(features @ weight.T + bias, logits, rtol=1e-4, atol=1e-5)


def test_a_network_may_answer_with_the_very_memory_it_is_fed():
    ten = dataclasses.replace(classifier_of_squares(Untaught()), crop=12, views="ten")
    fed = np.stack([view.of(torch.from_numpy(IMAGES)).numpy()[:, 0, 0, :COUNT] / 256 for view in ten.seen])
    expected = np.exp(fed) / np.exp(fed).sum(axis=2, keepdims=True)
    np.testing.assert_allclose(ten.confidences(torch.from_numpy(IMAGES)), expected.mean(axis=0), rtol=1e-5)


def test_of_ten_views_the_features_are_those_of_the_centre():
    network = nn.Sequential(nn.Flatten(), nn.Linear(144, 6), nn.ReLU(), nn.Linear(6, COUNT))
    ten = dataclasses.replace(classifier_of_squares(network), crop=12, views="ten")
    logits, features = logits_and_features(ten, IMAGES)
    np.testing.assert_array_equal(features, logits_and_features(ten.with_centre_view(), IMAGES)[1])
    np.testing.assert_array_equal(logits, ten.logits(torch.from_numpy(IMAGES)))


class Backwards(nn.Module):
    """A network that names its last layer first."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(7, COUNT)
        self.first = nn.Linear(256, 7)

    def forward(self, values: Tensor) -> Tensor:
        decided: Tensor = self.last(input=self.first(values.flatten(1)))
        return decided


def test_the_last_layer_is_the_one_that_runs_last():
    assert logits_and_features(classifier_of_squares(Backwards()), IMAGES)[1].shape == (11, 7)


class Sequence(nn.Module):
    """A network that decides at every place of a sequence and averages what it says."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(16, COUNT)

    def forward(self, values: Tensor) -> Tensor:
        return torch.as_tensor(self.last(values[:, 0]).mean(dim=1))


def test_the_places_of_a_sequence_are_averaged():
    features = logits_and_features(classifier_of_squares(Sequence()), IMAGES)[1]
    np.testing.assert_allclose(features, IMAGES[:, 0].mean(axis=1) / 256, rtol=1e-5)


class Untaught(nn.Module):
    """A network without weights."""

    def forward(self, values: Tensor) -> Tensor:
        return values.flatten(1)[:, :COUNT]


class Repeating(nn.Module):
    """A network that decides by one layer twice."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(COUNT, COUNT)

    def forward(self, values: Tensor) -> Tensor:
        return torch.as_tensor(self.layer(self.layer(values.flatten(1)[:, :COUNT])))


class Product(nn.Module):
    """A network as converters write it: its last step is a product with weights that belong to no layer."""

    def __init__(self, product: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.first = nn.Linear(256, COUNT)
        self.register_buffer("weights", torch.eye(COUNT))
        self.product = product

    def forward(self, values: Tensor) -> Tensor:
        return self.product(self.first(values.flatten(1)), self.get_buffer("weights")) + 1


@pytest.mark.parametrize(
    "product",
    [
        torch.matmul,
        torch.mm,
        nn.functional.linear,
        lambda values, weights: torch.einsum("bi,ij->bj", values, weights),
        lambda values, weights: torch.addmm(torch.zeros(COUNT), values, weights),
        lambda values, weights: nn.functional.conv2d(values[..., None, None], weights[..., None, None])[..., 0, 0],
    ],
)
def test_a_network_that_ends_in_a_product_is_refused(product: Callable[[Tensor, Tensor], Tensor]):
    with pytest.raises(FoolingError, match="a product without a layer of its own after the last one: "):
        logits_and_features(classifier_of_squares(Product(product)), IMAGES)


def test_what_follows_the_last_layer_may_scale_and_normalise():
    network = nn.Sequential(nn.Flatten(), nn.Linear(256, COUNT), nn.BatchNorm1d(COUNT), nn.LogSoftmax(dim=1))
    assert logits_and_features(classifier_of_squares(network), IMAGES)[1].shape == (11, 256)


@pytest.mark.parametrize(("make", "found"), [(Untaught, "no linear or conv"), (Repeating, "more than once")])
def test_a_network_without_a_layer_that_decides_is_refused(make: Callable[[], nn.Module], found: str):
    with pytest.raises(FoolingError, match=f"the network network has no features.*\n  found: .*{found}"):
        logits_and_features(classifier_of_squares(make()), IMAGES)


WEIGHTS = np.random.default_rng(1).normal(size=(3, int(np.prod(SHAPE))))
BIAS = np.array([1.0, 0.0, -2.0])


def trained(**training):
    classifier = made_classifier(WEIGHTS, BIAS)
    return dataclasses.replace(classifier, provenance={"settings": {"training": training}})


def test_float_levels_get_the_preprocessing_of_images():
    classifier = made_classifier(WEIGHTS, BIAS)
    by_hand = HandMade(WEIGHTS, BIAS, classifier.offset.numpy(), classifier.scale.numpy())
    levels = np.random.default_rng(2).normal(0, 500, (7, *SHAPE)).astype(np.float32)
    logits = logits_of_levels(classifier, torch.from_numpy(levels)).numpy()
    np.testing.assert_allclose(logits, by_hand.logits(levels), rtol=1e-4, atol=1e-3)


def test_levels_of_an_image_get_the_logits_of_the_image():
    classifier = made_classifier(WEIGHTS, BIAS)
    images = torch.randint(0, 256, (6, *SHAPE), dtype=torch.uint8)
    assert torch.equal(logits_of_levels(classifier, images.float()), classifier.logits(images))


def test_another_shape_and_logits_that_are_not_finite_are_refused():
    with pytest.raises(FoolingError, match="takes other images"):
        logits_of_levels(made_classifier(WEIGHTS, BIAS), torch.zeros(2, 1, 5, 6))
    with pytest.raises(FoolingError, match="far from the data\n  found: 2 of 2 inputs"):
        logits_of_levels(made_classifier(np.full_like(WEIGHTS, 1e38), BIAS), torch.full((2, *SHAPE), 1e6))


def test_a_network_is_described_by_its_options_and_loss():
    network = dataclasses.replace(
        trained(loss="sigmoids", optimiser={"kind": "sgd", "weight_decay": 0.5}),
        architecture="mlp",
        options={"hidden": [200, 100], "activation": "tanh"},
    )
    assert built_as(network) == "mlp, activation tanh, hidden 200-100, sigmoids"
    assert (loss_of(network), weight_decay_of(network)) == ("sigmoids", 0.5)


def test_an_ensemble_is_described_by_its_size():
    network = dataclasses.replace(
        made_classifier(WEIGHTS, BIAS), architecture="ensemble", options={"members": [{"name": "a"}, {"name": "b"}]}
    )
    assert built_as(network) == "ensemble of 2"


def test_an_imported_network_has_no_weight_decay_and_is_read_as_a_softmax():
    network = dataclasses.replace(made_classifier(WEIGHTS, BIAS), provenance={"settings": {"weights": "w"}})
    assert (built_as(network), loss_of(network), weight_decay_of(network)) == ("test", "softmax", None)
