"""Logits of stored images: the right numbers, the same bits whatever is scored beside an image."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import scipy.special
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from torch import nn

from fooling.classifiers.classifier import (
    Classifier,
    confidences_of,
    cropped,
    drawn_places,
    fed_shape,
    log_mean_probabilities,
    log_odds_of,
    views_of,
)
from fooling.datasets.dataset import Dataset
from fooling.messages import FoolingError


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def colour_classifier() -> Classifier:
    torch.manual_seed(1)
    network = nn.Sequential(
        nn.Conv2d(3, 24, 5), nn.BatchNorm2d(24), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(384, 7)
    )
    return Classifier(
        name="colour",
        architecture="made here",
        network=network,
        input_shape=(3, 33, 29),
        class_names=tuple("abcdefg"),
        offset=torch.tensor([120.0, 110.0, 100.0]).reshape(3, 1, 1),
        scale=torch.full((1, 1, 1), 1 / 64),
        training_mean=torch.full((3, 33, 29), 99.0),
        chunk_size=16,
        device=torch.device("cpu"),
    )


def cropping_classifier(views: str = "ten", **changes: Any) -> Classifier:
    """The network of the one above, fed squares of 24 pixels."""
    whole = colour_classifier()
    return dataclasses.replace(whole, crop=24, views=views, **changes)


def ten_crops(images: np.ndarray) -> list[np.ndarray]:
    """The ten squares of 24 pixels of images (B, C, 33, 29)."""
    places = [(4, 2), (0, 0), (0, 5), (9, 0), (9, 5)]
    crops = [images[..., top : top + 24, left : left + 24] for top, left in places]
    return crops + [crop[..., ::-1].copy() for crop in crops]


def random_images(classifier: Classifier, count: int) -> torch.Tensor:
    return torch.randint(0, 256, (count, *classifier.input_shape), dtype=torch.uint8)


def test_logits_are_those_of_the_network_fed_as_described(lenet: Classifier) -> None:
    for classifier in (lenet, colour_classifier()):
        images = random_images(classifier, 70)
        with torch.no_grad():
            expected = classifier.network((images.float() - classifier.offset) * classifier.scale)
        torch.testing.assert_close(classifier.logits(images), expected, rtol=1e-4, atol=1e-5)


def test_inputs_are_offset_and_scaled_per_channel() -> None:
    classifier = colour_classifier()
    images = random_images(classifier, 3)
    levels = images.numpy().astype(np.float64)
    expected = (levels - np.array([120, 110, 100]).reshape(3, 1, 1)) / 64
    np.testing.assert_allclose(classifier.inputs(images).numpy(), expected, rtol=1e-6)


@pytest.mark.parametrize("count", [1, 15, 16, 49, 50, 51, 130])
def test_an_image_has_the_same_logits_in_any_company(lenet: Classifier, count: int) -> None:
    for classifier in (lenet, colour_classifier(), cropping_classifier()):
        images = random_images(classifier, 130)
        together = classifier.logits(images)
        chosen = torch.randperm(130)[:count]
        assert torch.equal(classifier.logits(images[chosen]), together[chosen])


@pytest.mark.usefixtures("threads")
def test_one_thread_and_two_give_the_same_bits(lenet: Classifier) -> None:
    for classifier in (lenet, colour_classifier(), cropping_classifier()):
        images = random_images(classifier, 120)
        torch.set_num_threads(1)
        alone = classifier.logits(images)
        torch.set_num_threads(2)
        assert torch.equal(classifier.logits(images), alone)


def test_without_crops_the_logits_are_the_bits_of_the_network_alone(lenet: Classifier) -> None:
    for classifier in (lenet, lenet.with_mean_subtracted(), colour_classifier()):
        images = random_images(classifier, classifier.chunk_size)
        fed = torch.zeros(classifier.chunk_size, *[classifier.input_shape[place] for place in (1, 2, 0)])
        fed = fed.permute(0, 3, 1, 2).copy_(images).sub_(classifier.offset).mul_(classifier.scale)
        with torch.inference_mode():
            assert torch.equal(classifier.logits(images), classifier.network(fed))


def test_ten_views_give_the_mean_of_ten_probabilities() -> None:
    classifier = cropping_classifier()
    images = random_images(classifier, 21)
    with torch.no_grad():
        told = [
            classifier.network((torch.from_numpy(crop).float() - classifier.offset) * classifier.scale)
            for crop in ten_crops(images.numpy())
        ]
    expected = np.mean([scipy.special.softmax(one.double().numpy(), axis=1) for one in told], axis=0)
    np.testing.assert_allclose(classifier.confidences(images), expected, rtol=1e-4)
    np.testing.assert_allclose(classifier.logits(images), np.log(expected), rtol=1e-4, atol=1e-5)
    centre = cropping_classifier("centre")
    assert torch.equal(classifier.with_centre_view().logits(images), centre.logits(images))
    torch.testing.assert_close(centre.logits(images), told[0], rtol=1e-4, atol=1e-5)


def test_of_a_mean_image_the_centre_is_subtracted_from_every_crop() -> None:
    mean = torch.rand(3, 33, 29) * 255
    classifier = cropping_classifier(training_mean=mean).with_mean_subtracted()
    images = random_images(classifier, 5)
    with torch.no_grad():
        told = [
            classifier.network((torch.from_numpy(crop).float() - mean[:, 4:28, 2:26]) / 64)
            for crop in ten_crops(images.numpy())
        ]
    expected = np.mean([scipy.special.softmax(one.double().numpy(), axis=1) for one in told], axis=0)
    np.testing.assert_allclose(classifier.confidences(images), expected, rtol=1e-4)


@pytest.mark.parametrize("crop", [30, 34, 1000])
def test_a_crop_larger_than_the_images_is_named(crop: int) -> None:
    with pytest.raises(FoolingError, match=rf"input.crop is larger(.|\n)*{crop} for 33x29(.|\n)*at most 29"):
        dataclasses.replace(colour_classifier(), crop=crop)


class Greedy(nn.Module):
    """A network for which no GPU is large enough."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has 8.00 GiB.")


@pytest.mark.parametrize("views", ["centre", "ten"])
def test_a_gpu_that_is_too_small_is_told_with_the_setting_to_lower(views: str) -> None:
    classifier = dataclasses.replace(cropping_classifier(views), network=Greedy())
    with pytest.raises(FoolingError, match=r"needs more memory(.|\n)*CUDA out of memory\n(.|\n)*`chunk_size`.*now 16"):
        classifier.logits(random_images(classifier, 3))


def test_no_images_have_no_logits(lenet: Classifier) -> None:
    assert lenet.logits(random_images(lenet, 0)).shape == (0, 4)


@pytest.mark.parametrize("damage", [float("nan"), float("inf")])
def test_logits_that_are_no_numbers_are_refused(lenet: Classifier, damage: float) -> None:
    with torch.no_grad():
        lenet.network.fc2.bias[1] = damage
    with pytest.raises(FoolingError, match=r"lenet-a gives logits that are not finite(.|\n)*3 of 3"):
        lenet.logits(random_images(lenet, 3))


def test_images_of_another_form_are_refused(lenet: Classifier) -> None:
    with pytest.raises(FoolingError, match=r"uint8 \(B, 1, 20, 20\)"):
        lenet.logits(torch.zeros(2, 1, 28, 28, dtype=torch.uint8))
    with pytest.raises(FoolingError, match=r"uint8 \(2, 1, 33, 29\)(.|\n)*use a data set .* in colour \(3\)"):
        colour_classifier().logits(torch.zeros(2, 1, 33, 29, dtype=torch.uint8))
    with pytest.raises(FoolingError, match="float32"):
        lenet.logits(torch.zeros(2, 1, 20, 20))


def test_the_mean_can_be_subtracted_instead(lenet: Classifier, bars: Dataset) -> None:
    images = torch.from_numpy(bars.test_images)
    mean = bars.train_images.astype(np.float64).mean(axis=0)
    expected = (bars.test_images - mean) / 256
    subtracted = lenet.with_mean_subtracted()
    np.testing.assert_allclose(subtracted.inputs(images).numpy(), expected, atol=1e-6)
    with torch.no_grad():
        reference = lenet.network(torch.from_numpy(expected).float())
    torch.testing.assert_close(subtracted.logits(images), reference, rtol=1e-4, atol=1e-5)
    assert torch.equal(dataclasses.replace(subtracted, offset=lenet.offset).logits(images), lenet.logits(images))


def test_a_classifier_on_its_device_stays_itself(lenet: Classifier) -> None:
    assert lenet.to(torch.device("cpu")) is lenet


def test_confidences_are_the_softmax_in_float32(lenet: Classifier) -> None:
    images = random_images(lenet, 9)
    expected = scipy.special.softmax(lenet.logits(images).double().numpy(), axis=1)
    confidences = lenet.confidences(images)
    assert confidences.dtype is torch.float32
    np.testing.assert_allclose(confidences.numpy(), expected, rtol=1e-5)


@given(
    logits=arrays_of.arrays(
        np.float32, st.tuples(st.integers(1, 4), st.integers(2, 6)), elements=st.floats(-80, 80, width=32)
    )
)
@settings(max_examples=50)
def test_log_odds_agree_with_long_double_probabilities(logits: np.ndarray) -> None:
    exponentials = np.exp(logits.astype(np.longdouble))
    others = exponentials.sum(axis=1, keepdims=True) - exponentials
    kept = others > 1e-12 * exponentials  # elsewhere the difference above has lost the digits to compare with
    found = log_odds_of(torch.from_numpy(logits)).numpy()
    assert found.dtype == np.float64
    np.testing.assert_allclose(
        found[kept], np.log(exponentials[kept] / others[kept]).astype(np.float64), rtol=1e-6, atol=1e-5
    )


def test_log_odds_still_tell_where_confidence_is_saturated() -> None:
    logits = torch.tensor([[200.0, 0.0, 0.0], [300.0, 0.0, 0.0]])
    assert (confidences_of(logits)[:, 0] == 1).all()
    np.testing.assert_allclose(log_odds_of(logits)[:, 0].numpy(), [200 - np.log(2), 300 - np.log(2)], rtol=1e-12)


def test_the_ten_crops_of_the_paper_are_counted_out() -> None:
    image = torch.arange(3 * 256 * 256).reshape(3, 256, 256)
    seen = [view.of(image) for view in views_of((3, 256, 256), crop=227, views="ten")]
    by_hand = [
        image[:, 14:241, 14:241],
        *(image[:, top : top + 227, left : left + 227] for top in (0, 29) for left in (0, 29)),
    ]
    mirrored = [torch.from_numpy(crop.numpy()[..., ::-1].copy()) for crop in by_hand]
    assert all(torch.equal(one, other) for one, other in zip(seen, by_hand + mirrored, strict=True))


def test_one_view_is_the_centre_or_the_whole() -> None:
    image = torch.arange(7 * 10).reshape(1, 7, 10)
    (centre,) = views_of((1, 7, 10), crop=4, views="centre")
    assert torch.equal(centre.of(image), image[:, 1:5, 3:7])
    (whole,) = views_of((1, 7, 10), crop=None, views="centre")
    assert torch.equal(whole.of(image), image)


@given(sides=st.tuples(st.integers(1, 12), st.integers(1, 12)), crop=st.integers(1, 12))
def test_adding_to_an_image_is_the_transpose_of_seeing_it(sides: tuple[int, int], crop: int) -> None:
    shape = (2, *sides)
    if crop > min(sides):
        with pytest.raises(FoolingError, match=r"input\.crop is larger than the images"):
            fed_shape(shape, crop)
        return
    generator = torch.Generator().manual_seed(crop)
    image = torch.randn(shape, generator=generator, dtype=torch.float64)
    for view in views_of(shape, crop=crop, views="ten"):
        seen = torch.randn(fed_shape(shape, crop), generator=generator, dtype=torch.float64)
        added = torch.zeros_like(image)
        view.add_to(added, seen)
        assert (added * image).sum().item() == pytest.approx((seen * view.of(image)).sum().item())


def test_ten_views_of_the_whole_image_are_refused() -> None:
    with pytest.raises(FoolingError, match=r"ten views need a crop(.|\n)*set input\.crop"):
        views_of((3, 8, 8), crop=None, views="ten")


def test_the_mean_probability_stays_finite_where_float32_ends() -> None:
    logits = [torch.tensor([[300.0, 0.0, -900.0]]), torch.tensor([[200.0, 0.0, -400.0]])]
    found = log_mean_probabilities(logits)
    assert found.dtype is torch.float32
    np.testing.assert_allclose(found, [[0, np.log(0.5) - 200, np.log(0.5) - 600]], rtol=1e-5, atol=1e-6)


def random_crops(images: torch.Tensor, crop: int, *, seed: int) -> torch.Tensor:
    channels, height, width = images.shape[1:]
    generator = torch.Generator().manual_seed(seed)
    return cropped(images, crop, drawn_places(len(images), (channels, height, width), crop, generator))


def test_random_crops_are_windows_of_their_own_images() -> None:
    images = torch.randint(0, 256, (400, 3, 6, 9), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    crops = random_crops(images, 4, seed=2)
    assert (crops.shape, crops.dtype) == ((400, 3, 4, 4), torch.uint8)
    places = set()
    for image, crop in zip(images, crops, strict=True):
        windows = {
            (top, left, mirrored): window.flip(-1) if mirrored else window
            for mirrored in (False, True)
            for top in range(3)
            for left in range(6)
            for window in [image[:, top : top + 4, left : left + 4]]
        }
        places |= {place for place, window in windows.items() if torch.equal(window, crop)}
    assert len(places) == 3 * 6 * 2


def test_random_crops_follow_their_seed() -> None:
    images = torch.randint(0, 256, (20, 1, 8, 8), dtype=torch.uint8)
    one, same, other = (random_crops(images, 5, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
