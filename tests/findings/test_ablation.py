"""Removals on a linear network, where the effect of each is known exactly."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fooling.findings.ablation import (
    AblationSettings,
    ablation_summary,
    ablation_table,
    estimated_over_champions,
    removal_effect,
)
from fooling.findings.intervals import IntervalSettings
from fooling.messages import FoolingError

SETTINGS = AblationSettings(copies_removed=3, removal_draws=2)
INTERVALS = IntervalSettings()
SIDE, LIT = 28, 200.0


def blobs() -> np.ndarray:
    """Sixteen blobs of nine pixels on black."""
    image = np.zeros((1, SIDE, SIDE), np.uint8)
    for y in range(2, SIDE, 7):
        for x in range(2, SIDE, 7):
            image[:, y : y + 3, x : x + 3] = int(LIT)
    return image


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (1, SIDE, SIDE)).astype(np.uint8)


def by_light(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two classes; the log-odds of the first are the sum of all levels over 1000, those of the second the opposite."""
    light = images.astype(float).sum(axis=(1, 2, 3)) / 1000
    log_odds = np.stack([light, -light], axis=1)
    return (1 / (1 + np.exp(-log_odds))).astype(np.float32), log_odds


def runs(make_run, *, seeds=(1, 2), classifier="lenet-a"):
    """Runs whose first champion is made of blobs and whose second one is noise."""
    champions = [np.stack([blobs(), noise(seed)]) for seed in seeds]
    named = {"classifier": classifier, "encoding": "cppn"}
    return [
        make_run([[0.9, 0.8]], seed=seed, images=shown, **named) for seed, shown in zip(seeds, champions, strict=True)
    ]


@pytest.fixture
def table(make_run) -> pd.DataFrame:
    return ablation_table(runs(make_run), experiment="cppn", scorer=by_light, settings=SETTINGS)


def test_each_copy_costs_exactly_its_light(table) -> None:
    copies = table[(table["kind"] == "copy") & (table["fill"] == "background")]
    assert copies["change"].to_numpy() == pytest.approx(-copies["removed"] * 9 * LIT / 1000)
    assert copies["removed"].value_counts().to_dict() == {1: 4, 2: 4, 3: 4}


def test_the_mean_gives_back_what_it_covers(table) -> None:
    mean = round(16 * 9 * LIT / SIDE**2)
    copies = table[(table["kind"] == "copy") & (table["fill"] == "mean")]
    pixels = copies["area"] * SIDE**2
    assert copies["change"].to_numpy() == pytest.approx(pixels * mean / 1000 - copies["removed"] * 9 * LIT / 1000)


def test_the_control_takes_as_much_area(table) -> None:
    areas = table[table["removed"] > 0].pivot_table(
        index=["seed", "fill", "draw", "removed"], columns="kind", values="area"
    )
    assert areas["copy"].to_numpy() == pytest.approx(areas["control"].to_numpy())


def test_champions_without_copies_stay_in_the_table(table) -> None:
    intact = table[table["kind"] == "intact"]
    assert intact[["seed", "class_index", "copies"]].to_numpy().tolist() == [
        [1, 0, 16],
        [1, 1, 0],
        [2, 0, 16],
        [2, 1, 0],
    ]
    assert intact["change"].tolist() == [0.0] * 4
    silent = table[(table["class_index"] == 1)]
    assert len(silent) == 2
    assert silent[["shift_down", "shift_right", "correlation"]].isna().all(axis=None)
    assert intact["fill"].isna().all()


def test_log_odds_are_those_of_the_champions_own_class(make_run) -> None:
    (run,) = runs(make_run, seeds=(1,))
    run.images[1] = blobs()[0]
    table = ablation_table([run], experiment="cppn", scorer=by_light, settings=SETTINGS)
    other = table[(table["class_index"] == 1) & (table["kind"] == "copy") & (table["fill"] == "background")]
    assert other["change"].to_numpy() == pytest.approx(other["removed"] * 9 * LIT / 1000)


@pytest.mark.parametrize(("most", "classes"), [(None, [0, 1]), (2, [0, 1]), (5, [0, 1]), (1, [0])])
def test_few_classes_are_spread_evenly(make_run, most, classes) -> None:
    settings = AblationSettings(copies_removed=1, removal_draws=1, ablated_classes=most)
    found = ablation_table(runs(make_run), experiment="cppn", scorer=by_light, settings=settings)
    assert sorted(found["class_index"].unique()) == classes


def test_runs_of_several_networks_are_refused(make_run) -> None:
    several = [*runs(make_run), *runs(make_run, classifier="lenet-b")]
    with pytest.raises(FoolingError, match="lenet-a, lenet-b"):
        ablation_table(several, experiment="cppn", scorer=by_light, settings=SETTINGS)


def test_effects_are_means_over_the_draws_and_differences_of_the_same_champions(table) -> None:
    copy = removal_effect(table, "change", fill="background", kind="copy", removed=2)
    control = removal_effect(table, "change", fill="background", kind="control", removed=2)
    difference = removal_effect(table, "change", fill="background", kind="difference", removed=2)
    assert copy.to_numpy() == pytest.approx(-2 * 9 * LIT / 1000)
    rows = table[(table["kind"] == "control") & (table["fill"] == "background") & (table["removed"] == 2)]
    assert control.loc[("lenet-a", 1, 0)] == pytest.approx(rows.loc[rows["seed"] == 1, "change"].mean())
    assert (difference == copy - control).all()
    sure = removal_effect(table, "still sure", fill="background", kind="copy", removed=1)
    assert set(sure) == {1.0}  # 28.8 - 1.8 is far above 99 %


def test_the_summary_counts_who_repeats_and_says_over_whom(make_run) -> None:
    both = [
        ablation_table(
            runs(make_run, seeds=(1, 2, 3), classifier=name), experiment="cppn", scorer=by_light, settings=SETTINGS
        )
        for name in ("lenet-a", "lenet-b", "lenet-c")
    ]
    summary = ablation_summary(pd.concat(both), settings=INTERVALS)
    (share,) = summary[summary["quantity"] == "share that repeats"].to_dict("records")
    assert (share["value"], share["champions"], share["units"], share["runs"]) == (0.5, 18, 3, 9)
    chosen = summary[
        (summary["quantity"] == "change") & (summary["fill"] == "background") & (summary["kind"] == "copy")
    ]
    assert chosen["removed"].tolist() == [1, 2, 3]
    assert chosen["value"].to_numpy() == pytest.approx([-1.8, -3.6, -5.4])
    assert chosen[["low", "high"]].to_numpy() == pytest.approx(np.outer([-1.8, -3.6, -5.4], [1, 1]))
    assert set(chosen["champions"]) == {9}
    assert len(summary) == 1 + 3 * 3 * 2 * 3


def test_a_study_in_which_nothing_repeats_has_its_share_alone(make_run) -> None:
    silent = [make_run([[0.9, 0.8]], seed=seed, images=np.stack([noise(seed), noise(9 + seed)])) for seed in (1, 2)]
    table = ablation_table(silent, experiment="cppn", scorer=by_light, settings=SETTINGS)
    summary = ablation_summary(table, settings=INTERVALS)
    assert summary["quantity"].tolist() == ["share that repeats"]
    assert summary["value"].tolist() == [0.0]


def test_runs_without_such_champions_do_not_count(table) -> None:
    values = removal_effect(table, "change", fill="background", kind="copy", removed=1)
    one = values[values.index.get_level_values("seed") == 1]
    found = estimated_over_champions(one, table, level=0.95)
    assert (found.value, found.units, found.runs) == (pytest.approx(-1.8), 1, 1)
    assert np.isnan(found.low)
    assert found.note
