"""The fooling class: data sets of fooling images, images that no network selected, and refusal at equal rates."""

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
from fooling.encodings.cppn.encoding import CppnEncoding
from fooling.encodings.direct import DirectEncoding
from fooling.encodings.encoding import Encoding
from fooling.encodings.settings import CppnSettings, DirectSettings
from fooling.messages import FoolingError
from fooling.retraining.fooling_class import (
    champions_dataset,
    fitted_refusal,
    halves,
    random_dataset,
    refused,
    refusing,
    unselected_images,
    with_fooling_class,
)
from fooling.retraining.settings import MatchSettings, at_equal_passes
from fooling.training.settings import ClassifierSettings


def test_a_run_supplies_two_images_of_every_class(make_runs):
    runs = make_runs(3)
    images = champions_dataset(runs[:2], runs[2:])
    classes = len(runs[0].class_names)
    assert images.class_names == runs[0].class_names
    assert (len(images.train_images), len(images.test_images)) == (4 * classes, 2 * classes)
    for part, records in ((images.train_images, runs[:2]), (images.test_images, runs[2:])):
        expected = [image for run in records for half in (run.start_images, run.images) for image in half]
        np.testing.assert_array_equal(part, expected)
    assert images.test_labels.tolist() == [*range(classes)] * 2


def test_no_run_is_used_twice(make_runs):
    runs = make_runs(2)
    with pytest.raises(FoolingError, match="given twice"):
        champions_dataset(runs, runs[:1])


def test_runs_against_different_networks_are_refused(make_runs):
    runs = make_runs(2)
    other = dataclasses.replace(runs[1], classifier={"name": "other", "sha256": "f" * 64})
    with pytest.raises(FoolingError, match="several classifiers"):
        champions_dataset([runs[0]], [other])


def test_random_images_are_all_different_draws():
    drawn: list[int] = []

    def draw(count: int) -> np.ndarray:
        drawn.append(count)
        return np.full((count, 1, 4, 4), len(drawn), dtype=np.uint8)

    images = random_dataset(draw, training=390, test=30, seed=1)
    assert drawn == [200, 200, 20]
    assert (len(images.train_images), len(images.test_images)) == (390, 30)
    assert images.train_images[:200].max() == 1
    assert images.test_images[:, 0, 0, 0].tolist() == [2] * 10 + [3] * 20


def test_the_fooling_class_holds_the_training_images_of_all_sets():
    real = dataset(classes=("a", "b"), images=3, level=0)
    sets = [dataset(classes=("a", "b"), images=2, level=level) for level in (1, 2)]
    whole = with_fooling_class(real, sets)
    assert whole.class_names == ("a", "b", "fooling")
    assert whole.train_labels.tolist() == [*real.train_labels.tolist(), 2, 2, 2, 2]
    assert whole.train_images[:, 0, 0, 0].tolist() == [0, 0, 0, 1, 1, 2, 2]
    np.testing.assert_array_equal(whole.test_images, real.test_images)
    np.testing.assert_array_equal(whole.test_labels, real.test_labels)


def test_images_of_another_shape_are_refused():
    real = dataset(classes=("a", "b"), images=3, level=0)
    wide = dataset(classes=("a",), images=2, level=0, side=5)
    with pytest.raises(FoolingError, match="do not fit"):
        with_fooling_class(real, [wide])


def test_fooling_images_alone_are_nothing_to_train_on():
    real = dataset(classes=("a", "b"), images=3, level=0)
    only_tested_on = dataclasses.replace(real, train_images=real.train_images[:0], train_labels=real.train_labels[:0])
    with pytest.raises(FoolingError, match="a network with a fooling class needs training images"):
        with_fooling_class(only_tested_on, [real])


def test_a_class_of_that_name_is_refused():
    with pytest.raises(FoolingError, match="has a class called 'fooling' already"):
        with_fooling_class(dataset(classes=("a", "fooling"), images=3, level=0), [])


def dataset(*, classes: tuple[str, ...], images: int, level: int, side: int = 4) -> Dataset:
    part = np.full((images, 1, side, side), level, dtype=np.uint8)
    labels = np.arange(images) % len(classes)
    return Dataset(
        name="images",
        class_names=classes,
        provenance={},
        train_images=part,
        train_labels=labels,
        test_images=part,
        test_labels=labels,
    )


ENCODINGS = {
    "direct": DirectEncoding(settings=DirectSettings(), image_shape=(1, 8, 8)),
    "cppn": CppnEncoding(settings=CppnSettings(), image_shape=(1, 8, 8)),
}


def drawn(encoding: Encoding, count: int, generations: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return unselected_images(encoding, count, generations=generations, generator=generator)


@pytest.mark.parametrize("kind", ENCODINGS)
def test_without_generations_all_are_random_genomes(kind: str) -> None:
    encoding = ENCODINGS[kind]
    random = encoding.render(encoding.random(6, torch.Generator().manual_seed(1)))
    assert torch.equal(drawn(encoding, 6, 0), random)


@pytest.mark.parametrize("kind", ENCODINGS)
@pytest.mark.parametrize("count", [10, 12])
def test_every_second_image_has_drifted(kind: str, count: int) -> None:
    encoding = ENCODINGS[kind]
    few, many = drawn(encoding, count, 1), drawn(encoding, count, 8)
    assert few.shape == (count, 1, 8, 8)
    assert torch.equal(few[::2], many[::2])
    assert not torch.equal(few[1::2], many[1::2])


def test_drift_loses_no_line() -> None:
    assert len({image.numpy().tobytes() for image in drawn(ENCODINGS["direct"], 40, 20)}) == 40


def test_passes_over_real_images_stay_equal() -> None:
    settings = ClassifierSettings()
    longer = at_equal_passes(settings, real=60_000, fooling=19_000)
    assert longer.training.iterations == round(10_000 * 79_000 / 60_000) == 13_167
    assert longer.model_copy(update={"training": settings.training}) == settings
    assert at_equal_passes(settings, real=60_000, fooling=0) == settings


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
