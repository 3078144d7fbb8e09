"""The losses of a training: against their formulas, and against known answers of a linear network."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydantic import ValidationError
from torch import nn

from fooling.classifiers.classifier import Classifier
from fooling.classifiers.devices import ProcessGroup
from fooling.datasets.dataset import Dataset
from fooling.messages import FoolingError
from fooling.training.losses import (
    Outliers,
    largest_log_confidence,
    learning_rate_at,
    make_optimiser,
    mean_loss,
    outlier_loss,
    random_cppn_images,
    random_start,
    set_learning_rate,
    worst_images,
)
from fooling.training.settings import ClassifierSettings, OutlierSettings, PgdSettings, TrainingSettings, hardening_of
from fooling.training.training import Training

CPU = torch.device("cpu")
SHAPE = (1, 8, 8)
LOGITS = arrays(np.float64, (3, 4), elements=st.floats(-20, 20))


def started(
    dataset: Dataset, *, given: Dataset | None = None, architecture: str = "lenet", **training: Any
) -> Training:
    values = {"architecture": architecture, "training": {"iterations": 12, "batch_size": 32, **training}}
    network = ClassifierSettings.model_validate(values)
    return Training(name="net", dataset=dataset, settings=network, device=CPU, outliers=given)


def finished(training: Training) -> Classifier:
    while not training.is_done:
        training.run_epoch()
    return training.classifier()


def same(one: Classifier, other: Classifier) -> bool:
    pairs = zip(one.network.state_dict().values(), other.network.state_dict().values(), strict=True)
    return one.provenance == other.provenance and all(torch.equal(*pair) for pair in pairs)


@given(LOGITS)
@settings(max_examples=50, deadline=None)
def test_the_losses_on_outliers_are_those_of_their_formulas(values: np.ndarray) -> None:
    logits = torch.from_numpy(values)
    shares = torch.softmax(logits, dim=1)
    uniform = -(torch.log_softmax(logits, dim=1) / 4).sum(dim=1).mean()
    torch.testing.assert_close(outlier_loss(logits, loss="uniform"), uniform)
    assert outlier_loss(logits, loss="uniform") >= math.log(4) - 1e-12
    largest = shares.max(dim=1).values.log()
    torch.testing.assert_close(largest_log_confidence(logits), largest)
    torch.testing.assert_close(outlier_loss(logits, loss="largest"), largest.mean() + math.log(4))
    assert outlier_loss(logits, loss="largest") >= -1e-12


@pytest.mark.parametrize("loss", ["uniform", "largest"])
def test_a_network_that_is_sure_of_nothing_has_the_smallest_loss_on_outliers(loss: str) -> None:
    even = outlier_loss(torch.zeros(2, 5, dtype=torch.float64), loss=loss)
    assert even.item() == pytest.approx(math.log(5) if loss == "uniform" else 0)
    assert outlier_loss(torch.eye(5, dtype=torch.float64), loss=loss) > even


@pytest.mark.parametrize("loss", ["uniform", "largest"])
def test_gradients_of_the_losses_on_outliers_are_right(loss: str) -> None:
    logits = torch.tensor([[0.3, -1.0, 2.0], [1.5, 0.2, -0.4]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda values: outlier_loss(values, loss=loss), logits)


def test_the_gradient_towards_the_uniform_distribution_is_the_confidence_above_chance() -> None:
    logits = torch.tensor([[0.3, -1.0, 2.0]], dtype=torch.float64, requires_grad=True)
    outlier_loss(logits, loss="uniform").backward()
    torch.testing.assert_close(logits.grad, torch.softmax(logits.detach(), dim=1) - 1 / 3)


@given(LOGITS, st.floats(0, 0.99))
@settings(max_examples=50, deadline=None)
def test_label_smoothing_divides_a_share_of_each_label_among_the_classes(values: np.ndarray, share: float) -> None:
    logits, labels = torch.from_numpy(values), torch.tensor([0, 3, 1])
    wanted = torch.full((3, 4), share / 4, dtype=torch.float64)
    wanted[torch.arange(3), labels] += 1 - share
    by_hand = -(wanted * torch.log_softmax(logits, dim=1)).sum(dim=1).mean()
    torch.testing.assert_close(mean_loss(logits, labels, loss="softmax", label_smoothing=share), by_hand)


def weights_of(values: list[list[float]]) -> nn.Linear:
    layer = nn.Linear(4, 2, bias=False)
    layer.weight.data = torch.tensor(values)
    return layer


def test_the_worst_image_of_a_linear_network_is_a_corner_of_the_box() -> None:
    layer = weights_of([[1.0, -2.0, 0.5, 1.0], [0.0, 1.0, 0.5, 2.0]])
    images = torch.tensor([[[[100.0, 100.0], [100.0, 10.0]]]])

    def loss(levels: torch.Tensor) -> torch.Tensor:
        return nn.functional.cross_entropy(layer(levels.flatten(1) / 255), torch.tensor([0]), reduction="none")

    box = PgdSettings(size=0.1, steps=7)
    found = worst_images(images, loss, box, start=random_start(images, seed=1, purpose="test", iteration=0))
    # The loss of class 0 rises with (1, -1) x; the third pixel has no effect, the fourth is at the end of its range.
    difference = layer.weight[1] - layer.weight[0]
    corner = (images.flatten(1) + 25.5 * difference.detach().sign()).clamp(0, 255)
    decided = difference != 0
    torch.testing.assert_close(found.flatten(1)[:, decided], corner[:, decided])
    assert (found - images).abs().max() <= 25.5 + 1e-4
    assert not found.requires_grad


def test_the_search_stays_in_the_box_and_in_the_range_of_images() -> None:
    images = torch.randint(256, (5, *SHAPE), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    for share in (0.0, 1.0):
        start = torch.full((5, *SHAPE), share)
        found = worst_images(images, lambda levels: levels.flatten(1).sum(dim=1), PgdSettings(step=1.0), start=start)
        assert torch.equal(found, (images + 76.5).clamp(max=255))


def test_steps_are_two_and_a_half_boxes_together() -> None:
    images, middle = torch.full((1, *SHAPE), 100.0), torch.full((1, *SHAPE), 0.5)
    found = worst_images(
        images, lambda levels: levels.flatten(1).sum(dim=1), PgdSettings(size=0.2, steps=5), start=middle
    )
    torch.testing.assert_close(found, images + 51)
    one = worst_images(
        images, lambda levels: levels.flatten(1).sum(dim=1), PgdSettings(size=0.2, step=0.1, steps=1), start=middle
    )
    torch.testing.assert_close(one, images + 25.5)


@pytest.mark.parametrize("kind", ["noise", "cppn"])
def test_outliers_follow_from_the_seed_and_the_iteration(kind: str) -> None:
    wanted = OutlierSettings.model_validate({"kind": kind, "per_batch": 6, "images": 40})
    one, again, other = (Outliers(wanted, seed=seed, shape=SHAPE) for seed in (1, 1, 2))
    assert one.of(3).shape == (6, *SHAPE)
    assert one.of(3).dtype == torch.uint8
    assert torch.equal(one.of(3), again.of(3))
    assert not torch.equal(one.of(3), one.of(4))
    assert not torch.equal(one.of(3), other.of(3))


def test_processes_divide_the_outliers_of_one() -> None:
    wanted = OutlierSettings(per_batch=6)
    parts = [Outliers(wanted, seed=1, shape=SHAPE, group=ProcessGroup(rank, 3)).of(5) for rank in range(3)]
    assert torch.equal(torch.cat(parts), Outliers(wanted, seed=1, shape=SHAPE).of(5))
    starts = [
        random_start(torch.zeros(2, *SHAPE), seed=1, purpose="test", iteration=4, group=ProcessGroup(rank, 3))
        for rank in range(3)
    ]
    assert torch.equal(torch.cat(starts), random_start(torch.zeros(6, *SHAPE), seed=1, purpose="test", iteration=4))
    with pytest.raises(FoolingError, match=r"cannot be divided evenly(.|\n)*per_batch: 6, for 4 processes"):
        Outliers(wanted, seed=1, shape=SHAPE, group=ProcessGroup(0, 4))


def test_random_cppns_are_images_of_many_levels() -> None:
    images = random_cppn_images(600, shape=SHAPE, seed=1)
    assert images.shape == (600, *SHAPE)
    assert images.dtype == np.uint8
    assert len(np.unique(images)) > 100
    assert np.array_equal(images[:500], random_cppn_images(500, shape=SHAPE, seed=1))


WAYS = {
    "smoothed": {"label_smoothing": 0.2},
    "noise": {"outliers": {"kind": "noise", "per_batch": 8}},
    "cppn": {"outliers": {"kind": "cppn", "per_batch": 8, "images": 20}},
    "ceda": {"outliers": {"kind": "noise", "per_batch": 8, "loss": "largest"}},
    "acet": {"outliers": {"kind": "noise", "per_batch": 8, "loss": "largest", "worst": {"size": 0.2, "steps": 2}}},
    "adversarial": {"adversarial": {"size": 0.1, "steps": 2}},
    "all": {
        "label_smoothing": 0.1,
        "outliers": {"kind": "noise", "per_batch": 4},
        "adversarial": {"size": 0.1, "steps": 1},
    },
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_is_a_training_of_its_own_and_resumes_to_the_same_bits(bars: Dataset, way: str) -> None:
    whole = finished(started(bars, **WAYS[way]))
    assert not same(whole, finished(started(bars)))
    interrupted, resumed, kept = started(bars, **WAYS[way]), started(bars, **WAYS[way]), []

    def keep() -> None:
        if interrupted.iteration == 5:
            arrays, header = interrupted.state()
            kept.append(({key: array.copy() for key, array in arrays.items()}, copy.deepcopy(header)))

    while not kept:
        interrupted.run_epoch(keep)
    torch.rand(3)
    resumed.restore(*kept[0], source="the checkpoint")
    assert same(finished(resumed), whole)


NORMALISED = """
from torch import nn

def build(*, input_shape, classes):
    return nn.Sequential(nn.Conv2d(input_shape[0], 4, 5), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(4),
                         nn.Flatten(), nn.Dropout(0.5), nn.Linear(64, classes))
"""


def test_a_search_leaves_batch_normalisation_and_dropout_alone(bars: Dataset, tmp_path: Any) -> None:
    (tmp_path / "own.py").write_text(NORMALISED)
    architecture = f"{tmp_path}/own.py:build"
    one, other = (
        started(bars, architecture=architecture, iterations=1, adversarial={"size": 1e-9, "steps": steps})
        for steps in (1, 3)
    )
    found = [dict(finished(training).network.state_dict()) for training in (one, other)]
    assert found[0]["1.num_batches_tracked"] == 1
    assert all(torch.allclose(found[0][key].float(), found[1][key].float(), atol=1e-6) for key in found[0])


def test_outliers_make_a_network_less_sure_of_noise(bars: Dataset) -> None:
    generator = torch.Generator().manual_seed(9)
    noise = torch.randint(256, (50, *bars.image_shape), generator=generator, dtype=torch.uint8)
    plain, hardened = (finished(started(bars, iterations=60, **more)) for more in ({}, {"outliers": {"kind": "noise"}}))
    tops = [network.confidences(noise).max(dim=1).values.median() for network in (plain, hardened)]
    assert tops[1] < tops[0]
    assert tops[1] < 0.5
    assert hardened.provenance["test_error"] < 0.1


def test_adversarial_training_learns(bars: Dataset) -> None:
    assert finished(started(bars, iterations=60, adversarial={"size": 0.1})).provenance["test_error"] < 0.1


def test_fooling_images_are_outliers(bars: Dataset) -> None:
    wanted = {"outliers": {"kind": "fooling", "per_batch": 8}}
    one = finished(started(bars, given=bars, **wanted))
    assert same(one, finished(started(bars, given=bars, **wanted)))
    assert not same(one, finished(started(bars)))


def test_files_of_plain_networks_have_no_new_keys(bars: Dataset) -> None:
    stored = finished(started(bars)).provenance["settings"]["training"]
    assert not {"label_smoothing", "outliers", "adversarial"} & stored.keys()
    assert same(finished(started(bars, label_smoothing=0.0, outliers=None, adversarial=None)), finished(started(bars)))


@pytest.mark.parametrize(
    ("training", "message"),
    [
        ({"loss": "sigmoids", "label_smoothing": 0.1}, "label_smoothing and outliers only with loss: softmax"),
        ({"loss": "sigmoids", "outliers": {}}, "label_smoothing and outliers only with loss: softmax"),
        ({"precision": "mixed", "adversarial": {}}, "only with precision: float32"),
        ({"precision": "mixed", "outliers": {"worst": {}}}, "only with precision: float32"),
        ({"outliers": {"retraining": "chain", "first": "net"}}, "retraining and first only with kind: fooling"),
        ({"outliers": {"kind": "fooling", "first": "net"}}, "both retraining and first, or neither"),
        ({"label_smoothing": 1.0}, "less than 1"),
        ({"adversarial": {"size": 0}}, "greater than 0"),
    ],
)
def test_impossible_settings_are_refused(training: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ClassifierSettings.model_validate({"training": training})


def test_outliers_are_not_cropped() -> None:
    with pytest.raises(ValidationError, match=r"training\.outliers only without input\.crop"):
        ClassifierSettings.model_validate({"input": {"crop": 16}, "training": {"outliers": {}}})


def test_images_and_settings_of_outliers_belong_together(bars: Dataset) -> None:
    with pytest.raises(FoolingError, match=r"need images that fooled a network(.|\n)*--outliers"):
        started(bars, outliers={"kind": "fooling"})
    with pytest.raises(FoolingError, match=r"outliers without a use(.|\n)*kind: noise"):
        started(bars, given=bars, outliers={"kind": "noise"})
    with pytest.raises(FoolingError, match=r"has no use for outliers(.|\n)*kind: fooling"):
        started(bars, given=bars)
    smaller = Outliers(OutlierSettings(kind="noise"), seed=1, shape=SHAPE)
    assert smaller.of(0).shape[1:] == SHAPE
    with pytest.raises(FoolingError, match=r"do not fit the real images(.|\n)*1x8x8"):
        Outliers(OutlierSettings(kind="fooling"), seed=1, shape=SHAPE, given=bars)


def test_a_fooling_class_excludes_outliers(bars: Dataset) -> None:
    network = ClassifierSettings.model_validate({"training": {"outliers": {}}})
    with pytest.raises(FoolingError, match="net cannot have both outliers and a fooling class"):
        Training(name="net", dataset=bars, settings=network, device=CPU, fooling_class=True)


def test_a_network_without_gradients_by_its_input_is_refused(bars: Dataset, tmp_path: Any) -> None:
    (tmp_path / "own.py").write_text(
        "import torch\n\nclass Own(torch.nn.Linear):\n    def forward(self, values):\n"
        "        return super().forward(values.detach().flatten(1))\n\n"
        "def build(*, input_shape, classes):\n    return Own(400, classes)\n"
    )
    # In evaluation mode its parameters give it gradients, but none by the input.
    with pytest.raises(FoolingError, match="the network has no gradients by its input"):
        finished(started(bars, architecture=f"{tmp_path}/own.py:build", adversarial={}))


def test_ways_are_named() -> None:
    def words(**training: Any) -> str:
        return hardening_of(ClassifierSettings.model_validate({"training": training}).training.model_dump(mode="json"))

    assert words() == "plain"
    assert words(label_smoothing=0.1) == "label smoothing 0.1"
    assert words(outliers={"kind": "cppn", "per_batch": 64}) == "outliers cppn, per batch 64"
    assert words(outliers={"loss": "largest", "weight": 1, "worst": {}}) == (
        "outliers noise, loss largest, weight 1.0, worst within 0.3"
    )
    assert words(outliers={"kind": "fooling", "retraining": "chain", "first": "net"}) == "outliers fooling"
    assert words(adversarial={"size": 0.1}) == "adversarial training within 0.1"


POLICIES: list[dict[str, Any]] = [
    {"kind": "inv", "gamma": 0.5, "power": 0.75},
    {"kind": "constant"},
    {"kind": "cosine", "warm_up": 3},
    {"kind": "step", "every": 4, "factor": 0.1},
]


def settings(policy: dict[str, Any], **others: Any) -> TrainingSettings:
    return TrainingSettings.model_validate({"iterations": 12, "learning_rate": 0.1, "policy": policy, **others})


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy["kind"])
def test_gradient_descent_steps_as_caffe(policy: dict[str, Any]) -> None:
    """V = momentum * V + rate * factor * (gradient + decay * W); W -= V (Caffe's solver, in float64 here)."""
    training = settings(policy, optimiser={"kind": "sgd", "momentum": 0.9, "weight_decay": 0.01})
    torch.manual_seed(0)
    layer = nn.Conv2d(3, 4, 2).to(memory_format=torch.channels_last)
    optimiser = make_optimiser(layer, training)
    values = {name: value.detach().double().numpy().copy() for name, value in layer.named_parameters()}
    steps = {name: np.zeros_like(value) for name, value in values.items()}
    generator = np.random.default_rng(0)
    for iteration in range(training.iterations):
        rate = learning_rate_at(iteration, training)
        for name, parameter in layer.named_parameters():
            gradient = generator.normal(size=parameter.shape)
            parameter.grad = torch.empty_like(parameter).copy_(torch.from_numpy(gradient))
            factor = 2 if name == "bias" else 1
            steps[name] = 0.9 * steps[name] + rate * factor * (gradient + 0.01 * values[name])
            values[name] -= steps[name]
        set_learning_rate(optimiser, iteration, training)
        optimiser.step()
        for name, parameter in layer.named_parameters():
            np.testing.assert_allclose(parameter.detach().numpy(), values[name], rtol=1e-4, atol=1e-6)


def test_the_rate_falls_in_steps() -> None:
    training = settings({"kind": "step", "every": 5, "factor": 0.1})
    found = [learning_rate_at(iteration, training) for iteration in range(12)]
    assert found == pytest.approx([0.1] * 5 + [0.01] * 5 + [0.001] * 2)


def test_the_defaults_are_caffes_solver_for_lenet() -> None:
    training = TrainingSettings()
    assert learning_rate_at(0, training) == 0.01
    assert learning_rate_at(5000, training) == pytest.approx(0.01 * 1.5**-0.75)
    assert (training.iterations, training.batch_size) == (10_000, 64)
    assert training.optimiser.model_dump() == {
        "kind": "sgd",
        "momentum": 0.9,
        "weight_decay": 5e-4,
        "bias_rate_factor": 2.0,
    }


def test_the_cosine_rises_and_falls() -> None:
    training = settings({"kind": "cosine", "warm_up": 4})
    rates = [learning_rate_at(iteration, training) for iteration in range(12)]
    assert rates[:5] == pytest.approx([0.025, 0.05, 0.075, 0.1, 0.1])
    assert rates[8] == pytest.approx(0.05)
    assert rates[11] == pytest.approx(0.05 * (1 + math.cos(math.pi * 7 / 8)))


def test_adam_takes_the_rate_of_the_policy_and_of_the_kind_of_layer() -> None:
    training = settings({"kind": "constant"}, optimiser={"kind": "adam", "linear_rate_factor": 0.25})
    network = nn.Sequential(nn.Conv2d(1, 1, 1), nn.Flatten(), nn.Linear(2, 1))
    before = [parameter.detach().clone() for parameter in network.parameters()]
    for parameter in network.parameters():
        parameter.grad = torch.full_like(parameter, -3.0)
    optimiser = make_optimiser(network, training)
    set_learning_rate(optimiser, 0, training)
    optimiser.step()
    steps = [float((now.detach() - then).mean()) for now, then in zip(network.parameters(), before, strict=True)]
    assert steps == pytest.approx([0.1, 0.1, 0.025, 0.025], rel=1e-4)
