"""The figure of champions that resemble their class."""

import numpy as np
import pytest

from figures.conftest import MANY_CLASSES
from figures.drawn import shown_class_names, shown_images, texts
from figures.made_up_champions import made_examined
from fooling.datasets.dataset import Dataset
from fooling.errors import FoolingError
from fooling.figures.resembling import resembling


def test_champions_stand_above_the_nearest_training_image(inputs):
    given = inputs["resembling"]
    sheet = resembling(**given).axes[0]
    images = shown_images(sheet)
    assert len(images) == 20
    first = given["examined"].query("search == 'map-elites' and seed == 1 and class_index == 0").iloc[0]
    assert np.array_equal(images[0], given["runs"][0].images[0, 0])
    assert np.array_equal(images[1], given["dataset"].train_images[first["nearest_index"], 0])
    assert texts(sheet).count("1 of 3") == 10
    assert {"direct\nencoding", "nearest\ntraining\nimage", *"0123456789"} <= set(texts(sheet))
    assert texts(sheet)[0] == "Champions of lenet-a that resemble their class"


def test_of_several_the_most_confident_is_shown_and_none_farther_than_real_images(inputs):
    given, table = inputs["resembling"], inputs["resembling"]["examined"]
    of_class = (table["search"] == "map-elites") & (table["class_index"] == 4)
    table.loc[of_class, ["nearest_label", "independent_label"]] = 4
    table.loc[of_class, "nearest_distance"] = [0.1, 0.12, 0.161]  # the farthest real image: 0.16
    table.loc[of_class, "independent_confidence"] = [0.7, 0.8, 0.9]
    sheet = resembling(**given).axes[0]
    assert np.array_equal(shown_images(sheet)[8], given["runs"][1].images[4, 0])
    assert {"80.00 %", "2 of 3", "0.12"} <= set(texts(sheet))


def test_without_an_independent_network_the_nearest_is_shown(inputs):
    given, table = inputs["resembling"], inputs["resembling"]["examined"]
    table[["independent", "independent_confidence"]] = [None, np.nan]
    of_class = (table["search"] == "map-elites") & (table["class_index"] == 4)
    table.loc[of_class, "nearest_label"] = 4
    table.loc[of_class, "nearest_distance"] = [0.13, 0.12, 0.11]
    sheet = resembling(**given).axes[0]
    assert np.array_equal(shown_images(sheet)[8], given["runs"][2].images[4, 0])
    assert "shown: the nearest one" in texts(sheet)[1]


def test_if_nothing_resembles_its_class_the_figure_says_so(inputs):
    table = inputs["resembling"]["examined"]
    table.loc[table["search"] != "real-images", "nearest_distance"] += 0.5
    sheet = resembling(**inputs["resembling"]).axes[0]
    assert "none of 30 champions resembles its class" in texts(sheet)
    assert not sheet.images


def test_a_table_of_other_runs_is_refused(inputs):
    with pytest.raises(FoolingError, match="not of these runs"):
        resembling(**inputs["resembling"] | {"examined": made_examined()})


def test_of_many_classes_those_with_the_best_images_are_shown(run_of_many, examined_of_many):
    pictures = np.zeros((50, 1, 28, 28), np.uint8)
    dataset = Dataset(
        name="many", class_names=MANY_CLASSES, train_images=pictures, train_labels=np.arange(50),
        test_images=pictures, test_labels=np.arange(50), provenance={},
    )  # fmt: skip
    index = np.arange(50)
    labels = np.where(index % 3 == 0, index, 1)  # 17 resemble theirs, and class 1
    table = examined_of_many.assign(
        independent_label=labels, nearest_label=labels, nearest_distance=0.1, nearest_index=index
    )
    (sheet,) = resembling(runs=[run_of_many], dataset=dataset, examined=table).axes
    assert shown_class_names(sheet, MANY_CLASSES) == [MANY_CLASSES[place] for place in range(21, 50, 3)]
    none = resembling(runs=[run_of_many], dataset=dataset, examined=table.assign(nearest_label=-1)).axes[0]
    assert shown_class_names(none, MANY_CLASSES) == list(MANY_CLASSES[:10])
