"""Tables of universal perturbations: shares of fooled images, means, dominant labels, and transfer."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from fooling.attacks.universal.record import perturbed
from fooling.findings.intervals import IntervalSettings
from fooling.findings.universal import (
    UNIVERSAL,
    UNIVERSAL_LABELS,
    UNIVERSAL_MEANS,
    UNIVERSAL_TRANSFER,
    Shown,
    excess_over_pairs,
    labels_table,
    means_table,
    transfer_table,
    universal_table,
)
from fooling.messages import FoolingError
from fooling.table import require_valid
from made_up_universal import COLUMNS, FOOLED, UNSEEN, made_universal

SETTINGS = IntervalSettings()
NAMES = ("lenet-a", "lenet-b", "lenet-c")


@pytest.fixture
def table() -> pd.DataFrame:
    return universal_table([made_universal(name) for name in NAMES])


def test_every_perturbation_has_a_row(table: pd.DataFrame) -> None:
    require_valid(table, UNIVERSAL, source="the table")
    assert len(table) == len(NAMES) * len(COLUMNS)
    first = table[table["classifier"] == "lenet-a"]
    np.testing.assert_allclose(first["unseen"], np.array(FOOLED) / UNSEEN)
    np.testing.assert_allclose(first["seen"], [1, 0.5, 0.5, 0.5, 0.5])  # of the two images, or of all six
    np.testing.assert_allclose(first["random"], 0.05)
    np.testing.assert_allclose(first["random_most"], 0.1)
    np.testing.assert_allclose(first["error"], 0.1)
    np.testing.assert_allclose(first["former"], [*[np.nan] * 4, 0.1])
    np.testing.assert_allclose(first["linf"], [column.size for column in COLUMNS], rtol=1e-6)
    other = universal_table([made_universal(name) for name in reversed(NAMES)])
    pd.testing.assert_frame_equal(table, other)


def test_means_are_over_the_classifiers(table: pd.DataFrame) -> None:
    table.loc[table["classifier"] == "lenet-b", "unseen"] += 0.1
    means = means_table(table, settings=SETTINGS)
    require_valid(means, UNIVERSAL_MEANS, source="the means")
    assert len(means) == len(COLUMNS)
    row = means.iloc[2]
    assert row["unseen"] == pytest.approx(0.8 + 0.1 / 3)
    assert row["unseen_low"] < row["unseen"] < row["unseen_high"] <= 1
    assert row["excess"] == pytest.approx(row["unseen"] - 0.05)
    assert np.isnan(row["former"])
    assert (means.iloc[0]["seen"], means.iloc[0]["seen_high"]) == (1, 1)
    assert means.iloc[0]["seen_low"] < 1  # no interval of width 0 where all networks have the same extreme share
    assert means.iloc[4]["former"] == pytest.approx(0.1)
    two = means_table(table[table["classifier"] != "lenet-c"], settings=SETTINGS)
    assert np.isnan(two.iloc[0]["unseen_low"])
    require_valid(two, UNIVERSAL_MEANS, source="the means")


def test_the_labels_of_fooled_images_are_counted() -> None:
    found = labels_table([made_universal()])
    require_valid(found, UNIVERSAL_LABELS, source="the labels")
    of_largest = found[(found["norm"] == "linf") & (found["size"] == 0.2)]
    assert of_largest["class_name"].tolist() == ["4", "0"]
    np.testing.assert_allclose(of_largest["share"], [7 / 8, 1 / 8])
    np.testing.assert_allclose(of_largest["before"], 0.2)
    assert set(of_largest["fooled"]) == {8}
    assert len(found[found["norm"] == "l2"]) == 2
    record = made_universal()
    none = labels_table([dataclasses.replace(record, unseen_changed=record.unseen_labels)])
    assert none.empty
    require_valid(none, UNIVERSAL_LABELS, source="the labels")


def shown(name: str, *, architecture: str = "lenet", fooled_by: np.ndarray | None = None) -> Shown:
    """A classifier that gives class 1 to the images with this perturbation, and class 0 to all others."""

    def labels(images: np.ndarray) -> np.ndarray:
        expected = None if fooled_by is None else perturbed(IMAGES[::2][:UNSEEN], fooled_by)
        is_fooled = expected is not None and np.array_equal(images, expected)
        return np.full(len(images), int(is_fooled))

    sees = np.ones((1, 8, 8), dtype=bool)
    return Shown(name=name, architecture=architecture, dataset="digits", sees=sees, labels=labels)


IMAGES = np.random.default_rng(0).integers(0, 256, (2 * UNSEEN, 1, 8, 8)).astype(np.uint8)


def test_transfer_shows_unseen_images_of_the_data_set_with_each_perturbation() -> None:
    records = [made_universal(name) for name in NAMES]
    targets = [shown(name, fooled_by=records[0].perturbations[2]) for name in NAMES] + [
        shown("mlp", architecture="mlp")
    ]
    found = transfer_table(records, targets, {"1": IMAGES}, settings=SETTINGS)
    require_valid(found, UNIVERSAL_TRANSFER, source="the transfer")
    pairs = found[found["source"].notna()]
    assert len(pairs) == 3 * 3 * 3  # three targets for each source, three perturbations found on all images
    largest = pairs[(pairs["norm"] == "linf") & (pairs["size"] == 0.2)].set_index(["source", "target"])
    assert largest.loc[("lenet-a", "lenet-b"), "fooled"] == 1
    assert largest.loc[("lenet-b", "lenet-a"), "fooled"] == 0
    assert largest.loc[("lenet-a", "mlp"), "relation"] == "other architecture"
    assert largest.loc[("lenet-a", "mlp"), ["fooled", "random", "own"]].tolist() == [0, 0, 0.8]
    same = largest[largest["relation"] == "same architecture"].reset_index()
    assert excess_over_pairs(same, level=0.95).value == pytest.approx(2 / 6)
    assert len(found[found["source"].isna()]) == 2 * 3


def test_one_classifier_has_no_pairs_and_a_missing_data_set_is_named() -> None:
    found = transfer_table([made_universal()], [shown("lenet-a")], {"1": IMAGES}, settings=SETTINGS)
    assert found.empty
    require_valid(found, UNIVERSAL_TRANSFER, source="the transfer")
    with pytest.raises(FoolingError, match="the data set of one on lenet-a is missing"):
        transfer_table([made_universal()], [shown("lenet-b")], {"2": IMAGES}, settings=SETTINGS)
    with pytest.raises(FoolingError, match="is not of the images of its data set"):
        transfer_table([made_universal()], [shown("lenet-b")], {"1": IMAGES[:5]}, settings=SETTINGS)
