"""Every network can be made to refuse the same share of real images, whether or not it has a fooling class."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from fooling.classifiers.architectures import build_network
from fooling.classifiers.assembly import assembled
from fooling.classifiers.classifier import Classifier, Refusal
from fooling.classifiers.classifier_file import load_classifier, save_classifier
from fooling.datasets.dataset import Dataset
from fooling.errors import FoolingError
from fooling.retraining.refusal import fitted_refusal, halves, refused, refusing
from fooling.retraining.settings import MatchSettings
from fooling.training.settings import ClassifierSettings

CPU = torch.device("cpu")
SETTINGS = MatchSettings(rate=0.1, seed=1)


@pytest.fixture
def noise() -> Dataset:
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (200, 1, 20, 20)).astype(np.uint8)
    labels = generator.integers(0, 4, 200)
    return Dataset(
        name="noise",
        class_names=("a", "b", "c", "d"),
        train_images=images[:20],
        train_labels=labels[:20],
        test_images=images,
        test_labels=labels,
        provenance={},
    )


def classifier(noise: Dataset, *, fooling_class: bool) -> Classifier:
    torch.manual_seed(0)
    classes = 4 + fooling_class
    network = build_network("lenet", input_shape=(1, 20, 20), classes=classes, options={})
    one = assembled(network, name="net", settings=ClassifierSettings(), dataset=noise, device=CPU)
    names = (*noise.class_names, "fooling")[:classes]
    return dataclasses.replace(one, class_names=names, fooling_class=fooling_class)


def test_halves_are_disjoint_and_drawn_by_seed() -> None:
    first, second = halves(11, seed=1)
    assert sorted([*first, *second]) == list(range(11))
    assert (len(first), len(second)) == (5, 6)
    assert halves(11, seed=1)[0].tolist() == first.tolist() != halves(11, seed=2)[0].tolist()


@pytest.mark.parametrize("appended", [False, True])
@pytest.mark.parametrize("rate", [0.005, 0.01, 0.02])
def test_the_constant_refuses_exactly_the_rate(appended: bool, rate: float) -> None:
    logits = np.random.default_rng(3).normal(size=(5000, 11)).astype(np.float32)
    assert refused(logits, fitted_refusal(logits, rate, appended=appended)).mean() == pytest.approx(rate)


def test_a_network_without_the_class_refuses_by_its_largest_logit() -> None:
    logits = np.array([[0, 5], [3, 1], [2, 2], [0, 1]], dtype=np.float32)
    refusal = fitted_refusal(logits, 0.25, appended=True)
    assert refusal == Refusal(shift=1.5, appended=True)
    assert refused(logits, refusal).tolist() == [False, False, False, True]


def test_a_rate_below_half_an_image_is_refused() -> None:
    with pytest.raises(FoolingError, match=r"0.005 of 40 images(.|\n)*at least 100 images in each half"):
        fitted_refusal(np.zeros((40, 3), dtype=np.float32), 0.005, appended=True)


@pytest.mark.parametrize("fooling_class", [False, True])
def test_a_refusing_classifier_is_the_network_with_its_last_logit_shifted(
    noise: Dataset, fooling_class: bool, tmp_path
) -> None:
    plain = classifier(noise, fooling_class=fooling_class)
    made = refusing(plain, noise, SETTINGS)
    images = torch.from_numpy(noise.test_images)
    before, after = plain.logits(images), made.logits(images)
    assert made.targets == noise.class_names
    assert torch.equal(before[:, :4], after[:, :4])
    last = before[:, 4] if fooling_class else torch.zeros(200)
    assert made.refusal is not None
    assert torch.equal(after[:, 4], last + made.refusal.shift)
    is_refused = (after.argmax(dim=1) == 4).numpy()
    fitted, kept_back = halves(200, seed=1)
    told = made.provenance["refusal"]
    assert (is_refused[fitted].mean(), is_refused[kept_back].mean()) == (told["refused_fitted"], told["refused"])
    assert told["refused_fitted"] == 0.1
    save_classifier(tmp_path / "refusing.safetensors", made)
    loaded = load_classifier(tmp_path / "refusing.safetensors", CPU)
    assert torch.equal(loaded.logits(images), after)
    assert loaded.refusal == made.refusal
