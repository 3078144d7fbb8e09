"""Every method against a linear classifier, whose smallest changes are known; and noise of an exact norm."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fooling.attacks.adversarial.methods import Batch, beyond_boundary, changed, l_bfgs, noisy, norms_of
from fooling.attacks.adversarial.record import AdversarialSettings, Change, Method
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.gradients import BACKWARD, Network
from linear_classifier import CLASSES, SHAPE

SETTINGS = AdversarialSettings()


@pytest.fixture
def batch(network: Network) -> Batch:
    """Six images in the middle of the range, so that no smallest change is clipped."""
    levels = np.random.default_rng(4).integers(70, 186, (6, *SHAPE))
    return Batch(images=levels / 255, labels=network.labels(levels / 255), indices=np.arange(6), others=levels / 255)


def distances(network: Network, batch: Batch, by_level: np.ndarray) -> np.ndarray:
    """The distance (B, K) of each image to the boundary with each class: margin over length of the difference."""
    logits = network.logits(batch.images).astype(np.float64)
    margins = logits[np.arange(len(logits)), batch.labels][:, None] - logits
    lengths = np.linalg.norm(by_level[batch.labels][:, None] - by_level[None], axis=2)
    with np.errstate(invalid="ignore"):
        found = margins / lengths
    found[np.arange(len(found)), batch.labels] = np.inf
    return found


def lengths_of(found: np.ndarray, batch: Batch) -> np.ndarray:
    return norms_of(found - batch.images)[:, 0]


def test_deepfool_goes_beyond_the_nearest_boundary_by_its_overshoot(
    network: Network, batch: Batch, by_level: np.ndarray
) -> None:
    found = changed(network, batch, Change("deepfool", None), SETTINGS)
    nearest = distances(network, batch, by_level).min(axis=1)
    np.testing.assert_allclose(lengths_of(found.images, batch), 1.02 * nearest, rtol=1e-3)
    assert (network.labels(found.images) != batch.labels).all()


def test_many_images_go_beyond_their_nearest_boundaries_at_once(
    network: Network, batch: Batch, by_level: np.ndarray
) -> None:
    found = beyond_boundary(network, batch.images, overshoot=0.02)
    nearest = distances(network, batch, by_level).min(axis=1)
    np.testing.assert_allclose(lengths_of(found.images, batch), 1.02 * nearest, rtol=1e-3)
    assert (network.labels(found.images) != batch.labels).all()
    assert set(found.evaluations.tolist()) == {1 + 2 + 1 + BACKWARD * CLASSES}  # a linear network takes one step


def test_no_boundary_is_found_without_gradients(flat_classifier: Classifier) -> None:
    image = np.full((2, *SHAPE), 0.5)
    found = beyond_boundary(Network(flat_classifier), image, overshoot=0.02)
    assert np.array_equal(found.images, image)


def test_l_bfgs_comes_close_to_the_boundary_with_its_target(
    network: Network, batch: Batch, by_level: np.ndarray
) -> None:
    found = changed(network, batch, Change("l-bfgs", None), SETTINGS)
    logits = network.logits(batch.images)
    logits[np.arange(len(logits)), batch.labels] = -np.inf
    targets = logits.argmax(axis=1)
    assert (network.labels(found.images) == targets).all()
    known = distances(network, batch, by_level)[np.arange(len(targets)), targets]
    ratios = lengths_of(found.images, batch) / known
    assert (ratios > 1).all()
    assert (ratios < 1.1).all()


def test_l_bfgs_aims_at_a_class_that_it_is_given(network: Network, batch: Batch) -> None:
    for target in {0, 1, 2} - {int(batch.labels[0])}:
        found = l_bfgs(network, batch.images[0], target, SETTINGS)
        assert network.labels(found[None])[0] == target


def test_a_random_target_is_any_wrong_class(network: Network, batch: Batch) -> None:
    random = AdversarialSettings(target="random", penalty_searches=1)
    found = changed(network, batch, Change("l-bfgs", None), random)
    assert (network.labels(found.images) != batch.labels).all()


@pytest.mark.parametrize("size", [0.02, 0.1])
def test_fgsm_moves_every_pixel_by_its_size_along_the_sign_of_the_gradient(
    network: Network, batch: Batch, size: float
) -> None:
    found = changed(network, batch, Change("fgsm", size), SETTINGS)
    _, gradients = network.gradients(batch.images, batch.labels)
    np.testing.assert_allclose(found.images - batch.images, -size * np.sign(gradients), atol=1e-6)
    assert found.evaluations.tolist() == [1 + BACKWARD] * 6


@pytest.mark.parametrize(("method", "norm"), [("pgd-l2", 2), ("pgd-linf", 1)])
def test_pgd_reaches_its_size_and_changes_more_labels_than_a_smaller_one(
    network: Network, batch: Batch, method: Method, norm: int
) -> None:
    shares = []
    for size in (0.002, 0.05, 0.2):
        found = changed(network, batch, Change(method, size), SETTINGS)
        np.testing.assert_allclose(norms_of(found.images - batch.images)[:, norm], size, rtol=1e-4)
        shares.append((network.labels(found.images) != batch.labels).mean())
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_pgd_finds_the_steepest_direction(network: Network, batch: Batch, by_level: np.ndarray) -> None:
    nearest = distances(network, batch, by_level).min(axis=1)
    for row in range(len(batch.images)):
        one = Batch(
            images=batch.images[row : row + 1], labels=batch.labels[row : row + 1], indices=np.zeros(1, dtype=np.int64),
            others=batch.others,
        )  # fmt: skip
        root = np.sqrt(batch.images[0].size)
        beyond, before = (
            changed(network, one, Change("pgd-l2", factor * nearest[row] / root), SETTINGS) for factor in (1.3, 0.99)
        )
        assert network.labels(beyond.images)[0] != one.labels[0]
        assert network.labels(before.images)[0] == one.labels[0]


def test_hop_skip_jump_asks_for_labels_alone_and_is_no_nearer_than_the_boundary(
    network: Network, batch: Batch, by_level: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*arguments: object) -> None:
        raise AssertionError("a gradient was asked for")

    nearest = distances(network, batch, by_level).min(axis=1)
    monkeypatch.setattr(Network, "gradients", refused)
    monkeypatch.setattr(Network, "logit_gradients", refused)
    few, many = (
        changed(network, batch, Change("hop-skip-jump", None), AdversarialSettings(boundary_steps=steps))
        for steps in (1, 6)
    )
    for found in (few, many):
        assert (network.labels(found.images) != batch.labels).all()
        assert (lengths_of(found.images, batch) > nearest).all()
    assert lengths_of(many.images, batch).mean() < lengths_of(few.images, batch).mean()
    assert (many.evaluations > few.evaluations).all()


def test_hop_skip_jump_without_any_misclassified_image_returns_the_real_one(flat_classifier: Classifier) -> None:
    network, image = Network(flat_classifier), np.full((1, *SHAPE), 0.5)
    batch = Batch(images=image, labels=np.zeros(1, dtype=np.int64), indices=np.zeros(1, dtype=np.int64), others=image)
    found = changed(network, batch, Change("hop-skip-jump", None), SETTINGS)
    assert np.array_equal(found.images, image)
    assert found.evaluations[0] > 0


@pytest.mark.parametrize("method", ["l-bfgs", "deepfool", "hop-skip-jump"])
def test_smallest_changes_do_not_depend_on_their_company(network: Network, batch: Batch, method: Method) -> None:
    together = changed(network, batch, Change(method, None), SETTINGS)
    alone = Batch(images=batch.images[3:4], labels=batch.labels[3:4], indices=batch.indices[3:4], others=batch.others)
    found = changed(network, alone, Change(method, None), SETTINGS)
    assert np.array_equal(found.images[0], together.images[3])
    assert found.evaluations[0] == together.evaluations[3]


def test_results_do_not_depend_on_numpys_global_generator_and_leave_it_alone(network: Network, batch: Batch) -> None:
    found = []
    for seed in (1, 2):
        np.random.seed(seed)
        before = np.random.get_state()[1]
        found.append(changed(network, batch, Change("hop-skip-jump", None), SETTINGS).images)
        assert np.array_equal(np.random.get_state()[1], before)
    assert np.array_equal(*found)


IMAGES = arrays(np.float64, (1, 4, 5), elements=st.integers(0, 255).map(lambda level: level / 255))


@given(image=IMAGES, other=IMAGES, norm=st.sampled_from(["l2", "linf"]), seed=st.integers(0, 100))
@settings(max_examples=200, deadline=None)
def test_noise_has_exactly_the_norm_of_any_change_within_the_range(
    image: np.ndarray, other: np.ndarray, norm: str, seed: int
) -> None:
    place = {"l2": 0, "linf": 1}[norm]
    size = norms_of((other - image)[None])[0, place]
    made = noisy(image, norm=norm, size=size, generator=np.random.default_rng(seed))  # type: ignore[arg-type]
    assert ((made >= 0) & (made <= 1)).all()
    assert norms_of((made - image)[None])[0, place] == pytest.approx(size, rel=1e-9, abs=1e-12)


def test_noise_of_one_seed_is_the_same_and_of_another_is_not() -> None:
    image = np.full((1, 8, 8), 0.4)
    first, same, other = (
        noisy(image, norm="l2", size=1.0, generator=np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)


def test_gradients_are_those_of_the_weights(network: Network, batch: Batch, by_level: np.ndarray) -> None:
    found = network.logit_gradients(batch.images, list(range(CLASSES)))
    np.testing.assert_allclose(
        found.reshape(6, CLASSES, -1), np.broadcast_to(by_level, (6, *by_level.shape)), rtol=1e-4
    )
