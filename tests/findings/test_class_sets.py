"""Sets of classes against arithmetic by hand and simulations."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fooling.errors import FoolingError
from fooling.findings.class_sets import ClassSetSettings, class_set_table, classes_table
from fooling.settings import read_settings


def champions(confidences: np.ndarray, individuals: np.ndarray | None = None) -> pd.DataFrame:
    """The table of champions of one network, (seeds, classes); each class has its own image if none are given."""
    seeds, classes = np.indices(confidences.shape).reshape(2, -1)
    images = classes if individuals is None else individuals.ravel()
    run = {"classifier": "lenet-a", "experiment": "cppn", "encoding": "cppn", "search": "map-elites"}
    return pd.DataFrame(
        {**{"seed": seeds, "class_index": classes, "confidence": confidences.ravel()}, "individual": images, **run}
    )


def compared(
    confidences: np.ndarray, sets: dict[str, list[tuple[int, int]]], individuals: np.ndarray | None = None
) -> pd.DataFrame:
    settings = ClassSetSettings(class_sets=sets, bootstrap_samples=999)
    classes = classes_table(champions(confidences, individuals), settings)
    return class_set_table(classes, settings).set_index("class_set")


def test_a_class_counts_once_with_the_median_of_its_runs():
    found = compared(
        np.array([[0.1, 0.9, 0.5, 0.3], [0.2, 0.8, 0.5, 0.4], [0.9, 0.7, 0.5, 0.2]]), {"ends": [(0, 0), (3, 3)]}
    )
    row = found.loc["ends"]
    assert (row["classes"], row["other_classes"], row["runs"]) == (2, 2, 3)
    assert row["median"] == pytest.approx((0.2 + 0.3) / 2)
    assert row["median_elsewhere"] == pytest.approx((0.8 + 0.5) / 2)
    assert row["superiority"] == 0


def test_superiority_counts_pairs_and_ties_half():
    generator = np.random.default_rng(1)
    values = generator.integers(0, 6, 30) / 6
    row = compared(values[None], {"some": [(0, 4), (20, 29)]}).loc["some"]
    inside, others = values[[*range(5), *range(20, 30)]], values[5:20]
    pairs = [(a > b) + 0.5 * (a == b) for a in inside for b in others]
    assert row["superiority"] == pytest.approx(np.mean(pairs))
    assert row["low"] <= row["superiority"] <= row["high"]


@pytest.mark.parametrize("sharing", [1, 8])
@pytest.mark.slow
def test_the_interval_covers_at_its_rate_also_where_classes_share_champions(sharing: int) -> None:
    generator = np.random.default_rng(2)
    images = np.arange(400) // sharing
    held = []
    for _ in range(120):
        values = generator.uniform(size=(1, 400 // sharing)).repeat(sharing, axis=1)
        row = compared(values, {"some": [(0, 159)]}, images).loc["some"]
        assert (row["groups"], row["other_groups"]) == (160 // sharing, 240 // sharing)
        held.append(row["low"] <= 0.5 <= row["high"])
    assert 0.89 <= np.mean(held) <= 0.995


def test_classes_linked_by_any_run_are_one_group_and_too_few_have_no_interval() -> None:
    confidences = np.linspace(0, 1, 16).reshape(2, 8)
    images = np.array([[0, 0, 1, 2, 3, 4, 5, 6], [0, 1, 1, 2, 3, 4, 5, 5]])  # 0-1-2 are linked, and 6-7
    settings = ClassSetSettings(class_sets={"low": [(0, 3)]}, bootstrap_samples=99)
    classes = classes_table(champions(confidences, images), settings)
    numbers = classes["group"].tolist()
    assert numbers[0] == numbers[1] == numbers[2]
    assert numbers[6] == numbers[7]
    assert len(set(numbers)) == 5
    row = compared(confidences, {"low": [(0, 3)]}, images).loc["low"]
    assert (row["groups"], row["other_groups"]) == (2, 3)
    assert np.isnan(row["low"])
    assert np.isnan(row["high"])
    assert "fewer than 3 groups" in row["note"]


def test_one_run_says_nothing_of_other_seeds() -> None:
    assert "other seeds" in compared(np.linspace(0, 1, 10)[None], {"low": [(0, 4)]}).loc["low", "note"]
    assert compared(np.linspace(0, 1, 20).reshape(2, 10), {"low": [(0, 4)]}).loc["low", "note"] == ""


def test_every_set_is_compared_on_its_own():
    found = compared(np.linspace(0, 1, 10)[None], {"low": [(0, 4)], "odd": [(1, 1), (3, 3)]})
    assert found["superiority"].tolist() == pytest.approx([0, 3 / 16])


def test_without_sets_there_are_no_rows():
    assert compared(np.ones((1, 3)), {}).empty


@pytest.mark.parametrize("stretches", [[(0, 10)], [(0, 9)]])
def test_a_set_that_leaves_nothing_to_compare_is_refused(stretches):
    with pytest.raises(FoolingError, match=r"findings\.class_sets: the set 'all' cannot be compared(.|\n)*0 to 9"):
        compared(np.ones((1, 10)), {"all": stretches})


@pytest.mark.parametrize("stretches", ["[[5, 3]]", "[[3, 5], [4, 8]]", "[[6, 8], [1, 2]]", "[[0, 2], [2, 3]]", "[]"])
def test_stretches_that_do_not_ascend_are_refused(stretches):
    with pytest.raises(FoolingError, match=r"class_sets"):
        read_settings(ClassSetSettings, f'{{"class_sets": {{"some": {stretches}}}}}')
