"""Attacks of an audit besides its searches: known answers of a linear network, and why they may be missing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from fooling.auditing import further_attacks as module
from fooling.auditing.further_attacks import (
    MOST_IMAGES,
    FurtherAttacks,
    Measured,
    labels_alone,
    one_perturbation,
    small_changes,
)
from fooling.auditing.page import audit_page
from fooling.auditing.real_images import RealImages
from fooling.auditing.running import audit, further_attacks
from fooling.auditing.saving import as_file, files_of
from fooling.auditing.settings import AuditSettings
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.wrapped import wrapped
from fooling.reproducibility import CheckpointStore

SHAPE = (1, 4, 4)


def network() -> nn.Module:
    """Class 1 if the mean level is above 1/2, and class 0 below."""
    linear = nn.Linear(16, 2)
    with torch.no_grad():
        linear.weight.copy_(torch.stack([-torch.ones(16), torch.ones(16)]))
        linear.bias.copy_(torch.tensor([16.0, -16.0]) / 2)
    return nn.Sequential(nn.Flatten(), linear)


def gives_labels(images: np.ndarray) -> list[int]:
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


def sentences(**found: object) -> list[str]:
    """The sentences of the attacks, of which only some were made."""
    return list(FurtherAttacks(**{"small": "a", "universal": "b", "labels": "c", **found}).sentences(0.999))


def measured(**options: object) -> Measured:
    values = {"has_gradients": True, "budget": 40_200, "seed": 1}
    found = small_changes(classifier(), real(), **{**values, **options})
    assert isinstance(found, Measured)
    return found


def test_the_median_change_of_a_linear_network_is_the_distance_to_its_boundary() -> None:
    found = measured().file
    assert (found.method, found.images, found.misclassified) == ("deepfool", MOST_IMAGES["deepfool"], 20)
    assert found.median_rms == pytest.approx(1.02 * 40.5 / 255, rel=1e-3)
    assert found.misclassified_with_noise == 0
    assert sentences(small=measured())[0] == (
        "Smallest changes (DeepFool): 20 of 20 correctly classified test images become misclassified, by a median "
        "change of 0.162 (root mean square, 0..1); with noise of the same norm: 0 of 20."
    )


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
    found = small_changes(classifier(gives_labels), real(), has_gradients=False, budget=8000, seed=1)
    assert isinstance(found, Measured)
    assert (found.file.method, found.file.images, found.file.misclassified) == ("hop-skip-jump", 2, 2)
    assert found.file.median_rms is not None
    assert found.file.median_rms > 0.15
    assert "HopSkipJump, which asks for labels alone" in sentences(small=found)[0]


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
    assert result.sentences()[-3].startswith("Smallest changes (DeepFool): 1 of 1 correctly")
    written = as_file(result).small_changes
    assert written is not None
    files = files_of(result)
    assert {each.file for each in written.example} <= set(files)
    page = audit_page(result)
    assert "noise of the same norm" in page
    assert "by DeepFool" in page
    without = audit(network(), input_shape=SHAPE, budget=400)
    assert without.sentences()[-3] == (
        "Smallest changes of real images: not measured. This needs real images: give --test-images, or test_images "
        "from Python."
    )
    assert as_file(without).small_changes is None
    assert "Not measured. This needs real images" in audit_page(without)


def dark(distance: float, count: int = 60) -> RealImages:
    """Images of one level each, so many levels below the boundary."""
    images = np.full((count, *SHAPE), int(127.5 - distance), np.uint8)
    return RealImages(images=images, labels=np.zeros(count, np.int64), source="dark")


@pytest.mark.parametrize(("distance", "fooled"), [(40.5, 30), (60.5, 0)])
def test_one_perturbation_fools_the_images_that_are_nearer_to_the_boundary_than_its_size(distance, fooled) -> None:
    found = one_perturbation(classifier(), AuditSettings(), dark(distance))
    assert isinstance(found, Measured)
    numbers = found.file
    assert (numbers.levels, numbers.images_used, numbers.images) == (51, 30, 30)
    assert (numbers.fooled_used, numbers.fooled, numbers.fooled_by_random_signs) == (fooled, fooled, 0)
    assert sentences(universal=found)[1] == (
        f"One perturbation for all images, of at most 51 of 255 levels: {fooled} of 30 test images on which it was not "
        "found get another label; with random signs of the same size: 0.0 on average."
    )
    original, perturbed, signs, alone = (picture.astype(int) for picture in found.pictures)
    assert (perturbed - original == 51).all()
    assert (abs(signs - original) == 51).all()
    assert 0 < (signs > original).sum() < 16
    assert (alone == 255).all()
    labels = [each.class_index for each in numbers.example]
    assert labels == [0, int(fooled > 0), 0, 1]


def test_colour_images_are_changed_by_ten_levels() -> None:
    built = nn.Sequential(nn.Flatten(), nn.Linear(48, 2))
    images = np.random.default_rng(0).integers(0, 256, (60, 3, 4, 4), dtype=np.uint8)
    real = RealImages(images=images, labels=np.zeros(60, np.int64), source="noise")
    found = one_perturbation(wrapped(built, name="mine", input_shape=(3, 4, 4)), AuditSettings(), real)
    assert isinstance(found, Measured)
    assert found.file.levels == 10
    original, perturbed, *_ = (picture.astype(int) for picture in found.pictures)
    assert abs(perturbed - original).max() == 10


def test_a_perturbation_needs_images_a_budget_and_gradients() -> None:
    settings = AuditSettings(budget=3800)
    assert one_perturbation(classifier(), settings, None) == module.NEEDS_IMAGES
    assert one_perturbation(classifier(), settings, real()) == "needs a budget of at least 4,000 images"
    assert one_perturbation(classifier(), AuditSettings(), real(18)) == "needs at least 20 test images"
    found = further_attacks(classifier(gives_labels), AuditSettings(budget=400), real=real())
    assert list(found.sentences(0.9))[1] == (
        "One perturbation for all images: not measured. This needs a network with gradients."
    )


@pytest.mark.parametrize(("budget", "images"), [(4000, 10), (20_000, 30)])
def test_a_perturbation_takes_a_tenth_of_the_budget_of_a_search(budget: int, images: int) -> None:
    found = one_perturbation(classifier(), AuditSettings(budget=budget), dark(40.5))
    assert isinstance(found, Measured)
    assert found.file.images == found.file.images_used == images
    batch = min(images, 25)
    assert 3 * found.file.steps * batch + 9 * images <= budget / 10


def test_labels_alone_reach_the_classes_of_a_black_box_within_the_queries() -> None:
    asked: set[bytes] = set()

    def counting(images: np.ndarray) -> list[int]:
        asked.update(image.tobytes() for image in images)  # a chunk is padded with copies
        return gives_labels(images)

    box = classifier(counting)
    asked.clear()
    found = labels_alone(box, AuditSettings(budget=8400))
    assert isinstance(found, Measured)
    numbers = found.file
    assert (numbers.queries, numbers.classes) == (840, 2)
    for each in (numbers.evolution, numbers.random_search):
        assert (each.given, each.fooled, each.median_confidence) == (2, None, None)
    assert [each.kind for each in numbers.example] == ["evolution", "random-search"]
    assert sentences(labels=found)[2] == (
        "Labels alone, 840 queries: evolution finds images for 2 of 2 classes; random search with as many: images for "
        "2 of 2 classes."
    )
    assert len(asked) <= 2 * 840
    assert labels_alone(box, AuditSettings(budget=7800)) == "needs a budget of at least 8,000 images"


def test_confidences_are_revealed_after_the_last_query() -> None:
    found = labels_alone(classifier(), AuditSettings(budget=8400, threshold=0.999))
    assert isinstance(found, Measured)
    for each, shown, image in zip(
        (found.file.evolution, found.file.random_search), found.file.example, found.pictures, strict=True
    ):
        own = classifier().confidences(torch.from_numpy(image[None]))[0]
        assert shown.confidence == pytest.approx(float(own.max()))
        assert each.median_confidence is not None
        assert shown.confidence <= each.median_confidence + 1e-6  # of two images, the lower one
        assert each.fooled is not None
        assert each.fooled <= each.given
    assert "at 99.9 % or more" in sentences(labels=found)[2]


def test_a_network_that_rejects_every_image_is_given_no_class_and_its_attack_resumes(tmp_path) -> None:
    def rejecting(images: np.ndarray) -> list[dict[str, float]]:
        return [{"dark": 0.1} for _ in images]  # the rest belongs to classes that it does not name

    box, settings = classifier(rejecting), AuditSettings(budget=8400)
    with CheckpointStore(tmp_path, {"work": "audit"}, code="x") as store:
        found, again = (labels_alone(box, settings, store=store) for _ in range(2))
    assert isinstance(found, Measured)
    assert isinstance(again, Measured)
    assert found.file == again.file
    evolution = found.file.evolution
    assert (evolution.given, evolution.fooled, evolution.median_confidence) == (0, 0, None)
    assert found.file.example == ()


class StoppedError(Exception):
    """The audit was interrupted."""


class Stopping(CheckpointStore):
    """Saves after every step, and stops after a few steps of the attack whose name begins with ``where``."""

    where, saves = "", 0

    def is_due(self) -> bool:
        return True

    def save(self, name, arrays, header) -> None:
        super().save(name, arrays, header)
        self.saves += bool(self.where) and name.startswith(self.where)
        if self.saves == 3:
            raise StoppedError


def test_interrupted_attacks_end_with_the_same_numbers_and_pictures(tmp_path) -> None:
    settings, images = AuditSettings(budget=10_000), dark(40.5)
    whole = further_attacks(classifier(), settings, real=images)
    for where in ("universal", "labels-alone"):
        with pytest.raises(StoppedError), Stopping(tmp_path, {"work": "audit"}, code="x") as store:
            store.where = where
            further_attacks(classifier(), settings, real=images, store=store)
    with CheckpointStore(tmp_path, {"work": "audit"}, code="x") as store:
        again = further_attacks(classifier(), settings, real=images, store=store)
    assert list(again.sentences(0.9)) == list(whole.sentences(0.9))
    for one, other in zip(again.pictures(), whole.pictures(), strict=True):
        assert one[0] == other[0]
        np.testing.assert_array_equal(one[1], other[1])


def test_a_checkpoint_of_other_test_images_is_not_used(tmp_path) -> None:
    settings = AuditSettings(budget=10_000)
    with CheckpointStore(tmp_path, {"work": "audit"}, code="x") as store:
        further_attacks(classifier(), settings, real=dark(60.5), store=store)
        again = further_attacks(classifier(), settings, real=dark(40.5), store=store)
    assert isinstance(again.universal, Measured)
    assert again.universal.file.fooled == again.universal.file.images == 25


def test_an_audit_shows_the_perturbation_and_the_labels_alone() -> None:
    images = dark(40.5)
    result = audit(network(), input_shape=SHAPE, budget=8400, test_images=(images.images, images.labels))
    written, files, page = as_file(result), files_of(result), audit_page(result)
    assert written.universal is not None
    assert written.labels_alone is not None
    for each in (*written.universal.example, *written.labels_alone.example):
        assert each.file in files
    assert "21 of 21 test images" in page
    assert "another label with the perturbation than without" in page
    assert "840 queries each" in page
    assert "the perturbation alone" in page
    assert list(written.summary[-2:]) == result.sentences()[-2:]
