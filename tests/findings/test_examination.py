"""Stand-ins for recognisability against scikit-learn, numpy and made-up champions."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
import scipy.special

from fooling.artifacts import read_table, write_table
from fooling.datasets.dataset import Dataset
from fooling.findings.calibration import CalibrationSettings, calibrate_on
from fooling.findings.examination import (
    EXAMINED,
    KINDS_TABLE,
    ExaminationSettings,
    FoolingImages,
    IndependentClassifier,
    correlations,
    examined_table,
    kinds_table,
)
from fooling.messages import FoolingError
from fooling.table import require_valid

NEAREST = ["nearest_distance", "nearest_index", "nearest_label"]


def noise(count: int, shape: tuple[int, ...] = (1, 4, 4), seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, *shape)).astype(np.uint8)


def test_correlations_are_numpys():
    images = noise(6)
    np.testing.assert_allclose(correlations(images), np.corrcoef(images.reshape(6, -1)))


def test_an_image_of_one_colour_is_like_nothing():
    images = noise(3)
    images[1] = 7
    related = correlations(images)
    assert (related[1] == 0).all()
    assert related[0, 0] == pytest.approx(1)


@pytest.fixture
def dataset() -> Dataset:
    labels = np.arange(60) % 3
    return Dataset(
        name="noise",
        class_names=("ant", "bee", "cat"),
        train_images=noise(60, seed=8),
        train_labels=labels,
        test_images=noise(60, seed=9),
        test_labels=labels,
        provenance={},
    )


@pytest.fixture
def real(dataset) -> pd.DataFrame:
    logits = 3 * np.eye(3, dtype=np.float32)[dataset.test_labels]
    logits[::5] = logits[::5, ::-1]
    return calibrate_on(logits, dataset.test_labels, classifier="lenet-a", settings=CalibrationSettings())[1]


JUDGE = IndependentClassifier(
    name="lenet-b", confidences=lambda images: np.tile(np.float32([0.2, 0.1, 0.7]), (len(images), 1))
)


def examined(records, dataset, real, **changes) -> pd.DataFrame:
    given = {"temperature": 2.0, "independent": JUDGE, "settings": ExaminationSettings(real_images=10)}
    return examined_table(records, experiment="e", real=real, dataset=dataset, **given | changes)


def test_champions_are_examined_with_their_controls(make_run, dataset, real):
    records = [
        make_run([[0.9, 0.99, 0.5]], search=search, seed=seed) for search in ("map-elites", "drift") for seed in (2, 1)
    ]
    table = examined(records, dataset, real)
    champions = table[table["search"] != "real-images"]
    assert champions[["search", "seed"]].drop_duplicates().to_numpy().tolist() == [
        ["drift", 1],
        ["drift", 2],
        ["map-elites", 1],
        ["map-elites", 2],
    ]
    assert champions["class_name"].tolist() == ["ant", "bee", "cat"] * 4
    first = champions.iloc[:3]
    logits = records[0].logits.astype(float)
    expected = scipy.special.softmax(logits / 2, axis=1).diagonal()
    np.testing.assert_allclose(first["calibrated_confidence"], expected)
    np.testing.assert_array_equal(first["independent_confidence"], np.float32([0.2, 0.1, 0.7]))
    assert set(table["independent"]) == {"lenet-b"}
    assert set(table["independent_label"]) == {2}


def test_nearest_training_image_and_its_label(make_run, dataset, real):
    copies = dataset.train_images[[4, 50, 31]]
    table = examined([make_run([[0.9, 0.9, 0.9]], images=copies)], dataset, real).iloc[:3]
    assert table["nearest_index"].tolist() == [4, 50, 31]
    assert table["nearest_label"].tolist() == [1, 2, 1]
    assert (table["nearest_distance"] == 0).all()


def test_the_most_alike_champion_is_of_another_run(make_run, dataset, real):
    images = noise(3, seed=5)
    swapped = images[[1, 0, 2]]  # what run 1 calls an ant, run 2 calls a bee
    records = [make_run([[0.9] * 3], seed=1, images=images), make_run([[0.9] * 3], seed=2, images=swapped)]
    table = examined(records, dataset, real)
    assert table["similar_class"].iloc[:6].tolist() == [1, 0, 2, 1, 0, 2]
    np.testing.assert_allclose(table["similar_correlation"].iloc[:6], 1)
    assert table["similar_class"].iloc[6:].isna().all()


def test_a_single_run_has_nothing_to_be_alike_to(make_run, dataset, real):
    table = examined([make_run([[0.9] * 3])], dataset, real)
    assert table["similar_class"].isna().all()
    assert table["similar_correlation"].isna().all()


def test_real_images_are_ones_that_the_network_got_right_on_the_evaluation_half(make_run, dataset, real):
    table = examined([make_run([[0.9] * 3])], dataset, real)
    chosen = table[table["search"] == "real-images"]
    source = real.set_index("image").loc[chosen["seed"]]
    assert len(chosen) == 10
    assert (source["split"] == "evaluation").all()
    assert (source["predicted"].to_numpy() == chosen["class_index"].to_numpy()).all()
    assert (source["label"].to_numpy() == chosen["class_index"].to_numpy()).all()
    np.testing.assert_array_equal(chosen["calibrated_confidence"], source["calibrated_confidence"])


def test_without_an_independent_network_its_columns_are_empty(make_run, dataset, real):
    table = examined([make_run([[0.9] * 3])], dataset, real, independent=None)
    assert table[["independent", "independent_confidence", "independent_label"]].isna().all().all()


def test_without_training_images_nothing_is_nearest(make_run, dataset, real, tmp_path):
    only_tested_on = dataclasses.replace(
        dataset, train_images=dataset.train_images[:0], train_labels=dataset.train_labels[:0]
    )
    table = examined([make_run([[0.9] * 3])], only_tested_on, real)
    assert table[NEAREST].isna().all().all()
    usual = examined([make_run([[0.9] * 3])], dataset, real)
    pd.testing.assert_frame_equal(table.drop(columns=NEAREST), usual.drop(columns=NEAREST))
    write_table(tmp_path / "examined.parquet", table, EXAMINED)
    assert read_table(tmp_path / "examined.parquet", EXAMINED)["nearest_index"].isna().all()


def test_runs_of_several_classifiers_are_refused(make_run, dataset, real):
    records = [make_run([[0.9] * 3], classifier=name) for name in ("lenet-b", "lenet-a")]
    with pytest.raises(FoolingError, match=r"several classifiers\n  found: lenet-a, lenet-b"):
        examined(records, dataset, real)


def fooling_images(kind: str, log_odds: list[float], *, classes: list[int] | None = None) -> FoolingImages:
    """Images with these log-odds, each of its own class."""
    odds = np.array(log_odds)
    return FoolingImages(
        kind=kind,
        source="made-up",
        images=noise(len(odds)),
        classes=np.arange(len(odds)) if classes is None else np.array(classes),
        confidences=scipy.special.expit(odds).astype(np.float32),
        log_odds=odds,
        evaluations=10 * np.arange(1, len(odds) + 1),
    )


def test_of_each_kind_the_image_with_the_median_confidence_is_shown():
    found = [
        fooling_images("gradient-ascent", [3.0, 1.0, 2.0]),
        fooling_images("direct-champion", [4.0, 1.0, 3.0, 2.0]),
    ]
    found.append(fooling_images("cppn-champion", []))
    other = IndependentClassifier(
        name="other", confidences=lambda images: np.tile(np.float32([0.1, 0.2, 0.6, 0.1]), (len(images), 1))
    )
    table = kinds_table(found, classifier="net", class_names="abcd", other=other)
    require_valid(table, KINDS_TABLE, source="the test")
    assert table["kind"].tolist() == ["direct-champion", "gradient-ascent"]  # in the order of the figure
    assert table["class_name"].tolist() == ["d", "c"]  # log-odds of 2: of four images the lower one of the two
    assert table["evaluations"].tolist() == [40, 30]
    assert table["transfers"].tolist() == [0, 1]
    np.testing.assert_allclose(table["other_confidence"], [0.1, 0.6], rtol=1e-6)
    alone = kinds_table(found, classifier="net", class_names="abcd", other=None)
    require_valid(alone, KINDS_TABLE, source="the test")
    assert alone["transfers"].isna().all()


def test_a_class_that_the_network_lacks_is_named():
    with pytest.raises(FoolingError, match=r"class that the network lacks\n  found: class 5 in made-up"):
        kinds_table(
            [fooling_images("gradient-ascent", [1.0], classes=[5])], classifier="net", class_names="abc", other=None
        )
