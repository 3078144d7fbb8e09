"""Estimands of who is fooled: one value for each classifier, at its largest budget."""

from __future__ import annotations

import pandas as pd
import pytest

from fooling.claims.estimand import Context, ContextSettings, NotRun, Tables
from fooling.claims.estimands import ESTIMANDS
from fooling.claims.parameters import Filter
from made_up_networks import made_up_header, made_up_networks

NAMES = ("a", "b", "c")
NETWORKS = made_up_networks(*(made_up_header(name) for name in NAMES), made_up_header("d", dataset="other"))


def fooled() -> pd.DataFrame:
    """Three networks, two budgets of evolution and the random search of two of them, and one of another data set."""
    long = {"classifier": [*NAMES, "d"], "above_median": [1.0, 0.5, 0.9, 0.0], "above_95th": [0.5, 0.4, 0.3, 0.0]}
    table = pd.DataFrame(long).assign(search="map-elites", budget=400, rejected=[0.0, 0.2, 0.1, 1.0])
    short = table.assign(budget=200, above_median=0.0)
    random = table.iloc[:2].assign(search="random-search", above_median=[0.5, 0.7])
    whole = pd.concat([table, short, random], ignore_index=True)
    return whole.assign(experiment="direct", built_as="lenet", weight_decay=0.1)


def measured(estimand: str, table: pd.DataFrame, **chosen):
    tables = Tables(networks=NETWORKS, history={}, times={}, start={}, examined={}, fooled=table)
    told = {"experiment": "direct", **chosen}
    context = Context(filter=Filter(**told), dataset="mnist", tables=tables, settings=ContextSettings())
    return ESTIMANDS[estimand].evaluate(context)


def test_shares_are_means_over_the_classifiers_of_the_data_set_at_their_largest_budget():
    found = measured("classes-above-real-images", fooled())
    assert (found.value, found.units) == (pytest.approx(0.8), 3)
    assert 0 < found.low < 0.5 < found.high <= 1, "exact, over three units"
    high = measured("classes-above-real-images", fooled(), real_images="95th percentile")
    assert high.value == pytest.approx(0.4)
    assert measured("classes-above-real-images", fooled(), search="random-search").value == pytest.approx(0.6)
    assert measured("champions-rejected", fooled()).value == pytest.approx(0.1)


def test_random_search_is_subtracted_from_evolution_on_the_same_classifier():
    found = measured("classes-above-beside-random-search", fooled())
    assert (found.value, found.units) == (pytest.approx((0.5 - 0.2) / 2), 2)


def test_classifiers_can_be_restricted_to_one_kind():
    table = fooled()
    table.loc[table["classifier"] == "a", ["built_as", "weight_decay"]] = ["other", 0.2]
    assert measured("classes-above-real-images", table, built_as="other").value == 1.0
    assert measured("classes-above-real-images", table, weight_decay=0.1).units == 2


@pytest.mark.parametrize(
    "name", ["classes-above-real-images", "classes-above-beside-random-search", "champions-rejected"]
)
def test_without_such_runs_nothing_is_estimated(name):
    with pytest.raises(NotRun, match="no map-elites of cppn beside real images"):
        measured(name, fooled(), experiment="cppn")
    with pytest.raises(NotRun, match="no map-elites of direct"):
        measured(name, pd.DataFrame())


def test_searches_on_different_classifiers_are_not_compared():
    table = fooled()
    table = table[(table["search"] == "map-elites") == (table["classifier"] == "a")]
    with pytest.raises(NotRun, match="no classifier has both searches"):
        measured("classes-above-beside-random-search", table)
