"""Estimands of inputs far from the data: means over classifiers, and changes over chains."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from fooling.claims.estimand import Context, ContextSettings, NotRun, Tables
from fooling.claims.estimands import ESTIMANDS
from fooling.claims.parameters import Filter
from made_up_networks import made_up_header, made_up_networks

NAMES = ("a", "b", "c")
NETWORKS = made_up_networks(*(made_up_header(name) for name in NAMES), made_up_header("d", dataset="other"))


def rubbish() -> pd.DataFrame:
    """Three networks with two weight decays, one of another data set, and a chain of each of the three."""
    table = pd.DataFrame(
        {
            "classifier": [*NAMES, "d"],
            "built_as": "lenet",
            "weight_decay": [0.1, 0.1, 0.2, 0.1],
            "rubbish_share": [0.2, 0.4, 0.9, 1.0],
            "mistaken_confidence": [0.6, np.nan, 0.8, 0.9],
            "number": 1,
        }
    )
    chained = table.assign(classifier=[f"chain/{name}" for name in table["classifier"]], first=table["classifier"])
    chained = chained.assign(number=2, retraining="chain", filled_with="noise", rubbish_share=[0.1, 0.1, 0.1, 0.1])
    clipped = table.assign(rubbish_share=0.0)
    return pd.concat(
        [table.assign(clipped=False), chained.assign(clipped=False), clipped.assign(clipped=True)], ignore_index=True
    )


def slopes() -> pd.DataFrame:
    """Two rays of each kind for two networks."""
    return pd.DataFrame(
        {
            "classifier": ["a"] * 4 + ["b"] * 4,
            "built_as": "lenet",
            "weight_decay": 0.1,
            "direction": ["image", "image", "noise", "noise"] * 2,
            "sure": [1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
            "slope_difference": [0.0, 0.01, 0.02, 0.5, 0.0, 0.0, 0.0, 0.0],
            "last_change": [-0.001, 0.5, 0.0, 0.01, 3.0, 3.0, 3.0, 3.0],
        }
    )


TABLES = Tables(networks=NETWORKS, history={}, times={}, start={}, examined={}, rubbish=rubbish(), ray_slopes=slopes())


def measured(estimand: str, tables: Tables = TABLES, **chosen):
    context = Context(filter=Filter(**chosen), dataset="mnist", tables=tables, settings=ContextSettings())
    return ESTIMANDS[estimand].evaluate(context)


def test_the_share_is_a_mean_over_classifiers_that_were_not_retrained():
    found = measured("rubbish-share", built_as="lenet")
    assert (found.value, found.units) == (pytest.approx(0.5), 3)
    assert found.low == 0 and found.high == 1
    assert measured("rubbish-share", built_as="lenet", weight_decay=0.1).value == pytest.approx(0.3)


def test_the_confidence_is_that_of_classifiers_with_mistakes():
    found = measured("confidence-in-rubbish", built_as="lenet")
    assert (found.value, found.units) == (pytest.approx(0.7), 2)


def test_the_change_is_chain_by_chain():
    found = measured("change-of-rubbish-share", retraining="chain", network=2, filled_with="noise")
    assert (found.value, found.units) == (pytest.approx(-0.4), 3)
    with pytest.raises(NotRun, match="no random inputs on the networks of a retraining chain"):
        measured("change-of-rubbish-share", retraining="chain", network=2)
    with pytest.raises(NotRun):
        measured("change-of-rubbish-share", retraining="chain", network=3, filled_with="noise")


@pytest.mark.parametrize(
    ("estimand", "share"),
    [("linear", 6 / 8), ("saturated", 2 / 8), ("sure", 7 / 8)],
)
def test_shares_of_rays_are_means_over_classifiers(estimand, share):
    found = measured(f"share-of-{estimand}-rays", built_as="lenet")
    assert (found.value, found.units) == (pytest.approx(share), 2)


@pytest.mark.parametrize("name", ["rubbish-share", "confidence-in-rubbish", "share-of-linear-rays"])
def test_without_such_classifiers_nothing_is_measured(name):
    with pytest.raises(NotRun, match="mnist"):
        measured(name, built_as="maxout")
    with pytest.raises(NotRun, match="mnist"):
        measured(name, dataclasses.replace(TABLES, rubbish=pd.DataFrame(), ray_slopes=pd.DataFrame()), built_as="lenet")
