"""Figures of more classes than can have a column each."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from fooling.evolution.record import Lineage
from fooling.figures import family_tree, gallery, transfer_gallery
from fooling.figures.families import FAMILIES, families_of
from fooling.figures.shown_classes import of_classes, shown_classes, surest

NAMES = tuple(f"the {place}th class" for place in range(50))


@pytest.fixture
def run(make_run):
    """A run of fifty classes, of which the first is the surest, and every two share an image."""
    run = make_run(1, names=NAMES)
    return dataclasses.replace(
        run,
        confidences=np.linspace(0.99, 0.01, 50).astype(np.float32),
        log_odds=np.linspace(5, -5, 50),
        individuals=np.arange(50) // 2,
    )


def test_ten_classes_are_spread_from_the_surest_to_the_least_sure(run, make_run):
    turned = dataclasses.replace(run, confidences=run.confidences[::-1])
    assert shown_classes([run]).tolist() == [0, 5, 11, 16, 22, 27, 33, 38, 44, 49]
    assert shown_classes([turned]).tolist() == [49, 44, 38, 33, 27, 22, 16, 11, 5, 0]
    assert shown_classes([make_run(1)]).tolist() == list(range(10))


def test_a_run_of_some_classes_keeps_what_belongs_together(run):
    part = of_classes(run, np.array([7, 3]))
    assert part.class_names == (NAMES[7], NAMES[3])
    for name in ("images", "start_images", "confidences", "logits", "generations", "individuals"):
        assert np.array_equal(getattr(part, name), getattr(run, name)[[7, 3]]), name


def test_of_each_image_and_each_class_one_is_among_the_surest(run):
    other = dataclasses.replace(run, seed=2, log_odds=run.log_odds + 0.1, individuals=np.arange(50))
    assert [index for _, index in surest([run], 4)] == [0, 2, 4, 6]
    assert [(one.seed, index) for one, index in surest([run, other], 3)] == [(2, 0), (2, 1), (2, 2)]
    assert len(surest([run, other], 100)) == 50


def examined(run):
    """What others say of the champions: the network that took no part calls each by the next class."""
    index = np.arange(len(run.class_names))
    return pd.DataFrame(
        {
            **{"classifier": run.classifier["name"], "experiment": "cppn", "search": run.search, "seed": run.seed},
            **{"class_index": index, "class_name": run.class_names, "confidence": run.confidences},
            **{"independent": "other", "independent_confidence": index / 100, "independent_label": index + 1},
            **{"nearest_distance": np.nan, "nearest_label": pd.NA},
        }
    )


def test_the_gallery_shows_the_surest_and_ten_classes(run):
    figure = gallery.draw(runs=[run], examined=examined(run))
    sheet, strip = figure.axes
    assert len(sheet.images) == 25 + 10  # of fifty classes every two share an image
    texts = [text.get_text() for text in sheet.texts]
    assert any("10 of 50 classes, from the surest to the least sure" in text for text in texts)
    places = np.asarray(strip.collections[0].get_offsets())
    assert np.allclose(places, np.column_stack([np.arange(10), shown_classes([run]) / 100]))


def test_of_many_classes_those_are_shown_that_both_networks_are_sure_of(run):
    index = np.arange(50)
    own = run.classifier["name"]
    shown = pd.DataFrame(
        {
            **{"source": own, "target": "other", "seed": run.seed, "class_index": index, "source_label": index},
            **{
                "target_label": np.where(index % 2, index, 0),
                "source_confidence": 0.9,
                "target_confidence": index / 50,
            },
        }
    )
    (sheet,) = transfer_gallery.draw(runs=[run], shown=shown).axes
    names = [text.get_text() for text in sheet.texts if text.get_text().startswith("the ")]
    assert names == [NAMES[place] for place in range(49, 29, -2)]
    assert len(sheet.images) == 10


@pytest.fixture
def family_run(run):
    """Start images 0 to 19; 100 descends from 0, and 101 to 106 from 100; 107 to 112 from 1; the rest is the start."""
    children = [
        (100, 0, 1),
        *((101 + place, 100, 2) for place in range(6)),
        *((107 + place, 1, 2) for place in range(6)),
    ]
    starters = [(individual, -1, 0) for individual in range(20)]
    rows = [*starters, *children]
    lineage = Lineage(
        individual=np.array([row[0] for row in rows]),
        class_index=np.arange(len(rows)),
        generation=np.array([row[2] for row in rows]),
        parents=np.array([(row[1], -1) for row in rows]),
        confidence=np.full(len(rows), 0.5, np.float32),
    )
    ends = [*range(101, 113), *range(20), *[2] * 18]
    return dataclasses.replace(run, individuals=np.array(ends), lineage=lineage)


def test_families_have_the_latest_common_ancestor(family_run):
    first, second = families_of(family_run)
    assert (first.ancestor, first.generation, first.classes) == (100, 1, tuple(range(6)))
    assert (second.ancestor, second.generation) == (1, 0)
    assert second.classes == (*range(6, 12), 13)  # start image 1 is itself the champion of class 13


def test_many_classes_have_families_in_place_of_a_tree(family_run):
    figure = family_tree.draw(runs=[family_run, family_run])
    (sheet,) = figure.axes
    assert len(sheet.images) == 2 * (6 + 7)
    assert len(list(families_of(family_run))) <= FAMILIES
