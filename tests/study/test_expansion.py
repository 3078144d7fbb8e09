"""Expansion of a study: variants of experiments, and chains of retraining."""

from __future__ import annotations

from typing import Any

import pytest

from fooling.messages import FoolingError
from fooling.retraining.settings import FILLINGS
from fooling.study.entries import ExperimentEntry
from fooling.study.expansion import variants
from fooling.study.resolved import Study, resolved_study


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


def resolved(values: dict[str, Any], **options: Any) -> Study:
    entry = {"name": "chain", "classifiers": ["one", "two"], "encoding": {"kind": "cppn"}, "networks": 3, **options}
    return resolved_study({**values, "retraining": [entry]}, source="study.yaml")


@pytest.mark.parametrize("encoding", [{"kind": "cppn", "coordinates": "pixels"}, {"kind": "direct"}])
def test_a_chain_evolves_in_the_encoding_that_it_declares(values: dict[str, Any], encoding: dict[str, str]) -> None:
    study = resolved(values, encoding=encoding, filled_with=FILLINGS)
    assert len(study.chains) == 2 * len(FILLINGS)
    for chain in study.chains.values():
        assert encoding.items() <= chain.evolution(2)["encoding"].items()


def test_only_the_last_network_is_measured_for_longer(values: dict[str, Any]) -> None:
    study = resolved(values, measured_generations=1000)
    for chain in study.chains.values():
        assert [chain.evolution(number)["search"]["generations"] for number in (1, 2, 3)] == [200, 200, 1000]
    plain = next(iter(resolved(values).chains.values()))
    assert plain.evolution(3) == plain.settings.evolution()


def test_other_champions_are_those_of_the_next_classifier(values: dict[str, Any]) -> None:
    chains = resolved(values, filled_with=["champions", "other-champions", "noise", "nothing"]).chains
    suppliers = {name: chain.supplier for name, chain in chains.items()}
    assert suppliers["chain/one/other-champions"] == "chain/two/champions"
    assert suppliers["chain/two/other-champions"] == "chain/one/champions"
    assert suppliers["chain/one/noise"] == "chain/one/noise"
    assert suppliers["chain/one/nothing"] is None


@pytest.mark.parametrize(
    "options",
    [
        {"filled_with": ["other-champions", "nothing"]},
        {"filled_with": ["champions", "other-champions"], "classifiers": ["one"]},
    ],
)
def test_other_champions_need_another_chain_of_champions(values: dict[str, Any], options: dict[str, Any]) -> None:
    with pytest.raises(FoolingError, match="other-champions needs champions as well, and at least two classifiers"):
        resolved(values, **options)


def test_measured_runs_are_longer_than_the_others(values: dict[str, Any]) -> None:
    with pytest.raises(FoolingError, match=r"above search.generations, which is 200"):
        resolved(values, measured_generations=200)


def test_the_end_of_the_shorter_run_is_in_the_history_of_the_longer_one(values: dict[str, Any]) -> None:
    with pytest.raises(FoolingError, match="that the history contains, such as 200"):
        resolved(values, search={"generations": 201}, measured_generations=1000)


def test_a_network_refuses_only_where_that_is_declared(values: dict[str, Any]) -> None:
    assert {chain.refusing for chain in resolved(values).chains.values()} == {None}
    refusing = [chain.refusing for chain in resolved(values, refusal={}).chains.values()]
    assert refusing == [f"chain/{first}/champions/dnn3/refusing" for first in ("one", "two")]
