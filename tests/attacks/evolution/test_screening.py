"""Screening: no image that beats a champion is left out, given the bound; and how the bound is measured."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from fooling.attacks.evolution import screening
from fooling.attacks.evolution.screening import (
    could_beat,
    errors_of,
    images_to_measure,
    in_bfloat16,
    lacking_bfloat16,
    measured_bound,
    spread_of,
)
from fooling.classifiers.architectures import build_network
from fooling.classifiers.assembly import ensemble_of
from fooling.classifiers.classifier import Classifier, Refusal, confidences_of, log_odds_of
from fooling.encodings.direct import DirectEncoding
from fooling.encodings.settings import DirectSettings
from fooling.messages import FoolingError

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


CPU = torch.device("cpu")
ROUNDED = 2.0**-8  # spacing of bfloat16 numbers from 1 to 2, relative to them


def made(network: nn.Module, shape: tuple[int, int, int], *, classes: int = 10, **properties: Any) -> Classifier:
    return Classifier(
        **{
            "name": "made",
            "architecture": "test",
            "network": network,
            "input_shape": shape,
            "class_names": tuple(map(str, range(classes))),
            "offset": torch.full((shape[0], 1, 1), 120.0),
            "scale": torch.full((shape[0], 1, 1), 1 / 60),
            "training_mean": torch.full(shape, 120.0),
            "chunk_size": 2,
            "device": CPU,
        }
        | properties
    )


def built(name: str, shape: tuple[int, int, int], options: dict[str, Any], **properties: Any) -> Classifier:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        network = build_network(name, input_shape=shape, classes=10, options=options)
        if any(isinstance(layer, nn.BatchNorm2d) for layer in network.modules()):
            _normalise(network, shape)
    return made(network, shape, **{"architecture": name, "options": options} | properties)


def _normalise(network: nn.Module, shape: tuple[int, int, int]) -> None:
    """Give batch normalisation the statistics of noise, so that signals keep their size from layer to layer."""
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = None  # the mean over all batches
    with torch.no_grad():
        network.train()(2 * torch.rand(16, *shape) - 1)


def images_for(classifier: Classifier, count: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(2)
    return torch.randint(0, 256, (count, *classifier.input_shape), generator=generator, dtype=torch.uint8)


class WithConstants(nn.Module):
    """A user's network: float32 constants, weights used by a function, and a view that needs the plain layout."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.first = nn.Conv2d(3, 4, 3)
        self.weights = nn.Parameter(torch.randn(10, 4 * 18 * 18) / 30)
        self.norm = nn.BatchNorm2d(4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm(self.first(x)) + torch.linspace(-1, 1, 18)
        return F.linear(x.contiguous().view(len(x), -1), self.weights)


CASES = {
    "lenet": lambda: built("lenet", (1, 28, 28), {}),
    "alexnet": lambda: built("alexnet", (3, 63, 63), {}),
    "squeezenet": lambda: built("squeezenet", (3, 32, 32), {"version": "1.1"}),
    "resnet": lambda: built("torchvision:resnet18", (3, 32, 32), {}),
    "transformer": lambda: built("torchvision:swin_t", (3, 32, 32), {}),
    "one of a user's": lambda: made(WithConstants(), (3, 20, 20)),
    "ten views": lambda: built("lenet", (1, 20, 20), {}, input_shape=(1, 28, 28), crop=20, views="ten"),
    "ensemble": lambda: ensemble_of(
        [built("lenet", (1, 28, 28), {}), built("lenet", (1, 20, 20), {}, input_shape=(1, 28, 28), crop=20)], name="e"
    ),
    "probabilities": lambda: made(
        nn.Sequential(built("lenet", (1, 28, 28), {}).network, nn.Softmax(dim=1)), (1, 28, 28), outputs="probabilities"
    ),
    "refusing": lambda: built(
        "lenet",
        (1, 28, 28),
        {},
        class_names=tuple("0123456789x"),
        fooling_class=True,
        refusal=Refusal(shift=1.0, appended=True),
    ),
}


SLOW = ("alexnet", "transformer")  # without bfloat16 units


@pytest.mark.parametrize("case", [pytest.param(case, marks=pytest.mark.slow if case in SLOW else ()) for case in CASES])
def test_every_kind_of_network_computes_in_bfloat16_close_to_float32(case: str) -> None:
    classifier = CASES[case]()
    images = images_for(classifier)
    exact = classifier.logits(images)
    reduced = in_bfloat16(classifier).logits(images)
    assert reduced.dtype == torch.float32
    errors = (log_odds_of(reduced) - log_odds_of(exact)).abs().amax(dim=1)
    assert errors.max() < 0.05 * (exact.amax(dim=1) - exact.amin(dim=1)).max()
    assert errors.min() > 0  # it is another computation
    assert torch.equal(classifier.logits(images), exact)  # which leaves the classifier alone


def test_bfloat16_rounds_weights_and_values_between_layers_and_keeps_the_last_layer() -> None:
    classifier = CASES["lenet"]()
    weights = classifier.network.state_dict()
    images = images_for(classifier)

    def rounded(values: torch.Tensor) -> torch.Tensor:
        return values.bfloat16().double()

    with torch.no_grad():
        values = rounded((images.double() - 120) / 60)
        for layer in ("conv1", "conv2"):
            values = rounded(F.conv2d(values, rounded(weights[f"{layer}.weight"]), rounded(weights[f"{layer}.bias"])))
            values = F.max_pool2d(values, 2)
        hidden = rounded(F.linear(values.flatten(1), rounded(weights["fc1.weight"]), rounded(weights["fc1.bias"])))
        expected = F.linear(hidden.relu(), weights["fc2.weight"].double(), weights["fc2.bias"].double())
    found = in_bfloat16(classifier).logits(images).double()
    error_of_float32_instead = (classifier.logits(images).double() - expected).abs().max()
    # A sum that lies between two bfloat16 numbers may be rounded to either: so few that errors stay well below.
    assert (found - expected).abs().max() < error_of_float32_instead / 3
    assert (found != found.bfloat16().double()).any()


def test_bfloat16_scores_do_not_depend_on_other_images() -> None:
    reduced = in_bfloat16(CASES["lenet"]())
    images = images_for(reduced)
    scores = reduced.logits(images)
    assert torch.equal(reduced.logits(images.flip(0)).flip(0), scores)
    assert torch.equal(reduced.logits(images[:1]), scores[:1])


def test_input_of_the_mean_is_that_of_the_classifier() -> None:
    classifier = dataclasses.replace(CASES["lenet"](), training_mean=torch.rand(1, 28, 28) * 255)
    images = images_for(classifier)
    after, before = in_bfloat16(classifier.with_mean_subtracted()), in_bfloat16(classifier).with_mean_subtracted()
    assert torch.equal(after.logits(images), before.logits(images))


@pytest.mark.parametrize(
    ("capabilities", "lacking"),
    [
        ({"avx512_bf16": True, "amx_bf16": False}, None),
        ({"avx512_bf16": False, "amx_bf16": True}, None),
        ({"avx2": True, "avx512_f": True}, "this processor has neither AVX512-BF16 nor AMX"),
        ({}, "this processor has neither AVX512-BF16 nor AMX"),
    ],
)
def test_processors_made_for_bfloat16(
    capabilities: dict[str, bool], lacking: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: capabilities)
    assert lacking_bfloat16(CPU) == lacking


def test_torch_without_onednn_is_not_made_for_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: {"amx_bf16": True})
    monkeypatch.setattr("torch.backends.mkldnn.is_available", lambda: False)
    assert lacking_bfloat16(CPU) == "this installation of torch lacks oneDNN"


@pytest.mark.parametrize("supported", [True, False])
def test_gpus_made_for_bfloat16(supported: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "torch.cuda.is_bf16_supported", lambda including_emulation: supported and not including_emulation
    )
    assert (lacking_bfloat16(torch.device("cuda")) is None) == supported
