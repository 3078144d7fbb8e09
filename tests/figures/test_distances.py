"""The figures of distances, and of champions that resemble their class."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from figures.conftest import MANY_CLASSES
from figures.drawn import heading, legend, note, shown_class_names, shown_images, texts, titles
from figures.made_up_champions import made_examined
from fooling.datasets.dataset import Dataset
from fooling.figures.distances import distances, resembling
from fooling.figures.style import visible
from fooling.messages import FoolingError


def test_confidence_is_drawn_against_distance_with_the_real_images_for_reference(inputs):
    table = inputs["distances"]["distances"]
    pixels, features = distances(distances=table).axes
    champions = table[(table["kind"] == "champion") & (table["encoding"] == "direct")]
    for axes, space in ((pixels, "pixel"), (features, "feature")):
        expected = np.column_stack([champions[f"{space}_ratio"], visible(champions["log_odds"])])
        np.testing.assert_allclose(axes.collections[-1].get_offsets(), expected)
    lines = sorted(line.get_xdata()[0] for line in features.lines)
    real = table.loc[table["kind"] == "real", "feature_ratio"]
    assert lines == pytest.approx([real.quantile(0.5), real.quantile(0.99)])
    assert texts(features) == ["median", "99 %"]


def test_the_panels_and_the_looks_are_named(inputs):
    figure = distances(**inputs["distances"])
    assert heading(figure) == "Confidence of lenet-a and distance to the nearest training image"
    assert titles(figure) == ["Between pixels", "Between features of the network"]
    assert figure.axes[0].get_ylabel() == "confidence (log-odds axis)"
    assert {axes.get_xlabel() for axes in figure.axes} == {"distance (median real image = 1)"}
    assert {axes.get_xscale() for axes in figure.axes} == {"log"}
    assert legend(figure) == [
        *("real test images", "uniform noise"),
        *("random start, CPPN encoding", "random start, direct encoding"),
        *("champions, CPPN encoding", "champions, direct encoding"),
    ]


def test_the_share_of_far_champions_is_stated(inputs):
    table = inputs["distances"]["distances"]
    champions = table[table["kind"] == "champion"]
    table.loc[champions.index, "pixel_beyond"] = True
    table.loc[champions.index, "feature_beyond"] = np.arange(len(champions)) % 2 == 0
    assert "100 % of the champions in pixels, 50 % in features" in note(distances(distances=table))


def test_real_images_that_are_copies_of_training_images_have_no_ratios(inputs):
    inputs["distances"]["distances"][["pixel_ratio", "feature_ratio"]] = np.nan
    figure = distances(**inputs["distances"])
    assert {axes.get_xscale() for axes in figure.axes} == {"linear"}


def test_champions_stand_above_the_nearest_training_image(inputs):
    given = inputs["resembling"]
    sheet = resembling(**given).axes[0]
    images = shown_images(sheet)
    assert len(images) == 20
    first = given["examined"].query("search == 'map-elites' and seed == 1 and class_index == 0").iloc[0]
    assert np.array_equal(images[0], given["runs"][0].images[0, 0])
    assert np.array_equal(images[1], given["dataset"].train_images[first["nearest_index"], 0])
    assert texts(sheet).count("on lenet-a") == texts(sheet).count("lenet-b") == 10
    assert {"Direct encoding: 10 of 30 champions", "nearest\ntraining\nimage", *"0123456789"} <= set(texts(sheet))
    assert texts(sheet)[0] == "Champions on lenet-a that resemble their class"


def test_only_classes_with_such_a_champion_have_a_column(inputs):
    table = inputs["resembling"]["examined"]
    table.loc[~table["class_index"].isin([2, 7]), "nearest_label"] = -1
    sheet = resembling(**inputs["resembling"]).axes[0]
    assert len(sheet.images) == 4
    assert shown_class_names(sheet, tuple("0123456789")) == ["2", "7"]
    assert "none" not in texts(sheet)


def test_of_several_the_most_confident_is_shown_and_none_farther_than_real_images(inputs):
    given, table = inputs["resembling"], inputs["resembling"]["examined"]
    of_class = (table["search"] == "map-elites") & (table["class_index"] == 4)
    table.loc[of_class, ["nearest_label", "independent_label"]] = 4
    table.loc[of_class, "nearest_distance"] = [0.1, 0.12, 0.161]  # the farthest real image: 0.16
    table.loc[of_class, "independent_confidence"] = [0.7, 0.8, 0.9]
    sheet = resembling(**given).axes[0]
    assert np.array_equal(shown_images(sheet)[8], given["runs"][1].images[4, 0])
    assert {"80.00 %", "0.12"} <= set(texts(sheet))


def test_a_champion_of_which_its_own_network_is_not_sure_does_not_count(inputs):
    given = inputs["resembling"]
    doubted = dataclasses.replace(given["runs"][0], confidences=np.full(10, 0.0031, np.float32))
    table = given["examined"]
    table.loc[(table["search"] == "map-elites") & (table["seed"] == 1), "confidence"] = np.float32(0.0031)
    sheet = resembling(**given | {"runs": [doubted, *given["runs"][1:]]}).axes[0]
    assert not sheet.images
    assert "Direct encoding: none of 30 champions" in texts(sheet)


def test_champions_of_several_networks_stand_together(inputs):
    given = inputs["resembling"]
    others = [dataclasses.replace(run, classifier={"name": "lenet-b", "sha256": "1" * 64}) for run in given["runs"]]
    table = given["examined"].assign(independent_confidence=0.4)
    of_others = given["examined"].assign(classifier="lenet-b", independent="lenet-c", independent_confidence=0.9)
    both = given | {"runs": [*given["runs"], *others], "examined": pd.concat([table, of_others])}
    sheet = resembling(**both).axes[0]
    assert texts(sheet)[0] == "Champions on lenet-a and lenet-b that resemble their class"
    assert "Direct encoding: 20 of 60 champions" in texts(sheet)
    assert texts(sheet).count("on lenet-b") == texts(sheet).count("lenet-c") == 10


def test_networks_without_an_independent_one_are_refused(inputs):
    table = inputs["resembling"]["examined"]
    table[["independent", "independent_confidence"]] = [None, np.nan]
    with pytest.raises(FoolingError, match="no independent network labels the champions"):
        resembling(**inputs["resembling"])


def test_if_nothing_resembles_its_class_the_figure_is_a_sentence(inputs):
    table = inputs["resembling"]["examined"]
    table.loc[table["search"] != "real-images", "nearest_distance"] += 0.5
    figure = resembling(**inputs["resembling"])
    assert "Direct encoding: none of 30 champions" in texts(figure.axes[0])
    assert not figure.axes[0].images
    assert figure.get_figheight() < 1


def test_a_table_of_other_runs_is_refused(inputs):
    with pytest.raises(FoolingError, match="not of these runs"):
        resembling(**inputs["resembling"] | {"examined": made_examined()})


def test_of_many_classes_those_with_the_best_images_are_shown(run_of_many, examined_of_many):
    pictures = np.zeros((50, 1, 28, 28), np.uint8)
    dataset = Dataset(
        name="many", class_names=MANY_CLASSES, train_images=pictures, train_labels=np.arange(50),
        test_images=pictures, test_labels=np.arange(50), provenance={},
    )  # fmt: skip
    run = dataclasses.replace(run_of_many, confidences=np.full(50, 0.99, np.float32))
    index = np.arange(50)
    labels = np.where(index % 3 == 0, index, 1)  # 17 resemble theirs, and class 1
    table = examined_of_many.assign(
        confidence=run.confidences, independent_label=labels, nearest_label=labels, nearest_distance=0.1,
        nearest_index=index,
    )  # fmt: skip
    (sheet,) = resembling(runs=[run], dataset=dataset, examined=table).axes
    assert shown_class_names(sheet, MANY_CLASSES) == [MANY_CLASSES[place] for place in range(21, 50, 3)]
