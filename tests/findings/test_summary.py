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
    in_report = {found.search: found.median for found in summarised(champions, threshold=0.75).searches}
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
