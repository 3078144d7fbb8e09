"""Sets of classes against arithmetic by hand and simulations."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fooling.errors import FoolingError
from fooling.findings.class_sets import ClassSetSettings, class_set_table, classes_table
from fooling.settings import read_settings


def champions(confidences: np.ndarray) -> pd.DataFrame:
    """The table of champions of one network, (seeds, classes)."""
    seeds, classes = np.indices(confidences.shape).reshape(2, -1)
    run = {"classifier": "lenet-a", "experiment": "cppn", "encoding": "cppn", "search": "map-elites"}
    return pd.DataFrame({**{"seed": seeds, "class_index": classes, "confidence": confidences.ravel()}, **run})


def compared(confidences: np.ndarray, sets: dict[str, list[tuple[int, int]]]) -> pd.DataFrame:
    settings = ClassSetSettings(class_sets=sets, bootstrap_samples=999)
    return class_set_table(classes_table(champions(confidences), settings), settings).set_index("class_set")


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


def test_the_interval_covers_at_its_rate_and_the_test_errs_at_its_own():
    generator = np.random.default_rng(2)
    held, refused = [], []
    for _ in range(300):
        row = compared(generator.uniform(size=(1, 160)), {"forty": [(0, 39)]}).loc["forty"]
        held.append(row["low"] <= 0.5 <= row["high"])
        refused.append(row["p_value"] < 0.05)
    assert 0.91 <= np.mean(held) <= 0.985
    assert 0.015 <= np.mean(refused) <= 0.09


def test_every_set_is_compared_on_its_own():
    found = compared(np.linspace(0, 1, 10)[None], {"low": [(0, 4)], "odd": [(1, 1), (3, 3)]})
    assert found["superiority"].tolist() == pytest.approx([0, 3 / 16])


def test_without_sets_there_are_no_rows():
    assert compared(np.ones((1, 3)), {}).empty


@pytest.mark.parametrize("stretches", [[(0, 10)], [(0, 9)]])
def test_a_set_that_leaves_nothing_to_compare_is_refused(stretches):
    with pytest.raises(FoolingError, match=r"'all' cannot be compared(.|\n)*0 to 9(.|\n)*findings\.class_sets"):
        compared(np.ones((1, 10)), {"all": stretches})


@pytest.mark.parametrize("stretches", ["[[5, 3]]", "[[3, 5], [4, 8]]", "[[6, 8], [1, 2]]", "[[0, 2], [2, 3]]", "[]"])
def test_stretches_that_do_not_ascend_are_refused(stretches):
    with pytest.raises(FoolingError, match=r"class_sets"):
        read_settings(ClassSetSettings, f'{{"class_sets": {{"some": {stretches}}}}}')
