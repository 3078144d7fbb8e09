"""The figures of fooling with labels alone."""

import numpy as np
import pytest

from fooling.figures.label_only import label_only, label_only_gallery
from fooling.figures.style import log_odds


def test_the_curves_end_at_the_budget_with_the_median_of_the_runs(inputs):
    confidence, noise, *others = label_only(**inputs["label_only"]).axes
    evolved, random = confidence.lines[:2]
    assert evolved.get_ydata()[-1] == pytest.approx(log_odds(0.75), abs=1e-5)
    assert evolved.get_xdata()[-1] == random.get_xdata()[-1] == 1990
    assert [line.get_ydata()[-1] for line in noise.lines] == [30, 0]
    assert len(others) == 2


def test_the_mark_of_transfer_stands_at_one_query_for_each_class(inputs):
    (mark,) = [line for line in label_only(**inputs["label_only"]).axes[0].lines if line.get_marker() == "D"]
    odds = np.linspace(-1, 9, 16).reshape(4, 4).diagonal()
    assert mark.get_xdata().tolist() == [4]
    assert mark.get_ydata()[0] == pytest.approx(np.median(odds))


def test_without_transfer_there_is_no_mark(inputs):
    tables = inputs["label_only"]
    alone = tables["label_only"][tables["label_only"]["search"] != "transfer"]
    figure = label_only(label_only=alone, label_only_curves=tables["label_only_curves"])
    assert len(figure.axes[0].lines) == 2


def test_a_classifier_that_gives_labels_alone_has_an_empty_panel_of_confidences(inputs):
    confidence, noise = label_only(**inputs["label_only"]).axes[2:4]
    assert len(confidence.lines) == 0
    assert len(noise.lines) == 2


def test_the_gallery_has_a_row_for_each_search_and_names_what_is_missing(inputs):
    (sheet,) = label_only_gallery(**inputs["label_only_gallery"]).axes
    written = [text.get_text() for text in sheet.texts]
    assert len(sheet.images) == 3 + 2 + 4
    assert written.count("none") == 1 + 2
    assert "Images found with labels alone on lenet-a" in written
    assert {"MAP-Elites", "random search", "another network's\nchampions"} <= set(written)
    assert "89.99 %" in written
