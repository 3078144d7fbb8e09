"""Random inputs far from the data: the rates of linear models are known, and the summary is over networks."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
import scipy

from fooling.findings.far import (
    LEVELS,
    PUBLISHED,
    RUBBISH,
    RUBBISH_SUMMARY,
    FarNetwork,
    FarSettings,
    published,
    rubbish_summary,
    rubbish_table,
    top_confidences,
)
from fooling.table import require_valid

SHAPE = (1, 2, 3)
SETTINGS = FarSettings(inputs=40_000, seed=3)


def linear(
    spread: float, bias: float = 0.0, *, loss: str = "softmax", classes: int = 3, outputs: int = 3
) -> FarNetwork:
    """A network whose logit of class k is ``spread`` times pixel k plus ``bias``: independent normal numbers."""

    def logits(levels: np.ndarray) -> np.ndarray:
        return (spread * levels.reshape(len(levels), -1)[:, :outputs] / LEVELS + bias).astype(np.float32)

    return FarNetwork(
        name="linear",
        built_as="softmax-regression",
        loss=loss,
        weight_decay=0.1,
        input_shape=SHAPE,
        classes=classes,
        logits=logits,
        gradients=lambda levels, classes: np.zeros_like(levels),
    )


def unclipped(network: FarNetwork, settings: FarSettings = SETTINGS) -> pd.Series:
    table = rubbish_table([network], settings)
    return table[~table["clipped"]].iloc[0]


@pytest.mark.parametrize(("spread", "bias"), [(1.0, 0.0), (0.5, -1.0), (4.0, 2.0)])
def test_independent_sigmoids_have_the_rate_and_confidence_of_the_largest_of_normal_numbers(spread, bias):
    """The rate is 1 - Phi(-b / s)^K; the mean confidence is integrated over the density of the largest logit."""
    row = unclipped(linear(spread, bias, loss="sigmoids"))
    normal = scipy.stats.norm(bias, spread)
    rate = 1 - normal.cdf(0) ** 3
    assert row["rubbish_share"] == pytest.approx(rate, abs=4 * math.sqrt(rate * (1 - rate) / SETTINGS.inputs) + 1e-9)
    mean, _ = scipy.integrate.quad(
        lambda z: scipy.special.expit(z) * 3 * normal.pdf(z) * normal.cdf(z) ** 2, 0, bias + 10 * spread
    )
    assert row["mistaken_confidence"] == pytest.approx(mean / rate, abs=0.005)


@pytest.mark.parametrize("spread", [0.5, 2.0, 10.0])
def test_softmax_regression_has_the_integrated_rate_which_grows_with_the_weights(spread):
    """Class 1 gets more than half if its logit exceeds log(exp(z2) + exp(z3)): Gauss-Hermite quadrature over z2, z3."""
    points, weights = np.polynomial.hermite_e.hermegauss(80)
    others = spread * np.logaddexp(*(spread * np.array(np.meshgrid(points, points)))) / spread
    share = (np.outer(weights, weights) * scipy.stats.norm.sf(others / spread)).sum() / (2 * math.pi)
    assert unclipped(linear(spread))["rubbish_share"] == pytest.approx(3 * share, abs=0.01)
    assert unclipped(linear(spread))["logit_spread"] == pytest.approx(
        spread * unclipped(linear(1.0))["logit_spread"], rel=1e-4
    )


def test_the_confidence_of_sigmoids_is_the_sigmoid_of_the_largest_logit():
    logits = np.array([[0.0, math.log(3), -7.0], [-2.0, -3.0, -4.0]], dtype=np.float32)
    np.testing.assert_allclose(
        top_confidences(logits, loss="sigmoids", classes=3), [0.75, 1 / (1 + math.exp(2))], rtol=1e-6
    )
    exact = np.exp([math.log(3), -2.0]) / np.exp(logits.astype(float)).sum(axis=1)
    np.testing.assert_allclose(top_confidences(logits, loss="softmax", classes=3), exact, rtol=1e-6)


def test_a_fooling_class_is_no_mistake_and_counts_as_recognised():
    always = linear(1.0, classes=2, outputs=3)
    sure = dataclasses.replace(always, logits=lambda levels: np.tile(np.float32([0, 1, 30]), (len(levels), 1)))
    row = unclipped(sure, FarSettings(inputs=10))
    assert (row["rubbish_share"], row["recognised"], row["commonest_class"]) == (0, 1, 1)
    assert np.isnan(row["mistaken_confidence"])
    assert np.isnan(unclipped(linear(1.0), FarSettings(inputs=10))["recognised"])


def test_clipped_inputs_are_the_same_ones_between_0_and_1():
    seen = []

    def logits(levels: np.ndarray) -> np.ndarray:
        seen.append(levels)
        return np.zeros((len(levels), 3), dtype=np.float32)

    rubbish_table([dataclasses.replace(linear(1.0), logits=logits)], FarSettings(inputs=700))
    assert [len(levels) for levels in seen] == [500, 500, 200, 200]
    assert seen[0].min() < -500 and seen[0].max() > 700
    np.testing.assert_allclose(seen[1], seen[0].clip(0, 255), rtol=1e-6)
    drawn = np.concatenate(seen[::2]) / LEVELS
    assert (drawn.mean(), drawn.std()) == (pytest.approx(0, abs=0.06), pytest.approx(1, abs=0.05))


def test_the_same_seed_gives_the_same_table_and_another_seed_another_one():
    network, settings = linear(1.0), FarSettings(inputs=300)
    table = rubbish_table([network], settings)
    pd.testing.assert_frame_equal(table, rubbish_table([network], settings), check_exact=True)
    other = rubbish_table([network], FarSettings(inputs=300, seed=2))
    assert not table["median_confidence"].equals(other["median_confidence"])
    both = rubbish_table([network, dataclasses.replace(network, name="again")], settings)
    assert both["rubbish_share"].tolist() == [*table["rubbish_share"], *table["rubbish_share"]]


def test_the_summary_is_over_networks_of_one_kind():
    networks = [
        dataclasses.replace(linear(spread), name=f"net-{spread}", weight_decay=decay)
        for spread, decay in ((1.0, 0.1), (1.5, 0.1), (2.0, 0.1), (3.0, None))
    ]
    retrained = dataclasses.replace(
        linear(0.0), name="a/dnn2", number=2, filled_with="noise", retraining="a", first="net-1.0"
    )
    table = rubbish_table([*networks, retrained], FarSettings(inputs=500))
    require_valid(table, RUBBISH, source="rubbish")
    summary = rubbish_summary(table, confidence_level=0.95)
    require_valid(summary, RUBBISH_SUMMARY, source="summary")
    first, alone, last = (summary[~summary["clipped"]].iloc[place] for place in range(3))
    shares = table.loc[~table["clipped"], "rubbish_share"].to_numpy()[:3]
    assert (first["networks"], first["rubbish_share"]) == (3, pytest.approx(shares.mean()))
    half = scipy.stats.t.ppf(0.975, 2) * shares.std(ddof=1) / math.sqrt(3)
    assert first["rubbish_share_high"] == pytest.approx(min(1, shares.mean() + half))
    assert alone["networks"] == 1 and np.isnan(alone["rubbish_share_low"]) and np.isnan(alone["weight_decay"])
    assert (last["number"], last["filled_with"], last["rubbish_share"]) == (2, "noise", 0)
    assert np.isnan(last["mistaken_confidence"])


def test_published_numbers_belong_to_the_architecture_and_loss():
    assert published("maxout, hidden 240-240") == PUBLISHED["maxout", "softmax"]
    assert published("maxout, sigmoids") == PUBLISHED["maxout", "sigmoids"]
    assert published("softmax-regression, sigmoids") is published("lenet") is None
