"""The figures of adversarial examples and universal perturbations."""

import numpy as np
import pytest

from figures.drawn import heading, legend, note, shown_images, texts, titles
from fooling.figures.adversarial import (
    LOOKS,
    UNIVERSAL_LOOKS,
    adversarial_gallery,
    adversarial_success,
    universal_gallery,
    universal_rates,
)
from fooling.messages import percent
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


def test_rates_have_a_row_for_each_attack_and_a_panel_for_each_question(inputs):
    figure = universal_rates(**inputs["universal_rates"])
    assert [title for title in titles(figure) if title] == ["one: 3 networks", "tiny: 1 network"]
    shown = [axes.get_xlabel() for axes in figure.axes if axes.get_visible()]
    assert shown == ["size (linf)", "size (l2)", "images used", "rounds of fine-tuning", "size (linf)", "size (l2)"]
    assert "random perturbations of the same norm" in legend(figure)
    linf, _, images, rounds = figure.axes[:4]

    def line(axes, column):
        (found,) = [line for line in axes.lines if line.get_color() == UNIVERSAL_LOOKS[column].colour]
        return found.get_xdata().tolist(), found.get_ydata().tolist()

    assert line(linf, "unseen") == ([0.1, 0.2], pytest.approx([0.3, 0.8]))
    assert line(linf, "random") == ([0.1, 0.2], pytest.approx([0.05, 0.05]))
    assert line(images, "seen") == ([2, 6], pytest.approx([1, 0.5]))
    assert line(images, "unseen") == ([2, 6], pytest.approx([0.2, 0.8]))
    assert line(rounds, "former")[1][1] == pytest.approx(0.1)
    assert [text.get_text() for text in rounds.get_xticklabels()] == ["0", "1"]


def test_a_gallery_shows_each_perturbation_and_unseen_images_with_it(inputs):
    record = inputs["universal_gallery"]["examples"][0]
    (sheet,) = universal_gallery(examples=[record]).axes
    images, written = shown_images(sheet), texts(sheet)
    assert len(images) == 2 + 3 * 3  # two real images; three perturbations found on all images, each with two examples
    assert np.array_equal(images[0], record.real[0, 0])
    assert set(np.unique(images[2])) == {128 - 110, 128 + 110}
    assert np.array_equal(images[3], record.images[record.examples_of(1).start, 0])
    assert "fools 80 %\nrandom: 5 %\nmost get: 4\n(87.5 % of them)\nmagnified 2.2-fold" in written
    assert written[0] == "Universal perturbations of lenet-a"
