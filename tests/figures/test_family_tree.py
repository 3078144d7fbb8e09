"""The lineage of champions, as trees and as families."""

import dataclasses

import numpy as np
import pytest

from figures.conftest import MANY_CLASSES
from figures.drawn import shown_class_names, shown_images, texts, x_labels
from figures.made_up_champions import made_run
from fooling.attacks.evolution.record import Lineage
from fooling.figures.family_tree import FAMILIES, SIDE, families_of, family_tree
from fooling.findings.lineage import descent, genealogy_of, measures_of


def test_a_tree_has_a_row_for_each_class_with_its_first_and_last_champion(inputs):
    runs = inputs["family_tree"]["runs"]
    figure = family_tree(runs=runs)
    sheet, *trees = figure.axes
    images = shown_images(sheet)
    assert (len(images), len(trees)) == (2 * 10, 1)
    assert np.array_equal(images[0], runs[0].start_images[0, 0])
    assert np.array_equal(images[1], runs[0].images[0, 0])
    assert {*"0123456789", "start", "end"} <= set(texts(sheet))
    assert texts(sheet)[0] == "Lineage of a run with the direct encoding on lenet-a, seed 1"


def test_all_runs_are_summarised_in_a_sentence(inputs):
    runs = inputs["family_tree"]["runs"]
    written = texts(family_tree(runs=runs).axes[0])
    others = [round(10 * float(measures_of(descent(genealogy_of(run)))["other_ancestor"][0])) for run in runs]
    expected = ", ".join(map(str, others))
    assert f"Champions that descend from a champion of another class, of 10, in each of 3 runs: {expected}." in written
    assert any(text.endswith(f"in this run: {others[0]}.") for text in texts(family_tree(runs=runs[:1]).axes[0]))


def test_images_of_64_pixels_are_not_reduced_to_grey():
    assert SIDE * 200 >= 64  # at the resolution of the files


def test_a_tree_has_every_line_and_colours_those_that_last(inputs):
    run = inputs["family_tree"]["runs"][0]
    tree = family_tree(runs=[run]).axes[1]
    faint, strong = tree.collections[2], tree.collections[5]
    assert len(faint.get_offsets()) + len(strong.get_offsets()) == 20  # two generations after the start
    last = {(round(float(x) ** 2), int(y)) for x, y in strong.get_offsets()}
    assert {(2, row) for row in range(10)} <= last


def test_the_axis_of_generations_is_a_square_root(inputs):
    run = inputs["family_tree"]["runs"][0]
    tree = family_tree(runs=[run]).axes[1]
    assert tree.get_xlim() == pytest.approx((0, np.sqrt(run.history.generations[-1])))
    assert tree.get_ylim() == (9.5, -0.5)
    assert x_labels(tree) == ["0", "1", "5"]
    assert tree.get_xticks() == pytest.approx(np.sqrt([0, 1, 5]))
    assert tree.get_xlabel() == "generation"


def test_long_names_of_classes_stay_within_the_figure():
    run = made_run(1, names=("a class with quite a long name, longer than there is room for", *"123456789"))
    assert family_tree(runs=[run]).get_tightbbox().x0 > -0.06


@pytest.fixture
def family_run(run_of_many):
    """A run with two families.

    Start images are 0 to 19; 100 descends from 0, and 101 to 106 from 100; 107 to 112 descend from 1.
    """
    children = [
        (100, 0, 1),
        *((101 + place, 100, 2) for place in range(6)),
        *((107 + place, 1, 2) for place in range(6)),
    ]
    rows = [*((individual, -1, 0) for individual in range(20)), *children]
    lineage = Lineage(
        individual=np.array([row[0] for row in rows]),
        class_index=np.arange(len(rows)),
        generation=np.array([row[2] for row in rows]),
        parents=np.array([(row[1], -1) for row in rows]),
        confidence=np.full(len(rows), 0.5, np.float32),
    )
    ends = [*range(101, 113), *range(20), *[2] * 18]
    return dataclasses.replace(run_of_many, individuals=np.array(ends), lineage=lineage)


def test_families_have_the_latest_common_ancestor(family_run):
    first, second = families_of(family_run)
    assert (first.ancestor, first.generation, first.classes) == (100, 1, tuple(range(6)))
    assert (second.ancestor, second.generation) == (1, 0)
    assert second.classes == (*range(6, 12), 13)  # start image 1 is itself the champion of class 13


def test_many_classes_have_families_in_place_of_a_tree(family_run):
    (sheet,) = family_tree(runs=[family_run, family_run]).axes
    assert len(sheet.images) == 2 * (6 + 7)
    assert shown_class_names(sheet, MANY_CLASSES)[:6] == list(MANY_CLASSES[:6])
    assert "seed 1\n6 images,\nancestor from\ngeneration 1" in texts(sheet)
    assert "seed 1\n7 images,\nancestor from\nthe random start" in texts(sheet)
    assert np.array_equal(shown_images(sheet)[3], family_run.images[3, 0])
    assert len(list(families_of(family_run))) <= FAMILIES


def test_without_families_the_sheet_says_so(run_of_many):
    lineage = dataclasses.replace(run_of_many.lineage, parents=np.full_like(run_of_many.lineage.parents, -1))
    (sheet,) = family_tree(runs=[dataclasses.replace(run_of_many, lineage=lineage)]).axes
    assert "No 5 champions have a common ancestor." in texts(sheet)
    assert not sheet.images
