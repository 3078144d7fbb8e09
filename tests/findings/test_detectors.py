"""Tables of detectors: static and adaptive numbers in one row, and the order by the adaptive ones alone."""

from __future__ import annotations

import base64
import dataclasses

import numpy as np
import pandas as pd
import pytest

from fooling.findings.detectors import (
    DETECTOR_IMAGES,
    DETECTOR_MEANS,
    DETECTORS,
    NONE,
    DetectorTableSettings,
    adaptive_minus_static,
    detector_tables,
)
from fooling.images import pixels_of_png
from fooling.messages import FoolingError
from fooling.table import require_valid
from made_up_detectors import made_attacked, made_detectors, made_images

SETTINGS = DetectorTableSettings()


@pytest.fixture
def tables() -> dict[str, pd.DataFrame]:
    made = made_detectors()
    for table in (DETECTORS, DETECTOR_MEANS, DETECTOR_IMAGES):
        require_valid(made[table.name], table, source=table.name)
    return made


def test_each_row_has_both_numbers(tables: dict[str, pd.DataFrame]) -> None:
    table = tables["detectors"]
    rows = table[table["classifier"] == "lenet-b"].set_index("detector")
    assert rows["static_sure"].to_dict() == {NONE: 1.0, "energy": 0.75, "mahalanobis": 0.0}
    assert rows["adaptive_sure"].to_dict() == {NONE: 1.0, "energy": 1.0, "mahalanobis": 0.5}
    assert table[["static_sure", "static_median", "adaptive_sure", "adaptive_median"]].notna().all(axis=None)
    assert rows["rank"].to_dict() == {NONE: 0, "energy": 2, "mahalanobis": 1}
    guarded = rows.loc["mahalanobis"]
    assert guarded["champions_accepted"] == guarded["ascents_accepted"] == 0
    assert guarded["evolution_median"] == 0
    assert guarded["smooth_sure"] == 0.5
    assert guarded["ascent_median"] == pytest.approx(175 / 255)
    assert guarded["adaptive_median"] == pytest.approx((250 / 255 + 1) / 2, abs=1e-6)
    assert guarded["random_median"] == 0
    assert rows.loc["energy", "champions_accepted"] == 1
    assert rows.loc["energy", "ascents_accepted"] == 0
    assert rows.loc["energy", "rejected_real"] == 0.0625


def test_without_a_detector_everything_is_accepted(tables: dict[str, pd.DataFrame]) -> None:
    row = tables["detectors"].set_index("detector").loc[NONE].iloc[0]
    assert row["champions_accepted"] == row["ascents_accepted"] == row["noise_accepted"] == 1
    assert row["static_sure"] == row["adaptive_sure"]
    assert row[["threshold", "rejected_real", "smooth_sure", "accepted_error"]].isna().all()


def test_means_are_over_the_networks(tables: dict[str, pd.DataFrame]) -> None:
    means = tables["detector_means"].set_index("detector")
    assert set(means["units"]) == {3}
    assert means.loc["energy", "static_sure"] == 0.75
    assert means.loc["energy", "rank"] == 2
    two = made_detectors(("lenet-a", "lenet-b"))["detector_means"]
    assert two["adaptive_sure_low"].isna().all()
    assert two["note"].notna().all()


def test_the_images_that_get_through_are_kept(tables: dict[str, pd.DataFrame]) -> None:
    images = tables["detector_images"]
    rows = images[(images["classifier"] == "lenet-a") & (images["detector"] == "mahalanobis")]
    assert rows["found_by"].tolist() == ["smooth", "smooth", "ascent", "ascent"]
    assert rows["score"].tolist() == [210, 210, 230, 230]
    shown = pixels_of_png(base64.b64decode(rows["png"].iloc[3]))
    assert np.array_equal(shown, made_images(((0, 0, 0, 250), 230))[3])
    assert images.loc[images["classifier"] != "lenet-a", "png"].isna().all()


def test_a_rejected_image_has_no_confidence() -> None:
    """An attack that finds no accepted image reaches nothing, however sure the network is of its images."""
    attacked = dataclasses.replace(
        made_attacked(detector="mahalanobis"),
        confidences=lambda images: np.zeros((len(images), 4), dtype=np.float32),
    )
    table, _, images = detector_tables([made_attacked(), attacked], SETTINGS)
    row = table.set_index("detector").loc["mahalanobis"]
    assert row["adaptive_sure"] == row["adaptive_median"] == row["static_sure"] == row["noise_accepted"] == 0
    assert (images.loc[images["detector"] == "mahalanobis", "confidence"] == 0).all()


def test_attacks_without_the_detector_are_needed() -> None:
    with pytest.raises(FoolingError, match="without a detector are missing"):
        detector_tables([made_attacked(detector="energy")], SETTINGS)
    other = made_attacked(detector="energy")
    longer = dataclasses.replace(other, evolution=dataclasses.replace(other.evolution, settings={"search": {}}))
    with pytest.raises(FoolingError, match="cannot be compared"):
        detector_tables([made_attacked(), longer], SETTINGS)


def test_only_the_classes_of_gradient_ascent_count() -> None:
    def fewer(one: object) -> object:
        ascent = one.ascent  # type: ignore[attr-defined]
        kept = {name: getattr(ascent, name)[[0, 3]] for name in ("images", "classes", "seeds", "confidences")}
        return dataclasses.replace(one, ascent=dataclasses.replace(ascent, **kept))  # type: ignore[type-var]

    table, _, images = detector_tables([fewer(made_attacked()), fewer(made_attacked(detector="mahalanobis"))], SETTINGS)  # type: ignore[list-item]
    assert set(table["classes"]) == {2}
    assert set(images["class_index"]) == {0, 3}


def test_the_difference_is_estimated_over_the_networks(tables: dict[str, pd.DataFrame]) -> None:
    table = tables["detectors"]
    found = adaptive_minus_static(table[table["detector"] == "mahalanobis"], level=0.95)
    assert (found.value, found.units) == (0.5, 3)
