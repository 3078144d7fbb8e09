"""Distances to the boundary: a network that knows one pixel alone, where each distance is known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from fooling.datasets.dataset import Dataset
from fooling.findings.boundary import BOUNDARY, KINDS, BoundarySettings, boundary_table, distance_ratio
from fooling.messages import FoolingError
from fooling.table import require_valid
from made_up_run import made_up_run

SETTINGS = BoundarySettings(images=3)
SIDE = 4
BRIGHT, DARK = 228, 28  # 100 levels from the boundary at 128


def images_of(*levels: int) -> np.ndarray:
    """Images (B, 1, 4, 4) of one level each."""
    return np.stack([np.full((1, SIDE, SIDE), level, dtype=np.uint8) for level in levels])


def scored(images: np.ndarray) -> np.ndarray:
    """Log-odds (B, 2): class 1 above the level 128, class 0 below."""
    margins = (images[:, 0, 0, 0].astype(float) - 128) / 10
    return np.stack([-margins, margins], axis=1)


def measure(images: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The distance to the level 128; none at all from the level 255."""
    levels = images[:, 0, 0, 0].astype(float)
    distances = np.where(levels == 255, np.nan, np.abs(levels - 128) / 255)
    return distances, (levels <= 128).astype(np.int64), np.full(len(images), 7)


def dataset() -> Dataset:
    """Test images of both classes, of which the last two are misclassified."""
    labels = np.array([0, 1, 0, 1, 1, 0])
    images = images_of(DARK, BRIGHT, 100, 150, 10, 240)
    parts = {"train_images": images[:0], "train_labels": labels[:0], "test_images": images, "test_labels": labels}
    return Dataset(name="levels", class_names=("dark", "bright"), provenance={}, **parts)


def run(*levels: int, seed: int = 1, **options: object):
    """A run with champions of these levels, for both classes; its start is the same images, nearer to the boundary."""
    images = images_of(*levels)
    made = made_up_run(np.array([[0.5, 0.5], [0.9, 0.9]]), images=images, seed=seed, **options)
    return dataclasses.replace(made, start_images=images_of(120, 136))


def table_of(runs: dict[str, list], *, settings: BoundarySettings = SETTINGS, classifier: str = "lenet-a"):
    return boundary_table(runs, dataset(), classifier=classifier, scored=scored, measure=measure, settings=settings)


def test_images_with_their_class_as_label_are_measured() -> None:
    table = table_of({"direct": [run(DARK, BRIGHT), run(BRIGHT, 200, seed=2)]})
    require_valid(table, BOUNDARY, source="the test")
    assert list(table["kind"].unique()) == [KINDS[2], KINDS[0], KINDS[1]]
    real = table[table["kind"] == "real"]
    assert real["image"].is_monotonic_increasing
    assert set(real["image"]) < {0, 1, 2, 3}  # the last two are misclassified
    champions = table[table["kind"] == "champion"]
    assert champions[["seed", "class_index"]].to_numpy().tolist() == [[1, 0], [1, 1], [2, 1]]
    np.testing.assert_allclose(champions["distance"], [100 / 255, 100 / 255, 72 / 255])
    assert champions["other_class"].tolist() == [1, 0, 0]
    starts = table[table["kind"] == "start"]
    np.testing.assert_allclose(starts["distance"], 8 / 255)
    assert starts["class_name"].tolist() == ["dark" if index == 0 else "bright" for index in starts["class_index"]]


def test_an_image_without_a_boundary_has_no_distance() -> None:
    table = table_of({"direct": [run(DARK, 255)]})
    (row,) = table[(table["kind"] == "champion") & (table["class_index"] == 1)].to_dict("records")
    assert np.isnan(row["distance"])
    assert pd.isna(row["other_class"])
    require_valid(table, BOUNDARY, source="the test")


def test_images_are_drawn_by_seed() -> None:
    runs = {"direct": [run(DARK, BRIGHT, seed=seed) for seed in range(20)]}
    one, again, other = (table_of(runs, settings=BoundarySettings(images=8, seed=seed)).to_csv() for seed in (1, 1, 2))
    assert one == again != other


def test_the_order_of_the_runs_does_not_matter() -> None:
    runs = [run(DARK, BRIGHT, seed=seed) for seed in (3, 1, 2)]
    assert table_of({"direct": runs}).equals(table_of({"direct": runs[::-1]}))


def test_a_network_that_gets_nothing_right_has_no_rows() -> None:
    table = boundary_table(
        {"direct": [run(DARK, BRIGHT)]}, dataset(), classifier="lenet-a", scored=lambda images: -scored(images),
        measure=measure, settings=BoundarySettings(images=1),
    )  # fmt: skip
    assert set(table["kind"]) == {"real"}  # the two misclassified images are right now


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        ({"a": [run(DARK, BRIGHT, classifier="lenet-b")]}, "of another classifier\n  found: lenet-b"),
        ({"a": [run(DARK, BRIGHT, search="drift")]}, "some runs are controls\n  found: drift"),
        (
            {"a": [dataclasses.replace(run(DARK, BRIGHT), images=np.zeros((2, 3, 4, 4), np.uint8))]},
            r"other images than the data set levels\n  found: \(3, 4, 4\)",
        ),
    ],
)
def test_other_runs_are_refused(runs: dict[str, list], message: str) -> None:
    with pytest.raises(FoolingError, match=message):
        table_of(runs)


def test_the_unit_of_the_ratio_is_the_network() -> None:
    rows = pd.concat(
        [
            pd.DataFrame(
                {
                    "classifier": f"lenet-{number}",
                    "kind": ["champion"] * 3 + ["real"] * 3 + ["start"],
                    "experiment": ["direct"] * 3 + [None] * 3 + ["direct"],
                    "distance": [factor, factor, 100, 1, 1, np.nan, factor / 4],
                }
            )
            for number, factor in enumerate((2.0, 4.0, 8.0))
        ]
    )
    found = distance_ratio(rows, experiment="direct", kind="real", level=0.95)
    assert found is not None
    assert (found.value, found.units) == (pytest.approx(4), 3)
    assert found.low < 4 < found.high
    of_starts = distance_ratio(rows, experiment="direct", kind="start", level=0.95)
    assert of_starts is not None
    assert of_starts.value == pytest.approx(4)
    assert distance_ratio(rows, experiment="cppn", kind="real", level=0.95) is None
