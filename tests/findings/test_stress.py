"""Stress of champions: linear classifiers whose answers to changed images, and whose logits, are known."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import scipy

from fooling.ablation.probe_images import CHANGES
from fooling.datasets.dataset import Dataset
from fooling.findings.stress import (
    ROBUSTNESS,
    SUPERNORMAL,
    StressSettings,
    real_images,
    require_images_of,
    robustness_table,
    supernormal_table,
    survival_over_real,
    survivals,
)
from fooling.messages import FoolingError
from fooling.table import require_valid
from made_up_run import made_up_run

SETTINGS = StressSettings(changed_real_images=4)
SIDE = 14


def linear(weights: np.ndarray, *, bias: float = 0.0):
    """A linear classifier: logits are the weights (K, C * H * W) times the levels, all raised by ``bias``."""

    def scored(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        logits = (images.reshape(len(images), -1) @ weights.T + bias).astype(np.float32)
        exact = logits.astype(np.float64)
        others = np.stack(
            [scipy.special.logsumexp(np.delete(exact, k, axis=1), axis=1) for k in range(exact.shape[1])], axis=1
        )
        return logits, exact - others

    return scored


def by_corner() -> np.ndarray:
    """Weights (2, H * W): class 0 for light in the upper left quarter, class 1 for light elsewhere."""
    corner = np.zeros((SIDE, SIDE))
    corner[: SIDE // 2, : SIDE // 2] = 1 / 255
    return np.stack([corner, corner.max() / 3 - corner / 3]).reshape(2, -1)


def images_of(*levels: int) -> np.ndarray:
    """Images (B, 1, 14, 14) with this level in the upper left quarter and black elsewhere; if negative, the reverse."""
    images = np.zeros((len(levels), 1, SIDE, SIDE), dtype=np.uint8)
    corner = np.zeros((SIDE, SIDE), dtype=bool)
    corner[: SIDE // 2, : SIDE // 2] = True
    for image, level in zip(images, levels, strict=True):
        image[0, corner if level >= 0 else ~corner] = abs(level)
    return images


def dataset_of(images: np.ndarray, labels: list[int]) -> Dataset:
    parts = {"train_images": images[:0], "train_labels": np.zeros(0, dtype=np.int64)}
    return Dataset(
        name="made up", class_names=("corner", "elsewhere"), provenance={}, **parts, test_images=images,
        test_labels=np.array(labels),
    )  # fmt: skip


def run_of(images: np.ndarray, *, seed: int = 1):
    return made_up_run(np.array([[0.5, 0.5]]), images=images, seed=seed)


def test_every_change_and_strength_has_a_row_for_each_run() -> None:
    scored = linear(by_corner())
    real = real_images(dataset_of(images_of(255, 200, 100), [0, 0, 0]), scored=scored, settings=SETTINGS)
    runs = [run_of(images_of(255, 0), seed=seed) for seed in (2, 1)]
    table = robustness_table(runs, experiment="direct", scored=scored, real=real, settings=SETTINGS)
    require_valid(table, ROBUSTNESS, source="robustness")
    expected = [(change, strength) for change, strength in SETTINGS.strengths()]
    assert len(expected) == 16
    assert {change for change, _ in expected} == set(CHANGES)
    for seed in (1, 2):
        rows = table[table["seed"] == seed]
        assert list(zip(rows["change"], rows["strength"], strict=True)) == expected
    assert table["seed"].tolist() == [1] * 16 + [2] * 16
    assert set(table["real_images"]) == {3}


def test_a_class_that_depends_on_a_place_survives_blur_and_noise_but_not_shuffled_patches() -> None:
    scored = linear(by_corner())
    images = np.repeat(images_of(255), 40, axis=0)
    found = survivals(images, np.zeros(40, dtype=np.int64), scored=scored, settings=SETTINGS, purpose=("test",))
    kept = found.set_index(["change", "strength"])["kept"]
    assert set(found["images"]) == {40}
    assert (kept[["blur", "noise", "jpeg", "shift"]] == 40).all()
    assert 2 <= kept["patches", 7.0] <= 20, "one in four patches of 7x7 pixels stays in its place"


def test_log_odds_before_and_after_are_means_over_the_images_counted() -> None:
    scored = linear(by_corner())
    images, classes = images_of(255, -255, 255), np.array([0, 0, 1])  # only the first has its class as label
    settings = StressSettings(shift_pixels=(), rotation_degrees=(), jpeg_losses=(), noise_levels=(), patch_pixels=())
    found = survivals(images, classes, scored=scored, settings=settings, purpose=("test",)).set_index("strength")
    assert set(found["images"]) == {1}
    before = float(scored(images)[1][0, 0])
    assert found["log_odds_before"].tolist() == pytest.approx([before] * 3)
    blurred = scipy.ndimage.gaussian_filter(images[:1].astype(float), (0, 0, 2.0, 2.0), mode="nearest").round()
    assert found.loc[2.0, "log_odds"] == pytest.approx(float(scored(blurred.astype(np.uint8))[1][0, 0]))


def test_the_threshold_is_counted_beside_the_label() -> None:
    scored = linear(by_corner())  # 255 in the corner: logits 49 and 32.7
    images = images_of(255, 255, 30)
    settings = StressSettings(threshold=0.9999)
    found = survivals(images, np.zeros(3, dtype=np.int64), scored=scored, settings=settings, purpose=("test",))
    odds = scored(images)[1][:, 0]
    assert [bool(1 / (1 + math.exp(-value)) >= 0.9999) for value in odds] == [True, True, False]
    assert set(found["sure"]) == {2}
    assert (found["still_sure"] <= found["sure"]).all()


def test_without_an_image_of_its_class_there_are_no_log_odds() -> None:
    scored = linear(by_corner())
    real = real_images(dataset_of(images_of(255), [1]), scored=scored, settings=SETTINGS)
    table = robustness_table(
        [run_of(images_of(-255, 255))], experiment="direct", scored=scored, real=real, settings=SETTINGS
    )
    require_valid(table, ROBUSTNESS, source="robustness")
    assert set(table["images"]) == set(table["real_images"]) == {0}
    assert table[["log_odds", "log_odds_before", "real_log_odds"]].isna().all(axis=None)


def test_real_images_are_correctly_classified_and_drawn_by_seed() -> None:
    scored = linear(by_corner())
    data = dataset_of(images_of(*range(100, 120), *range(200, 220)), [0] * 20 + [1] * 20)
    first, again = (real_images(data, scored=scored, settings=SETTINGS) for _ in range(2))
    assert set(first.survivals["images"]) == {4}
    pd.testing.assert_frame_equal(first.survivals, again.survivals)


def test_a_champion_is_supernormal_if_its_logit_exceeds_that_of_every_real_image() -> None:
    weights = np.array([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]]) / 10
    shown = np.array([[200, 0, 0, 0], [0, 150, 0, 0], [90, 90, 0, 0]], dtype=np.uint8).reshape(3, 1, 2, 2)
    data = dataset_of(shown, [0, 1, 0])
    scored = linear(weights)
    real = real_images(data, scored=scored, settings=SETTINGS)
    champions = np.array([[201, 0, 0, 0], [0, 150, 0, 0]], dtype=np.uint8).reshape(2, 1, 2, 2)
    table = supernormal_table([run_of(champions)], experiment="direct", scored=scored, real=real, has_logits=True)
    require_valid(table, SUPERNORMAL, source="supernormal")
    assert table["logit"].tolist() == pytest.approx([20.1, 15.0])
    assert table["real_logit"].tolist() == pytest.approx([20.0, 15.0])
    assert table["beyond_logit"].tolist() == [1, 0]
    assert table["beyond_log_odds"].tolist() == [True, False]


def test_logits_and_log_odds_disagree_where_all_logits_are_high() -> None:
    weights = np.array([[1.0, 0.0], [1.0, 0.0]]) / 10
    weights[0, 1] = 0.1
    data = dataset_of(np.array([[0, 50]], dtype=np.uint8).reshape(1, 1, 1, 2), [0])
    scored = linear(weights)
    champions = np.array([[255, 10], [255, 0]], dtype=np.uint8).reshape(2, 1, 1, 2)
    table = supernormal_table(
        [run_of(champions)],
        experiment="direct",
        scored=scored,
        real=real_images(data, scored=scored, settings=StressSettings(patch_pixels=())),
        has_logits=True,
    )
    assert table.loc[0, "beyond_logit"] == 1
    assert not table.loc[0, "beyond_log_odds"]


def test_a_network_without_logits_has_no_columns_of_logits() -> None:
    scored = linear(by_corner())
    real = real_images(dataset_of(images_of(255, 200), [0, 0]), scored=scored, settings=SETTINGS)
    table = supernormal_table(
        [run_of(images_of(255, 0))], experiment="direct", scored=scored, real=real, has_logits=False
    )
    require_valid(table, SUPERNORMAL, source="supernormal")
    assert table[["logit", "real_logit", "beyond_logit"]].isna().all(axis=None)
    assert table["log_odds"].notna().all()


def test_runs_with_images_of_another_shape_are_refused() -> None:
    with pytest.raises(FoolingError, match="the runs have other images than the data set"):
        require_images_of([made_up_run(np.array([[0.5, 0.5]]))], dataset_of(images_of(1), [0]))


def survival_of(kept: list[list[int]], images: list[list[int]], real_kept: int = 5, real: int = 10):
    """The estimate for networks with these champions (networks, seeds) and the same real images."""
    rows = [
        {
            **{"classifier": f"net-{network}", "experiment": "cppn", "encoding": "cppn", "search": "map-elites"},
            **{"seed": seed, "change": "blur", "strength": 1.0, "kept": kept[network][seed]},
            **{"images": images[network][seed], "real_kept": real_kept, "real_images": real},
        }
        for network in range(len(kept))
        for seed in range(len(kept[0]))
    ]
    other = pd.DataFrame(rows).assign(strength=2.0, kept=0)
    table = pd.concat([pd.DataFrame(rows), other])
    return survival_over_real(table, change="blur", strength=1.0, level=0.95)


def test_survival_is_compared_with_real_images_over_networks() -> None:
    found = survival_of([[10, 8], [6, 6], [10, 8]], [[10, 10]] * 3)
    assert found.value == pytest.approx(0.8 - 0.5)
    assert found.units == 3
    assert found.runs == 6
    assert -1 <= found.low < found.value < found.high <= 1


def test_runs_without_champions_of_their_class_have_no_value() -> None:
    found = survival_of([[10, 0], [10, 0], [10, 5]], [[10, 0], [10, 0], [10, 5]])
    assert found.value == pytest.approx(0.5)
    assert found.runs == 4


def test_without_real_images_or_champions_there_is_no_value() -> None:
    assert math.isnan(survival_of([[5, 5]] * 3, [[10, 10]] * 3, real_kept=0, real=0).value)
    assert math.isnan(survival_of([[0, 0]] * 3, [[0, 0]] * 3).value)


def test_a_strength_that_is_named_twice_is_measured_once() -> None:
    settings = StressSettings(shift_pixels=(1, 1, 2))
    assert [strength for change, strength in settings.strengths() if change == "shift"] == [1.0, 2.0]
