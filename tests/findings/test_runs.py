"""Tables of runs, and the summary of a study."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fooling.claims.verdicts import in_words
from fooling.findings.classifiers import FoolabilitySettings, foolability_table
from fooling.findings.runs import (
    at_threshold,
    champions_table,
    curve,
    history_table,
    median_over_classes,
    metrics,
    times_table,
)
from fooling.report.story import summarise_experiment

SURE = 0.99995


def test_champions_name_their_run_and_class(make_run):
    table = champions_table([make_run([[0.1, 0.2], [0.5, 1.0]], seed=3)], experiment="noise")
    assert table.to_dict("list") == {
        "classifier": ["lenet-a"] * 2,
        "experiment": ["noise"] * 2,
        "encoding": ["direct"] * 2,
        "search": ["map-elites"] * 2,
        "seed": [3, 3],
        "class_index": [0, 1],
        "class_name": ["class 0", "class 1"],
        "confidence": [0.5, 1.0],
        "log_odds": pytest.approx([0.0, np.log(1e9 - 1)]),
        "generation": [1, 1],
        "individual": [7, 8],
        "saturated": [False, True],
    }


def test_saturated_is_exactly_one_in_float32(make_run):
    almost = np.nextafter(np.float32(1), np.float32(0))
    table = champions_table([make_run([[almost, 1.0]])], experiment="noise")
    assert table["saturated"].tolist() == [False, True]
    assert table["confidence"].dtype == np.float32


def test_history_has_a_row_for_each_generation_and_class(make_run):
    table = history_table([make_run([[0.1, 0.2], [0.3, 0.4]])], experiment="noise")
    wide = table.pivot(index="generation", columns="class_index", values="confidence")
    np.testing.assert_array_equal(wide.to_numpy(), np.array([[0.1, 0.2], [0.3, 0.4]], dtype=np.float32))
    assert table.groupby("generation")["evaluations"].unique().map(list).to_dict() == {0: [200], 1: [400]}


def test_rows_are_sorted_by_run_whatever_the_order_of_the_files(make_run):
    runs = [
        make_run([[0.1, 0.2]], classifier=classifier, seed=seed, search=search)
        for classifier in ("a", "b")
        for search in ("drift", "map-elites")
        for seed in (2, 10)
    ]
    tables = [history_table(order, experiment="noise") for order in (runs, runs[::-1])]
    pd.testing.assert_frame_equal(*tables)
    assert tables[0]["seed"].drop_duplicates().tolist() == [2, 10]  # as numbers, not as words


def test_times_say_when_the_median_and_every_class_came_to_the_threshold(make_run):
    history = [[0.2, 0.3, 0.4], [SURE, 0.3, SURE], [SURE, SURE, SURE], [1.0, 1.0, 1.0]]
    table = times_table([make_run(history)], experiment="noise", threshold=0.9999)
    assert table[["target", "generation", "evaluations", "reached"]].to_numpy().tolist() == [
        ["median", 1, 400, True],
        ["all", 2, 600, True],
    ]


def test_a_target_never_reached_is_censored_at_the_end_of_the_run(make_run):
    table = times_table([make_run([[0.2, 0.3], [0.5, SURE]])], experiment="noise", threshold=0.9999)
    assert table[["generation", "evaluations", "reached"]].to_numpy().tolist() == [[1, 400, False]] * 2


def test_the_median_of_ten_is_the_midpoint_of_the_middle_two(make_run):
    low, high = np.float32(0.9998), np.float32(0.99999)  # the midpoint is .999895: not there, though one of them is
    history = [[0.5] * 4 + [low, high] + [1.0] * 4]
    table = times_table([make_run(history)], experiment="noise", threshold=0.9999)
    assert not table["reached"].any()
    assert median_over_classes(np.array(history))[0] == (float(low) + float(high)) / 2


def test_the_threshold_is_compared_without_rounding():
    nearest = np.float32(0.9999)
    below = np.nextafter(nearest, np.float32(0))
    above = np.nextafter(nearest, np.float32(1))
    reached = at_threshold(np.array([below, nearest, above]), 0.9999)
    assert reached.tolist() == [False, float(nearest) >= 0.9999, True]
    assert float(nearest) < 0.9999  # float32 has no .9999: its neighbour is smaller, and does not count


@given(arrays(np.float32, st.tuples(st.integers(1, 6), st.integers(2, 11)), elements=st.floats(0, 1, width=32)))
def test_the_median_agrees_with_its_definition(confidences):
    ordered = np.sort(confidences.astype(float), axis=1)
    classes = ordered.shape[1]
    expected = (ordered[:, (classes - 1) // 2] + ordered[:, classes // 2]) / 2
    np.testing.assert_array_equal(median_over_classes(confidences), expected)


NETWORKS = pd.DataFrame({"classifier": ["lenet-a", "lenet-b"], "test_error": [0.01, 0.02]})
VERDICTS = {"stated by the paper": {"reproduced": 1}, "asked here": {"reproduced": 2}}


def test_metrics_are_those_of_each_search_on_each_network(make_run):
    runs = [
        make_run([[0.25, 0.5, 0.75]], seed=1),
        make_run([[0.1, 0.8, 0.9]], seed=2),
        make_run([[0.1, 0.2, 0.5]], classifier="lenet-b", search="drift"),
    ]
    found = metrics(NETWORKS, [champions_table(runs, experiment="noise")], VERDICTS, threshold=0.75)
    assert found == {
        "test_error": {"lenet-a": 0.01, "lenet-b": 0.02},
        "champions": {
            "noise": {
                "lenet-a": {"map-elites": {"median_confidence": pytest.approx(2 / 3), "share_at_threshold": 0.5}},
                "lenet-b": {"drift": {"median_confidence": pytest.approx(0.2), "share_at_threshold": 0.0}},
            }
        },
        "claims": VERDICTS,
    }


def test_a_curve_is_the_mean_over_the_runs_of_the_log_odds_of_their_median_class(make_run):
    runs = [
        make_run([[0.1, 0.5, 0.9], [0.3, 0.5, 0.8]], seed=1),
        make_run([[0.1, 0.2, 0.9], [0.1, 0.8, 0.9]], seed=2),
        make_run([[0.1, 0.2, 0.3], [0.1, 0.2, 0.9]], search="random-search"),
    ]
    found = curve(history_table(runs, experiment="noise"))
    assert found[["generation", "evaluations"]].to_dict("list") == {"generation": [0, 1], "evaluations": [200, 400]}
    assert found["evolution"].tolist() == pytest.approx([1 / 3, 2 / 3])  # odds of 1 and 1/4, then of 1 and 4
    assert found["random-search"].tolist() == pytest.approx([0.2, 0.2])


def test_every_table_and_the_report_have_the_same_median(make_run):
    generator = np.random.default_rng(3)
    runs = [
        make_run(generator.random((2, 5)), seed=seed, search=search)
        for search in ("map-elites", "random-search")
        for seed in (1, 2, 3, 4)
    ]
    champions, history = (make(runs, experiment="noise") for make in (champions_table, history_table))
    examined = champions.assign(calibrated_confidence=champions["confidence"])
    foolability = foolability_table(history, examined, FoolabilitySettings())
    in_metrics = metrics(NETWORKS, [champions], VERDICTS, threshold=0.75)["champions"]["noise"]["lenet-a"]
    in_curve = curve(history).rename(columns={"evolution": "map-elites"}).iloc[-1]
    in_report = {found.search: found.median for found in summarise_experiment(champions, threshold=0.75).searches}
    for search, own in champions.groupby("search"):
        medians = [np.median(of_run) for _, of_run in own.groupby("seed")["log_odds"]]
        expected = 1 / (1 + np.exp(-np.mean(medians)))
        pooled = np.median(own["confidence"].astype(np.float64))
        assert in_metrics[search]["median_confidence"] == pytest.approx(expected, rel=1e-12) != pooled
        assert in_curve[search] == pytest.approx(expected, rel=1e-12)
        assert foolability.set_index("search")["median"][search] == pytest.approx(expected, rel=1e-12)
        assert in_report[search] == in_words(expected, "probability")


def test_a_curve_is_exact_where_float32_would_round(make_run):
    (run,) = runs = [make_run([[0.5, 0.99999994]])]
    between = run.log_odds.mean()
    (found,) = curve(history_table(runs, experiment="noise"))["evolution"]
    assert np.log(found / (1 - found)) == pytest.approx(between, rel=1e-9)
