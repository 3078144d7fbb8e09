"""One step of gradient ascent against the same written down in numpy, part by part."""

from __future__ import annotations

import copy
import dataclasses
import math

import numpy as np
import pytest
import scipy.ndimage
import torch

from fooling.attacks.ascent.methods import blurred, rates, regularised
from fooling.attacks.settings import AscentSettings
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.gradients import log_odds_gradients
from fooling.messages import FoolingError
from linear_classifier import SHAPE, HandMade, made_classifier


def levels_of(count: int, seed: int = 0) -> torch.Tensor:
    return 255 * torch.rand(count, *SHAPE, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_gradients_are_those_of_the_network_written_by_hand(classifier: Classifier, by_hand: HandMade) -> None:
    levels, classes = levels_of(7), torch.tensor([0, 1, 2, 0, 1, 2, 0])
    log_odds, gradients = log_odds_gradients(classifier, levels, classes)
    for row in range(7):
        p, gradient = by_hand.confidence_and_gradient(levels[row].numpy(), int(classes[row]))
        assert log_odds[row].item() == pytest.approx(math.log(p / (1 - p)), rel=1e-4, abs=1e-5)
        np.testing.assert_allclose(gradients[row].numpy() * p * (1 - p), gradient, rtol=1e-3, atol=1e-9)


def test_gradients_of_ten_views_are_those_of_the_mean_probability(weights: np.ndarray) -> None:
    side, classes = 4, torch.tensor([0, 1, 2, 0, 1])
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * side * side, 3))
    linear = made_classifier(weights, np.zeros(3))
    classifier = dataclasses.replace(linear, network=network, crop=side, views="ten")
    levels = levels_of(5).requires_grad_()
    crops = [levels[..., top : top + side, left : left + side] for top in (0, 1) for left in (0, 2)]
    crops.append(levels[..., 0:side, 1 : 1 + side])
    exact = copy.deepcopy(network).double()
    fed = [
        (crop - linear.offset.double()) * linear.scale.double() for crop in (*crops, *(crop.flip(-1) for crop in crops))
    ]
    mean = torch.stack([exact(crop).softmax(dim=1) for crop in fed]).mean(dim=0)
    expected = torch.logit(mean.gather(1, classes[:, None]).squeeze(1))
    (by_level,) = torch.autograd.grad(expected.sum(), levels)
    log_odds, gradients = log_odds_gradients(classifier, levels.detach(), classes)
    np.testing.assert_allclose(log_odds, expected.detach(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(gradients, by_level, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("p", [0.001, 0.3, 0.79, 0.81, 0.999])
@pytest.mark.parametrize("largest", [1e-3, 1e7])
def test_the_step_size_is_the_formula(p: float, largest: float) -> None:
    settings = AscentSettings(early_progress=0.02, late_progress=0.1, largest_rate=largest)
    squared_norm = 3.7e-4  # of the gradient of the log-odds
    norm_of_gradient = p * (1 - p) * math.sqrt(squared_norm)
    expected = min(largest, min(0.02, 0.1 * (1 - p)) / norm_of_gradient**2) * p * (1 - p)
    log_odds = torch.tensor([math.log(p / (1 - p))], dtype=torch.float64)
    assert rates(log_odds, torch.tensor([squared_norm]).double(), settings).item() == pytest.approx(expected)


def test_a_hopeless_class_climbs_although_its_gradient_underflows_in_float32(weights: np.ndarray) -> None:
    sunk = made_classifier(weights, np.array([0.0, 0.0, -400.0]))
    levels = levels_of(1)
    log_odds, gradients = log_odds_gradients(sunk, levels, torch.tensor([2]))
    assert float(np.float32(math.exp(log_odds.item()))) == 0
    squared = gradients.flatten(1).square().sum(dim=1)
    unlimited = AscentSettings(largest_rate=1e30, early_progress=1e-9)
    assert 0 < rates(log_odds, squared, AscentSettings()).item() < 1e-100
    moved = levels + 1e3 * gradients
    assert log_odds_gradients(sunk, moved, torch.tensor([2]))[0] > log_odds
    capped = math.exp(math.log(1e30) + log_odds.item())  # p (1 - p) is p here
    assert rates(log_odds, squared, unlimited).item() == pytest.approx(capped, rel=1e-9)


def test_a_saturated_class_keeps_a_finite_step() -> None:
    found = rates(torch.tensor([800.0, -800.0]).double(), torch.tensor([1e-4, 1e-4]).double(), AscentSettings())
    assert found.isfinite().all()


def test_without_a_slope_nothing_moves() -> None:
    found = rates(torch.zeros(1).double(), torch.zeros(1).double(), AscentSettings())
    assert found.isfinite().all()


@pytest.mark.parametrize("radius", [0.3, 0.4, 1.0, 2.7])
def test_the_blur_is_a_gaussian_mirrored_at_the_edges(radius: float) -> None:
    images = levels_of(3).numpy()
    expected = scipy.ndimage.gaussian_filter(images, sigma=(0, 0, radius, radius), mode="reflect", truncate=4.0)
    np.testing.assert_allclose(blurred(torch.from_numpy(images), radius).numpy(), expected, rtol=1e-10)


def regular(images: np.ndarray, gradients: np.ndarray, *, step: int = 1, **settings: float | str) -> np.ndarray:
    made = AscentSettings.model_validate(settings)
    found = regularised(torch.from_numpy(images), torch.from_numpy(gradients), step=step, settings=made)
    return np.asarray(found.numpy())


@pytest.fixture
def moved() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(4)
    return generator.normal(0, 40, (3, *SHAPE)), generator.normal(0, 1, (3, *SHAPE))


def test_decay_alone(moved) -> None:
    images, gradients = moved
    np.testing.assert_allclose(regular(images, gradients, decay=0.25), 0.75 * images)
    np.testing.assert_array_equal(regular(images, gradients), images)


def test_blur_alone_every_other_step(moved) -> None:
    images, gradients = moved
    expected = scipy.ndimage.gaussian_filter(images, sigma=(0, 0, 0.7, 0.7))
    options = {"blur_radius": 0.7, "blur_every": 2}
    np.testing.assert_array_equal(regular(images, gradients, step=1, **options), images)
    np.testing.assert_allclose(regular(images, gradients, step=2, **options), expected)


def test_the_first_blur_can_come_earlier_as_in_the_released_code(moved) -> None:
    images, gradients = moved
    options = {"blur_radius": 0.7, "blur_every": 2}
    released = {**options, "first_blur": 1}
    for step in range(1, 6):
        blurs = not np.array_equal(regular(images, gradients, step=step, **released), images)
        assert blurs == (step % 2 == 1)
        assert blurs != (not np.array_equal(regular(images, gradients, step=step, **options), images))


def test_the_benefit_of_removing_has_the_released_codes_sign(moved) -> None:
    images, gradients = moved
    found = regular(images, gradients, small_benefit_percentile=20, benefit_of="removing")
    np.testing.assert_array_equal(found, set_back(images, (gradients * -images).sum(axis=1), 20))


def set_back(images: np.ndarray, values: np.ndarray, percentile: float) -> np.ndarray:
    """The images with all channels of the pixels 0 whose value is below the percentile in their own image."""
    expected = images.copy()
    for row in range(len(images)):
        small = values[row] < np.percentile(values[row], percentile)
        assert small.any()
        expected[row][:, small] = 0
    return expected


@pytest.mark.parametrize("percentile", [5.0, 20.0, 71.3])
def test_pixels_are_set_back_by_norm_or_benefit_alone(moved, percentile: float) -> None:
    images, gradients = moved
    benefit = (images * gradients).sum(axis=1)
    measures = {
        "small_norm_percentile": np.linalg.norm(images, axis=1),
        "small_benefit_percentile": benefit,
        "small_absolute_benefit_percentile": abs(benefit),
    }
    for option, values in measures.items():
        found = regular(images, gradients, **{option: percentile})
        np.testing.assert_array_equal(found, set_back(images, values, percentile))


def test_everything_at_once_in_its_order(moved) -> None:
    images, gradients = moved
    expected = scipy.ndimage.gaussian_filter(0.9 * images, sigma=(0, 0, 0.5, 0.5))
    expected = set_back(expected, np.linalg.norm(expected, axis=1), 20)
    expected = set_back(expected, abs((expected * gradients).sum(axis=1)), 40)
    options = {"decay": 0.1, "blur_radius": 0.5, "small_norm_percentile": 20, "small_absolute_benefit_percentile": 40}
    np.testing.assert_allclose(regular(images, gradients, **options), expected, rtol=1e-10)


def test_a_network_without_a_gradient_is_named(classifier: Classifier) -> None:
    class Frozen(torch.nn.Module):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            return classifier.network(inputs).detach()

    with pytest.raises(FoolingError, match="linear has no gradient"):
        log_odds_gradients(dataclasses.replace(classifier, network=Frozen()), levels_of(1), torch.tensor([0]))


def test_a_gradient_that_is_no_number_is_named(weights: np.ndarray) -> None:
    broken = weights.copy()
    broken[1, 3] = np.nan
    with pytest.raises(FoolingError, match="not finite numbers"):
        log_odds_gradients(made_classifier(broken, np.zeros(3)), levels_of(1), torch.tensor([0]))
