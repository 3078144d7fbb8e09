"""Networks at equal refusal rates on made-up logits whose answers are known."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from fooling.attacks.evolution.record import RunRecord
from fooling.claims.estimand import Context, ContextSettings, NotRun, Tables
from fooling.claims.estimands import ESTIMANDS
from fooling.claims.parameters import Filter
from fooling.classifiers.classifier import Refusal
from fooling.findings.intervals import Estimate, IntervalSettings
from fooling.findings.stronger_attacks import (
    LastNetwork,
    RefusingNetwork,
    ScoredNetwork,
    budget_table,
    log_odds_of_real_classes,
    record_at,
    refusal_table,
)
from fooling.messages import FoolingError
from fooling.retraining.fooling_class import halves
from made_up_run import made_up_run

SETTINGS = IntervalSettings()
IMAGES, CLASSES = 400, 3


def run(*, own: float, fooling: float | None, seed: int = 1) -> RunRecord:
    """A run whose champions have this logit in their class, 0 in the others, and this one in the fooling class."""
    logits = own * np.eye(CLASSES)
    if fooling is not None:
        logits = np.concatenate([logits, np.full((CLASSES, 1), fooling)], axis=1)
    return dataclasses.replace(made_up_run(np.full((2, CLASSES), 0.5), seed=seed), logits=logits.astype(np.float32))


def network(first: str, *, filled_with: str = "champions", fooling: float | None = -10.0, **options) -> ScoredNetwork:
    """A network that is sure of its test images, whose margins grow evenly from 5 to 15."""
    labels = np.arange(IMAGES) % CLASSES
    logits = np.zeros((IMAGES, CLASSES + 1), dtype=np.float32)
    logits[np.arange(IMAGES), labels] = np.random.default_rng(1).permutation(np.linspace(5, 15, IMAGES))
    kept = logits if filled_with != "nothing" else logits[:, :CLASSES]
    records = [run(own=6.0, fooling=fooling if filled_with != "nothing" else None, seed=seed) for seed in (1, 2)]
    settings = {"number": 2, "classes": CLASSES, "labels": labels, "logits": kept, "records": records}
    return ScoredNetwork(first=first, filled_with=filled_with, **{**settings, **options})


def rows(*networks: ScoredNetwork, rates=(0.01, 0.5)):
    return refusal_table(networks, retraining="chain", rates=rates, seed=1, settings=SETTINGS)


def test_champions_are_accepted_where_their_margin_is_above_the_constant() -> None:
    far, near = network("a", fooling=-10.0), network("b", fooling=5.0)  # margins 16 and 1
    table = rows(far, near)
    single = table[table["first"].notna()]
    assert single.groupby("first")["accepted"].apply(list).to_dict() == {"a": [1.0, 1.0], "b": [0.0, 0.0]}
    assert single["log_odds"].tolist() == pytest.approx([6 - math.log(2)] * 4)  # whatever the fooling class says
    assert set(table["attack"]) == {"not adaptive"}


def test_a_network_without_the_class_refuses_by_its_largest_logit() -> None:
    table = rows(network("a", filled_with="nothing"))
    assert table["accepted"].tolist() == [1.0, 0.0]  # largest logit 6, of a median of 10
    assert table["refused_fitted"].tolist() == pytest.approx([0.01, 0.5])


def test_refusal_and_error_are_those_of_the_other_half() -> None:
    one = network("a")
    _, kept_back = halves(IMAGES, seed=1)
    wrong = one.labels.copy()
    wrong[kept_back] = (wrong[kept_back] + 1) % CLASSES
    (row,) = rows(dataclasses.replace(one, labels=wrong), rates=(0.01,)).to_dict("records")
    assert row["refused_fitted"] == 0.01
    assert row["error"] == pytest.approx(1 - row["refused"])
    assert rows(one, rates=(0.01,))["error"].tolist() == [0.0]


def test_adaptive_champions_are_taken_as_they_were_scored() -> None:
    met = RefusingNetwork(
        rate=0.02,
        refusal=Refusal(shift=5.0, appended=False),
        records=[run(own=6.0, fooling=5.5), run(own=6.0, fooling=6.5, seed=2)],
    )
    table = rows(network("a", refusing=met))
    (row,) = table[table["attack"] == "adaptive"].to_dict("records")
    assert (row["rate"], row["shift"], row["accepted"], row["runs"]) == (0.02, 5.0, 0.5, 2)


def test_a_chain_is_the_unit() -> None:
    three = [network(first, fooling=level) for first, level in (("a", -10.0), ("b", 5.0), ("c", -10.0))]
    table = rows(*three, rates=(0.01,))
    whole = table[table["first"].isna()].iloc[0]
    assert (whole["units"], whole["runs"], whole["note"]) == (3, 6, "")
    assert whole["accepted"] == pytest.approx(2 / 3)
    assert (whole["accepted_low"], whole["accepted_high"]) == pytest.approx(
        (scipy.stats.beta.ppf(0.025, 2, 2), scipy.stats.beta.ppf(0.975, 3, 1))
    )
    assert table[table["first"].notna()]["accepted_low"].isna().all()
    assert set(table[table["first"].notna()]["note"]) == {"one chain"}


def test_two_chains_have_no_interval() -> None:
    whole = rows(network("a"), network("b"), rates=(0.01,)).iloc[-1]
    assert math.isnan(whole["log_odds_low"])
    assert whole["note"] == "2 chains: an interval needs 3"


def test_log_odds_among_the_real_classes_leave_the_fooling_class_out() -> None:
    expected = 4 - math.log(2)
    for fooling in (None, 50.0):
        assert log_odds_of_real_classes(run(own=4.0, fooling=fooling)) == pytest.approx([expected] * CLASSES)


def test_a_run_read_earlier_is_the_run_that_ended_there() -> None:
    levels = np.linspace(0.1, 0.9, 12).reshape(4, 3)
    longer, shorter = made_up_run(levels), made_up_run(levels[:3])
    earlier = record_at(longer, 2)
    for name in ("confidences", "log_odds"):
        np.testing.assert_array_equal(getattr(earlier, name), getattr(shorter, name))
        np.testing.assert_array_equal(getattr(earlier.history, name), getattr(shorter.history, name))
    assert record_at(shorter, 2) is shorter
    assert record_at(shorter, 99) is shorter


def test_a_generation_that_the_history_does_not_keep_is_refused() -> None:
    longer = made_up_run(np.full((4, 3), 0.5))
    sparse = dataclasses.replace(
        longer, history=dataclasses.replace(longer.history, generations=np.array([0, 1, 3, 5]))
    )
    with pytest.raises(FoolingError, match="does not contain generation 2"):
        record_at(sparse, 2)


def test_the_curve_has_a_row_for_each_generation_and_one_for_all_chains() -> None:
    levels = np.array([[0.2, 0.4, 0.6], [0.5, 0.7, 0.9]])
    chains = [
        LastNetwork(first=first, filled_with="champions", number=2, records=[made_up_run(levels, seed=seed)])
        for seed, first in enumerate(("a", "b", "c"), start=1)
    ]
    table = budget_table(chains, retraining="chain", settings=SETTINGS)
    assert table["first"].tolist() == [*"aabbcc", None, None]
    assert table["median"].tolist() == pytest.approx([0.4, 0.7] * 4)
    assert table["units"].tolist() == [1] * 6 + [3] * 2
    assert table["evaluations"].tolist() == [200, 400] * 4


def measured(estimand: str, table: pd.DataFrame, **chosen: str) -> Estimate:
    return ESTIMANDS[estimand].evaluate(
        Context(
            filter=Filter(retraining="chain", **chosen),
            dataset="mnist",
            tables=Tables(
                networks=pd.DataFrame({"classifier": list("abc"), "dataset": "mnist", "architecture": "lenet"}),
                history={},
                times={},
                start={},
                examined={},
                refusal={"chain": table},
            ),
            settings=ContextSettings(),
        )
    )


def test_claims_are_measured_on_adaptive_champions_chain_by_chain() -> None:
    networks = []
    for number, first in enumerate("abc"):
        for filled_with, own in (("champions", 4.0 + number), ("nothing", 6.0)):
            refusal = Refusal(shift=5.0, appended=filled_with == "nothing")
            met = RefusingNetwork(rate=0.01, refusal=refusal, records=[run(own=own, fooling=5.0)])
            networks.append(network(first, filled_with=filled_with, refusing=met))
    table = rows(*networks)
    accepted = measured("share-accepted", table)
    assert (accepted.value, accepted.units, accepted.runs) == (
        pytest.approx(2 / 3),
        3,
        3,
    )  # own logits 4, 5 and 6, the fooling class 5
    effect = measured("refusal-effect", table, control_filling="nothing")
    assert effect.value == pytest.approx(-1.0)
    assert (effect.low, effect.high) == pytest.approx(
        (-1 - 4.3027 / math.sqrt(3), -1 + 4.3027 / math.sqrt(3)), abs=1e-3
    )
    with pytest.raises(NotRun, match="no refusing network of chain is filled with noise"):
        measured("refusal-effect", table, control_filling="noise")


def test_champions_that_never_met_the_constant_support_no_claim() -> None:
    with pytest.raises(NotRun, match="no refusing network"):
        measured("share-accepted", rows(network("a")))
