"""Transfer between made-up networks whose answers are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from fooling.claims.estimand import Context, ContextSettings, NotRun, Tables
from fooling.claims.estimands import ESTIMANDS
from fooling.claims.parameters import Filter
from fooling.findings import calibration, transfer
from fooling.findings.calibration import Network, labelled_table
from fooling.findings.transfer import (
    TransferSettings,
    joined_pairs,
    pairs_table,
    transfer_table,
)
from made_up_run import made_up_run

SETTINGS = TransferSettings(permutations=99)
CLASSES = 3


def run(classifier: str, seed: int):
    """A run whose champion of class k is an image of level 10 * seed + k."""
    levels = 10 * seed + np.arange(CLASSES)
    images = np.broadcast_to(levels[:, None, None, None], (CLASSES, 1, 2, 2)).astype(np.uint8)
    return made_up_run(np.full((1, CLASSES), 0.9), classifier=classifier, seed=seed, images=images)


def network(name: str, answers: dict[int, list[float]], *, architecture: str = "lenet", classes: int = CLASSES):
    """A network that knows images by their level and is sure of the first class of all others."""

    def confidences(images: np.ndarray) -> np.ndarray:
        unknown = [0.8] + [0.2 / (classes - 1)] * (classes - 1)
        return np.array([answers.get(int(image[0, 0, 0]), unknown) for image in images], dtype=np.float32)

    return Network(name=name, architecture=architecture, confidences=confidences)


def shown_table(records, networks, *, experiment):
    """The champions of runs, with the labels of their own networks, shown to all networks."""
    return transfer.shown_table(records, labelled_table(records, networks), networks, experiment=experiment)


@pytest.fixture
def networks():
    """Network a knows its own images well; b agrees on class 1 alone, more confident in it; c has one class more."""
    own = {10: [0.99, 0.01, 0], 11: [0.1, 0.8, 0.1], 12: [0.5, 0.1, 0.4]}
    other = {10: [0.3, 0.6, 0.1], 11: [0, 0.95, 0.05], 12: [0.2, 0.7, 0.1]}
    more = {10: [0, 0, 0, 1], 11: [0, 0.6, 0.2, 0.2], 12: [0, 0, 0.3, 0.7]}
    return [network("a", own), network("b", other), network("c", more, architecture="other", classes=4)]


def test_every_champion_is_shown_to_every_network(networks):
    table = shown_table([run("a", 1)], networks, experiment="e")
    assert table["target"].tolist() == ["a"] * 3 + ["b"] * 3 + ["c"] * 3
    assert table["class_index"].tolist() == [0, 1, 2] * 3
    assert table["source_label"].tolist() == [0, 1, 0] * 3
    by_target = {str(name): rows for name, rows in table.groupby("target")}
    for name, of_class, label, of_source_label in (
        ("a", [0.99, 0.8, 0.4], [0, 1, 0], [0.99, 0.8, 0.5]),
        ("b", [0.3, 0.95, 0.1], [1, 1, 1], [0.3, 0.95, 0.2]),
        ("c", [0.0, 0.6, 0.3], [3, 1, 3], [0.0, 0.6, 0.0]),
    ):
        rows = by_target[name]
        np.testing.assert_allclose(rows["target_confidence"], of_class, rtol=1e-6)
        assert rows["target_label"].tolist() == label
        np.testing.assert_allclose(rows["target_label_confidence"], of_source_label, rtol=1e-6)
        np.testing.assert_allclose(rows["source_confidence"], [0.99, 0.8, 0.4], rtol=1e-6)


def test_rows_are_in_the_order_of_the_networks_and_of_the_runs(networks):
    table = shown_table([run("b", 1), run("a", 2)], [networks[1], networks[0]], experiment="e")
    assert list(dict.fromkeys(zip(table["target"], table["source"], strict=True))) == [
        ("b", "b"),
        ("b", "a"),
        ("a", "b"),
        ("a", "a"),
    ]


@pytest.mark.parametrize("together", [1, 4, 1000])
def test_runs_are_taken_in_groups_of_few_images(networks, monkeypatch, together):
    monkeypatch.setattr(calibration, "TOGETHER", together)
    runs, taken = [run("a", 1), run("b", 1), run("a", 2)], []
    sizes: list[int] = []

    def counted(network):
        def confidences(images: np.ndarray) -> np.ndarray:
            sizes.append(len(images))
            return network.confidences(images)

        return Network(name=network.name, architecture=network.architecture, confidences=confidences)

    def one_by_one():
        for each in runs:
            taken.append(each)
            yield each

    counted_networks = [counted(network) for network in networks[:2]]
    labels = labelled_table(one_by_one(), counted_networks)
    assert max(sizes) <= max(together, CLASSES)
    found = transfer.shown_table(one_by_one(), labels, counted_networks, experiment="e")
    pd.testing.assert_frame_equal(found, shown_table(runs, networks[:2], experiment="e"))


def test_pairs_in_parts_are_those_of_the_whole(networks):
    architectures = {"a": "lenet", "b": "lenet", "c": "other"}
    shown = shown_table([run("a", 1), run("b", 1), run("a", 2)], networks, experiment="e")
    parts = [rows for _, rows in shown.groupby(["target", "source"], sort=False)]
    pairs = pd.concat([pairs_table(part, architectures, SETTINGS) for part in parts], ignore_index=True)
    pd.testing.assert_frame_equal(joined_pairs(pairs), transfer_table(shown, architectures, SETTINGS))


def row_of(table: pd.DataFrame, **keys) -> pd.Series:
    (row,) = table[(table[list(keys)] == pd.Series(keys)).all(axis=1)].to_dict("records")
    return row


def test_the_shares_of_a_pair(networks):
    shown = shown_table([run("a", 1)], networks, experiment="e")
    table = transfer_table(shown, {"a": "lenet", "b": "lenet", "c": "other"}, SETTINGS)
    itself = row_of(table, target="a", images="all", label="class")
    assert (itself["relation"], itself["transfer_rate"]) == ("itself", pytest.approx(2 / 3))
    by_class = row_of(table, target="b", images="all", label="class")
    assert (by_class["relation"], by_class["count"], by_class["count_transferred"]) == ("same architecture", 3, 1)
    assert by_class["higher_on_source"] == 0.0
    assert by_class["highest_joint_confidence"] == pytest.approx(0.8), "of (.99, .3), (.8, .95) and (.4, .1)"
    assert np.isnan(by_class["low"]), "one run carries no interval"
    assert row_of(table, target="b", images="all", label="source-label")["transfer_rate"] == pytest.approx(1 / 3)
    sure = row_of(table, target="b", images="sure", label="class")
    assert (sure["count"], sure["transfer_rate"], sure["highest_joint_confidence"]) == (1, 0.0, pytest.approx(0.3))
    assert row_of(table, target="c", images="all", label="class")["relation"] == "other architecture"
    assert row_of(table, target="c", images="all", label="class")["higher_on_source"] == 1.0


def test_chance_is_the_mean_over_all_exchanges_of_the_labels(networks):
    import itertools

    shown = shown_table([run("a", 1)], networks, experiment="e")
    table = transfer_table(shown, {"a": "lenet", "b": "lenet", "c": "other"}, SETTINGS)
    for target in "abc":
        given = shown.loc[shown["target"] == target, "target_label"].tolist()
        exchanges = [np.mean(np.array(order) == np.arange(3)) for order in itertools.permutations(given)]
        assert row_of(table, target=target, images="all", label="class")["chance"] == pytest.approx(np.mean(exchanges))


def test_exchanged_is_the_other_pair_seen_from_the_same_network(networks):
    back = {20: [0.7, 0.2, 0.1], 21: [0.1, 0.9, 0], 22: [0, 0, 1]}
    a = network("a", {10: [1, 0, 0], 11: [0, 1, 0], 12: [0, 0, 1]} | back)
    sure = {20: [0.9, 0.1, 0], 21: [0.4, 0.6, 0], 22: [0, 0.1, 0.9]}
    b = network("b", {10: [0.9, 0.1, 0], 11: [0.1, 0.9, 0], 12: [0, 0.1, 0.9]} | sure)
    table = transfer_table(
        shown_table([run("a", 1), run("b", 2)], [a, b], experiment="e"), {"a": "x", "b": "x"}, SETTINGS
    )
    there = row_of(table, source="a", target="b", images="all", label="class")
    assert (there["transfer_rate"], there["higher_on_source"]) == (1.0, 1.0)
    assert there["reverse_higher_on_source"] == pytest.approx(2 / 3), (
        "a is more confident in two of the images that were evolved on b"
    )


def test_the_runs_of_a_pair_are_its_units(networks):
    answers = {10 * seed + k: np.eye(3)[k if seed <= 4 else 0].tolist() for seed in range(1, 9) for k in range(3)}
    pair = [network("a", {}), network("b", answers)]
    table = transfer_table(
        shown_table([run("a", s) for s in range(1, 9)], pair, experiment="e"), {"a": "x", "b": "x"}, SETTINGS
    )
    row = row_of(table, target="b", images="all", label="class")
    assert row["transfer_rate"] == pytest.approx((4 * 3 + 4) / 24)
    expected = scipy.stats.beta.ppf(
        [0.025, 0.975], [8 * row["transfer_rate"], 8 * row["transfer_rate"] + 1], [3 + 2 / 3, 2 + 2 / 3]
    )
    assert (row["runs"], row["low"], row["high"]) == (8, pytest.approx(expected[0]), pytest.approx(expected[1]))


def test_quantities_of_transfer(networks):
    shown = shown_table([run("a", 1)], networks, experiment="e")
    table = transfer_table(shown, {"a": "lenet", "b": "lenet", "c": "other"}, SETTINGS)
    facts = {"classifier": ["a", "b", "c"], "dataset": ["mnist"] * 3, "architecture": ["lenet", "lenet", "other"]}
    tables = Tables(networks=pd.DataFrame(facts), history={}, times={}, start={}, examined={}, transfer={"e": table})

    def measure(estimand: str, **chosen):
        return ESTIMANDS[estimand].evaluate(
            Context(
                filter=Filter(**{"experiment": "e"} | chosen),
                dataset="mnist",
                tables=tables,
                settings=ContextSettings(),
            )
        )

    assert measure("transfer-over-chance").value == pytest.approx(1 / 3 - 1 / 3)
    assert measure("share-higher-on-source", relation="other architecture").value == 1.0
    assert measure("share-higher-on-source").units == 1
    assert measure("highest-on-two-networks").value == pytest.approx(0.8)
    other = {"relation": "other architecture", "architecture": "lenet"}
    labels = row_of(table, target="c", images="all", label="source-label")["transfer_rate"]
    assert measure("labelled-alike", shown_to="other", **other).value == pytest.approx(labels)
    with pytest.raises(
        NotRun, match="no images of e on classifiers of mnist were shown to any of the architecture alexnet"
    ):
        measure("labelled-alike", shown_to="alexnet", **other)
    with pytest.raises(NotRun, match="no images of other"):
        measure("transfer-over-chance", experiment="other")
