"""Which classes and champions are shown."""

import dataclasses

import numpy as np
import pandas as pd

from figures.conftest import MANY_CLASSES
from figures.made_up_champions import made_run
from fooling.figures.shown_classes import (
    are_many,
    in_columns,
    most_confident,
    note_on_classes,
    of_classes,
    shown_classes,
)


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
