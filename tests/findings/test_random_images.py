"""Single random images: every one is shown once, and its top class and confidence are kept."""

from __future__ import annotations

import base64
import itertools

import numpy as np
import pandas as pd
import pytest
import torch

from fooling.findings.random_images import (
    BATCH,
    FAMILIES_TABLE,
    FAMILY_IMAGES,
    SHOWN,
    families_tables,
    family_summary,
    pictures_in,
    start_table,
)
from fooling.images import png_bytes
from fooling.messages import FoolingError
from fooling.table import require_valid


def test_every_random_image_is_listed_with_its_top_class():
    generator = torch.Generator().manual_seed(0)
    shown = []

    def draw(count):
        shown.append(torch.rand(count, 3, generator=generator))
        return shown[-1]

    table = start_table(draw, lambda images: images, images=450, classifier="lenet-a", experiment="noise")
    confidences = torch.cat(shown)
    assert [len(batch) for batch in shown] == [200, 200, 50]
    assert table.columns.tolist() == ["classifier", "experiment", "image", "top_class", "top_confidence"]
    assert table["image"].tolist() == list(range(450))
    np.testing.assert_array_equal(table["top_class"], confidences.argmax(dim=1))
    np.testing.assert_array_equal(table["top_confidence"], confidences.max(dim=1).values)
    assert table["top_confidence"].dtype == np.float32


def numbered(first: int = 0):
    """Draw images that hold their number, in base 256."""
    counter = itertools.count(first)

    def draw(count: int) -> np.ndarray:
        numbers = np.array([next(counter) for _ in range(count)])
        return np.stack([numbers // 256, numbers % 256], axis=1).astype(np.uint8).reshape(count, 1, 1, 2)

    return draw


def numbers_in(images: np.ndarray) -> np.ndarray:
    return images[:, 0, 0, 0].astype(int) * 256 + images[:, 0, 0, 1]


def scorer_of(scores: np.ndarray):
    """A classifier that gives image i the log-odds ``scores[i]``."""

    def scored(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        odds = scores[numbers_in(images)]
        return (1 / (1 + np.exp(-odds))).astype(np.float32), odds

    return scored


def test_the_best_image_of_each_class_is_found_across_batches() -> None:
    scores = np.random.default_rng(0).normal(size=(2 * BATCH + 30, 5))
    names = ("a", "b", "c", "d")
    table, pictures = families_tables(
        {"blobs": numbered()}, scorer_of(scores), images=len(scores), classifier="net", class_names=names
    )
    require_valid(table, FAMILIES_TABLE, source="families")
    require_valid(pictures, FAMILY_IMAGES, source="family_images")
    np.testing.assert_array_equal(table["image"], scores[:, :4].argmax(axis=0))
    np.testing.assert_array_equal(table["log_odds"], scores[:, :4].max(axis=0))
    assert table["class_name"].tolist() == list(names)
    assert set(table["evaluations"]) == {len(scores)}
    kept = np.stack([pictures_in(pictures)["blobs", index] for index in range(4)])
    np.testing.assert_array_equal(numbers_in(kept), table["image"])


def test_of_equally_good_images_the_first_counts() -> None:
    scores = np.zeros((BATCH + 1, 2))
    table, _ = families_tables(
        {"dct": numbered()}, scorer_of(scores), images=len(scores), classifier="net", class_names=("a", "b")
    )
    assert table["image"].tolist() == [0, 0]


def test_of_many_classes_the_images_of_ten_are_kept() -> None:
    scores = np.random.default_rng(1).normal(size=(40, 35))
    names = [f"class {index}" for index in range(35)]
    table, pictures = families_tables(
        {"cppn": numbered(), "uniform": numbered()}, scorer_of(scores), images=40, classifier="net", class_names=names
    )
    assert len(table) == 70
    assert len(pictures) == 2 * SHOWN
    assert pictures["class_index"].nunique() == SHOWN


def test_the_summary_has_the_median_over_the_classes_and_the_share_at_the_threshold() -> None:
    table = pd.DataFrame(
        {
            "classifier": ["one"] * 4 + ["two"] * 4,
            "family": ["cppn"] * 8,
            "confidence": np.array([0.9999, 0.99990004, 0.5, 1, 0, 0, 0, 0], dtype=np.float32),
            "log_odds": [1.0, 2.0, 4.0, 30.0, -1.0, -1.0, -1.0, -3.0],
        }
    )
    found = family_summary(table, threshold=0.9999).set_index("classifier")
    assert found.loc["one", "log_odds"] == 3
    assert found.loc["one", "share"] == 0.5, "the float32 number nearest to .9999 is below it"
    assert found.loc["two"].tolist() == ["cppn", -1.0, 0.0]


@pytest.mark.parametrize("damaged", ["", "no picture", "####", base64.b64encode(b"no picture").decode(), "é"])
def test_a_text_that_is_no_picture_is_named(damaged: str) -> None:
    table = pd.DataFrame({"family": ["cppn"], "class_index": [3], "png": [damaged]})
    with pytest.raises(FoolingError, match=r"a table of images(.|\n)*found: cppn, class 3"):
        pictures_in(table)


def test_pictures_of_different_shapes_are_refused() -> None:
    shapes = [(1, 4, 4), (3, 4, 4)]
    pngs = [base64.b64encode(png_bytes(np.zeros(shape, dtype=np.uint8))).decode() for shape in shapes]
    table = pd.DataFrame({"family": ["cppn", "dct"], "class_index": [0, 0], "png": pngs})
    with pytest.raises(FoolingError, match=r"shapes \(1, 4, 4\), \(3, 4, 4\)"):
        pictures_in(table)
