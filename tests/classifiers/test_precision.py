"""bfloat16: every kind of network computes in it, close to float32 and to an own emulation; who is made for it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from fooling.classifiers.architectures import build_network
from fooling.classifiers.assembly import ensemble_of
from fooling.classifiers.classifier import Classifier, Refusal, log_odds_of
from fooling.classifiers.precision import in_bfloat16, lacking_bfloat16

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
