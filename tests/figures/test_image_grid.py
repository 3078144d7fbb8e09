"""Sheets of images, and which classes and champions they show."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from figures.conftest import MANY_CLASSES
from figures.drawn import texts
from figures.made_up_champions import made_run
from fooling.figures.image_grid import (
    HEAD,
    LEAST_SIZE,
    are_many,
    in_columns,
    most_confident,
    note_on_classes,
    of_classes,
    panel,
    place_image,
    sheet,
    shown_classes,
    write,
    write_class_names,
    write_head,
)


def test_a_sheet_is_measured_in_inches_from_its_upper_left_corner():
    figure, axes = sheet(7.0, 3.0)
    assert list(figure.get_size_inches()) == [7.0, 3.0]
    assert (axes.get_xlim(), axes.get_ylim()) == ((0, 7), (3, 0))
    assert not axes.axison


def test_a_panel_stands_at_its_place():
    figure, _ = sheet(10.0, 5.0)
    box = panel(figure, left=1, top=2, width=4, height=1.5).get_position()
    assert (box.x0, box.y0, box.width, box.height) == pytest.approx((0.1, 0.3, 0.4, 0.3))


@pytest.mark.parametrize("channels", [1, 3])
def test_an_image_is_a_framed_square(channels):
    image = np.arange(channels * 16, dtype=np.uint8).reshape(channels, 4, 4)
    _, axes = sheet(7.0, 3.0)
    place_image(axes, image, left=1, top=0.5, side=0.75, frame="#FF0000")
    assert axes.images[0].get_extent() == [1, 1.75, 1.25, 0.5]
    assert np.array_equal(axes.images[0].get_array(), image[0] if channels == 1 else image.transpose(1, 2, 0))
    assert axes.images[0].get_clim() == (0, 255)
    assert axes.patches[0].get_edgecolor() == (1, 0, 0, 1)
    assert axes.get_ylim() == (3, 0)


def test_the_head_fits_above_the_images():
    _, axes = sheet(7.0, 3.0)
    write_head(axes, "title", "note")
    assert texts(axes) == ["title", "note"]
    assert all(text.get_position()[1] < HEAD for text in axes.texts)


def test_names_of_classes_have_one_size_and_long_ones_are_wrapped():
    _, axes = sheet(7.0, 3.0)
    write_class_names(axes, ["cat", "Staffordshire bull terrier"], left=1, pitch=0.9)
    assert texts(axes) == ["cat", "Staffordshire\nbull terrier"]
    assert [text.get_position()[0] for text in axes.texts] == pytest.approx([1.45, 2.35])
    assert len({text.get_fontsize() for text in axes.texts}) == 1
    assert axes.texts[0].get_fontsize() >= LEAST_SIZE


def test_text_hangs_below_its_point_unless_the_style_changes_that():
    _, axes = sheet(7.0, 3.0)
    write(axes, 1, 2, "below")
    write(axes, 1, 2, "above", va="bottom")
    assert [text.get_verticalalignment() for text in axes.texts] == ["top", "bottom"]


@pytest.mark.parametrize(("pixels", "interpolation"), [(28, "nearest"), (64, "nearest"), (227, "auto")])
def test_an_image_stays_sharp_unless_it_has_more_pixels_than_the_file(pixels, interpolation):
    _, axes = sheet(2, 2)
    place_image(axes, np.zeros((1, pixels, pixels), np.uint8), left=0, top=0, side=0.5)
    assert axes.images[0].get_interpolation() == interpolation


def test_ten_classes_are_spread_from_the_most_to_the_least_confident(run_of_many):
    turned = dataclasses.replace(run_of_many, confidences=run_of_many.confidences[::-1])
    assert shown_classes([run_of_many]).tolist() == [0, 5, 11, 16, 22, 27, 33, 38, 44, 49]
    assert shown_classes([turned]).tolist() == [49, 44, 38, 33, 27, 22, 16, 11, 5, 0]
    assert shown_classes([made_run(1)]).tolist() == list(range(10))


def test_the_choice_of_classes_is_noted(run_of_many):
    assert are_many([run_of_many])
    assert not are_many([made_run(1)])
    expected = "10 of 50 classes, from the most to the least confident"
    assert note_on_classes([run_of_many], otherwise="all") == expected
    assert note_on_classes([made_run(1)], otherwise="all") == "all"


def test_a_run_of_some_classes_keeps_what_belongs_together(run_of_many):
    part = of_classes(run_of_many, np.array([7, 3]))
    assert part.class_names == (MANY_CLASSES[7], MANY_CLASSES[3])
    for name in ("images", "start_images", "confidences", "logits", "generations", "individuals"):
        assert np.array_equal(getattr(part, name), getattr(run_of_many, name)[[7, 3]]), name


def test_rows_get_the_column_of_their_class():
    table = pd.DataFrame({"class_index": [3, 1, 7, 3], "value": range(4)})
    shown = in_columns(table, np.array([7, 3]))
    assert shown[["value", "column"]].to_numpy().tolist() == [[0, 1], [2, 0], [3, 1]]


def test_the_most_confident_have_each_image_and_each_class_once(run_of_many):
    other = dataclasses.replace(run_of_many, seed=2, log_odds=run_of_many.log_odds + 0.1, individuals=np.arange(50))
    assert [index for _, index in most_confident([run_of_many], 4)] == [0, 2, 4, 6]
    assert [(run.seed, index) for run, index in most_confident([run_of_many, other], 3)] == [(2, 0), (2, 1), (2, 2)]
    assert len(most_confident([run_of_many, other], 100)) == 50
