"""The figures of random images of several families."""

import numpy as np
import pytest
from scipy.special import logit

from figures.drawn import heading, legend, note, shown_images, texts, titles, y_labels
from fooling.errors import FoolingError
from fooling.figures.families import LOOKS, families, family_examples
from fooling.findings.families import pictures_in


def test_each_family_on_each_network_is_a_mark_at_its_median_and_its_share(inputs):
    table = inputs["families"]["families"]
    figure = families(**inputs["families"])
    confidence, reached = figure.axes
    assert y_labels(confidence) == ["lenet-a", "lenet-b"]
    grouped = table.groupby(["family", "classifier"])
    for place, (family, look) in enumerate(LOOKS.items()):
        medians, shares = confidence.lines[place], reached.lines[place]
        assert medians.get_color() == shares.get_color() == look.colour
        np.testing.assert_allclose(medians.get_xdata(), grouped["log_odds"].median()[family])
        np.testing.assert_allclose(
            shares.get_xdata(), grouped["confidence"].agg(lambda found: (found.astype(float) >= 0.9999).mean())[family]
        )
        np.testing.assert_array_equal(medians.get_ydata(), shares.get_ydata())
    assert titles(figure) == ["Median over the classes", "Classes at 99.99 % or more"]
    assert legend(figure) == [*(look.label for look in LOOKS.values()), "the paper's median, 99.99 %"]
    assert heading(figure) == "Is it the CPPN, or any smooth image?"
    assert "the best of 1,000 random images" in note(figure)
    assert "not fooled by stored images is not the same as not foolable" in note(figure)


def test_without_a_reference_there_is_one_panel(inputs):
    (axes,) = families(**inputs["families"] | {"reference": None}).axes
    assert len(axes.lines) == len(LOOKS)
    with_reference = families(**inputs["families"]).axes[0]
    assert with_reference.lines[-1].get_xdata()[0] == pytest.approx(logit(0.9999))


def test_families_that_were_not_drawn_are_left_out(inputs):
    table = inputs["families"]["families"]
    figure = families(families=table[table["family"] != "blobs"], reference=None)
    assert "Gaussian blobs" not in legend(figure)


def test_examples_have_a_row_for_each_family_and_a_column_for_each_class(inputs):
    table = inputs["family_examples"]["family_images"]
    (axes,) = family_examples(**inputs["family_examples"]).axes
    images = shown_images(axes)
    pictures = pictures_in(table)
    expected = [pictures[family, index][0] for family in LOOKS for index in (0, 4, 9)]
    assert len(images) == len(expected) == 15
    for image, wanted in zip(images, expected, strict=True):
        np.testing.assert_array_equal(image, wanted)
    written = texts(axes)
    assert {"0", "4", "9", "random CPPNs", "low-frequency\nDCT noise"} <= set(written)
    assert sum(text.endswith("%") for text in written) == 15


def test_an_example_that_is_missing_is_named(inputs):
    table = inputs["family_examples"]["family_images"]
    lost = table[(table["family"] != "dct") | (table["class_index"] != 4)]
    with pytest.raises(FoolingError, match="none of dct, class 4"):
        family_examples(family_images=lost)
