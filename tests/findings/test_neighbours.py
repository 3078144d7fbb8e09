"""Nearest images and features against scikit-learn and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.neighbors import NearestNeighbors

from fooling.findings import neighbours
from fooling.findings.neighbours import nearest_features, nearest_images


def noise(count: int, shape: tuple[int, ...], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, *shape)).astype(np.uint8)


@pytest.mark.parametrize("shape", [(1, 4, 4), (3, 5, 6)])
@pytest.mark.parametrize("block_bytes", [1, 700, 2**20])
def test_the_nearest_image_is_scikit_learns(shape, block_bytes, monkeypatch):
    monkeypatch.setattr(neighbours, "BLOCK_BYTES", block_bytes)
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
    monkeypatch.setattr(neighbours, "BLOCK_BYTES", 8 * 501 * 7)
    _, shuffled = nearest_features(queries[:, order], others[:, order])
    assert shuffled.tolist() == expected.tolist()


def test_a_copy_has_no_distance_and_features_that_are_all_nought_are_copies() -> None:
    features = np.float32([[0, 0], [1, 3]])
    assert nearest_features(features, features)[1].tolist() == [0, 0]
    assert nearest_features(features[:1], features[:1])[1].tolist() == [0]
