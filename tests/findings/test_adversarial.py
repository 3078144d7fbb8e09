"""Tables of adversarial examples: images, means over the classifiers, and transfer beside noise."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fooling.findings.adversarial import (
    ADVERSARIAL,
    ADVERSARIAL_MEANS,
    ADVERSARIAL_TRANSFER,
    METHOD,
    NOISE,
    Target,
    adversarial_table,
    distortion,
    excess_over_pairs,
    fooled_over_noise,
    means_table,
    transfer_table,
)
from fooling.findings.intervals import IntervalSettings
from fooling.table import require_valid
from fooling.training.settings import training_images
from made_up_adversarial import COLUMNS, IMAGES, LEVELS, made_adversarial

SETTINGS = IntervalSettings()
NAMES = ("lenet-a", "lenet-b", "lenet-c")


@pytest.fixture
def table() -> pd.DataFrame:
    return adversarial_table([made_adversarial(name) for name in NAMES])


def row_of(means: pd.DataFrame, method: str, size: float | None, change: str = METHOD) -> pd.Series:
    same = means["size"].isna() if size is None else means["size"] == size
    (row,) = means[(means["method"] == method) & same & (means["change"] == change)].to_dict("records")
    return row


def test_every_image_has_a_row_for_each_method_and_size_and_one_for_its_noise(table: pd.DataFrame) -> None:
    require_valid(table, ADVERSARIAL, source="the table")
    assert len(table) == len(NAMES) * 2 * len(COLUMNS) * IMAGES
    first = table[(table["classifier"] == "lenet-a") & (table["method"] == "fgsm") & (table["size"] == 0.3)]
    found = first[first["change"] == METHOD]
    assert found["image"].tolist() == [0, 10, 20, 30]
    assert found["unrounded_misclassified"].tolist() == [True, True, True, False]
    assert found["misclassified"].tolist() == [False, True, True, False]
    np.testing.assert_allclose(found["rms"], LEVELS[3] / 255)
    assert first.loc[first["change"] == NOISE, "evaluations"].isna().all()


def test_the_order_of_the_records_does_not_matter(table: pd.DataFrame) -> None:
    other = adversarial_table([made_adversarial(name) for name in reversed(NAMES)])
    pd.testing.assert_frame_equal(table, other)


def test_means_are_over_the_classifiers(table: pd.DataFrame) -> None:
    means = means_table(table, settings=SETTINGS)
    require_valid(means, ADVERSARIAL_MEANS, source="the means")
    assert len(means) == 2 * len(COLUMNS)
    smallest = row_of(means, "l-bfgs", None)
    assert (smallest["unrounded_misclassified"], smallest["misclassified"]) == (1, 0.75)
    assert smallest["rms"] == pytest.approx(LEVELS[0] / 255)
    assert (smallest["units"], smallest["images"]) == (3, 3 * IMAGES)
    assert smallest["unrounded_misclassified_low"] < 1 == smallest["unrounded_misclassified_high"]
    noise = row_of(means, "fgsm", 0.1, NOISE)
    assert (noise["unrounded_misclassified"], np.isnan(noise["rms"]), np.isnan(noise["evaluations"])) == (0, True, True)


def test_two_classifiers_have_no_interval(table: pd.DataFrame) -> None:
    means = means_table(table[table["classifier"] != "lenet-c"], settings=SETTINGS)
    assert means[["misclassified_low", "rms_high"]].isna().all(axis=None)
    assert set(means["note"]) == {"2 classifiers: an interval needs 3"}


def test_the_distortion_is_that_of_misclassified_images(table: pd.DataFrame) -> None:
    images = table[(table["method"] == "pgd-l2") & (table["change"] == METHOD)]
    found = distortion(images.assign(rms=images["image"] / 100), level=0.95)
    assert found is not None
    assert found.value == pytest.approx(0.05)  # of the first two images
    assert distortion(images.assign(unrounded_misclassified=images["classifier"] != "lenet-a"), level=0.95) is None


def test_a_method_is_compared_with_noise_of_the_same_images(table: pd.DataFrame) -> None:
    for method, expected in (("l-bfgs", 1.0), ("pgd-l2", 0.5)):
        found = fooled_over_noise(table[table["method"] == method], level=0.95)
        assert found is not None
        assert found.value == expected
    assert fooled_over_noise(table[table["change"] == METHOD], level=0.95) is None


def target(name: str, *, wrong: set[int]) -> Target:
    """A classifier that gets these of the four images wrong, however they are changed."""

    def labels(images: np.ndarray) -> np.ndarray:
        places = np.arange(len(images)) % IMAGES
        return places + np.isin(places, list(wrong))

    return Target(name=name, architecture="lenet", dataset="digits", labels=labels)


def test_transfer_counts_images_that_the_source_gets_wrong_and_the_target_right_unchanged() -> None:
    records = [made_adversarial(name) for name in NAMES]
    shown = [target(name, wrong={3} if name == "lenet-b" else set()) for name in NAMES]
    found = transfer_table(records, shown, settings=SETTINGS)
    require_valid(found, ADVERSARIAL_TRANSFER, source="the transfer")
    pairs = found[found["source"].notna()]
    assert len(pairs) == 6 * len(COLUMNS)
    of_lbfgs = pairs[pairs["method"] == "l-bfgs"].set_index(["source", "target"])
    assert of_lbfgs.loc[("lenet-a", "lenet-c"), "images"] == 3  # stored, the first image is right
    assert of_lbfgs.loc[("lenet-a", "lenet-b"), "images"] == 2  # and this target gets the last one wrong unchanged
    means = found[found["source"].isna()]
    assert len(means) == len(COLUMNS)
    assert set(means["units"]) == {0, 3}  # FGSM at .1 changes only the first image, which is right once it is stored


HALF = {"of": 2, "images": None, "seed": 1}


@pytest.mark.parametrize(
    ("one", "other", "related"),
    [
        ({}, {}, "same"),
        ({"part": {**HALF, "number": 1}}, {"part": {**HALF, "number": 1}}, "same"),
        ({"part": {**HALF, "number": 1}}, {"part": {**HALF, "number": 2}}, "disjoint"),
        ({"part": {**HALF, "number": 1}}, {"part": {**HALF, "number": 2, "seed": 2}}, "overlapping"),
        ({"part": {**HALF, "number": 1}}, {"part": {**HALF, "number": 2, "images": 50}}, "overlapping"),
        ({"part": {**HALF, "number": 1}}, {}, "overlapping"),
        ({"pictures": "all"}, {"pictures": "kept"}, "overlapping"),
        ({}, None, "unknown"),
    ],
)
def test_the_training_images_of_a_pair_are_told(
    one: dict[str, Any], other: dict[str, Any] | None, related: str
) -> None:
    assert training_images(one, other) == training_images(other, one) == related


def test_networks_of_disjoint_halves_have_a_mean_of_their_own() -> None:
    records = [made_adversarial(name) for name in NAMES]
    parts = [{"part": {**HALF, "number": number}} for number in (1, 1, 2)]
    shown = [
        dataclasses.replace(target(name, wrong=set()), training=part) for name, part in zip(NAMES, parts, strict=True)
    ]
    found = transfer_table(records, shown, settings=SETTINGS)
    require_valid(found, ADVERSARIAL_TRANSFER, source="the transfer")
    pairs = found[found["source"].notna() & (found["method"] == "l-bfgs")]
    assert pairs["training_images"].value_counts().to_dict() == {"disjoint": 4, "same": 2}
    means = found[found["source"].isna() & (found["method"] == "l-bfgs")]
    assert set(means["training_images"]) == {"disjoint", "same"}


def test_transfer_is_compared_with_noise() -> None:
    record = made_adversarial("lenet-a")

    def follows(images: np.ndarray) -> np.ndarray:
        """A target that is wrong about the changed images alone, of which there are more than real ones."""
        classes = np.tile(np.arange(IMAGES), len(images) // IMAGES)
        changed = len(images) > IMAGES and np.array_equal(images, record.images)
        return classes + (1 if changed else 0)

    other = Target(name="other", architecture="mlp", dataset="digits", labels=follows)
    found = transfer_table([record], [other], settings=SETTINGS)
    pair = found[found["source"].notna() & (found["method"] == "l-bfgs")].iloc[0]
    assert (pair["transferred"], pair["noise"], pair["excess"]) == (1, 0, 1)
    assert (pair["relation"], pair["images"]) == ("other architecture", 3)
    assert excess_over_pairs(found[found["method"] == "l-bfgs"], level=0.95).value == 1
    first = found[found["source"].notna() & (found["method"] == "fgsm")].iloc[0]
    assert (first["images"], np.isnan(first["transferred"])) == (0, True)


def test_one_classifier_or_another_data_set_has_no_pairs() -> None:
    record = made_adversarial("lenet-a")
    others = [
        Target(name=name, architecture="lenet", dataset=dataset, labels=lambda images: np.zeros(len(images), dtype=int))
        for name, dataset in (("lenet-a", "digits"), ("lenet-b", "mnist"))
    ]
    found = transfer_table([record], others, settings=SETTINGS)
    assert found.empty
    require_valid(found, ADVERSARIAL_TRANSFER, source="the transfer")
