"""The figures of transfer."""

import numpy as np
import pandas as pd

from figures.conftest import MANY_CLASSES
from figures.drawn import shown_class_names, shown_images, texts, titles, x_labels, y_labels
from fooling.figures.transfer import retraining_transfer, transfer, transfer_gallery

NETWORKS = ["lenet-a", "lenet-b", "own"]


def test_a_cell_holds_the_transfer_rate_its_interval_and_chance(inputs):
    table = inputs["transfer"]["transfer"]
    figure = transfer(transfer=table)
    every, confident = figure.axes
    assert titles(figure) == ["all champions", "champions confident on their own network"]
    assert x_labels(every) == y_labels(every) == NETWORKS
    assert (every.get_xlabel(), every.get_ylabel()) == ("shown to (network)", "evolved on (network)")
    rows = table[(table["label"] == "class") & (table["images"] == "all")]
    expected = rows.pivot(index="source", columns="target", values="transfer_rate").loc[NETWORKS, NETWORKS]
    assert np.allclose(every.images[0].get_array(), expected)
    assert every.images[0].get_clim() == (0, 1)
    assert texts(every)[:6] == ["98", "88 to 100", "chance 10", "42", "32 to 52", "chance 10"]
    assert texts(confident).count("none") == 2
    assert figure.get_suptitle() == "Do images of the experiment direct fool other networks?"
    note = figure.get_supxlabel().replace("\n", " ")
    assert "90 % have a higher confidence on their own network" in note
    assert "this network has a higher confidence in 20 %." in note


def test_an_only_network_has_nobody_to_compare_with(inputs):
    table = inputs["transfer"]["transfer"]
    alone = table[(table["source"] == "own") & (table["target"] == "own")]
    figure = transfer(transfer=alone)
    assert figure.axes[0].images[0].get_array().tolist() == [[0.98]]
    assert "own network" not in figure.get_supxlabel()


def test_the_networks_of_a_chain_are_numbered_and_have_no_intervals(inputs):
    figure = retraining_transfer(**inputs["retraining_transfer"])
    every = figure.axes[0]
    assert x_labels(every) == y_labels(every) == [str(number) for number in range(1, 10)]
    assert (every.get_xlabel(), every.get_ylabel()) == ("shown to (DNN)", "evolved on (DNN)")
    assert texts(every)[:3] == ["98", "42", "44"]
    assert len(texts(every)) == 81
    assert figure.get_suptitle() == "Do images that fooled one network of lenet-a's chain fool the others?"


def test_the_gallery_shows_the_most_confident_champion_of_each_other_network(inputs):
    given = inputs["transfer_gallery"]
    (sheet,) = transfer_gallery(**given).axes
    images, written = shown_images(sheet), texts(sheet)
    assert len(images) == 19
    assert np.array_equal(images[4], given["runs"][2].images[4, 0])  # confidence rises with the seed
    assert written.count("93.00 %") == 19
    assert written.count("none") == 1
    assert {"lenet-b", "own", *"0123456789"} <= set(written)
    assert "lenet-a" not in written
    assert written[0] == "Images evolved on lenet-a with the direct encoding that other networks label the same"


def test_the_gallery_of_many_classes_shows_those_with_the_highest_confidence(run_of_many):
    index = np.arange(50)
    shown = pd.DataFrame(
        {
            **{"source": "lenet-a", "target": "other", "seed": 1, "class_index": index, "source_label": index},
            "target_label": np.where(index % 2, index, 0),
            **{"source_confidence": 0.9, "target_confidence": index / 50},
        }
    )
    (sheet,) = transfer_gallery(runs=[run_of_many], shown=shown).axes
    assert shown_class_names(sheet, MANY_CLASSES) == [MANY_CLASSES[place] for place in range(49, 29, -2)]
    assert len(sheet.images) == 10
