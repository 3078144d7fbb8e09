"""The figures of transfer."""

import numpy as np
import pandas as pd

from figures.conftest import MANY_CLASSES
from figures.drawn import heading, legend, note, shown_class_names, shown_images, texts, x_labels, y_labels
from figures.made_up_tables import made_transfer
from fooling.figures.transfer import retraining_transfer, transfer, transfer_gallery

NETWORKS = ["lenet-a", "lenet-b", "own"]


def test_few_networks_have_a_row_for_each_pair(inputs):
    table = inputs["transfer"]["transfer"]
    figure = transfer(transfer=table)
    (axes,) = figure.axes
    rows = table[(table["label"] == "class") & (table["images"] == "all") & (table["source"] != table["target"])]
    rows = rows.sort_values(["source", "target"])
    assert y_labels(axes) == [f"{row.source} → {row.target}" for row in rows.itertuples()]
    bars, rates, chance = axes.collections
    assert np.allclose(rates.get_offsets()[:, 0], rows["transfer_rate"])
    assert np.allclose(chance.get_offsets()[:, 0], rows["chance"])
    assert np.allclose([bar[:, 0] for bar in bars.get_segments()], rows[["low", "high"]])
    assert texts(axes) == [f"{100 * rate:.0f} %" for rate in rows["transfer_rate"]]
    assert x_labels(axes) == ["0 %", "25 %", "50 %", "75 %", "100 %"]
    assert heading(figure) == "Do images of the experiment direct fool other networks?"
    assert legend(figure) == ["transfer rate, interval", "chance"]
    assert "90 % get a higher confidence from the network on which they evolved" in note(figure)


def test_from_four_networks_on_there_is_a_heat_map_with_a_colour_bar():
    names = [*NETWORKS, "other"]
    table = made_transfer(names)
    figure = transfer(transfer=table)
    axes, bar = figure.axes
    rows = table[(table["label"] == "class") & (table["images"] == "all")]
    expected = rows.pivot(index="source", columns="target", values="transfer_rate").loc[names, names]
    assert np.allclose(axes.images[0].get_array(), expected)
    assert axes.images[0].get_clim() == (0, 1)
    assert x_labels(axes) == y_labels(axes) == names
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("shown to (network)", "evolved on (network)")
    assert texts(axes)[:6] == ["98 %", "88 to 100 %", "chance 10 %", "42 %", "32 to 52 %", "chance 10 %"]
    assert y_labels(bar) == ["0 %", "50 %", "100 %"]


def test_a_pair_without_images_says_so(inputs):
    table = inputs["transfer"]["transfer"].assign(transfer_rate=np.nan)
    assert set(texts(transfer(transfer=table).axes[0])) == {"no images"}


def test_an_only_network_is_compared_with_itself(inputs):
    table = inputs["transfer"]["transfer"]
    alone = table[(table["source"] == "own") & (table["target"] == "own")]
    figure = transfer(transfer=alone)
    assert y_labels(figure.axes[0]) == ["own → own"]
    assert texts(figure.axes[0]) == ["98 %"]
    assert "higher confidence" not in note(figure)


def test_the_networks_of_a_long_chain_are_numbered_and_have_no_intervals(inputs):
    figure = retraining_transfer(**inputs["retraining_transfer"])
    every = figure.axes[0]
    assert x_labels(every) == y_labels(every) == [f"DNN {number}" for number in range(1, 10)]
    assert (every.get_xlabel(), every.get_ylabel()) == (
        "shown to (network of the chain)",
        "evolved on (network of the chain)",
    )
    assert texts(every)[:3] == ["98", "42", "44"]
    assert len(texts(every)) == 81
    expected = "Do images that fool one network of lenet-a's chain fool the others? Transfer rate in percent"
    assert heading(figure) == expected


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
