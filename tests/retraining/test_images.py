"""Fooling images as data sets, and the class that they make."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from fooling.datasets.dataset import Dataset
from fooling.errors import FoolingError
from fooling.retraining.images import champions_dataset, random_dataset, with_fooling_class


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
