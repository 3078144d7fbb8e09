"""The comparison of ways of training: against numbers computed by hand, and what it cannot compare."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from fooling.findings.hardening import (
    HARDENED,
    HARDENING,
    HardeningSettings,
    champions_of_chains,
    differences_to_plain,
    hardened_networks,
    hardened_table,
    hardening_table,
    way_of,
)
from fooling.messages import FoolingError
from fooling.table import require_valid
from fooling.training.settings import passes_of
from made_up_hardening import chained, champions, header, made_hardening, networks, real

SETTINGS = HardeningSettings()


def row(table: pd.DataFrame, **wanted: str) -> pd.Series:
    found = table
    for column, value in wanted.items():
        found = found[found[column] == value]
    assert len(found) == 1
    return found.iloc[0]


def test_the_tables_are_as_declared() -> None:
    tables = made_hardening()
    require_valid(tables["hardened"], HARDENED, source="hardened")
    require_valid(tables["hardening"], HARDENING, source="hardening")
    assert set(tables["hardening"]["way"]) == {
        *("plain", "label smoothing 0.1", "outliers noise", "fooling class: champions")
    }
    assert "drift" not in set(tables["hardened"]["search"])


def test_a_network_is_described_by_its_median_champion_and_its_own_threshold() -> None:
    made = networks()
    images = real(made)
    table = hardened_table(made, champions(made), images, SETTINGS)
    found = row(table, experiment="cppn", classifier="noise-2", search="map-elites")
    own = champions(made)
    own = own[(own["classifier"] == "noise-2") & (own["experiment"] == "cppn") & (own["search"] == "map-elites")]
    medians = [np.median(own.loc[own["seed"] == seed, "log_odds"]) for seed in (1, 2)]
    assert found["log_odds"] == pytest.approx(np.mean(medians))
    right = images[(images["classifier"] == "noise-2") & (images["label"] == images["predicted"])]
    fitted, kept_back = (right.loc[right["split"] == half, "log_odds"] for half in ("calibration", "evaluation"))
    refused = (fitted < found["refusal_threshold"]).sum()
    assert refused == round(0.05 * len(fitted))
    assert found["refused"] == pytest.approx((kept_back < found["refusal_threshold"]).mean())
    assert found["accepted"] == pytest.approx((own["log_odds"] >= found["refusal_threshold"]).mean())
    assert found["excess"] == pytest.approx(found["log_odds"] - found["refusal_threshold"])
    assert found["at_threshold"] == pytest.approx((own["confidence"].astype(float) >= 0.9999).mean())
    assert found["counterpart"] == "plain-2"


def test_differences_are_paired_by_seed_with_students_interval() -> None:
    tables = made_hardening(5)
    single = tables["hardened"]
    found = row(tables["hardening"], experiment="direct", way="outliers noise", search="map-elites")
    of_search = single[(single["experiment"] == "direct") & (single["search"] == "map-elites")].set_index("classifier")
    differences = [
        of_search.loc[f"noise-{seed}", "excess"] - of_search.loc[f"plain-{seed}", "excess"] for seed in range(1, 6)
    ]
    assert found["excess_difference"] == pytest.approx(np.mean(differences))
    half = stats.t.ppf(0.975, 4) * np.std(differences, ddof=1) / np.sqrt(5)
    assert found["excess_difference_high"] - found["excess_difference"] == pytest.approx(half)
    assert found["log_odds_difference"] == pytest.approx(-3.0)
    assert found["pairs"] == 5
    assert found["test_error_difference"] == pytest.approx(0)


def test_a_fooling_class_is_compared_with_the_first_network_of_its_chain() -> None:
    tables = made_hardening()
    found = row(tables["hardening"], experiment="cppn", way="fooling class: champions", search="map-elites")
    assert found["pairs"] == 3
    assert np.isnan(found["passes"])
    assert not ((tables["hardening"]["way"] == found["way"]) & (tables["hardening"]["search"] == "random-search")).any()


def test_plain_networks_have_no_difference() -> None:
    plain = made_hardening()["hardening"].set_index("way").loc["plain"]
    assert plain["excess_difference"].isna().all()
    assert (plain["pairs"] == 0).all()


def test_two_networks_give_no_interval() -> None:
    table = made_hardening(2)["hardening"]
    assert table["excess_low"].isna().all()
    assert set(table["note"]) == {"2 classifiers: an interval needs 3"}


def test_experiments_with_equal_runs_are_one_comparison() -> None:
    made = networks()
    together = HardeningSettings(together={"again": "cppn"})
    plain = [network for network in made if network.way == "plain"]
    others = [network for network in made if network.way != "plain"]
    runs = pd.concat([champions(plain, experiments=("cppn",)), champions(others, experiments=("again",))])
    table = hardened_table(made, runs, real(made), together)
    whole = hardened_table(made, champions(made, experiments=("cppn",)), real(made), SETTINGS)
    pd.testing.assert_frame_equal(table, whole)


def test_champions_of_chains_are_those_of_the_last_networks() -> None:
    retrained = pd.DataFrame({"retraining": ["chain"], "first": ["net"], "filled_with": ["champions"], "number": [2]})
    found = champions_of_chains(retrained)
    assert found[["classifier", "experiment", "search"]].to_numpy().tolist() == [
        ["chain/net/champions/dnn2", "chain", "map-elites"]
    ]


def test_champions_of_other_networks_are_refused() -> None:
    made = networks()
    others = champions(made).assign(classifier="other")
    with pytest.raises(FoolingError, match=r"no champions of these networks\n  found: champions of other\n"):
        hardened_table(made, others, real(made), SETTINGS)
    single = made_hardening()["hardened"]
    assert not len(differences_to_plain(single, single[:0], "excess"))


def test_counterparts_have_the_same_architecture_seed_and_images() -> None:
    other_seed, other_part = header("noise", 9), header("noise", 1, part={"number": 1})
    found = hardened_networks([header("plain", 1), other_seed, other_part | {"name": "part"}, header("smoothed", 1)])
    assert [network.counterpart for network in found] == [None, None, None, "plain-1"]
    assert way_of(chained("plain-1")) == "fooling class: champions"


def test_a_name_may_stand_only_once() -> None:
    with pytest.raises(FoolingError, match="two classifiers have one name"):
        hardened_networks([header("plain", 1), header("plain", 1)])


def test_a_network_that_is_always_wrong_has_no_threshold() -> None:
    made = networks(4)
    images = real(made)
    wrong = images.assign(label=images["label"].mask(images["classifier"] == "noise-1", 9))
    single = hardened_table(made, champions(made), wrong, SETTINGS)
    assert single.loc[single["classifier"] == "noise-1", ["refused", "accepted", "excess"]].isna().all(axis=None)
    means = hardening_table(single, confidence_level=0.95)
    require_valid(means, HARDENING, source="hardening")
    found = row(means, experiment="cppn", way="outliers noise", search="map-elites")
    others = single[single["classifier"].isin(["noise-2", "noise-3", "noise-4"]) & (single["experiment"] == "cppn")]
    assert found["excess"] == pytest.approx(others.loc[others["search"] == "map-elites", "excess"].mean())
    assert found["pairs"] == 4
    nobody = hardened_table(made, champions(made), images.assign(label=9), SETTINGS)
    require_valid(hardening_table(nobody, confidence_level=0.95), HARDENING, source="hardening")


@pytest.mark.parametrize(
    ("training", "passes"),
    [
        ({}, 1),
        ({"label_smoothing": 0.1}, 1),
        ({"outliers": {"per_batch": 32}}, 1.5),
        ({"outliers": {"per_batch": 32, "worst": {"steps": 7}}}, 5),
        ({"adversarial": {"steps": 7}}, 8),
    ],
)
def test_the_cost_of_training_is_counted_in_images(training: dict[str, object], passes: float) -> None:
    assert passes_of({"batch_size": 64, **training}) == passes
