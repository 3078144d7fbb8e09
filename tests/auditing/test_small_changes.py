"""Smallest changes in an audit: sizes that are known for a linear network, and why they may be missing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from fooling.auditing import small_changes as module
from fooling.auditing.page import audit_page
from fooling.auditing.real_images import RealImages
from fooling.auditing.running import audit
from fooling.auditing.saving import as_file, files_of
from fooling.auditing.small_changes import MOST_IMAGES, SmallChangesResult, small_changes
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.wrapped import wrapped

SHAPE = (1, 4, 4)


def network() -> nn.Module:
    """Class 1 if the mean level is above 1/2, and class 0 below."""
    linear = nn.Linear(16, 2)
    with torch.no_grad():
        linear.weight.copy_(torch.stack([-torch.ones(16), torch.ones(16)]))
        linear.bias.copy_(torch.tensor([16.0, -16.0]) / 2)
    return nn.Sequential(nn.Flatten(), linear)


def labels_alone(images: np.ndarray) -> list[int]:
    """The same network, which gives labels alone."""
    return [int(image.mean() > 127.5) for image in images]


def classifier(model: object | None = None) -> Classifier:
    return wrapped(model or network(), name="mine", input_shape=SHAPE, class_names=["dark", "bright"])


def real(count: int = 60) -> RealImages:
    """Images of one level each, 40 away from the boundary; every tenth has the wrong class."""
    labels = np.arange(count) % 2
    images = np.broadcast_to(np.where(labels == 1, 168, 87)[:, None, None, None], (count, *SHAPE)).astype(np.uint8)
    wrong = np.arange(count) % 10 == 0
    return RealImages(images=images, labels=np.where(wrong, 1 - labels, labels), source="levels")


def measured(**options: object) -> SmallChangesResult:
    values = {"has_gradients": True, "budget": 40_200, "seed": 1}
    found = small_changes(classifier(), real(), **{**values, **options})
    assert isinstance(found, SmallChangesResult)
    return found


def test_the_median_change_of_a_linear_network_is_the_distance_to_its_boundary() -> None:
    found = measured().file
    assert (found.method, found.images, found.misclassified) == ("deepfool", MOST_IMAGES["deepfool"], 20)
    assert found.median_rms == pytest.approx(1.02 * 40.5 / 255, rel=1e-3)
    assert found.misclassified_with_noise == 0
    assert (
        "20 of 20 correctly classified test images become misclassified, by a median change of 0.162" in found.sentence
    )
    assert found.sentence.endswith("with noise of the same norm: 0 of 20.")


def test_the_example_is_one_image_as_it_is_changed_and_with_noise_of_the_same_norm() -> None:
    found = measured()
    assert [each.kind for each in found.file.example] == ["original", "changed", "noise"]
    original, changed, noise = (picture.astype(float) for picture in found.pictures)
    assert np.ptp(original) == 0
    sizes = [np.sqrt(np.square(other - original).mean()) for other in (changed, noise)]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.02)
    labels = [each.class_index for each in found.file.example]
    assert labels[0] == labels[2] != labels[1]


@pytest.mark.parametrize(("budget", "images"), [(400, 1), (2000, 2), (100_000, 20)])
def test_the_number_of_images_follows_the_budget(budget: int, images: int) -> None:
    assert measured(budget=budget).file.images == images


def test_labels_alone_are_enough() -> None:
    found = small_changes(classifier(labels_alone), real(), has_gradients=False, budget=8000, seed=1)
    assert isinstance(found, SmallChangesResult)
    assert (found.file.method, found.file.images, found.file.misclassified) == ("hop-skip-jump", 2, 2)
    assert found.file.median_rms is not None
    assert found.file.median_rms > 0.15
    assert "HopSkipJump, which asks for labels alone" in found.file.sentence


def test_the_same_seed_changes_the_same_images() -> None:
    one, same, other = (measured(seed=seed).pictures for seed in (1, 1, 2))
    assert all(np.array_equal(*pair) for pair in zip(one, same, strict=True))
    assert not np.array_equal(one[2], other[2])


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(images: RealImages | None, *, has_gradients: bool = True, budget: int = 40_200) -> str:
        found = small_changes(classifier(), images, has_gradients=has_gradients, budget=budget, seed=1)
        assert isinstance(found, str)
        return found

    assert "--test-images" in missing(None)
    assert missing(real(), has_gradients=False, budget=400) == "needs a budget of at least 4,000 images"
    images = real(10)
    wrong = RealImages(images=images.images, labels=(images.images[:, 0, 0, 0] < 128).astype(int), source="wrong")
    assert missing(wrong) == module.NEEDS_RIGHT
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "pip install 'fooling[study]'" in missing(real(), has_gradients=False)


def test_an_audit_shows_them_on_its_page_and_beside_its_images() -> None:
    images = real()
    result = audit(network(), input_shape=SHAPE, budget=400, test_images=(images.images, images.labels))
    assert result.sentences()[-1].startswith("Smallest changes (DeepFool): 1 of 1 correctly")
    written = as_file(result).small_changes
    assert written is not None
    files = files_of(result)
    assert {each.file for each in written.example} <= set(files)
    page = audit_page(result)
    assert "noise of the same norm" in page
    assert "by DeepFool" in page
    without = audit(network(), input_shape=SHAPE, budget=400)
    assert without.sentences()[-1] == (
        "Smallest changes of real images: not measured. This needs real images: give --test-images, or test_images "
        "from Python."
    )
    assert as_file(without).small_changes is None
    assert "Not measured. This needs real images" in audit_page(without)
