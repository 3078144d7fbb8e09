"""A study in a few numbers: medians and shares counted by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from fooling.findings.summary import curve, metrics
from fooling.findings.tables import champions_table, history_table

NETWORKS = pd.DataFrame({"classifier": ["lenet-a", "lenet-b"], "test_error": [0.01, 0.02]})
CLAIMS = pd.DataFrame({"verdict": ["reproduced", "not reproduced", "reproduced"]})


def test_metrics_are_those_of_each_search_on_each_network(make_run):
    runs = [
        make_run([[0.1, 0.5]], seed=1),
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


def test_a_curve_is_the_median_over_runs_and_classes(make_run):
    runs = [
        make_run([[0.0, 0.25], [0.5, 0.75]], seed=1),
        make_run([[0.25, 1.0], [1.0, 1.0]], seed=2),
        make_run([[0.0, 0.5], [0.0, 0.5]], search="random-search"),
    ]
    found = curve(history_table(runs, experiment="noise"))
    assert found.to_dict("list") == {
        "generation": [0, 1],
        "evaluations": [200, 400],
        "evolution": [0.25, 0.875],
        "random-search": [0.25, 0.25],
    }


def test_a_curve_is_exact_where_float32_would_round(make_run):
    runs = [make_run([[0.99999994, 1.0]])]
    exact = (float(runs[0].confidences[0]) + 1) / 2
    assert curve(history_table(runs, experiment="noise"))["evolution"].tolist() == pytest.approx([exact], abs=0, rel=0)
