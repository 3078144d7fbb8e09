"""A test set held out of labelled images: drawn by seed, with the same share of every class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fooling.seeding import derived_seed

if TYPE_CHECKING:
    from numpy.typing import NDArray


def stratified_split(
    labels: NDArray[np.int64], *, test_fraction: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of training and of test images, each in ascending order; every class keeps its share in both.

    ``labels`` is ``(N,)``. Raises ``ValueError`` when a class or a part has too few images.
    """
    # Imported here, because it takes a second.
    from sklearn.model_selection import train_test_split  # type: ignore[import-untyped]

    train, test = train_test_split(
        np.arange(len(labels)),
        test_size=test_fraction,
        stratify=labels,
        random_state=derived_seed(seed, "test split") % 2**32,
    )
    return np.sort(train), np.sort(test)
