"""Overviews of files: what they state and show."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from matplotlib.text import Text

from fooling.figures.overview import (
    MOST_IMAGES,
    MOST_ROWS,
    Overview,
    Picture,
    Row,
    draw_overview,
    first_filters,
    overview_of_dataset,
    overview_of_records,
)
from made_up_bars import made_bars
from made_up_run import made_up_run

RUN = np.array([[0.3, 0.4, 0.5], [0.7, 0.9999, 0.9]])


def test_a_run_is_a_row_of_its_champions() -> None:
    run = made_up_run(RUN, seed=3)
    (row,) = overview_of_records([run]).rows
    assert row.label == "seed 3"
    assert [picture.name for picture in row.pictures] == list(run.class_names)
    assert [picture.confidence for picture in row.pictures] == run.confidences.tolist()
    assert all((picture.image == image).all() for picture, image in zip(row.pictures, run.images, strict=True))


def test_of_many_classes_the_most_confident_are_shown() -> None:
    confidences = np.linspace(0.1, 0.9, 60)[None]
    overview = overview_of_records([made_up_run(confidences)])
    shown = [picture.confidence for picture in overview.rows[0].pictures]
    assert shown == sorted(np.float32(confidences[0]).tolist(), reverse=True)[:MOST_IMAGES]
    assert f"shown: the {MOST_IMAGES} most confident of 60 classes" in overview.facts


def test_of_many_runs_the_first_are_shown() -> None:
    overview = overview_of_records([made_up_run(RUN, seed=seed) for seed in range(1, 20)])
    assert [row.label for row in overview.rows] == [f"seed {seed}" for seed in range(1, MOST_ROWS + 1)]
    assert f"shown: the first {MOST_ROWS} of 19 rows" in overview.facts


def test_a_confidence_is_never_rounded_up() -> None:
    below = float(np.float32(0.99989))
    facts = overview_of_records([made_up_run(np.full((1, 3), below))]).facts
    assert any("median confidence 99.98 %; 0 of 3 images at 99.99 % or more" in fact for fact in facts)


def test_a_data_set_is_a_row_for_each_class() -> None:
    bars = made_bars()
    overview = overview_of_dataset(bars)
    assert [row.label for row in overview.rows] == list(bars.class_names)
    for label, row in enumerate(overview.rows):
        own = bars.train_images[bars.train_labels == label]
        assert all((picture.image == image).all() for picture, image in zip(row.pictures, own, strict=False))


def test_a_data_set_without_training_images_shows_test_images() -> None:
    bars = made_bars()
    alone = dataclasses.replace(bars, train_images=bars.train_images[:0], train_labels=bars.train_labels[:0])
    overview = overview_of_dataset(alone)
    assert (overview.rows[0].pictures[0].image == bars.test_images[bars.test_labels == 0][0]).all()


def test_filters_are_those_of_the_first_layer_on_images() -> None:
    generator = np.random.default_rng(1)
    weights = {f"network.layer.{number}.weight": generator.normal(size=(4, 3, 2, 2)) for number in (10, 2)}
    arrays = {**weights, "network.layer.1.weight": generator.normal(size=(4, 8, 2, 2)), "scale": np.ones((3, 1, 1))}
    found = first_filters(arrays, channels=3)
    first = weights["network.layer.2.weight"]
    assert found is not None
    np.testing.assert_array_equal(found, np.rint(128 + 127 * first / np.abs(first).max()).astype(np.uint8))
    assert first_filters(arrays, channels=1) is None
    assert first_filters({"network.w": np.zeros((2, 1, 3, 3))}, channels=1).tolist() == [[[[128] * 3] * 3]] * 2  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["dog", "Staffordshire bullterrier, and then some more words", "木" * 30])
def test_all_that_is_drawn_lies_within_the_sheet(name: str) -> None:
    picture = Picture(image=np.zeros((3, 8, 8), dtype=np.uint8), name=name, confidence=1.0)
    rows = (Row("a label of several long words", (picture,) * 12), Row("seed 593974414", (picture,)))
    figure = draw_overview(Overview(title="Title", facts=("word " * 80,), rows=rows))
    figure.canvas.draw()
    width, height = figure.get_size_inches() * figure.dpi
    for text in figure.findobj(Text):
        if text.get_text():
            box = text.get_window_extent()
            assert box.x0 >= -1 and box.x1 <= width + 1 and box.y0 >= -1 and box.y1 <= height + 1, text
