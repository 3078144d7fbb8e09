"""Screening: no image that beats a champion is left out, given the bound; and how the bound is measured."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from fooling.attacks.evolution import screening
from fooling.attacks.evolution.screening import (
    could_beat,
    errors_of,
    images_to_measure,
    measured_bound,
    spread_of,
)
from fooling.classifiers.classifier import Classifier, confidences_of
from fooling.encodings.direct import DirectEncoding
from fooling.encodings.settings import DirectSettings
from fooling.errors import FoolingError

CPU = torch.device("cpu")


def log_odds(logits: np.ndarray, cell: int) -> float:
    """The definition, in float64: log(p / (1 - p)) of the softmax probability p."""
    others = np.delete(logits.astype(np.float64), cell)
    return float(logits[cell]) - float(others.max() + np.log(np.exp(others - others.max()).sum()))


@given(
    seed=st.integers(0, 2**32 - 1),
    classes=st.sampled_from([2, 3, 10, 200]),
    size=st.sampled_from([0.0, 0.1, 3.0, 10.0, 17.0, 40.0]),
    bound=st.sampled_from([2.0**-20, 1e-3, 0.03]),
    saturated=st.booleans(),
)
def test_whatever_beats_a_champion_in_float32_is_found(
    seed: int, classes: int, size: float, bound: float, saturated: bool
) -> None:
    generator = torch.Generator().manual_seed(seed)
    exact = torch.randn(30, classes, generator=generator) * size
    if saturated:  # confidences next to 1, where float32 rounds most
        exact[range(30), torch.arange(30) % classes] = exact.amax(dim=1) + 16 + torch.rand(30, generator=generator)
    # Logits of bfloat16: wrong by as much as the bound allows. log-odds change by at most the sum of two such changes.
    most = bound * spread_of(exact) / 2.01
    reduced = exact + (2 * torch.rand(30, classes, generator=generator) - 1) * most[:, None].float() * 0.9
    within = errors_of(reduced, exact) <= bound
    # Champions are as good as some images or a little worse, so that every difference counts.
    champions = confidences_of(exact[torch.randperm(30, generator=generator)[:classes]])[:, :1].flatten()
    nearest = confidences_of(exact)[torch.randint(30, (len(champions),), generator=generator), range(len(champions))]
    champions = torch.nextafter(nearest, torch.zeros(()))
    better = (confidences_of(exact)[:, : len(champions)] > champions).any(dim=1)
    ahead = could_beat(reduced, champions, bound=bound)
    assert (ahead[better & within] >= 0).all()
    # Those left out would not enter with their scores in bfloat16 either.
    assert not (confidences_of(reduced)[ahead < 0, : len(champions)] > champions).any()


def test_who_could_beat_a_champion_by_hand() -> None:
    logits = torch.tensor([[3.0, 0.0, 0.0], [0.0, 0.5, 0.0], [0.0, 0.0, 4.0]])
    champions = torch.tensor([0.8, 0.9])  # the third class has no cell
    bound = 0.01
    expected = [
        max(
            log_odds(row, cell) + bound * (row.max() - row.min() + 8) - np.log(confidence / (1 - confidence))
            for cell, confidence in enumerate([0.8, 0.9])
        )
        for row in logits.numpy()
    ]
    found = could_beat(logits, champions, bound=bound)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-4)
    assert (found >= 0).tolist() == [True, False, False]


def test_nothing_beats_certainty_and_anything_beats_nothing() -> None:
    logits = torch.tensor([[200.0, 0.0], [0.0, 200.0]])
    assert (could_beat(logits, torch.ones(2), bound=0.1) < 0).all()
    assert (could_beat(logits, torch.tensor([1.0, 0.0]), bound=0.1) >= 0).all()


def test_errors_are_those_of_log_odds_as_a_share_of_the_spread() -> None:
    rng = np.random.default_rng(1)
    exact = (rng.normal(size=(5, 4)) * 6).astype(np.float32)
    reduced = exact + rng.normal(size=(5, 4)).astype(np.float32) * 0.1
    expected = [
        max(abs(log_odds(one, cell) - log_odds(other, cell)) for cell in range(4)) / (one.max() - one.min() + 8)
        for one, other in zip(reduced, exact, strict=True)
    ]
    np.testing.assert_allclose(errors_of(torch.from_numpy(reduced), torch.from_numpy(exact)), expected, rtol=1e-5)


def test_bound_is_three_times_the_largest_error(hidden: Classifier, reduced: Classifier) -> None:
    images = torch.randint(0, 256, (40, *hidden.input_shape), dtype=torch.uint8)
    errors = errors_of(reduced.logits(images), hidden.logits(images))
    assert errors.max() > 0
    assert measured_bound(hidden, reduced, images) == 3 * float(errors.max())


def test_bound_covers_the_rounding_of_float32_even_where_nothing_differs(hidden: Classifier) -> None:
    images = torch.randint(0, 256, (40, *hidden.input_shape), dtype=torch.uint8)
    assert measured_bound(hidden, hidden, images) == 2.0**-20


def test_bound_holds_for_images_on_which_it_was_not_measured(
    hidden: Classifier, reduced: Classifier, encoding: DirectEncoding
) -> None:
    real = np.random.default_rng(3).integers(0, 256, (100, *hidden.input_shape), dtype=np.uint8)
    bound = measured_bound(hidden, reduced, images_to_measure(hidden, encoding, real))
    other = torch.randint(0, 2, (2000, *hidden.input_shape), generator=torch.Generator().manual_seed(4)) * 255
    errors = errors_of(reduced.logits(other.to(torch.uint8)), hidden.logits(other.to(torch.uint8)))
    assert errors.max() <= bound


class DependsOnPlace(nn.Module):
    """Adds a little to the logits of every other image of a chunk."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits = images.flatten(1)[:, :4].clone()
        logits[::2] += 1e-5
        return logits


def test_scores_that_depend_on_the_place_among_others_are_refused(hidden: Classifier) -> None:
    classifier = dataclasses.replace(hidden, network=DependsOnPlace())
    images = torch.randint(0, 256, (40, *hidden.input_shape), dtype=torch.uint8)
    with pytest.raises(FoolingError, match="cannot be screened") as refused:
        measured_bound(classifier, classifier, images)
    assert "set precision: float32" in str(refused.value)


def test_the_error_is_measured_on_real_random_and_evolved_images(
    hidden: Classifier, encoding: DirectEncoding, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screening, "GENERATIONS", 60)
    real = np.random.default_rng(3).integers(0, 256, (128, *hidden.input_shape), dtype=np.uint8)
    images = images_to_measure(hidden, encoding, real)
    assert images.dtype == torch.uint8
    assert images.shape == (3 * 64 + 4, *hidden.input_shape)
    assert np.array_equal(images[:64].numpy(), real[::2])
    scores = hidden.confidences(images)
    random, offspring, champions = scores[64:128], scores[128:192], scores[192:]
    assert (champions.diagonal() >= random.amax(dim=0)).all()
    assert (champions.diagonal() >= offspring.amax(dim=0)).all()
    assert offspring.amax(dim=1).median() > random.amax(dim=1).median()
    assert torch.equal(images, images_to_measure(hidden, encoding, real))


def test_real_images_of_another_shape_are_refused(hidden: Classifier, encoding: DirectEncoding) -> None:
    with pytest.raises(FoolingError, match=r"\(1, 28, 28\)"):
        images_to_measure(hidden, encoding, np.zeros((10, 1, 28, 28), dtype=np.uint8))


@pytest.fixture
def encoding(hidden: Classifier) -> DirectEncoding:
    return DirectEncoding(settings=DirectSettings(), image_shape=hidden.input_shape, device=CPU)
