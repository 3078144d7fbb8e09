"""Classifiers that cannot be used are refused, and what looks wrong with one is said in one line."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from fooling.classifiers.classifier import Classifier
from fooling.classifiers.probe import remarks_on, require_usable, sample_of
from fooling.datasets.dataset import Dataset
from fooling.messages import FoolingError, share_percent
from fooling.training.settings import ClassifierSettings
from fooling.training.training import Training

CPU = torch.device("cpu")


class Small(nn.Module):
    """A convolution, a ReLU and a linear layer, with something done to maps, features and scores."""

    def __init__(
        self,
        *,
        inputs: Callable[[Tensor], Tensor] = lambda values: values,
        features: Callable[[Tensor], Tensor] = lambda values: values,
        scores: Callable[[Tensor], Tensor] = lambda values: values,
    ) -> None:
        super().__init__()
        self.conv, self.relu, self.decide = nn.Conv2d(1, 3, 5), nn.ReLU(), nn.Linear(3 * 16 * 16, 4)
        self._inputs, self._features, self._scores = inputs, features, scores

    def forward(self, values: Tensor) -> Tensor:
        features = self.relu(self.conv(self._inputs(values))).flatten(1)
        return self._scores(self.decide(self._features(features)))


def classifier_of(network: nn.Module, *, seed: int = 0, **changes: Any) -> Classifier:
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        for parameter in network.parameters():
            parameter.normal_(0, 0.2)
    given = {
        "name": "net",
        "architecture": "made here",
        "network": network,
        "input_shape": (1, 20, 20),
        "class_names": tuple("abcd"),
        "offset": torch.full((1, 1, 1), 100.0),
        "scale": torch.full((1, 1, 1), 1 / 100),
        "training_mean": torch.full((1, 20, 20), 90.0),
        "chunk_size": 8,
        "device": CPU,
        "provenance": {"test_error": 0.1},
    }
    return Classifier(**given | changes)


def without_batch_mean(values: Tensor) -> Tensor:
    return values - values.mean(dim=0, keepdim=True)


def dropped(values: Tensor) -> Tensor:
    return functional.dropout(values, 0.5)


def without_gradients(values: Tensor) -> Tensor:
    return values.detach()


@pytest.mark.parametrize("chunk_size", [1, 5, 16, 40])
def test_a_sound_network_passes_and_nothing_is_said_of_it(bars: Dataset, chunk_size: int) -> None:
    classifier = classifier_of(Small(), chunk_size=chunk_size)
    before = torch.get_rng_state()
    require_usable(classifier, sample_of(bars))
    assert torch.equal(torch.get_rng_state(), before)
    assert remarks_on(classifier, sample_of(bars), test_labels=bars.test_labels) == []


def test_the_sample_holds_real_images_and_noise(bars: Dataset) -> None:
    images = sample_of(bars)
    assert images.shape == (16, 1, 20, 20)
    assert torch.equal(images[1], torch.from_numpy(bars.test_images[5]))
    assert images[8:].float().mean() == pytest.approx(127.5, abs=5)
    few = dataclasses.replace(bars, test_images=bars.test_images[:1], test_labels=bars.test_labels[:1])
    assert len(sample_of(few)) == 9


class DroppingLayer(nn.Dropout):
    """A dropout that goes on outside training."""

    def train(self, mode: bool = True) -> DroppingLayer:
        return super().train(True)


def dropping_layer() -> nn.Module:
    network = Small()
    network.relu = nn.Sequential(nn.ReLU(), DroppingLayer())
    return network


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: Small(features=dropped), r"scored again; first before the layer decide \(Linear\)(.|\n)*F\.dropout"),
        (dropping_layer, r"scored again; first in the layer relu\.1 \(DroppingLayer\)"),
        (lambda: Small(scores=dropped), r"first after the last layer"),
        (lambda: Small(features=without_batch_mean), r"first before the layer decide \(Linear\)"),
        (lambda: batch_norm(), r"first in the layer relu \(BatchNorm2d\)"),
    ],
)
def test_scores_that_depend_on_more_than_the_image_are_refused(
    bars: Dataset, made: Callable[[], nn.Module], message: str
) -> None:
    with pytest.raises(FoolingError, match=rf"net depend on more than the image(.|\n)*{message}"):
        require_usable(classifier_of(made()), sample_of(bars))


def batch_norm() -> nn.Module:
    network = Small()
    network.relu = nn.BatchNorm2d(3, track_running_stats=False)
    return network


def test_a_network_that_counts_is_refused(bars: Dataset) -> None:
    passes: list[int] = []

    def fading(values: Tensor) -> Tensor:
        passes.append(0)
        return values / len(passes)

    with pytest.raises(FoolingError, match="when the same images are scored again"):
        require_usable(classifier_of(Small(scores=fading)), sample_of(bars))


@pytest.mark.parametrize(("end", "sums"), [(nn.Softmax(1), True), (torch.sigmoid, False), (nn.Hardsigmoid(), False)])
def test_probabilities_are_refused_unless_the_settings_say_so(
    bars: Dataset, end: Callable[[Tensor], Tensor], sums: bool
) -> None:
    classifier = classifier_of(Small(scores=end))
    with pytest.raises(FoolingError, match="gives probabilities instead of logits") as refused:
        require_usable(classifier, sample_of(bars))
    assert ("sum to 1" in str(refused.value)) == sums
    assert "`outputs: probabilities`" in str(refused.value)
    require_usable(dataclasses.replace(classifier, outputs="probabilities"), sample_of(bars))


def test_logits_are_refused_where_the_settings_say_probabilities(bars: Dataset) -> None:
    with pytest.raises(FoolingError, match=r"net does not give probabilities(.|\n)*`outputs: logits`"):
        require_usable(classifier_of(Small(), outputs="probabilities"), sample_of(bars))


@pytest.mark.parametrize("end", [lambda values: values * 0, lambda values: values.relu() * 0.01])
def test_logits_that_happen_to_be_small_pass(bars: Dataset, end: Callable[[Tensor], Tensor]) -> None:
    require_usable(classifier_of(Small(scores=end)), sample_of(bars))


def said_of(classifier: Classifier, dataset: Dataset) -> str:
    """The one remark on a classifier."""
    (remark,) = remarks_on(classifier, sample_of(dataset), test_labels=dataset.test_labels)
    assert "\n" not in remark
    assert remark.startswith("net: ")
    return remark


@pytest.mark.parametrize(
    ("network", "reason"),
    [
        (Small(features=without_gradients), "layers in no_grad"),
        (Small(scores=without_gradients), "torch cannot differentiate"),
        (Small(scores=lambda values: torch.from_numpy(values.numpy())), "RuntimeError: Can't call numpy"),
    ],
)
def test_a_network_without_gradients_can_be_used_and_says_why(bars: Dataset, network: nn.Module, reason: str) -> None:
    classifier = classifier_of(network)
    require_usable(classifier, sample_of(bars))
    remark = said_of(classifier, bars)
    assert "no gradients: gradient attacks are skipped" in remark
    assert reason in remark


def test_an_error_no_better_than_guessing_is_said(bars: Dataset) -> None:
    share = np.bincount(bars.test_labels).max() / 40
    remark = said_of(classifier_of(Small(), provenance={"test_error": 1 - share}), bars)
    assert f"no better than guessing ({share_percent(1 - share)}): check `input`" in remark
    assert (
        remarks_on(
            classifier_of(Small(), provenance={"test_error": 0.5 * (1 - share)}),
            sample_of(bars),
            test_labels=bars.test_labels,
        )
        == []
    )


def test_of_one_class_alone_nothing_is_said(bars: Dataset) -> None:
    alone = dataclasses.replace(bars, test_labels=np.zeros(40, dtype=np.int64))
    assert (
        remarks_on(
            classifier_of(Small(), provenance={"test_error": 0.0}), sample_of(alone), test_labels=alone.test_labels
        )
        == []
    )


@pytest.mark.parametrize(
    ("changes", "remark"),
    [
        ({"scale": torch.full((1, 1, 1), 1000.0)}, "99.99 % or more for all 16 images"),
        ({"scale": torch.zeros(1, 1, 1)}, "the scores are the same for all 16 images"),
        ({"network": Small(inputs=torch.round)}, "the gradient is 0 at all 16 images"),
        ({"network": Small(features=lambda values: values * 0)}, "the scores are the same for all 16 images"),
    ],
)
def test_scores_and_gradients_that_are_alike_are_said(bars: Dataset, changes: dict[str, Any], remark: str) -> None:
    classifier = classifier_of(changes.pop("network", Small()), **changes)
    assert any(
        remark in said and "check `input`" in said
        for said in remarks_on(classifier, sample_of(bars), test_labels=bars.test_labels)
    )


def test_a_gradient_that_is_the_same_everywhere_is_said(bars: Dataset) -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(400, 2))
    assert "unless the network is linear" in said_of(classifier_of(network, class_names=("a", "b")), bars)


OWN = """
from torch import nn
from torch.nn import functional

class Dropping(nn.Sequential):
    def forward(self, x):
        return super().forward(functional.dropout(x, 0.5))

class Detached(nn.Sequential):
    def forward(self, x):
        return super().forward(x).detach()

class Pair(nn.Sequential):
    def forward(self, x):
        return (super().forward(x), 0) if self.training else super().forward(x)

class Odd(nn.Sequential):
    def forward(self, x):
        assert not self.training, "I do not train"
        return super().forward(x)

def layers():
    return nn.Flatten(), nn.Linear(400, 4)

def dropping(*, input_shape, classes): return Dropping(*layers())
def soft(*, input_shape, classes): return nn.Sequential(*layers(), nn.Softmax(1))
def detached(*, input_shape, classes): return Detached(*layers())
def pair(*, input_shape, classes): return Pair(*layers())
def odd(*, input_shape, classes): return Odd(*layers())
def bare(*, input_shape, classes): return nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten())
"""


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("dropping", "depend on more than the image"),
        ("soft", "gives probabilities instead of logits"),
        ("detached", r"cannot be trained\n  found: \(64, 4\) without gradients"),
        ("pair", r"cannot be trained\n  found: tuple in training mode"),
        ("odd", r"training of net fails\n  found: AssertionError: I do not train \(.*own.py, line 19\)"),
        ("bare", r"cannot be trained\n  found: no parameter"),
    ],
)
def test_a_network_that_cannot_be_trained_is_refused(bars: Dataset, tmp_path: Any, function: str, message: str) -> None:
    path = tmp_path / "own.py"
    path.write_text(OWN)
    settings = ClassifierSettings.model_validate({"architecture": f"{path}:{function}", "training": {"iterations": 2}})
    with pytest.raises(FoolingError, match=message):
        Training(name="net", dataset=bars, settings=settings, device=CPU).run_epoch()
