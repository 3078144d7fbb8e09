"""Distances from the training images, and the search for the nearest one."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.neighbors import NearestNeighbors

from fooling.datasets.dataset import Dataset
from fooling.findings import distances
from fooling.findings.distances import (
    DistanceSettings,
    MeasuredImages,
    Outputs,
    distances_table,
    images_to_measure,
    nearest_features,
    nearest_images,
)
from fooling.messages import FoolingError

SETTINGS = DistanceSettings(distance_images=6)


@pytest.fixture
def dataset() -> Dataset:
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (60, 1, 4, 4)).astype(np.uint8)
    labels = np.arange(60) % 3
    parts = {"train_images": images[:40], "train_labels": labels[:40]}
    parts |= {"test_images": images[40:], "test_labels": labels[40:]}
    return Dataset(name="digits", class_names=("ant", "bee", "cat"), provenance={}, **parts)


@pytest.fixture
def real() -> pd.DataFrame:
    return pd.DataFrame({"image": np.arange(20), "split": np.where(np.arange(20) % 2, "evaluation", "calibration")})


def shown(make_run, dataset, real) -> MeasuredImages:
    runs = {name: [make_run([[0.9] * 3], seed=seed, encoding=name) for seed in (2, 1)] for name in ("direct", "cppn")}
    return images_to_measure(runs, real=real, dataset=dataset, settings=SETTINGS)


def seen(images: np.ndarray, seed: int = 0) -> Outputs:
    """Features that are the pixels in another order, and noise for logits."""
    features = images.reshape(len(images), -1)[:, ::-1].astype(np.float32) / 7
    return Outputs(
        logits=np.random.default_rng(seed).normal(0, 3, (len(images), 3)).astype(np.float32), features=features
    )


def measured(given: MeasuredImages, dataset: Dataset, *, temperature: float = 2.0) -> pd.DataFrame:
    trained = seen(dataset.train_images)
    return distances_table(
        given, seen(given.images), trained, classifier="lenet-a", temperature=temperature, dataset=dataset
    )


def test_all_kinds_of_images_are_shown(make_run, dataset, real):
    given = shown(make_run, dataset, real)
    assert given.rows["kind"].value_counts().to_dict() == {"real": 6, "noise": 6, "start": 12, "champion": 12}
    assert len(given.images) == 36
    chosen = given.rows[given.rows["kind"] == "real"]
    assert (chosen["image"] % 2 == 1).all()
    np.testing.assert_array_equal(given.images[:6], dataset.test_images[chosen["image"]])
    champions = given.rows[given.rows["kind"] == "champion"]
    assert champions["seed"].tolist() == [1] * 3 + [2] * 3 + [1] * 3 + [2] * 3
    assert champions["class_index"].tolist() == [0, 1, 2] * 4
    first = champions.index[0]
    np.testing.assert_array_equal(given.images[first : first + 3], make_run([[0.9] * 3], seed=1).images)


def test_distances_are_scipys_in_multiples_of_the_median_real_image(make_run, dataset, real):
    given = shown(make_run, dataset, real)
    table = measured(given, dataset)
    pixels, trained = (part.reshape(len(part), -1) / 255 for part in (given.images, dataset.train_images))
    expected = cdist(pixels, trained).min(axis=1) / 4
    np.testing.assert_allclose(table["pixel_distance"], expected)
    np.testing.assert_allclose(table["feature_distance"], expected * 255 / 7, rtol=1e-5)
    np.testing.assert_allclose(table["pixel_ratio"], expected / np.median(expected[:6]))
    np.testing.assert_allclose(table["feature_ratio"], table["pixel_ratio"], rtol=1e-5)
    assert table["pixel_beyond"].tolist() == (expected > np.quantile(expected[:6], 0.99)).tolist()
    assert table["pixel_beyond"].any()


def test_confidences_are_in_the_class_of_a_champion_and_else_in_the_top_class(make_run, dataset, real):
    given = shown(make_run, dataset, real)
    table, logits = measured(given, dataset), seen(given.images).logits.astype(np.float64)
    classes = np.where(given.rows["class_index"].isna(), logits.argmax(axis=1), given.rows["class_index"].fillna(0))
    assert table["class_index"].tolist() == classes.tolist()
    rows = np.arange(36), classes.astype(int)
    np.testing.assert_allclose(table["confidence"], scipy.special.softmax(logits, axis=1)[rows], rtol=1e-6)
    np.testing.assert_allclose(table["calibrated_confidence"], scipy.special.softmax(logits / 2, axis=1)[rows])
    np.testing.assert_allclose(scipy.special.expit(table["log_odds"]), table["confidence"], rtol=1e-5)


def test_without_a_temperature_nothing_is_calibrated_and_copies_have_no_ratio(make_run, dataset, real):
    given = shown(make_run, dataset, real)
    given.images[:6] = dataset.train_images[:6]
    table = measured(given, dataset, temperature=np.nan)
    assert table["calibrated_confidence"].isna().all()
    assert table[["pixel_ratio", "feature_ratio"]].isna().all().all()


def test_runs_on_other_images_or_several_networks_are_refused(make_run, dataset, real):
    runs = {"direct": [make_run([[0.9] * 3], classifier=name) for name in ("lenet-b", "lenet-a")]}
    with pytest.raises(FoolingError, match=r"several classifiers\n  found: lenet-a, lenet-b"):
        images_to_measure(runs, real=real, dataset=dataset, settings=SETTINGS)
    wide = {"direct": [make_run([[0.9] * 3], images=np.zeros((3, 1, 4, 5), np.uint8))]}
    with pytest.raises(FoolingError, match="other images than the data set digits"):
        images_to_measure(wide, real=real, dataset=dataset, settings=SETTINGS)


def test_without_training_images_there_is_no_distance(make_run, dataset, real):
    none = {"train_images": dataset.train_images[:0], "train_labels": dataset.train_labels[:0]}
    with pytest.raises(FoolingError, match="needs training images, and the data set digits has none"):
        shown(make_run, dataclasses.replace(dataset, **none), real)


def noise(count: int, shape: tuple[int, ...], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, *shape)).astype(np.uint8)


@pytest.mark.parametrize("shape", [(1, 4, 4), (3, 5, 6)])
@pytest.mark.parametrize("block_bytes", [1, 700, 2**20])
def test_the_nearest_image_is_scikit_learns(shape, block_bytes, monkeypatch):
    monkeypatch.setattr(distances, "BLOCK_BYTES", block_bytes)
    images, others = noise(7, shape, 1), noise(50, shape, 2)
    search = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(others.reshape(50, -1) / 255)
    expected_distance, expected_index = search.kneighbors(images.reshape(7, -1) / 255)
    index, distance = nearest_images(images, others)
    np.testing.assert_array_equal(index, expected_index[:, 0])
    np.testing.assert_allclose(distance, expected_distance[:, 0] / np.sqrt(np.prod(shape)))


def test_the_distance_of_black_to_white_is_one_and_a_copy_has_none():
    black, white = np.zeros((1, 1, 8, 8), np.uint8), np.full((1, 1, 8, 8), 255, np.uint8)
    assert nearest_images(black, white)[1] == 1
    assert nearest_images(white, np.concatenate([black, white, white])) == (1, 0)  # the first of equals


@given(seed=st.integers(0, 2**32 - 1), scale=st.floats(1e-30, 1e30), width=st.integers(1, 700))
@settings(max_examples=30, deadline=None)
def test_the_nearest_features_are_scipys(seed: int, scale: float, width: int) -> None:
    generator = np.random.default_rng(seed)
    queries, others = (np.float32(scale * generator.standard_normal((count, width))) for count in (5, 40))
    index, distance = nearest_features(queries, others)
    expected = cdist(queries.astype(np.float64), others.astype(np.float64))
    rounding = 1e-5 * scale  # a few steps of the grid
    np.testing.assert_allclose(distance, expected.min(axis=1) / np.sqrt(width), rtol=0, atol=rounding)
    np.testing.assert_allclose(
        expected[np.arange(5), index], expected.min(axis=1), rtol=0, atol=rounding * np.sqrt(width)
    )


def test_features_give_the_same_bytes_in_whatever_order_and_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(0)
    queries, others = (generator.standard_normal((count, 501)).astype(np.float32) for count in (6, 90))
    order = generator.permutation(501)
    _, expected = nearest_features(queries, others)
    monkeypatch.setattr(distances, "BLOCK_BYTES", 8 * 501 * 7)
    _, shuffled = nearest_features(queries[:, order], others[:, order])
    assert shuffled.tolist() == expected.tolist()


def test_a_copy_has_no_distance_and_features_that_are_all_nought_are_copies() -> None:
    features = np.float32([[0, 0], [1, 3]])
    assert nearest_features(features, features)[1].tolist() == [0, 0]
    assert nearest_features(features[:1], features[:1])[1].tolist() == [0]
