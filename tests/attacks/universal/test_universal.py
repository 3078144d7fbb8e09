"""Universal perturbations: a known answer, the record, the same bytes after an interruption, and what is refused."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fooling.artifacts import read_arrays, write_arrays
from fooling.attacks.universal.record import (
    KIND,
    VERSION,
    Perturbation,
    UniversalRecord,
    UniversalSettings,
    drawn_images,
    load_universal,
    perturbed,
    random_change,
    save_universal,
)
from fooling.attacks.universal.run import FineTuned, Universal, UniversalRun, labels_of, moved
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.gradients import Network
from fooling.datasets.dataset import Dataset
from fooling.messages import FoolingError
from fooling.settings import checked_settings
from linear_classifier import SHAPE, made_classifier

IDENTITY = {
    **{"name": "one", "classifier": {"name": "linear", "sha256": "0"}, "versions": {}},
    "dataset": {"name": "noise", "sha256": "1"},
}
FEW = {
    **{"images": 24, "fewer_images": [6], "unseen": 20, "sizes_linf": [0.1, 0.2], "sizes_l2": [0.1], "steps": 6},
    **{"batch": 10, "controls": 2, "examples": 2, "rounds": 2, "tuning_steps": 3, "tuning_batch": 8},
}
PIXELS = int(np.prod(SHAPE))


@pytest.fixture(scope="module")
def weights() -> np.ndarray:
    return np.random.default_rng(3).normal(0, 0.3, (2, PIXELS)).astype(np.float32).astype(np.float64)


@pytest.fixture(scope="module")
def classifier(weights: np.ndarray) -> Classifier:
    """Softmax regression of two classes, with the boundary in the middle of the range."""
    made = made_classifier(weights, np.array([0.0, 0.0]))
    middle = ((127.5 - made.offset) * made.scale).double().expand(SHAPE).numpy().ravel()
    return made_classifier(weights, -weights @ middle)


@pytest.fixture(scope="module")
def dataset(classifier: Classifier) -> Dataset:
    """Grey noise around the middle of the range, with the labels of the classifier."""
    images = np.random.default_rng(0).integers(70, 186, (100, *SHAPE)).astype(np.uint8)
    labels = labels_of(classifier, images)
    parts = {"train_images": images[:60], "train_labels": labels[:60]}
    parts |= {"test_images": images[60:], "test_labels": labels[60:]}
    return Dataset(name="noise", class_names=("a", "b"), provenance={}, **parts)


def run_of(classifier: Classifier, dataset: Dataset, **values: Any) -> UniversalRun:
    settings = UniversalSettings.model_validate({**FEW, **values})
    return Universal(settings=settings, classifier=classifier, identity=IDENTITY, dataset=dataset).run(None)


def finished(run: UniversalRun) -> UniversalRun:
    while run.steps_done < run.steps:
        run.advance()
    return run


def bytes_of(run: UniversalRun, folder: Path) -> bytes:
    save_universal(folder / "found.safetensors", run.record())
    return (folder / "found.safetensors").read_bytes()


@pytest.fixture(scope="module")
def record(classifier: Classifier, dataset: Dataset) -> UniversalRecord:
    return finished(run_of(classifier, dataset)).record()


def of_one_class(dataset: Dataset, index: int) -> Dataset:
    """The images of one class."""
    parts = {}
    for part in ("train", "test"):
        chosen = getattr(dataset, f"{part}_labels") == index
        parts |= {f"{part}_{name}": getattr(dataset, f"{part}_{name}")[chosen] for name in ("images", "labels")}
    return dataclasses.replace(dataset, **parts)


@pytest.mark.parametrize("index", [0, 1])
def test_on_a_linear_network_it_is_the_known_best_one(
    classifier: Classifier, dataset: Dataset, weights: np.ndarray, index: int
) -> None:
    few = {"images": 15, "unseen": 10, "fewer_images": [], "sizes_linf": [0.05], "compared_size": 0.05, "rounds": 0}
    found = finished(run_of(classifier, of_one_class(dataset, index), **few, sizes_l2=[0.05])).record()
    by_pixel = ((weights[1 - index] - weights[index]).reshape(SHAPE) * classifier.scale.numpy()).astype(float)
    assert np.array_equal(found.perturbations[0], np.float32(0.05) * np.sign(by_pixel).astype(np.float32))
    unit = by_pixel / np.sqrt(np.square(by_pixel).mean())
    np.testing.assert_allclose(found.perturbations[1], 0.05 * unit, rtol=1e-4, atol=1e-7)
    assert (found.unseen_labels == index).all()
    assert (found.unseen_changed[0] == 1 - index).mean() > (found.control_changed[0] == 1 - index).mean() + 0.3


def test_a_step_counts_neither_clipped_pixels_nor_images_that_are_fooled(
    classifier: Classifier, dataset: Dataset
) -> None:
    images, change = dataset.test_images[:3] / 255, np.zeros(SHAPE)
    images[:, 0, 0, 0] = 1.0
    change[0, 0, 0] = 0.01
    network, labels = Network(classifier), labels_of(classifier, dataset.test_images[:3])
    after, _ = moved(network, images, labels, change, norm="linf", size=0.1, length=0.05)
    assert after[0, 0, 0] == 0.01
    rest = np.delete(after.ravel(), 0)
    assert set(np.abs(rest)) == {0.05}
    fooled = made_classifier(100 * np.random.default_rng(3).normal(0, 0.3, (2, PIXELS)), np.zeros(2))
    wrong = 1 - Network(fooled).labels(images + change)
    for norm in ("linf", "l2"):
        after, odds = moved(Network(fooled), images, wrong, change, norm=norm, size=0.1, length=0.05)
        assert (odds < -5).all()
        assert np.array_equal(after, change)


def test_every_perturbation_has_its_norm_and_judges_stored_images(
    record: UniversalRecord, classifier: Classifier, dataset: Dataset
) -> None:
    assert record.columns == (
        Perturbation("linf", 0.1, 6, 0), Perturbation("linf", 0.1, 24, 0), Perturbation("linf", 0.2, 24, 0),
        Perturbation("l2", 0.1, 24, 0),
        Perturbation("linf", 0.1, 24, 1), Perturbation("linf", 0.1, 24, 2),
    )  # fmt: skip
    for column, change in zip(record.columns, record.perturbations, strict=True):
        norm = np.abs(change).max() if column.norm == "linf" else np.sqrt(np.square(change.astype(float)).mean())
        assert norm <= column.size * (1 + 1e-6)
    assert record.seen_from == "training"
    unseen = dataset.test_images[record.unseen_indices]
    for place in range(4):
        shown = perturbed(unseen, record.perturbations[place])
        assert np.array_equal(labels_of(classifier, shown), record.unseen_changed[place])
        assert np.array_equal(shown[:2], record.images[record.examples_of(place)])
        noise = random_change(classifier.seen_pixels, record.columns[place], seed=1, number=1)
        assert np.array_equal(labels_of(classifier, perturbed(unseen, noise)), record.control_changed[place, 1])
    assert np.array_equal(record.unseen_former[:4], record.unseen_changed[:4])
    assert np.array_equal(record.control_changed[0], record.control_changed[1])


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_random_changes_have_the_norm_and_are_of_seen_pixels(classifier: Classifier, norm: str) -> None:
    cropped = dataclasses.replace(classifier, crop=3)
    seen = cropped.seen_pixels
    assert seen.sum() == 3 * 3 * 3
    change = random_change(seen, Perturbation(norm, 0.1, 1, 0), seed=1, number=0)  # type: ignore[arg-type]
    assert (change[~seen] == 0).all()
    assert np.isclose(np.abs(change).max() if norm == "linf" else np.sqrt(np.square(change).mean()), 0.1)
    assert not np.array_equal(change, random_change(seen, Perturbation(norm, 0.1, 1, 0), seed=1, number=1))  # type: ignore[arg-type]


def test_fine_tuning_changes_a_copy_of_the_network(record: UniversalRecord, classifier: Classifier) -> None:
    before = [weights.clone() for weights in classifier.network.parameters()]
    tuned = FineTuned(classifier)
    images = np.random.default_rng(1).integers(0, 256, (8, *SHAPE)).astype(np.uint8)
    classes = np.zeros(8, dtype=np.int64)

    def loss() -> float:
        logits = tuned.classifier.logits(torch.from_numpy(images))
        return float(torch.nn.functional.cross_entropy(logits, torch.from_numpy(classes)))

    first = loss()
    for _ in range(5):
        tuned.step(images, classes, rate=0.05)
    assert loss() < first
    assert all(torch.equal(*pair) for pair in zip(before, classifier.network.parameters(), strict=True))


@pytest.mark.parametrize("stop", [0, 1, 7, 29, 31, 36, 45])
def test_interrupted_ends_in_the_same_bytes(
    classifier: Classifier, dataset: Dataset, tmp_path: Path, stop: int
) -> None:
    whole = bytes_of(finished(run_of(classifier, dataset)), tmp_path)
    half, resumed = run_of(classifier, dataset), run_of(classifier, dataset)
    assert half.steps == 4 * 7 + 2 * 10
    while half.steps_done < stop:
        half.advance()
    write_arrays(tmp_path / "state.safetensors", half.state()[0], kind="checkpoint", version=1, header={})
    arrays, _ = read_arrays(tmp_path / "state.safetensors", kind="checkpoint", version=1)
    resumed.restore(arrays, {}, source="the checkpoint")
    assert bytes_of(finished(resumed), tmp_path) == whole


def test_another_seed_gives_other_bytes(classifier: Classifier, dataset: Dataset, tmp_path: Path) -> None:
    first, other = (bytes_of(finished(run_of(classifier, dataset, seed=seed)), tmp_path) for seed in (1, 2))
    assert first != other


def test_a_state_of_other_work_is_refused(classifier: Classifier, dataset: Dataset) -> None:
    run = run_of(classifier, dataset)
    run.advance()
    state = run.state()[0]
    for other, message in (
        (run_of(classifier, dataset, unseen=10), "another type or shape"),
        (run_of(classifier, dataset, steps=1), "no state|out of range|another"),
    ):
        with pytest.raises(FoolingError, match=f"the checkpoint .*({message})"):
            other.restore(state | {"done": np.array(48)}, {}, source="the checkpoint")
    for damage in ({"done": np.zeros(2)}, {"change": np.zeros(3)}, {"tuned/weights/0": np.zeros(2)}):
        with pytest.raises(FoolingError, match="the checkpoint is no state of this work"):
            run_of(classifier, dataset).restore(state | damage, {}, source="the checkpoint")


def test_used_and_unseen_images_never_overlap(dataset: Dataset) -> None:
    without = dataclasses.replace(dataset, train_images=dataset.train_images[:0], train_labels=dataset.train_labels[:0])
    settings = UniversalSettings.model_validate({**FEW, "images": 20, "rounds": 0})
    seen, unseen = drawn_images(settings, without)
    assert not set(seen) & set(unseen)
    assert (len(seen), len(unseen)) == (20, 20)
    assert np.array_equal(unseen, drawn_images(settings, dataset)[1])


def test_a_network_without_gradients_and_too_few_images_are_refused(classifier: Classifier, dataset: Dataset) -> None:
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(PIXELS, 2))
    with torch.no_grad():
        network[1].weight.zero_()
    flat = dataclasses.replace(classifier, network=network, name="flat")
    with pytest.raises(FoolingError, match="flat has no gradients, which universal perturbations need"):
        run_of(flat, dataset)
    with pytest.raises(FoolingError, match="too few images"):
        run_of(classifier, dataset, images=61)
    with pytest.raises(FoolingError, match="too few images"):
        run_of(classifier, dataset, unseen=41)
    test_alone = dataclasses.replace(
        dataset, train_images=dataset.train_images[:0], train_labels=dataset.train_labels[:0]
    )
    with pytest.raises(FoolingError, match="fine-tuning on perturbed images needs training images"):
        run_of(classifier, test_alone)
    grey = dataclasses.replace(
        test_alone,
        train_images=np.zeros((0, 1, *SHAPE[1:]), dtype=np.uint8),
        test_images=np.zeros((40, 1, *SHAPE[1:]), dtype=np.uint8),
    )
    with pytest.raises(FoolingError, match="do not fit the network linear"):
        run_of(classifier, grey, rounds=0)


def test_seeds_and_runs_belong_to_the_settings(classifier: Classifier, dataset: Dataset) -> None:
    settings = UniversalSettings.model_validate(FEW)
    attack = Universal(settings=settings, classifier=classifier, identity=IDENTITY, dataset=dataset)
    with pytest.raises(FoolingError, match="leave out --seed"):
        attack.run(1)
    with pytest.raises(FoolingError, match="leave out --runs"):
        Universal.save_many(Path("nowhere"), [])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"images": 0}, "images"),
        ({"steps": 0}, "steps"),
        ({"sizes_l2": [0]}, "greater than 0"),
        ({"sizes_linf": [1.5]}, "less than or equal to 1"),
        ({"sizes_linf": [0.1, 0.1]}, "unique values in sizes_linf"),
        ({"compared_size": 0.15}, "compared_size that is one of sizes_linf"),
        ({"fewer_images": [1000]}, "numbers below images"),
        ({"examples": 30, "unseen": 20}, "at most as many examples"),
    ],
)
def test_settings_that_make_no_sense_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(FoolingError, match=message):
        checked_settings(UniversalSettings, values, source="--settings")


def test_a_record_survives_the_disk_and_its_damage_is_named(record: UniversalRecord, tmp_path: Path) -> None:
    path = tmp_path / "found.safetensors"
    save_universal(path, record)
    loaded = load_universal(path)
    assert np.array_equal(loaded.perturbations, record.perturbations)
    assert (loaded.columns, loaded.dataset) == (record.columns, record.dataset)
    arrays, header = read_arrays(path, kind=KIND, version=VERSION)
    for damage, message in (
        ({"labels": arrays["labels"] + 3}, "numbers out of range"),
        ({"unseen_indices": arrays["unseen_indices"][:2]}, "another type or shape"),
        ({"real": arrays["real"][:1]}, "parts that do not fit together"),
    ):
        write_arrays(path, arrays | damage, kind=KIND, version=VERSION, header=header)
        with pytest.raises(FoolingError, match=rf"found\.safetensors has .*{message}"):
            load_universal(path)
    bad = dataclasses.replace(record, perturbations=record.perturbations + 2)
    with pytest.raises(FoolingError, match="the record of one"):
        save_universal(tmp_path / "bad.safetensors", bad)
