"""Rays: the slopes of linear and piecewise linear networks are known, and bounded units saturate."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch

from fooling.classifiers.classifier import Classifier
from fooling.classifiers.networks import build_mlp
from fooling.cli.probes import _far_network
from fooling.findings.far import LEVELS, FarSettings
from fooling.findings.rays import RAY_SLOPES, RAYS, directions, rays_tables
from fooling.table import require_valid
from linear_classifier import SHAPE, made_classifier

SETTINGS = FarSettings(rays=6, doublings=12)
IMAGES = np.random.default_rng(0).integers(0, 256, (9, *SHAPE), dtype=np.uint8)


def weights(rows: int, columns: int, *, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, columns))


def mlp(activation: str) -> Classifier:
    """A network with two hidden layers and large biases, on the input of :func:`made_classifier`."""
    torch.manual_seed(4)
    network = build_mlp(input_shape=SHAPE, classes=3, hidden=(20, 15), activation=activation)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("bias"):
                parameter.copy_(torch.randn(parameter.shape))
    made = made_classifier(weights(3, int(np.prod(SHAPE))), np.zeros(3))
    return dataclasses.replace(made, name=activation, network=network)


def tables(classifier: Classifier) -> tuple[pd.DataFrame, pd.DataFrame]:
    along = directions(IMAGES, SETTINGS)
    return rays_tables([_far_network(classifier)], along, doublings=SETTINGS.doublings, threshold=0.9999)


def along_of(slopes: pd.DataFrame) -> np.ndarray:
    """The direction of each row."""
    found = directions(IMAGES, SETTINGS)
    return np.stack([found[row.direction][row.ray] for row in slopes.itertuples()])


def gap(logits: np.ndarray) -> np.ndarray:
    """By how much the largest of each row exceeds the second largest."""
    ordered = np.sort(logits, axis=1)
    return ordered[:, -1] - ordered[:, -2]


def test_the_slopes_of_a_linear_network_are_those_of_its_weights():
    rows = weights(3, int(np.prod(SHAPE)))
    classifier = made_classifier(rows, np.array([3.0, -2.0, 1.0]))
    confidences, slopes = tables(classifier)
    require_valid(confidences, RAYS, source="rays")
    require_valid(slopes, RAY_SLOPES, source="slopes")
    scaled = LEVELS * along_of(slopes) * classifier.scale.numpy()
    expected = gap(scaled.reshape(len(slopes), -1) @ rows.T)
    np.testing.assert_allclose(slopes["measured_slope"], expected, rtol=1e-4)
    np.testing.assert_allclose(slopes["gradient_slope"], expected, rtol=1e-5)
    assert slopes["slope_difference"].max() < 1e-4
    assert len(slopes) == 12 and (slopes["factor"] == 4096).all() and (slopes["sure"] == 1).all()


def test_the_slopes_of_a_relu_network_are_those_of_the_network_without_biases():
    """Far along a ray every bias is negligible: the logits grow as those of the same network with biases of 0."""
    classifier = mlp("relu")
    _, slopes = tables(classifier)
    values = (LEVELS * along_of(slopes) * classifier.scale.numpy()).reshape(len(slopes), -1)
    layers = [layer for layer in classifier.network if isinstance(layer, torch.nn.Linear)]
    for layer in layers:
        values = values @ layer.weight.detach().numpy().T.astype(np.float64)
        values = values if layer is layers[-1] else values.clip(0)
    np.testing.assert_allclose(slopes["measured_slope"], gap(values), rtol=0.01)
    np.testing.assert_allclose(slopes["gradient_slope"], gap(values), rtol=0.01)


def test_a_network_of_bounded_units_saturates():
    confidences, slopes = tables(mlp("tanh"))
    assert slopes["last_change"].abs().max() < 0.1
    _, linear = tables(mlp("relu"))
    assert linear["last_change"].min() > 1
    last = confidences[~confidences["clipped"]].groupby("direction")["median_log_odds"].agg(["last", "max"])
    assert (last["max"] < 20).all()


def test_clipped_rays_end_in_black_and_white():
    seen = []
    network = _far_network(made_classifier(weights(3, int(np.prod(SHAPE))), np.zeros(3)))

    def logits(levels: np.ndarray) -> np.ndarray:
        seen.append(levels)
        return network.logits(levels)

    along = directions(IMAGES, SETTINGS)
    rays_tables([dataclasses.replace(network, logits=logits)], along, doublings=SETTINGS.doublings, threshold=0.9999)
    unclipped, clipped = seen[:13], seen[13:26]
    np.testing.assert_allclose(unclipped[3], 8 * unclipped[0])
    np.testing.assert_allclose(clipped[3], unclipped[3].clip(0, 255), rtol=1e-6)
    assert set(np.unique(clipped[-1])) == {0, 255}


def test_the_same_seed_gives_the_same_rays_and_few_test_images_are_enough():
    first, again = (directions(IMAGES, SETTINGS) for _ in range(2))
    other = directions(IMAGES, FarSettings(rays=6, seed=2))
    for kind, x in first.items():
        np.testing.assert_array_equal(x, again[kind])
        assert not np.array_equal(x, other[kind])
    assert len(directions(IMAGES, FarSettings(rays=50))["image"]) == 9
    assert first["image"].max() <= 1 and (first["image"][0] * LEVELS).round(6).astype(np.uint8) in IMAGES


def test_retrained_networks_have_no_rays():
    network = _far_network(made_classifier(weights(3, int(np.prod(SHAPE))), np.zeros(3)))
    retrained = dataclasses.replace(network, name="dnn2", number=2)
    confidences, _ = rays_tables([network, retrained], directions(IMAGES, SETTINGS), doublings=2, threshold=0.9999)
    assert set(confidences["classifier"]) == {"linear"}
    assert confidences["factor"].drop_duplicates().tolist() == [1, 2, 4]


@pytest.mark.parametrize("direction", ["image", "noise"])
def test_confidences_along_a_ray_are_medians_and_quartiles(direction):
    confidences, _ = tables(mlp("relu"))
    rows = confidences[confidences["direction"] == direction]
    assert (rows["low_log_odds"] <= rows["median_log_odds"]).all()
    assert (rows["median_log_odds"] <= rows["high_log_odds"]).all()
    assert rows.groupby("clipped")["factor"].count().tolist() == [13, 13]
