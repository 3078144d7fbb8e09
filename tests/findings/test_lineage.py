"""Descent of made-up runs with known answers, and of random ones against every path followed one by one."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fooling.attacks.evolution.record import Lineage, RunRecord
from fooling.findings.ancestry import LineageSettings, ancestry_table, lineage_table, replays_table, traced
from fooling.findings.lineage import common_ancestors, descent, genealogy_of, measures_of, redrawn, replayed
from fooling.messages import FoolingError

from .conftest import made_up_run

#: individual, cell, generation, parent, parent
Entry = tuple[int, int, int, int, int]
START = [(0, 0, 0, -1, -1), (1, 1, 0, -1, -1), (2, 2, 0, -1, -1)]


def run_with(entries: list[Entry], *, classes: int = 3, **options: object) -> RunRecord:
    """A run with this lineage."""
    columns = np.array(entries, dtype=np.int64)
    individuals = np.array([max(row[0] for row in entries if row[1] == cell) for cell in range(classes)])
    confidences = np.full((3, classes), 0.9)
    lineage = Lineage(
        individual=columns[:, 0],
        class_index=columns[:, 1],
        generation=columns[:, 2],
        parents=columns[:, 3:],
        confidence=np.full(len(entries), 0.9, dtype=np.float32),
    )
    return dataclasses.replace(made_up_run(confidences, **options), lineage=lineage, individuals=individuals)


def test_a_line_that_changes_its_class_twice() -> None:
    # 10, a child of 0, takes cell 1; 20, a child of 10, takes cell 1 again; 30, a child of 20, takes cell 0.
    run = run_with([*START, (10, 1, 1, 0, -1), (20, 1, 2, 10, -1), (30, 0, 3, 20, -1)])
    found = descent(genealogy_of(run))
    assert found.steps.tolist() == [[3, 2, 0]]
    assert found.switches.tolist() == [[2, 1, 0]]
    np.testing.assert_array_equal(found.other_parents, [[1, 0, np.nan]])
    assert found.roots[0].tolist() == [[True, False, False], [True, False, False], [False, False, True]]
    assert found.other_parents_of_all.tolist() == [2 / 3]
    assert common_ancestors(genealogy_of(run), run.individuals).tolist() == [[30, 20, -1], [20, 20, -1], [-1, -1, 2]]


def test_an_image_that_holds_two_cells_is_of_both_classes() -> None:
    # 10 takes cells 0 and 1 at once: whatever comes from it in either has not changed its class.
    run = run_with([*START, (10, 0, 1, 0, -1), (10, 1, 1, 0, -1), (20, 1, 2, 10, -1), (21, 2, 2, 10, -1)])
    found = descent(genealogy_of(run))
    assert found.switches.tolist() == [[0, 1, 1]]
    np.testing.assert_array_equal(found.other_parents, [[0, 0, 1]])


def test_two_parents_count_half_each() -> None:
    run = run_with([*START, (10, 0, 1, 0, 1), (20, 0, 2, 10, 2)])
    found = descent(genealogy_of(run))
    assert found.steps[0, 0] == (2 + 1) / 2
    assert found.switches[0, 0] == (1 / 2 + 1) / 2
    assert found.other_parents[0, 0] == 1 / 2
    assert found.roots[0, 0].tolist() == [True, True, True]


def test_children_of_the_first_generation_are_told_from_the_start() -> None:
    # With an extra batch they have its number; the parents are those of the start all the same.
    found = descent(genealogy_of(run_with([*START, (10, 0, 0, 1, -1), (20, 1, 1, 10, -1)])))
    assert found.steps.tolist() == [[1, 2, 0]]


def test_the_measures_of_a_run() -> None:
    run = run_with([*START, (10, 1, 1, 0, -1), (20, 1, 2, 10, -1)])
    measures = {name: float(values[0]) for name, values in measures_of(descent(genealogy_of(run))).items()}
    assert measures == {
        "other_parent": 0,
        "other_parent_of_all": 1 / 2,
        "other_ancestor": 1 / 3,
        "switches": 1 / 3,
        "steps": 2 / 3,
        "switches_per_step": 1 / 2,
        "start_images": 2,
        "common_start": 1 / 3,
    }


def test_a_run_in_which_nothing_changed_has_no_parents() -> None:
    measures = measures_of(descent(genealogy_of(run_with(START))))
    assert np.isnan([measures[name][0] for name in ("other_parent", "other_parent_of_all", "switches_per_step")]).all()
    assert measures["start_images"] == 3


@st.composite
def lineages(draw: st.DrawFn) -> list[Entry]:
    """Three cells, and up to five images that take some of them, children of one champion of their time each."""
    entries, holders = list(START), [0, 1, 2]
    for generation in range(1, draw(st.integers(1, 5)) + 1):
        parent = draw(st.sampled_from(holders))
        cells = sorted(draw(st.sets(st.integers(0, 2), min_size=1)))
        entries += [(10 * generation, cell, generation, parent, -1) for cell in cells]
        holders = [10 * generation if cell in cells else held for cell, held in enumerate(holders)]
    return entries


def brute_force(entries: list[Entry], cell: int) -> tuple[int, int]:
    """Steps and fewest switches of the champion of ``cell``, over all ways to label its ancestors."""
    individual = max(row[0] for row in entries if row[1] == cell)
    labels, parents = [{cell}], {row[0]: row[3] for row in entries}
    while parents[individual] >= 0:
        earlier = [row for row in entries if row[0] < individual]
        individual = parents[individual]
        held = {c for c in range(3) if [row[0] for row in earlier if row[1] == c][-1] == individual}
        labels.append(held)
    ways = itertools.product(*labels)
    return len(labels) - 1, min(sum(one != other for one, other in itertools.pairwise(way)) for way in ways)


@given(lineages())
@settings(max_examples=60, deadline=None)
def test_random_lineages_have_the_fewest_switches_of_all_labellings(entries: list[Entry]) -> None:
    found = descent(genealogy_of(run_with(entries)))
    expected = [brute_force(entries, cell) for cell in range(3)]
    assert list(zip(found.steps[0], found.switches[0], strict=True)) == expected


@given(lineages())
@settings(max_examples=20, deadline=None)
def test_replays_with_other_parents_are_the_runs_with_these_parents(entries: list[Entry]) -> None:
    genealogy = genealogy_of(run_with(entries))
    ways = np.array(list(itertools.product(range(3), repeat=len(genealogy.births))))[:40]
    found = replayed(genealogy, [ways[:, [birth], None] for birth in range(len(genealogy.births))], replays=len(ways))
    for way, steps, switches in zip(ways, found.steps, found.switches, strict=True):
        parents = {10 * (birth + 1): int(genealogy.births[birth].before[cell]) for birth, cell in enumerate(way)}
        other = [(row[0], row[1], row[2], parents.get(row[0], -1), -1) for row in entries]
        assert list(zip(steps, switches, strict=True)) == [brute_force(other, cell) for cell in range(3)]


def test_uniform_parents_are_of_other_classes_as_often_as_counted() -> None:
    run = run_with([*START, (10, 0, 1, 0, -1), (10, 1, 1, 0, -1), (20, 1, 2, 10, -1)])
    genealogy = genealogy_of(run)
    assert genealogy.births[0].chance_of_other_parent.tolist() == [2 / 3, 2 / 3]
    assert genealogy.births[1].chance_of_other_parent.tolist() == [1 / 3]
    chance = redrawn(genealogy, replays=20_000, generator=np.random.default_rng(0))
    np.testing.assert_allclose(chance.other_parents[:, :2].mean(axis=0), [2 / 3, 1 / 3], atol=0.015)


IMPOSSIBLE: dict[str, Callable[[], RunRecord]] = {
    "a parent without a cell": lambda: run_with([*START, (10, 0, 1, 0, -1), (20, 1, 2, 0, -1)]),
    "2 entries of the random start": lambda: run_with([*START[:2], (10, 2, 1, 0, -1)]),
    "an unknown cell": lambda: run_with([*START, (10, 3, 1, 0, -1)]),
    "champions that never entered": lambda: dataclasses.replace(run_with(START), individuals=np.array([0, 1, 7])),
    "drift": lambda: run_with(START, search="drift"),
}


@pytest.mark.parametrize("found", IMPOSSIBLE)
def test_lineages_that_cannot_be_are_refused(found: str) -> None:
    with pytest.raises(FoolingError, match=found):
        genealogy_of(IMPOSSIBLE[found]())


def relatives() -> list[RunRecord]:
    """Two runs on one network: in both the champion of class 1 is a child of that of class 0, and its very image."""
    generator = np.random.default_rng(1)
    runs = []
    for seed in (1, 2):
        images = generator.integers(0, 256, (3, 1, 8, 8)).astype(np.uint8)
        images[1] = images[0]
        runs.append(run_with([*START, (10, 1, 1, 0, -1)], seed=seed, images=images))
    return runs


def test_champions_have_their_closest_relative_and_how_alike_the_two_are() -> None:
    runs = relatives()
    checked = LineageSettings(parent_redraws=19)
    table = ancestry_table(traced(runs, settings=checked), experiment="e")
    first = table[table["seed"] == 1]
    assert first["relative"].tolist() == [1, 0, pd.NA]
    assert first["common_ancestor"].tolist() == [0, 0, pd.NA]
    assert first["common_generation"].tolist() == [0, 0, pd.NA]
    np.testing.assert_allclose(first["similarity"], [1, 1, np.nan])
    expected = np.corrcoef(runs[0].images[0].ravel(), runs[1].images[0].ravel())[0, 1]
    np.testing.assert_allclose(first["similarity_unrelated"], [expected, expected, np.nan])
    assert first["start_image"].tolist() == [0, 0, 2]


def test_the_measures_of_an_experiment_stand_beside_chance() -> None:
    checked = LineageSettings(parent_redraws=199)
    table = lineage_table(replays_table(traced(relatives(), settings=checked), experiment="e"), settings=checked)
    row = table.set_index("measure").loc["other_parent"]
    assert (row["value"], row["units"], row["runs"], row["note"]) == (1, 1, 2, "one classifier")
    assert np.isnan(row["low"])
    assert row["chance"] == pytest.approx(2 / 3, abs=0.1)
    assert row["chance_low"] <= row["chance"] <= row["chance_high"]


def test_runs_in_which_nothing_changed_stand_beside_others() -> None:
    still = [run_with(START, seed=seed) for seed in (3, 4)]
    checked = LineageSettings(parent_redraws=199)
    tables = [
        lineage_table(replays_table(traced(runs, settings=checked), experiment="e"), settings=checked).set_index(
            "measure"
        )
        for runs in ([*relatives(), *still], relatives(), still)
    ]
    for measure in ("other_parent", "other_parent_of_all", "switches_per_step"):  # what a run without births lacks
        both, moved, none = (table.loc[measure] for table in tables)
        assert (both["value"], both["runs"]) == (moved["value"], 2)
        assert both["chance"] == moved["chance"] > 0
        assert none["runs"] == 0
        assert none["note"] == "no run has a value"
        assert none[["value", "low", "high", "chance", "chance_low", "chance_high"]].isna().all()
    both, moved = (table.loc["steps"] for table in tables[:2])
    assert (both["value"], both["runs"]) == (moved["value"] / 2, 4)
    assert both["chance"] == pytest.approx(moved["chance"] / 2)


def test_a_champion_alone_has_no_pairs() -> None:
    run = run_with([(0, 0, 0, -1, -1), (10, 0, 1, 0, -1)], classes=1)
    checked = LineageSettings(parent_redraws=19)
    found = traced([run], settings=checked)
    table = lineage_table(replays_table(found, experiment="e"), settings=checked).set_index("measure")
    assert np.isnan(table.loc["common_start", ["value", "chance"]].astype(float)).all()
    assert (table.loc["steps", "value"], table.loc["other_parent", "value"]) == (1, 0)
    assert ancestry_table(found, experiment="e")["relative"].isna().all()


def test_the_same_seeds_give_the_same_draws_whatever_the_other_runs() -> None:
    checked = LineageSettings(parent_redraws=19)
    both, one = (traced(runs, settings=checked) for runs in (relatives(), relatives()[1:]))
    np.testing.assert_array_equal(both[1].chance.switches, one[0].chance.switches)
