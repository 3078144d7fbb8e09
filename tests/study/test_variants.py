"""A crossed experiment is opened into one variant for every combination, with names that can be read."""

from __future__ import annotations

from typing import Any

import pytest

from fooling.errors import FoolingError
from fooling.study.entries import ExperimentEntry
from fooling.study.variants import variants


def _experiment(**settings: Any) -> ExperimentEntry:
    return ExperimentEntry.model_validate(
        {"name": "direct", "classifiers": ["one"], "encoding": {"kind": "direct"}, **settings}
    )


def test_without_a_cross_it_is_itself() -> None:
    (only,) = variants(_experiment())
    assert only.name == "direct"
    assert only.levels == {}


def test_a_cross_makes_every_combination_the_first_one_first() -> None:
    cross = {"encoding.crossover": ["none", "faulty"], "search.extra_batch": [False, True]}
    opened = list(variants(_experiment(cross=cross)))
    assert [variant.name for variant in opened] == [
        "direct-none-no-extra-batch",
        "direct-none-extra-batch",
        "direct-faulty-no-extra-batch",
        "direct-faulty-extra-batch",
    ]
    last = opened[-1]
    assert last.levels == {"encoding.crossover": "faulty", "search.extra_batch": True}
    assert last.evolution()["encoding"]["crossover"] == "faulty"
    assert last.evolution()["search"]["extra_batch"] is True


def test_numbers_and_nothing_have_names_too() -> None:
    cross = {"encoding.rate_halving_generations": [None, 50], "search.offspring": [100]}
    assert [variant.name for variant in variants(_experiment(cross=cross))] == [
        "direct-no-rate-halving-generations-offspring-100",
        "direct-rate-halving-generations-50-offspring-100",
    ]


@pytest.mark.parametrize("key", ["crossover", "encoding.crosover", "seeds.count", "encoding.coordinates"])
def test_what_is_no_option_is_refused(key: str) -> None:
    with pytest.raises(FoolingError, match=r"experiments\[direct\]\.cross\.") as refused:
        list(variants(_experiment(cross={key: [1]})))
    assert "encoding.crossover" in str(refused.value)


def test_a_value_that_the_option_cannot_have_is_refused() -> None:
    with pytest.raises(FoolingError, match=r"found: 'right'\n  allowed: .*'none', 'correct' or 'faulty'"):
        list(variants(_experiment(cross={"encoding.crossover": ["right"]})))


def test_presets_fill_in_what_is_not_said() -> None:
    released = _experiment(preset="released", encoding={"kind": "direct", "crossover": "correct"})
    assert released.encoding.genes == "floats"
    assert released.encoding.crossover == "correct"  # said by the study
    assert released.search.extra_batch
    assert released.search.scoring_input == "mean-subtracted"
    paper = _experiment(encoding={"kind": "direct"})
    assert (paper.encoding.genes, paper.search.extra_batch) == ("levels", False)


def test_the_released_cppn_reads_raw_pixel_indices() -> None:
    assert _experiment(preset="released", encoding={"kind": "cppn"}).encoding.coordinates == "pixels"
