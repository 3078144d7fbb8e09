"""Training: it learns, is decided by its seed, and goes on after an interruption to the same bits."""

from __future__ import annotations

import copy
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from fooling.classifiers.assembly import assembled
from fooling.classifiers.classifier import Classifier
from fooling.datasets.dataset import Dataset
from fooling.messages import FoolingError
from fooling.training.losses import mean_loss
from fooling.training.settings import ClassifierSettings
from fooling.training.training import Training

CPU = torch.device("cpu")

#: A colour network with dropout and batch normalisation: everything that has a state or draws random numbers.
OWN_NETWORK = """
from torch import nn

def build(*, input_shape, classes):
    return nn.Sequential(nn.Conv2d(input_shape[0], 8, 5), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3),
                         nn.AdaptiveAvgPool2d(8), nn.Flatten(), nn.Dropout(0.5), nn.Linear(512, classes))
"""

#: A network that needs too much memory in training, and only there.
GREEDY_NETWORK = """
import torch

class Greedy(torch.nn.Linear):
    def forward(self, values):
        if self.training:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")
        return super().forward(values.flatten(1))

def build(*, input_shape, classes):
    return Greedy(400, classes)
"""

ADAM = {"optimiser": {"kind": "adam"}, "learning_rate": 0.003, "policy": {"kind": "cosine", "warm_up": 2}}


def started(dataset: Dataset, *, architecture: str = "lenet", seed: int = 1, **training: Any) -> Training:
    values = {
        "architecture": architecture,
        "seed": seed,
        "training": {"iterations": 12, "batch_size": 32, **training},
    }
    return Training(name="net", dataset=dataset, settings=ClassifierSettings.model_validate(values), device=CPU)


def finished(training: Training) -> Classifier:
    while not training.is_done:
        training.run_epoch()
    return training.classifier()


def weights(classifier: Classifier) -> dict[str, torch.Tensor]:
    return dict(classifier.network.state_dict())


def same(one: Classifier, other: Classifier) -> bool:
    pairs = zip(weights(one).values(), weights(other).values(), strict=True)
    return one.provenance == other.provenance and all(torch.equal(*pair) for pair in pairs)


@pytest.fixture
def own_network(tmp_path: Any) -> str:
    path = tmp_path / "own.py"
    path.write_text(OWN_NETWORK)
    return f"{path}:build"


def test_a_part_of_the_images_is_a_training_of_its_own(bars: Dataset) -> None:
    halves = [finished(started(bars, part={"number": number, "of": 2})) for number in (1, 2)]
    whole = finished(started(bars))
    assert not same(halves[0], halves[1])
    assert halves[1].provenance["settings"]["training"]["part"] == {"number": 2, "of": 2, "images": None, "seed": 1}
    assert "part" not in whole.provenance["settings"]["training"]  # files of networks without a part keep their bytes
    assert same(finished(started(bars, part=None)), whole)


def test_a_training_on_a_part_resumes_to_the_same_bits(bars: Dataset) -> None:
    options = {"part": {"number": 2, "of": 3}, "batch_size": 10}
    whole, half, rest = (started(bars, **options) for _ in range(3))
    half.run_epoch()
    rest.restore(*half.state(), source="the test")
    assert same(finished(rest), finished(whole))


def test_the_mean_image_is_that_of_the_part(bars: Dataset) -> None:
    means = [finished(started(bars, part={"number": number})).training_mean for number in (1, 2)]
    assert not torch.equal(*means)


def test_a_fooling_class_needs_all_images(bars: Dataset) -> None:
    settings = ClassifierSettings.model_validate({"training": {"part": {}}})
    with pytest.raises(FoolingError, match=r"net cannot be trained on a part .*\n  found: .* with a fooling class"):
        Training(name="net", dataset=bars, settings=settings, device=CPU, fooling_class=True)


def test_lenet_learns(bars: Dataset) -> None:
    classifier = finished(started(bars, iterations=60))
    assert classifier.provenance["test_error"] < 0.1
    predicted = classifier.logits(torch.from_numpy(bars.test_images)).argmax(dim=1).numpy()
    assert classifier.provenance["test_error"] == (predicted != bars.test_labels).mean()


def test_the_provenance_tells_how_it_came_about(bars: Dataset) -> None:
    provenance = finished(started(bars, seed=5)).provenance
    assert provenance["seed"] == 5
    assert provenance["settings"]["training"]["batch_size"] == 32
    assert (provenance["iterations"], provenance["test_images"]) == (12, 40)
    # 90 images in batches of 32: the passes end in the middle of iterations 3, 6 and 9, counted from 1.
    assert [epoch["iteration"] for epoch in provenance["history"]] == [3, 6, 9, 12]
    assert provenance["history"][-1]["test_error"] == provenance["test_error"]


def test_the_seed_decides(bars: Dataset, own_network: str) -> None:
    for architecture in ("lenet", own_network):
        first = finished(started(bars, architecture=architecture))
        assert same(first, finished(started(bars, architecture=architecture)))
        assert not same(first, finished(started(bars, architecture=architecture, seed=2)))


@pytest.mark.parametrize("epochs", [1, 2, 3])
@pytest.mark.parametrize("optimiser", [{}, ADAM], ids=["sgd", "adam"])
def test_an_interrupted_training_ends_in_the_same_bits(
    bars: Dataset, own_network: str, optimiser: dict[str, Any], epochs: int
) -> None:
    for architecture in ("lenet", own_network):
        uninterrupted = finished(started(bars, architecture=architecture, **optimiser))
        interrupted = started(bars, architecture=architecture, **optimiser)
        for _ in range(epochs):
            interrupted.run_epoch()
        arrays, header = interrupted.state()
        kept = {key: array.copy() for key, array in arrays.items()}
        resumed = started(bars, architecture=architecture, **optimiser)
        torch.rand(3)
        resumed.restore(kept, header, source="the checkpoint")
        assert same(finished(resumed), uninterrupted)


@pytest.mark.parametrize("iterations", [1, 6])
@pytest.mark.parametrize("changes", [{}, ADAM, {"test_every": 2}], ids=["sgd", "adam", "tested often"])
def test_a_training_interrupted_within_a_pass_ends_in_the_same_bits(
    bars: Dataset, own_network: str, changes: dict[str, Any], iterations: int
) -> None:
    def begun() -> Training:
        return started(bars, architecture=own_network, **changes)

    kept = []
    interrupted, resumed = begun(), begun()

    def keep() -> None:
        if interrupted.iteration == iterations:
            arrays, header = interrupted.state()
            kept.append(({key: array.copy() for key, array in arrays.items()}, copy.deepcopy(header)))

    while not kept:
        interrupted.run_epoch(keep)
    torch.rand(3)
    resumed.restore(*kept[0], source="the checkpoint")
    assert resumed.iteration == iterations
    assert same(finished(resumed), finished(begun()))


def test_the_error_is_measured_within_long_passes(bars: Dataset) -> None:
    # 90 images in batches of 16: the passes end with iterations 6, 12 and 17.
    training = started(bars, iterations=17, batch_size=16, test_every=4)
    finished(training)
    assert [epoch["iteration"] for epoch in training.history] == [4, 6, 10, 12, 16, 17]
    often, seldom = finished(training), finished(started(bars, iterations=17, batch_size=16))
    assert all(torch.equal(*pair) for pair in zip(weights(often).values(), weights(seldom).values(), strict=True))


def test_mixed_precision_is_for_training_alone(bars: Dataset) -> None:
    mixed, single = (finished(started(bars, iterations=60, precision=name)) for name in ("mixed", "float32"))
    assert mixed.provenance["test_error"] < 0.1
    assert {value.dtype for value in weights(mixed).values()} == {torch.float32}
    assert not all(torch.equal(*pair) for pair in zip(weights(mixed).values(), weights(single).values(), strict=True))
    logits = mixed.logits(torch.from_numpy(bars.test_images))
    assert (logits.bfloat16().float() != logits).any()
    assert mixed.provenance["test_error"] == (logits.argmax(dim=1).numpy() != bars.test_labels).mean()


def test_states_of_no_such_training_are_refused(bars: Dataset) -> None:
    training = started(bars)
    training.run_epoch()
    arrays, header = training.state()
    wrong = [
        ("is not a checkpoint of this training", (arrays, header | {"iteration": 7})),
        ("is not a checkpoint of this training", (arrays, header | {"iteration": 2})),
        ("has an invalid generator state", (arrays | {"generator": np.zeros_like(arrays["generator"])}, header)),
        ("has an array of another type or shape", (arrays | {"loss": np.zeros(2)}, header)),
    ]
    for message, state in wrong:
        with pytest.raises(FoolingError, match=f"the checkpoint {message}"):
            started(bars).restore(*state, source="the checkpoint")


def test_all_pictures_are_not_in_a_data_set_file(bars: Dataset) -> None:
    with pytest.raises(FoolingError, match=r"net cannot be trained on all pictures(.|\n)*--pictures, --manifest"):
        started(bars, pictures="all")


def cropped(bars: Dataset, **training: Any) -> Training:
    values = {"input": {"crop": 16, "views": "ten"}, "training": {"iterations": 9, "batch_size": 32, **training}}
    return Training(name="net", dataset=bars, settings=ClassifierSettings.model_validate(values), device=CPU)


IN_BFLOAT16 = """
from torch import nn

class InBfloat16(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.layer = nn.Linear(400, classes).bfloat16()

    def forward(self, values):
        return self.layer(values.flatten(1).bfloat16()).float()

def build(*, input_shape, classes):
    return InBfloat16(classes)
"""


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_a_training_in_bfloat16_is_resumed_to_the_same_bits(bars: Dataset, tmp_path: Path, optimiser: str) -> None:
    (tmp_path / "half.py").write_text(IN_BFLOAT16)
    uninterrupted, interrupted, resumed = (
        started(bars, architecture=f"{tmp_path}/half.py:build", optimiser={"kind": optimiser}) for _ in range(3)
    )
    interrupted.run_epoch()
    resumed.restore(*interrupted.state(), source="the checkpoint")
    assert same(finished(resumed), finished(uninterrupted))


def test_a_training_on_random_crops_is_resumed_to_the_same_bits(bars: Dataset) -> None:
    uninterrupted, interrupted, resumed = cropped(bars), cropped(bars), cropped(bars)
    interrupted.run_epoch()
    resumed.restore(*interrupted.state(), source="the checkpoint")
    assert same(finished(resumed), finished(uninterrupted))


def test_every_image_is_cropped_anew_in_every_pass(bars: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    training, shown = cropped(bars), []
    inputs = Classifier.inputs

    def watched(classifier: Classifier, seen: torch.Tensor) -> torch.Tensor:
        shown.append(seen.clone())
        return inputs(classifier, seen)

    monkeypatch.setattr(Classifier, "inputs", watched)
    finished(training)
    crops = torch.cat(shown)
    assert crops.shape == (9 * 32, 1, 16, 16)
    assert len(torch.unique(crops, dim=0)) > 2.5 * 90


def test_test_errors_are_those_of_the_centre(bars: Dataset) -> None:
    classifier = finished(cropped(bars))
    centre = classifier.with_centre_view().logits(torch.from_numpy(bars.test_images))
    assert classifier.views == "ten"
    assert classifier.provenance["test_error"] == (centre.argmax(dim=1).numpy() != bars.test_labels).mean()


def test_a_batch_that_is_too_large_for_the_gpu_is_told(bars: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "greedy.py"
    path.write_text(GREEDY_NETWORK)
    with pytest.raises(
        FoolingError, match=r"the training of net needs more memory(.|\n)*`training.batch_size`.*now 32"
    ):
        finished(started(bars, architecture=f"{path}:build"))


def test_the_number_of_threads_is_the_settings(bars: Dataset) -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = finished(started(bars))
        torch.set_num_threads(2)
        assert same(finished(started(bars)), one)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_every_pass_shows_every_image_once(bars: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    training, shown = started(bars, iterations=14), []
    step = training._step

    def watched(images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        shown.append(images.numpy())
        return step(images, labels)

    monkeypatch.setattr(training, "_step", watched)
    finished(training)
    assert {len(batch) for batch in shown} == {32}
    passes = np.concatenate(shown)[: 4 * 90].reshape(4, 90, -1)
    whole = np.unique(bars.train_images.reshape(90, -1), axis=0)
    assert all(np.array_equal(np.unique(images, axis=0), whole) for images in passes)
    assert not np.array_equal(passes[0], passes[1])


def test_a_batch_may_be_larger_than_the_data_set(bars: Dataset) -> None:
    training = started(bars, iterations=3, batch_size=200)
    finished(training)
    assert [epoch["iteration"] for epoch in training.history] == [1, 2, 3]


def test_a_diverging_training_is_told(bars: Dataset) -> None:
    with pytest.raises(FoolingError, match=r"training of net has diverged(.|\n)*learning_rate"):
        finished(started(bars, learning_rate=1e6))


def test_the_mean_image_is_kept_and_subtracted_when_asked(bars: Dataset) -> None:
    settings = ClassifierSettings.model_validate({"input": {"subtract_mean": True}, "training": {"iterations": 1}})
    classifier = finished(Training(name="net", dataset=bars, settings=settings, device=CPU))
    np.testing.assert_allclose(classifier.training_mean, bars.train_images.mean(axis=0), rtol=1e-6)
    assert torch.equal(classifier.offset, classifier.training_mean)


@pytest.fixture
def only_tested_on(bars: Dataset) -> Dataset:
    return dataclasses.replace(bars, train_images=bars.train_images[:0], train_labels=bars.train_labels[:0])


def test_without_training_images_nothing_is_trained(only_tested_on: Dataset) -> None:
    with pytest.raises(FoolingError, match="training needs training images, and the data set bars has none"):
        started(only_tested_on)


def test_without_training_images_the_mean_is_mid_grey_and_never_subtracted(only_tested_on: Dataset) -> None:
    def made(**fed: Any) -> Classifier:
        settings = ClassifierSettings.model_validate({"input": fed})
        return assembled(nn.Identity(), name="net", settings=settings, dataset=only_tested_on, device=CPU)

    classifier = made()
    assert classifier.training_mean.shape == only_tested_on.image_shape
    assert (classifier.training_mean == 127.5).all()
    with pytest.raises(FoolingError, match=r"input\.subtract_mean needs training images"):
        made(subtract_mean=True)


def test_a_mean_for_other_channels_is_refused(bars: Dataset) -> None:
    settings = ClassifierSettings.model_validate({"input": {"mean": [0.5, 0.5, 0.5]}})
    with pytest.raises(FoolingError, match=r"needs one number for each channel(.|\n)*expected: 1"):
        Training(name="net", dataset=bars, settings=settings, device=CPU)


def test_the_loss_of_sigmoids_is_the_sum_of_binary_cross_entropies():
    logits = torch.tensor([[2.0, -1.0, 0.5], [0.0, 3.0, -4.0]])
    labels = torch.tensor([0, 2])
    wanted = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    shares = torch.sigmoid(logits)
    by_hand = -(wanted * shares.log() + (1 - wanted) * (1 - shares).log()).sum() / 2
    torch.testing.assert_close(mean_loss(logits, labels, loss="sigmoids"), by_hand)
    torch.testing.assert_close(mean_loss(logits, labels, loss="softmax"), nn.functional.cross_entropy(logits, labels))


def test_a_network_of_sigmoids_learns_and_its_file_names_the_loss(bars):
    classifier = finished(started(bars, architecture="softmax-regression", iterations=60, loss="sigmoids"))
    assert classifier.provenance["settings"]["training"]["loss"] == "sigmoids"
    assert classifier.provenance["history"][-1]["train_loss"] < classifier.provenance["history"][0]["train_loss"]
