"""Whole runs: the drawn images, the record, the same bytes after an interruption, and what is refused."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fooling.artifacts import read_arrays, write_arrays
from fooling.attacks.adversarial.methods import norms_of
from fooling.attacks.adversarial.record import (
    KIND,
    VERSION,
    AdversarialRecord,
    AdversarialSettings,
    load_adversarial,
    save_adversarial,
)
from fooling.attacks.adversarial.run import Adversarial, AdversarialRun, drawn_images
from fooling.classifiers.classifier import Classifier
from fooling.datasets.dataset import Dataset
from fooling.messages import FoolingError
from fooling.settings import checked_settings
from linear_classifier import CLASSES, SHAPE

IDENTITY = {
    **{"name": "small", "classifier": {"name": "linear", "sha256": "0"}, "versions": {}},
    "dataset": {"name": "noise", "sha256": "1"},
}
FEW = {
    **{"images": 5, "chunk": 2, "sizes_l2": [0.05], "sizes_linf": [0.02, 0.1], "pgd_steps": 3},
    **{"penalty_searches": 2, "iterations": 5, "boundary_steps": 1, "boundary_queries": 10},
}


def run_of(classifier: Classifier, bars: Dataset, **values: Any) -> AdversarialRun:
    settings = AdversarialSettings.model_validate({**FEW, **values})
    return Adversarial(settings=settings, classifier=classifier, identity=IDENTITY, dataset=bars).run(None)


def finished(run: AdversarialRun) -> AdversarialRun:
    while run.steps_done < run.steps:
        run.advance()
    return run


def bytes_of(run: AdversarialRun, folder: Path) -> bytes:
    save_adversarial(folder / "found.safetensors", run.record())
    return (folder / "found.safetensors").read_bytes()


@pytest.fixture(scope="module")
def record(classifier: Classifier, bars: Dataset) -> AdversarialRecord:
    return finished(run_of(classifier, bars)).record()


def test_images_are_right_and_evenly_over_the_classes(classifier: Classifier, bars: Dataset) -> None:
    indices = drawn_images(classifier, bars, count=10, seed=1)
    labels = classifier.logits(torch.from_numpy(bars.test_images[indices])).argmax(dim=1).numpy()
    assert np.array_equal(labels, bars.test_labels[indices])
    assert np.bincount(labels).tolist() == [4, 3, 3]
    assert len(set(indices.tolist())) == 10
    assert set(drawn_images(classifier, bars, count=4, seed=1)) <= set(indices)
    assert set(drawn_images(classifier, bars, count=10, seed=2)) != set(indices)
    every = drawn_images(classifier, bars, count=100_000, seed=1)
    assert len(every) == int((np.arange(400) % 8 != 0).sum())


def test_the_record_holds_every_method_at_every_size_beside_noise_of_the_same_norm(
    record: AdversarialRecord, classifier: Classifier, bars: Dataset
) -> None:
    assert list(zip(record.methods, record.sizes, strict=True)) == [
        *(("l-bfgs", None), ("fgsm", 0.02), ("fgsm", 0.1), ("pgd-l2", 0.05), ("pgd-linf", 0.02), ("pgd-linf", 0.1)),
        *(("deepfool", None), ("hop-skip-jump", None)),
    ]
    assert len(record.images) == 8 * 5
    assert np.array_equal(record.real.images, bars.test_images[record.real.indices])
    for column, rows in record.columns():
        place = {"l2": 0, "linf": 1}[column.norm]
        np.testing.assert_allclose(record.noise.norms[rows, place], record.norms[rows, place], rtol=1e-9, atol=1e-12)
        if column.size is not None:
            np.testing.assert_allclose(record.norms[rows, 2 if column.norm == "l2" else 1], column.size, rtol=1e-4)
        real = record.real.images / 255
        np.testing.assert_allclose(record.stored_norms[rows], norms_of(record.images[rows] / 255 - real))
    for part in (record.found, record.noise):
        scores = classifier.confidences(torch.from_numpy(part.images)).numpy()
        assert np.array_equal(scores.argmax(axis=1), part.labels)
        np.testing.assert_allclose(scores.max(axis=1), part.confidences, rtol=1e-6)
    classes = np.tile(record.real.classes, 8)
    assert (record.unrounded_labels != classes).mean() > (record.noise.unrounded_labels != classes).mean() + 0.3


@pytest.mark.parametrize("stop", [0, 1, 7, 24])
def test_interrupted_ends_in_the_same_bytes(classifier: Classifier, bars: Dataset, tmp_path: Path, stop: int) -> None:
    whole = bytes_of(finished(run_of(classifier, bars)), tmp_path)
    half, resumed = run_of(classifier, bars), run_of(classifier, bars)
    while half.steps_done < stop:
        half.advance()
    np.random.seed(stop)
    write_arrays(tmp_path / "state.safetensors", half.state()[0], kind="checkpoint", version=1, header={})
    arrays, _ = read_arrays(tmp_path / "state.safetensors", kind="checkpoint", version=1)
    resumed.restore(arrays, {}, source="the checkpoint")
    assert bytes_of(finished(resumed), tmp_path) == whole


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(
    classifier: Classifier, bars: Dataset, tmp_path: Path
) -> None:
    few = {"images": 3, "methods": ["deepfool", "fgsm", "hop-skip-jump"]}
    first, same, other = (
        bytes_of(finished(run_of(classifier, bars, seed=seed, **few)), tmp_path) for seed in (1, 1, 2)
    )
    assert first == same != other


def test_a_state_of_other_work_is_refused(classifier: Classifier, bars: Dataset) -> None:
    run = run_of(classifier, bars)
    run.advance()
    with pytest.raises(FoolingError, match="the checkpoint has an array of another type or shape"):
        run_of(classifier, bars, images=3).restore(run.state()[0], {}, source="the checkpoint")
    with pytest.raises(FoolingError, match="numbers out of range"):
        run_of(classifier, bars).restore(run.state()[0] | {"done": np.array(25)}, {}, source="the checkpoint")
    with pytest.raises(FoolingError, match="the checkpoint is no state of this work"):
        run_of(classifier, bars).restore(run.state()[0] | {"done": np.zeros(2)}, {}, source="the checkpoint")


def test_a_network_without_gradients_is_attacked_by_its_labels_alone(
    flat_classifier: Classifier, bars: Dataset
) -> None:
    with pytest.raises(FoolingError, match=r"flat has no gradients(.|\n)*methods: \[hop-skip-jump\]"):
        run_of(flat_classifier, bars)
    found = finished(run_of(flat_classifier, bars, methods=["hop-skip-jump"], images=4)).record()
    assert set(found.real.classes) == {0}
    assert (found.labels == 0).all()


def test_without_an_image_that_is_right_nothing_is_changed(classifier: Classifier, bars: Dataset) -> None:
    wrong = dataclasses.replace(bars, test_labels=(bars.test_labels + 1) % CLASSES)
    wrong = dataclasses.replace(wrong, test_images=bars.test_images[1:8], test_labels=wrong.test_labels[1:8])
    with pytest.raises(FoolingError, match="there are no images to change"):
        run_of(classifier, wrong)


def test_a_data_set_of_other_images_is_refused(classifier: Classifier, bars: Dataset) -> None:
    other = np.zeros((3, 1, *SHAPE[1:]), dtype=np.uint8)
    grey = dataclasses.replace(
        bars,
        train_images=other[:0],
        train_labels=bars.test_labels[:0],
        test_images=other,
        test_labels=bars.test_labels[:3],
    )
    with pytest.raises(FoolingError, match="the images of noise do not fit the network linear"):
        run_of(classifier, grey)


def test_seeds_and_runs_belong_to_the_settings(classifier: Classifier, bars: Dataset) -> None:
    attack = Adversarial(settings=AdversarialSettings(), classifier=classifier, identity=IDENTITY, dataset=bars)
    with pytest.raises(FoolingError, match="leave out --seed"):
        attack.run(1)
    with pytest.raises(FoolingError, match="leave out --runs"):
        Adversarial.save_many(Path("nowhere"), [])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"images": 0}, "images"),
        ({"sizes_l2": [0]}, "greater than 0"),
        ({"sizes_linf": [1.5]}, "less than or equal to 1"),
        ({"sizes_linf": []}, "sizes_linf"),
        ({"methods": []}, "methods"),
        ({"methods": ["fgsm", "fgsm"]}, "one value in methods, and unique"),
        ({"methods": ["gradient"]}, "methods"),
        ({"sizes_l2": [0.1, 0.1]}, "sizes_l2"),
        ({"boundary_queries": 1}, "boundary_queries"),
        ({"chunk": 0}, "chunk"),
    ],
)
def test_settings_that_make_no_sense_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(FoolingError, match=message):
        checked_settings(AdversarialSettings, values, source="--settings")


def test_a_record_survives_the_disk_and_its_damage_is_named(record: AdversarialRecord, tmp_path: Path) -> None:
    path = tmp_path / "found.safetensors"
    save_adversarial(path, record)
    loaded = load_adversarial(path)
    assert np.array_equal(loaded.noise.norms, record.noise.norms)
    assert (loaded.methods, loaded.sizes, loaded.dataset) == (record.methods, record.sizes, record.dataset)
    arrays, header = read_arrays(path, kind=KIND, version=VERSION)
    for damage, message in (
        ({"labels": arrays["labels"] + 3}, "numbers out of range"),
        ({"real/indices": arrays["real/indices"][:2]}, "another type or shape"),
        ({name: arrays[name][:2] for name in arrays if name.startswith("real/")}, "parts that do not fit together"),
    ):
        write_arrays(path, arrays | damage, kind=KIND, version=VERSION, header=header)
        with pytest.raises(FoolingError, match=rf"found\.safetensors has .*{message}"):
            load_adversarial(path)


@pytest.mark.parametrize("damage", [{"confidences": np.float32(2)}, {"norms": -1.0}, {"evaluations": -1}], ids=str)
def test_a_record_that_could_not_be_read_is_not_written(
    record: AdversarialRecord, tmp_path: Path, damage: dict[str, float]
) -> None:
    ((name, value),) = damage.items()
    bad = dataclasses.replace(record, **{name: np.full_like(getattr(record, name), value)})
    with pytest.raises(FoolingError, match="the record of small"):
        save_adversarial(tmp_path / "found.safetensors", bad)
    assert not list(tmp_path.iterdir())
