"""Levels of any size are preprocessed and scored as those of images, and a network's training is described."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from fooling.classifiers.unbounded import built_as, logits_of_levels, loss_of, weight_decay_of
from fooling.errors import FoolingError
from linear_classifier import SHAPE, HandMade, made_classifier

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
