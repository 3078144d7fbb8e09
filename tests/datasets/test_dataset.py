from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fooling.artifacts import write_arrays
from fooling.datasets.dataset import ARRAYS, KIND, VERSION, Dataset, load_dataset, save_dataset, stratified_split
from fooling.messages import FoolingError


@pytest.fixture
def dataset():
    generator = np.random.default_rng(0)
    return Dataset(
        name="tiny",
        class_names=("cat", "dog"),
        train_images=generator.integers(0, 256, (6, 3, 4, 5), dtype=np.uint8),
        train_labels=np.array([0, 1, 0, 1, 0, 1]),
        test_images=generator.integers(0, 256, (2, 3, 4, 5), dtype=np.uint8),
        test_labels=np.array([1, 0]),
        provenance={"origin": "made up", "settings": {"seed": 1}},
    )


def test_a_data_set_survives_its_file(dataset, tmp_path):
    path = tmp_path / "tiny.safetensors"
    save_dataset(path, dataset)
    loaded = load_dataset(path)
    assert (loaded.name, loaded.class_names, loaded.provenance) == ("tiny", ("cat", "dog"), dataset.provenance)
    for name in (array.name for array in ARRAYS):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(dataset, name))


def test_the_same_data_set_gives_the_same_bytes(dataset, tmp_path):
    save_dataset(tmp_path / "one", dataset)
    save_dataset(tmp_path / "two", dataset)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_shape_and_summary(dataset):
    assert dataset.image_shape == (3, 4, 5)
    assert dataset.summary == "6 training and 2 test images, RGB 4x5, 2 classes"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"train_images": np.zeros((6, 3, 4, 5), np.float32)}, "train images are float32"),
        ({"train_images": np.zeros((6, 2, 4, 5), np.uint8)}, "1 or 3"),
        ({"test_images": np.zeros((2, 3, 8, 8), np.uint8)}, "differ in shape"),
        ({"test_labels": np.array([0, 1, 0])}, "test labels"),
        ({"test_labels": np.array([0, 2])}, r"outside 0\.\.1"),
        ({"test_labels": np.array([0, -1])}, r"outside 0\.\.1"),
        ({"train_labels": np.zeros(6, np.int32)}, "not int64"),
        ({"test_images": np.zeros((0, 3, 4, 5), np.uint8), "test_labels": np.zeros(0, np.int64)}, "no test images"),
    ],
)
def test_parts_that_do_not_fit_are_refused(dataset, change, complaint):
    with pytest.raises(ValueError, match=complaint):
        dataclasses.replace(dataset, **change)


@pytest.fixture
def only_tested_on(dataset):
    none = {"train_images": dataset.train_images[:0], "train_labels": dataset.train_labels[:0]}
    return dataclasses.replace(dataset, **none)


def test_a_data_set_may_have_no_training_images(only_tested_on, tmp_path):
    save_dataset(tmp_path / "tiny.safetensors", only_tested_on)
    loaded = load_dataset(tmp_path / "tiny.safetensors")
    assert loaded.train_images.shape == (0, 3, 4, 5)
    assert loaded.image_shape == (3, 4, 5)
    assert not loaded.has_training_images
    assert loaded.summary == "no training and 2 test images, RGB 4x5, 2 classes"


def test_whoever_needs_training_images_says_so(dataset, only_tested_on):
    dataset.require_training_images("the mean image")
    with pytest.raises(FoolingError, match=r"the mean image needs training images, and the data set tiny has none"):
        only_tested_on.require_training_images("the mean image")


def test_a_truncated_file_is_named(dataset, tmp_path):
    path = tmp_path / "tiny.safetensors"
    save_dataset(path, dataset)
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(FoolingError, match=r"tiny\.safetensors is truncated"):
        load_dataset(path)


def test_a_file_with_missing_arrays_is_named(dataset, tmp_path):
    path = tmp_path / "tiny.safetensors"
    header = {"name": "tiny", "class_names": ["cat"], "provenance": {}}
    write_arrays(path, {"train_images": dataset.train_images}, kind=KIND, version=VERSION, header=header)
    with pytest.raises(FoolingError, match=r"tiny\.safetensors is incomplete"):
        load_dataset(path)


@settings(max_examples=30)
@given(st.lists(st.integers(10, 40), min_size=2, max_size=5), st.sampled_from([0.2, 0.25, 0.5]), st.integers(0, 99))
def test_every_image_lands_on_one_side_and_every_class_keeps_its_share(sizes, test_fraction, seed):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    train, test = stratified_split(labels, test_fraction=test_fraction, seed=seed)
    np.testing.assert_array_equal(np.sort(np.concatenate([train, test])), np.arange(len(labels)))
    assert (np.diff(train) > 0).all()
    assert (np.diff(test) > 0).all()
    shares = np.bincount(labels[test], minlength=len(sizes)) - test_fraction * np.array(sizes)
    assert np.abs(shares).max() <= 1


def test_the_seed_decides():
    labels = np.arange(200) % 4
    first, again, other = (stratified_split(labels, test_fraction=0.25, seed=seed)[1] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_class_of_one_image_cannot_be_split():
    with pytest.raises(ValueError, match="class"):
        stratified_split(np.array([0, 0, 0, 1]), test_fraction=0.5, seed=1)
