"""Chains of retrained networks on made-up runs whose answers are known."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from fooling.claims.estimand import Context, ContextSettings, NotRun, Tables
from fooling.claims.estimands import ESTIMANDS
from fooling.claims.parameters import Filter
from fooling.findings.retraining import (
    ChainNetwork,
    RetrainingFindingsSettings,
    effects_table,
    retrained_table,
    retraining_table,
)
from fooling.messages import FoolingError

SETTINGS = RetrainingFindingsSettings()
RUNS, CLASSES = 8, 3


def log_odds(values):
    return np.log(values / (1 - values))


@pytest.fixture
def network(make_run):
    """Makes a network of a chain against which every run ends near this confidence."""

    def make(first: str, filled_with: str, number: int, level: float, *, runs: int = RUNS, **known) -> ChainNetwork:
        generator = np.random.default_rng([number, len(filled_with), len(first)])
        ends = level + (1 - level) * generator.uniform(-0.1, 0.1, (runs, CLASSES))
        records = [make_run(np.stack([end / 2, end]), seed=seed) for seed, end in enumerate(ends, start=1)]
        facts = {"test_error": 0.01 * number, "fooling_images": 0, "recognised": {0: 0.0}} | known
        return ChainNetwork(first=first, filled_with=filled_with, number=number, records=records, **facts)

    return make


def test_a_row_holds_what_its_champions_say(network):
    one = network("a", "champions", 1, 0.9)
    table = retraining_table(retrained_table([one], retraining="chain", threshold=0.9999), [one], SETTINGS)
    values = np.array([record.confidences for record in one.records], dtype=np.float64)
    (row,) = table.to_dict("records")
    assert row["median"] == pytest.approx(np.median(values), abs=1e-5)
    assert (math.isnan(row["median_low"]), row["note"]) == (True, "one chain")
    assert (row["units"], row["runs"], row["share"], row["reached"]) == (1, RUNS, 0.0, 0.0)
    assert row["evaluations"] == math.inf


def test_evaluations_are_those_of_the_median_class(make_run):
    slow = make_run([[0.2, 0.2, 0.2], [0.99995, 0.99995, 0.1]], seed=1)
    never = make_run([[0.2, 0.2, 0.2], [0.99995, 0.1, 0.1]], seed=2)
    facts = {"test_error": 0.0, "fooling_images": 0, "recognised": {}}
    one = ChainNetwork(first="a", filled_with="nothing", number=1, records=[slow, never], **facts)
    table = retrained_table([one], retraining="chain", threshold=0.9999)
    assert table["evaluations"].tolist() == [400, 400, 400, pd.NA, pd.NA, pd.NA]


def test_what_is_recognised_is_told_apart_by_age(network):
    chain = [network("a", "champions", 3, 0.9, recognised={0: 0.01, 1: 0.8, 2: 0.3}, fooling_images=70)]
    table = retraining_table(retrained_table(chain, retraining="chain", threshold=0.9999), chain, SETTINGS)
    (row,) = table.to_dict("records")
    assert (row["recognised_new"], row["recognised_old"], row["real_as_fooling"]) == (0.3, 0.8, 0.01)
    assert row["fooling_images"] == 70


def test_several_chains_have_a_row_of_their_own(network):
    chains = [network(first, "champions", number, 0.8) for first in ("a", "bb") for number in (1, 2)]
    table = retraining_table(retrained_table(chains, retraining="chain", threshold=0.9999), chains, SETTINGS)
    assert table["first"].tolist() == ["a", "bb", None] * 2
    whole = table[table["first"].isna()]
    assert whole["units"].tolist() == [2, 2]
    assert whole["runs"].tolist() == [2 * RUNS] * 2
    assert whole["test_error"].tolist() == [0.01, 0.02]


def chain_of(network, first: str, levels: dict[str, float], **options) -> list[ChainNetwork]:
    return [
        network(first, filling, number, 0.9 if number == 1 else level, **options)
        for filling, level in levels.items()
        for number in (1, 2, 3)
    ]


def test_the_effect_is_the_mean_difference_of_medians(network):
    networks = chain_of(network, "a", {"champions": 0.6, "nothing": 0.9})
    champions = retrained_table(networks, retraining="chain", threshold=0.9999)
    table = effects_table(champions, SETTINGS)
    (row,) = table.to_dict("records")
    medians = {
        (item.filled_with, item.number): np.median([np.median(record.log_odds) for record in item.records])
        for item in networks
    }
    expected = np.mean([medians["champions", number] - medians["nothing", number] for number in (2, 3)])
    assert (row["control"], row["units"], row["networks"], row["runs"]) == ("nothing", 1, 2, 2 * RUNS)
    assert row["difference"] == pytest.approx(expected)
    assert (math.isnan(row["low"]), row["note"]) == (True, "one chain")


def test_without_a_control_there_is_no_effect(network):
    networks = chain_of(network, "a", {"champions": 0.6})
    assert effects_table(retrained_table(networks, retraining="chain", threshold=0.9999), SETTINGS).empty


def test_the_interval_of_the_effect_is_students_over_chains(network):
    """However many networks and runs a chain has, it is one unit."""
    levels = {"a": 0.7, "bb": 0.6, "ccc": 0.4}
    networks = [
        item
        for first, level in levels.items()
        for item in chain_of(network, first, {"champions": level, "nothing": 0.9})
    ]
    champions = retrained_table(networks, retraining="chain", threshold=0.9999)
    (row,) = effects_table(champions, SETTINGS).to_dict("records")
    of_chains = [effects_table(rows, SETTINGS)["difference"].item() for _, rows in champions.groupby("first")]
    low, high = scipy.stats.ttest_1samp(of_chains, 0).confidence_interval(0.95)
    assert (row["low"], row["high"]) == (pytest.approx(low), pytest.approx(high))
    assert (row["units"], row["networks"], row["runs"]) == (3, 2, 3 * 2 * RUNS)


def test_chains_of_different_length_are_refused(network):
    networks = chain_of(network, "a", {"champions": 0.7}) + chain_of(network, "bb", {"champions": 0.7}, runs=5)
    with pytest.raises(FoolingError, match="have different networks or runs"):
        effects_table(
            pd.concat(
                [
                    retrained_table(networks, retraining="chain", threshold=0.9999),
                    retrained_table(chain_of(network, "a", {"nothing": 0.7}), retraining="chain", threshold=0.9999),
                ]
            ),
            SETTINGS,
        )


@pytest.fixture
def measured(network):
    """Measures a estimand on a chain with its control."""
    networks = chain_of(network, "a", {"champions": 0.6, "nothing": 0.9})
    champions = retrained_table(networks, retraining="chain", threshold=0.9999)
    tables = Tables(
        networks=pd.DataFrame({"classifier": ["a"], "dataset": ["mnist"], "architecture": ["lenet"]}),
        history={},
        times={},
        start={},
        examined={},
        retrained={"chain": champions},
        retraining={"chain": retraining_table(champions, networks, SETTINGS)},
    )

    def measure(estimand: str, *, dataset: str = "mnist", **chosen):
        return ESTIMANDS[estimand].evaluate(
            Context(
                filter=Filter(retraining="chain", **chosen),
                dataset=dataset,
                tables=tables,
                settings=ContextSettings(),
            )
        )

    return measure, champions


def test_the_median_against_one_network(measured):
    measure, champions = measured
    rows = champions[(champions["filled_with"] == "champions") & (champions["number"] == 3)]
    found = measure("retrained-median", network=3)
    assert found.value == pytest.approx(float(rows["confidence"].astype(float).median()), abs=1e-5)
    assert (found.units, found.runs, found.note) == (1, RUNS, "one chain")
    with pytest.raises(NotRun, match="ends with network 3"):
        measure("retrained-median", network=15)


def test_the_network_that_is_hardest_to_fool(measured):
    measure, champions = measured
    rows = champions[(champions["filled_with"] == "champions") & (champions["number"] > 1)]
    expected = rows.astype({"confidence": float}).groupby("number")["confidence"].median().min()
    assert measure("lowest-retrained-median").value == pytest.approx(expected, abs=1e-5)


def test_the_effect_as_a_quantity_is_the_one_in_the_table(measured):
    measure, champions = measured
    (row,) = effects_table(champions, SETTINGS).to_dict("records")
    assert measure("retraining-effect", control_filling="nothing").value == pytest.approx(row["difference"])
    with pytest.raises(NotRun, match="filled with random"):
        measure("retraining-effect", control_filling="random")


def test_the_cost_in_test_error(measured):
    measure, _ = measured
    found = measure("cost-in-test-error", control_filling="nothing")
    assert (found.value, found.units, found.runs, found.note) == (0.0, 1, 2, "one chain")
    assert math.isnan(found.high)
    with pytest.raises(NotRun, match="no such classifier of digits"):
        measure("cost-in-test-error", control_filling="nothing", dataset="digits")
