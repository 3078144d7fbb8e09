"""Figures of more classes than can have a column each."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from fooling.datasets.dataset import Dataset
from fooling.evolution.record import Lineage
from fooling.figures import (
    ascent_gallery,
    family_tree,
    further_runs,
    gallery,
    resembling,
    retraining_gallery,
    retraining_over_generations,
    transfer_gallery,
)
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
    assert any("10 of 50 classes, from the most to the least confident" in text for text in texts)
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


def class_names(sheet):
    texts = [text.get_text().replace("\n", " ") for text in sheet.texts]
    return [text for text in texts if text in NAMES]


def test_climbs_are_shown_for_ten_of_the_classes_that_have_any(inputs):
    few, many = inputs["ascent_gallery"]["ascents"]
    climbs = dataclasses.replace(few, class_names=NAMES, classes=5 * few.classes)
    (sheet,) = ascent_gallery.draw(ascents=[climbs]).axes
    assert class_names(sheet) == list(NAMES[::5])
    assert len(sheet.images) == 10
    twenty = {name: getattr(many, name).repeat(2, axis=0) for name in ("images", "confidences", "classes", "seeds")}
    twenty["classes"] = np.tile(np.arange(0, 40, 2), 2)
    (sheet,) = ascent_gallery.draw(ascents=[dataclasses.replace(many, class_names=NAMES, **twenty)]).axes
    assert class_names(sheet) == list(NAMES[0:40:4])
    assert len(sheet.images) == 10


def test_a_chain_is_shown_with_ten_of_many_classes(run, inputs):
    batches = [[run], [dataclasses.replace(run, seed=2)]]
    (sheet,) = retraining_gallery.draw(batches=batches, retraining=inputs["retraining_gallery"]["retraining"]).axes
    assert class_names(sheet) == [NAMES[index] for index in shown_classes([run])]
    assert len(sheet.images) == 20


def test_a_chain_on_as_many_classes_as_the_papers_stands_beside_its_medians(make_run):
    batches = [[make_run(seed, names=tuple(map(str, range(1000))))] for seed in (1, 2)]
    long = np.array([0, 10, 50, 60, 100, 150, 200, 500, 1000])
    batches = [
        [dataclasses.replace(run, history=dataclasses.replace(run.history, generations=long)) for run in runs]
        for runs in batches
    ]
    median, surest_class = retraining_over_generations.draw(batches=batches).axes
    lines = {line.get_label(): line for line in median.get_lines()}
    assert list(lines["the paper, 1001 classes"].get_xdata()) == [60, 200, 500]
    assert list(lines["the paper, 1000 classes"].get_xdata()) == [50, 100, 200, 500, 1000]
    assert np.allclose(lines["DNN 1"].get_ydata(), np.median(batches[0][0].history.log_odds, axis=1))
    assert np.allclose(surest_class.get_lines()[1].get_ydata(), batches[1][0].history.log_odds.max(axis=1).clip(max=17))


def test_many_runs_are_shown_with_ten_of_many_classes(run):
    table = examined(run).assign(alike_class=0, alike_correlation=np.arange(50) / 50)
    (sheet,) = further_runs.draw(runs=[run, run, run], examined=table).axes
    assert len(sheet.images) == 30
    likeness = [f"{index / 50:.2f}" for index in shown_classes([run])]
    texts = [text.get_text() for text in sheet.texts]
    assert any(texts[start : start + 10] == likeness for start in range(len(texts)))


def test_of_many_classes_those_are_shown_that_are_resembled_best(run):
    pictures = np.zeros((50, 1, 28, 28), np.uint8)
    dataset = Dataset(
        name="many", class_names=NAMES, train_images=pictures, train_labels=np.arange(50), test_images=pictures,
        test_labels=np.arange(50), provenance={},
    )  # fmt: skip
    index = np.arange(50)
    alike = np.where(index % 3 == 0, index, 1)  # 17 resemble theirs, and class 1
    table = examined(run).assign(
        independent_label=alike, nearest_label=alike, nearest_distance=0.1, nearest_index=index
    )
    (sheet,) = resembling.draw(runs=[run], dataset=dataset, examined=table).axes
    assert class_names(sheet) == [NAMES[place] for place in range(21, 50, 3)]
    none = resembling.draw(runs=[run], dataset=dataset, examined=table.assign(nearest_label=-1)).axes[0]
    assert class_names(none) == list(NAMES[:10])


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
