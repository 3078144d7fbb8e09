"""Gradient ascents as tables, on made-up climbs whose answers are known."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from fooling.attacks.record import TargetedRecord, Trajectory
from fooling.findings.ascent import (
    curves_of_ascents,
    curves_of_searches,
    evaluations_table,
    images_table,
    times_of_ascents,
)
from fooling.findings.intervals import IntervalSettings
from fooling.findings.runs import history_table

SETTINGS = IntervalSettings()


def made_climb(confidences: np.ndarray, *, classifier: str = "lenet-a", name: str = "plain", classes: int = 2):
    """A climb whose images had these confidences (T, B) after 0, 1, ... steps; its starts have the seeds 1, 2, ..."""
    stored = np.asarray(confidences, dtype=np.float32)
    exact = np.clip(stored.astype(float), 1e-9, 1 - 1e-9)
    log_odds = np.log(exact / (1 - exact))
    steps, count = np.arange(len(stored)), stored.shape[1]
    return TargetedRecord(
        name=name,
        settings={},
        classifier={"name": classifier, "sha256": "0"},
        class_names=tuple("ab"[:classes]),
        versions={},
        images=np.zeros((count, 1, 3, 3), np.uint8),
        confidences=stored[-1],
        log_odds=log_odds[-1],
        classes=np.arange(count) % classes,
        seeds=1 + np.arange(count) // classes,
        trajectory=Trajectory(steps=steps, evaluations=3 * steps + 1, confidences=stored, log_odds=log_odds),
    )


# Two starts of two classes: the first start has both classes after two steps, the second never has class b.
CLIMB = [[0.1, 0.2, 0.1, 0.2], [0.9999, 0.5, 0.99995, 0.3], [0.99999, 0.99999, 1.0, 0.99985]]


def test_every_image_has_a_row() -> None:
    table = images_table([made_climb(CLIMB, classifier="z"), made_climb(CLIMB, classifier="a")])
    assert table["classifier"].tolist() == ["a"] * 4 + ["z"] * 4
    assert table["seed"].tolist() == [1, 1, 2, 2] * 2
    assert table["class_name"].tolist() == ["a", "b"] * 4
    assert table["saturated"].tolist() == [False, False, True, False] * 2
    assert table["confidence"].to_numpy()[:4] == pytest.approx(CLIMB[-1])


def test_times_count_the_evaluations_of_all_classes_of_a_start() -> None:
    times = times_of_ascents([made_climb(CLIMB)], threshold=0.9999).set_index(["seed", "target"])
    assert set(times["search"]) == {"gradient-ascent"}
    assert times["evaluations"].to_dict() == {
        (1, "median"): 2 * (3 * 2 + 1),
        (1, "all"): 2 * (3 * 2 + 1),
        (2, "median"): 2 * (3 * 2 + 1),
        (2, "all"): 2 * (3 * 2 + 1),  # the end: it never happens
    }
    assert times["reached"].to_dict() == {(1, "median"): True, (1, "all"): True, (2, "median"): True, (2, "all"): False}


def test_climbs_for_some_classes_cost_what_all_would_have_cost() -> None:
    climb = made_climb(CLIMB)
    some = dataclasses.replace(climb, class_names=("a", "b", "c", "d", "e"))
    for table in (
        lambda record: times_of_ascents([record], threshold=0.9999),
        lambda record: curves_of_ascents([record]),
    ):
        assert (2 * table(some)["evaluations"]).tolist() == (5 * table(climb)["evaluations"]).tolist()


def test_the_threshold_is_compared_without_rounding() -> None:
    below = np.nextafter(np.float32(0.9999), np.float32(0))
    exact = float(np.float32(0.9999)) >= 0.9999
    times = times_of_ascents([made_climb([[below, below]]), made_climb([[0.9999, 0.9999]], name="z")], threshold=0.9999)
    assert times["reached"].tolist() == [False, False, exact, exact]


def test_curves_are_medians_over_the_classes_of_a_run(make_run) -> None:
    climbs = curves_of_ascents([made_climb(CLIMB)])
    assert climbs["evaluations"].tolist() == [2, 8, 14] * 2
    assert climbs["confidence"].to_numpy()[:3] == pytest.approx([0.15, 0.74995, 0.99999])
    runs = [make_run([[0.2, 0.4], [0.6, 0.8]], search=search) for search in ("map-elites", "random-search", "drift")]
    searches = curves_of_searches(history_table(runs, experiment="noise"))
    assert searches.columns.tolist() == climbs.columns.tolist()
    assert set(searches["search"]) == {"map-elites", "random-search"}
    evolved = searches[searches["search"] == "map-elites"]
    assert evolved["evaluations"].tolist() == [200, 400]
    assert evolved["confidence"].to_numpy() == pytest.approx([0.3, 0.7])


def made_times(evaluations: list[float], *, search: str) -> pd.DataFrame:
    """Runs on three networks; infinite: never within 1000 evaluations."""
    seeds = len(evaluations) // 3
    return pd.DataFrame(
        {
            "classifier": np.repeat(["lenet-a", "lenet-b", "lenet-c"], seeds),
            "experiment": "plain",
            "search": search,
            "seed": [*range(seeds)] * 3,
            "target": "median",
            "evaluations": [1000 if math.isinf(value) else int(value) for value in evaluations],
            "reached": [not math.isinf(value) for value in evaluations],
        }
    )


def test_evaluations_to_the_threshold_have_a_mean_and_an_interval() -> None:
    climbs = made_times([100, 120, 140, 160, 180, 200], search="gradient-ascent")
    seldom = made_times([300, 400, 500, math.inf, math.inf, math.inf], search="map-elites")
    never = made_times([math.inf] * 3, search="random-search")
    table = evaluations_table(pd.concat([climbs, seldom, never]), settings=SETTINGS).set_index("search")
    mean = scipy.stats.gmean(np.array([100, 120, 140, 160, 180, 200]) + 1) - 1
    assert table.loc["gradient-ascent", "mean"] == pytest.approx(mean)
    assert table.loc["gradient-ascent", "low"] < 100 < 200 < table.loc["gradient-ascent", "high"]  # three networks
    assert table.loc["map-elites", ["mean", "low", "high"]].isna().all()
    assert table.loc["map-elites", "note"] == "3 of 6 runs did not reach the target: see the share that did"
    assert table.loc["random-search", "mean"] == math.inf
    assert table["reached"].to_dict() == {"gradient-ascent": 1.0, "map-elites": 0.5, "random-search": 0.0}
    assert table["runs"].to_dict() == {"gradient-ascent": 6, "map-elites": 6, "random-search": 3}


def test_few_networks_have_no_interval() -> None:
    times = made_times([100, 200, 300], search="gradient-ascent")
    table = evaluations_table(times[times["classifier"] != "lenet-c"], settings=SETTINGS)
    assert table[["low", "high"]].isna().all(axis=None)
    assert table["note"].item() == "2 classifiers: an interval needs 3"
