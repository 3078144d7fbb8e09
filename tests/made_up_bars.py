"""A small data set that any network learns at once."""

from __future__ import annotations

import numpy as np

from fooling.datasets.dataset import Dataset


def made_bars() -> Dataset:
    """Grey 20x20 images with one noisy bright row; the class says in which quarter it lies."""
    generator = np.random.default_rng(0)

    def drawn(count: int) -> tuple[np.ndarray, np.ndarray]:
        images = generator.integers(0, 60, (count, 1, 20, 20))
        rows = generator.integers(0, 20, count)
        images[np.arange(count), 0, rows] += 190
        return images.astype(np.uint8), rows // 5

    train_images, train_labels = drawn(90)
    test_images, test_labels = drawn(40)
    return Dataset(
        name="bars",
        class_names=("first", "second", "third", "fourth"),
        train_images=train_images,
        train_labels=train_labels,
        test_images=test_images,
        test_labels=test_labels,
        provenance={},
    )
