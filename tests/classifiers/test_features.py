"""What networks of several kinds make of images before they decide."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from fooling.classifiers import lenet
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.features import logits_and_features
from fooling.errors import FoolingError

CLASSES = 3
IMAGES = np.random.default_rng(0).integers(0, 256, (11, 1, 16, 16)).astype(np.uint8)


def classifier_of(network: nn.Module) -> Classifier:
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
    network = lenet.build(input_shape=(1, 16, 16), classes=CLASSES)
    classifier = classifier_of(network)
    logits, features = logits_and_features(classifier, IMAGES)
    assert features.shape == (11, 500)
    np.testing.assert_array_equal(logits, classifier.logits(torch.from_numpy(IMAGES)).numpy())
    decided = features.astype(np.float64) @ network.fc2.weight.double().detach().numpy().T
    np.testing.assert_allclose(decided + network.fc2.bias.double().detach().numpy(), logits, atol=1e-5)
    assert not any(layer._forward_pre_hooks for layer in network.modules())


def test_maps_before_a_last_convolution_are_averaged():
    body, last = nn.Sequential(nn.Conv2d(1, 5, 3), nn.ReLU()), nn.Conv2d(5, CLASSES, 1)
    network = nn.Sequential(body, last, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    classifier = classifier_of(network)
    logits, features = logits_and_features(classifier, IMAGES)
    with torch.inference_mode():
        expected = body(classifier.inputs(torch.from_numpy(IMAGES))).mean(dim=(2, 3)).numpy()
    np.testing.assert_allclose(features, expected, rtol=1e-5, atol=1e-6)
    # A 1x1 convolution and averaging may change places: the averages decide.
    weight, bias = last.weight[:, :, 0, 0].detach().numpy(), last.bias.detach().numpy()
    np.testing.assert_allclose(features @ weight.T + bias, logits, rtol=1e-4, atol=1e-5)


def test_a_network_may_answer_with_the_very_memory_it_is_fed():
    ten = dataclasses.replace(classifier_of(Untaught()), crop=12, views="ten")
    fed = np.stack([view.of(torch.from_numpy(IMAGES)).numpy()[:, 0, 0, :CLASSES] / 256 for view in ten.seen])
    expected = np.exp(fed) / np.exp(fed).sum(axis=2, keepdims=True)
    np.testing.assert_allclose(ten.confidences(torch.from_numpy(IMAGES)), expected.mean(axis=0), rtol=1e-5)


def test_of_ten_views_the_features_are_those_of_the_centre():
    network = nn.Sequential(nn.Flatten(), nn.Linear(144, 6), nn.ReLU(), nn.Linear(6, CLASSES))
    ten = dataclasses.replace(classifier_of(network), crop=12, views="ten")
    logits, features = logits_and_features(ten, IMAGES)
    np.testing.assert_array_equal(features, logits_and_features(ten.with_centre_alone(), IMAGES)[1])
    np.testing.assert_array_equal(logits, ten.logits(torch.from_numpy(IMAGES)))


class Backwards(nn.Module):
    """A network that names its last layer first."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(7, CLASSES)
        self.first = nn.Linear(256, 7)

    def forward(self, values: Tensor) -> Tensor:
        decided: Tensor = self.last(input=self.first(values.flatten(1)))
        return decided


def test_the_last_layer_is_the_one_that_runs_last():
    assert logits_and_features(classifier_of(Backwards()), IMAGES)[1].shape == (11, 7)


class Sequence(nn.Module):
    """A network that decides at every place of a sequence and averages what it says."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(16, CLASSES)

    def forward(self, values: Tensor) -> Tensor:
        return torch.as_tensor(self.last(values[:, 0]).mean(dim=1))


def test_the_places_of_a_sequence_are_averaged():
    features = logits_and_features(classifier_of(Sequence()), IMAGES)[1]
    np.testing.assert_allclose(features, IMAGES[:, 0].mean(axis=1) / 256, rtol=1e-5)


class Untaught(nn.Module):
    """A network without weights."""

    def forward(self, values: Tensor) -> Tensor:
        return values.flatten(1)[:, :CLASSES]


class Repeating(nn.Module):
    """A network that decides by one layer twice."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(CLASSES, CLASSES)

    def forward(self, values: Tensor) -> Tensor:
        return torch.as_tensor(self.layer(self.layer(values.flatten(1)[:, :CLASSES])))


class Product(nn.Module):
    """A network as converters write it: its last step is a product with weights that belong to no layer."""

    def __init__(self, product: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.first = nn.Linear(256, CLASSES)
        self.register_buffer("weights", torch.eye(CLASSES))
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
        lambda values, weights: torch.addmm(torch.zeros(CLASSES), values, weights),
        lambda values, weights: nn.functional.conv2d(values[..., None, None], weights[..., None, None])[..., 0, 0],
    ],
)
def test_a_network_that_ends_in_a_product_is_refused(product: Callable[[Tensor, Tensor], Tensor]):
    with pytest.raises(FoolingError, match="a product without a layer of its own after the last one: "):
        logits_and_features(classifier_of(Product(product)), IMAGES)


def test_what_follows_the_last_layer_may_scale_and_normalise():
    network = nn.Sequential(nn.Flatten(), nn.Linear(256, CLASSES), nn.BatchNorm1d(CLASSES), nn.LogSoftmax(dim=1))
    assert logits_and_features(classifier_of(network), IMAGES)[1].shape == (11, 256)


@pytest.mark.parametrize(("make", "found"), [(Untaught, "no linear or conv"), (Repeating, "more than once")])
def test_a_network_without_a_layer_that_decides_is_refused(make: Callable[[], nn.Module], found: str):
    with pytest.raises(FoolingError, match=f"the network network has no features.*\n  found: .*{found}"):
        logits_and_features(classifier_of(make()), IMAGES)
