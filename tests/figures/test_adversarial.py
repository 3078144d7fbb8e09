"""The figures of adversarial examples, and of fooling with labels alone."""

import numpy as np
import pytest

from figures.drawn import heading, legend, note, shown_images, texts, titles
from fooling.figures.adversarial import LOOKS, adversarial_gallery, adversarial_success, label_only, label_only_gallery
from fooling.figures.style import log_odds
from fooling.formatting import percent
from made_up_adversarial import IMAGES, LEVELS, made_adversarial


def line_of(axes, method):
    (found,) = [line for line in axes.lines if line.get_color() == LOOKS[method].colour]
    return found


def test_each_attack_is_a_row_and_each_norm_a_panel(inputs):
    figure = adversarial_success(**inputs["adversarial_success"])
    assert len(figure.axes) == 4
    assert [title for title in titles(figure) if title] == ["small: lenet-a, lenet-b and lenet-c", "tiny: mlp"]
    assert heading(figure) == "How large a change makes a network wrong?"
    assert legend(figure)[-1] == "noise of the same norm"
    assert {"L-BFGS", "FGSM", "PGD (l2)", "HopSkipJump (labels alone)"} <= set(legend(figure))
    assert "cannot be compared" in note(figure)


def test_a_method_with_sizes_has_its_share_at_each_with_an_interval(inputs):
    axes = adversarial_success(**inputs["adversarial_success"]).axes[1]
    assert axes.get_xlabel().startswith("largest change")
    line = line_of(axes, "fgsm")
    assert line.get_xdata().tolist() == [0.1, 0.3]
    assert line.get_ydata().tolist() == [0.25, 0.75]
    (bars,) = axes.collections
    low, high = bars.get_segments()[1][:, 1]
    assert low < 0.75 < high


def test_a_method_of_smallest_changes_rises_at_each_distance(inputs):
    axes = adversarial_success(**inputs["adversarial_success"]).axes[0]
    line = line_of(axes, "l-bfgs")
    assert line.get_drawstyle() == "steps-post"
    assert line.get_ydata()[0] == 0
    assert line.get_ydata()[-1] == pytest.approx(1)
    np.testing.assert_allclose(line.get_xdata()[1:], LEVELS[0] / 255)


def test_noise_is_drawn_in_every_panel_and_none_without_images(inputs):
    figure = adversarial_success(**inputs["adversarial_success"])
    noise = [[line for line in axes.lines if line.get_marker() == "x"] for axes in figure.axes]
    assert [len(lines) for lines in noise] == [1, 1, 1, 0]
    assert noise[0][0].get_ydata().tolist() == [0.25]
    assert not figure.axes[3].get_visible()
    assert noise[2][0].get_ydata().tolist() == [0, 0]  # of the two methods without sizes


def test_a_gallery_shows_real_images_changes_and_changed_images(inputs):
    record = inputs["adversarial_gallery"]["examples"][0]
    (sheet,) = adversarial_gallery(examples=[record]).axes
    images, written = shown_images(sheet), texts(sheet)
    assert len(images) == IMAGES * (1 + 2 * 4)  # four methods
    assert np.array_equal(images[0], record.real.images[0, 0])
    change, made = images[IMAGES], images[IMAGES + 1]
    assert np.array_equal(made, record.images[0, 0])
    assert (change == 128 + 11 * LEVELS[0]).all()
    assert "mean size 0.039\nmagnified 11-fold" in written
    assert "size 0.3\nmagnified 1-fold" in written
    assert f"0\n{percent(float(record.confidences[0]))}" in written
    assert written[0] == "Adversarial examples on lenet-a"


def test_the_smallest_size_that_changes_most_images_is_shown():
    all_wrong = ((1,) * IMAGES,) * 5
    (sheet,) = adversarial_gallery(examples=[made_adversarial(wrong=all_wrong)]).axes
    assert any(text.startswith("size 0.1\n") for text in texts(sheet))
    assert not any(text.startswith("size 0.3\n") for text in texts(sheet))


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
