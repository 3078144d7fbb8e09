"""A study in a few numbers: medians and shares counted by hand, and the same median in every table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fooling.findings.foolability import FoolabilitySettings, foolability_table
from fooling.findings.summary import curve, metrics
from fooling.findings.tables import champions_table, history_table
from fooling.findings.wording import in_words
from fooling.report.summary import summarised

NETWORKS = pd.DataFrame({"classifier": ["lenet-a", "lenet-b"], "test_error": [0.01, 0.02]})
CLAIMS = pd.DataFrame({"verdict": ["reproduced", "not reproduced", "reproduced"]})


def test_metrics_are_those_of_each_search_on_each_network(make_run):
    runs = [
        make_run([[0.125, 0.625]], seed=1),
        make_run([[0.75, 1.0]], seed=2),
        make_run([[0.25, 0.5]], classifier="lenet-b", search="drift"),
    ]
    found = metrics(NETWORKS, [champions_table(runs, experiment="noise")], CLAIMS, threshold=0.75)
    assert found == {
        "test_error": {"lenet-a": 0.01, "lenet-b": 0.02},
        "champions": {
            "noise": {
                "lenet-a": {"map-elites": {"median_confidence": 0.625, "share_at_threshold": 0.5}},
                "lenet-b": {"drift": {"median_confidence": 0.375, "share_at_threshold": 0.0}},
            }
        },
        "claims": {"reproduced": 2, "not reproduced": 1},
    }


def test_a_curve_is_the_median_over_the_runs_of_their_median_class(make_run):
    runs = [
        make_run([[0.0, 0.25], [0.5, 0.75]], seed=1),
        make_run([[0.25, 1.0], [1.0, 1.0]], seed=2),
        make_run([[0.0, 0.5], [0.0, 0.5]], search="random-search"),
    ]
    found = curve(history_table(runs, experiment="noise"))
    assert found.to_dict("list") == {
        "generation": [0, 1],
        "evaluations": [200, 400],
        "evolution": [0.375, 0.8125],
        "random-search": [0.25, 0.25],
    }


def test_every_table_and_the_report_have_the_same_median(make_run):
    generator = np.random.default_rng(3)
    runs = [
        make_run(generator.random((2, 5)), seed=seed, search=search)
        for search in ("map-elites", "random-search")
        for seed in (1, 2, 3, 4)
    ]
    champions, history = (make(runs, experiment="noise") for make in (champions_table, history_table))
    examined = champions.assign(calibrated_confidence=champions["confidence"])
    foolability = foolability_table(history, examined, FoolabilitySettings(bootstrap_samples=99))
    in_metrics = metrics(NETWORKS, [champions], CLAIMS, threshold=0.75)["champions"]["noise"]["lenet-a"]
    in_curve = curve(history).rename(columns={"evolution": "map-elites"}).iloc[-1]
    in_report = {found.search: found.median for found in summarised(champions, threshold=0.75).searches}
    for search, own in champions.groupby("search"):
        expected = np.median([np.median(of_run.astype(np.float64)) for _, of_run in own.groupby("seed")["confidence"]])
        pooled = np.median(own["confidence"].astype(np.float64))
        assert in_metrics[search]["median_confidence"] == expected != pooled
        assert in_curve[search] == expected
        assert foolability.set_index("search")["median"][search] == expected
        assert in_report[search] == in_words(expected, "probability")


def test_a_curve_is_exact_where_float32_would_round(make_run):
    runs = [make_run([[0.99999994, 1.0]])]
    exact = (float(runs[0].confidences[0]) + 1) / 2
    assert curve(history_table(runs, experiment="noise"))["evolution"].tolist() == pytest.approx([exact], abs=0, rel=0)
