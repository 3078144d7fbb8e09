"""The ranking of networks by their audits: counts over the seeds, beside random search, as computed by hand."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from fooling.artifacts import read_table
from fooling.auditing.running import audit
from fooling.auditing.saving import VERSION, as_file
from fooling.cli.tables import tabulate_audits
from fooling.findings.audits import AUDIT_ATTACKS, AUDIT_SEEDS, AUDITS, READABLE
from fooling.messages import FoolingError

EVOLUTION, RANDOM = "evolution-cppn", "random-search-cppn"


def made_audit(network: str, seed: int, *, evolved: int, random: int, first: int | None, **changes: Any) -> dict:
    """An audit of ten classes with one control: evolution, random search, and gradient ascent at two classes."""
    searches = [
        (RANDOM, "Random search", None, 10, random, None),
        (EVOLUTION, "Evolution", RANDOM, 10, evolved, first),
        ("ascent", "Gradient ascent", None, 2, 2, 30),
    ]
    names = ("name", "title", "control", "classes_searched", "fooled", "first_evaluation")
    return {
        "version": 1,
        "network": network,
        "classes": [f"class {number}" for number in range(10)],
        "input_shape": [1, 28, 28],
        "settings": {"budget": 400, "seed": seed, "threshold": 0.99, "single_images": 100},
        "searches": [{**dict(zip(names, search, strict=True)), "median_confidence": 0.5} for search in searches],
        **changes,
    }


def tabulated(folder: Path, *audits: dict) -> tuple[Any, Any]:
    """The two tables, as they are written and read again."""
    paths = [folder / f"{number}.json" for number in range(len(audits))]
    for path, content in zip(paths, audits, strict=True):
        path.write_text(json.dumps(content))
    seeds, ranking = folder / "audit_seeds.csv", folder / "audits.csv"
    tabulate_audits(paths, seeds=seeds, attacks=folder / "audit_attacks.csv", output=ranking)
    return read_table(seeds, AUDIT_SEEDS), read_table(ranking, AUDITS)


def test_a_row_for_each_network_and_search_has_the_counts_over_its_seeds(tmp_path: Path) -> None:
    seeds, ranking = tabulated(
        tmp_path,
        made_audit("one", 1, evolved=3, random=0, first=220),
        made_audit("one", 2, evolved=8, random=1, first=400),
        made_audit("other", 1, evolved=0, random=0, first=None),
        made_audit("other", 2, evolved=1, random=0, first=300),
    )
    assert len(seeds) == 12
    evolution = seeds[seeds["search"] == EVOLUTION]
    assert evolution["fooled"].tolist() == [3, 8, 0, 1]
    assert evolution["first_evaluation"].tolist()[:2] == [220, 400]
    assert evolution["first_evaluation"].isna().tolist() == [False, False, True, False]
    assert ranking[["network", "search"]].to_numpy().tolist() == [
        ["one", EVOLUTION],
        ["one", "ascent"],
        ["other", EVOLUTION],
        ["other", "ascent"],
    ]
    one, ascent, other, _ = (row for _, row in ranking.iterrows())
    assert (one["seeds"], one["fooled"], one["fooled_least"], one["fooled_most"]) == (2, 5.5, 3, 8)
    assert (one["first_evaluation"], one["random_fooled"]) == (310, 0.5)
    assert (one["random_least"], one["random_most"]) == (0, 1)
    assert (one["image_shape"], one["network_classes"], one["classes"], one["budget"]) == ("1x28x28", 10, 10, 400)
    assert other["fooled"] == 0.5
    assert other["first_evaluation"] == math.inf
    assert (ascent["classes"], ascent["fooled"], ascent["first_evaluation"]) == (2, 2, 30)
    assert math.isnan(ascent["random_fooled"])


def test_audits_with_other_budgets_or_thresholds_are_not_compared(tmp_path: Path) -> None:
    usual = made_audit("one", 1, evolved=3, random=0, first=220)
    for changed in ({"budget": 600}, {"threshold": 0.9}):
        other = made_audit("other", 1, evolved=3, random=0, first=220, settings={**usual["settings"], **changed})
        with pytest.raises(FoolingError, match=r"cannot be compared(.|\n)*the same --budget and --threshold"):
            tabulated(tmp_path, usual, other)


def test_a_row_for_each_further_attack_has_its_control_beside_it(tmp_path: Path) -> None:
    small = {"method": "deepfool", "images": 20, "misclassified": 19, "median_rms": 0.05}
    small |= {"misclassified_with_noise": 1, "evaluations": 60, "example": []}
    one = {"levels": 51, "images_used": 100, "fooled_used": 60, "images": 90, "fooled": 57}
    one |= {"fooled_by_random_signs": 2.6, "steps": 40, "example": []}
    evolution, random = ({"given": given, "fooled": 1, "median_confidence": 0.9} for given in (9, 4))
    labels = {"queries": 4020, "classes": 10, "evolution": evolution, "random_search": random, "example": []}
    alone = labels | {"evolution": {"given": 7, "fooled": None, "median_confidence": None}}
    tabulated(
        tmp_path,
        made_audit("one", 1, evolved=3, random=0, first=220, small_changes=small, universal=one, labels_alone=labels),
        made_audit("one", 2, evolved=3, random=0, first=220, universal=None, labels_alone=alone),
        made_audit("former", 1, evolved=3, random=0, first=220),
    )
    table = read_table(tmp_path / "audit_attacks.csv", AUDIT_ATTACKS)
    assert table[["network", "attack", "seed"]].to_numpy().tolist() == [
        ["one", "small-changes", 1],
        ["one", "universal", 1],
        ["one", "labels-alone", 1],
        ["one", "labels-alone", 2],
    ]
    assert table[["tried", "fooled", "control"]].to_numpy().tolist() == [
        [20, 19, 1],
        [90, 57, 2.6],
        [10, 9, 4],
        [10, 7, 4],
    ]
    assert table["size"].tolist()[:2] == [0.05, 0.2]
    assert table["size"].isna().tolist() == [False, False, True, True]
    assert table["confident"].isna().tolist() == [True, True, False, True]
    assert table["control_confident"].tolist()[2:] == [1, 1]


def test_audits_without_further_attacks_have_an_empty_table_of_them(tmp_path: Path) -> None:
    tabulated(tmp_path, made_audit("one", 1, evolved=3, random=0, first=220))
    assert read_table(tmp_path / "audit_attacks.csv", AUDIT_ATTACKS).empty


def test_audits_of_one_network_are_of_the_same_classes_and_searches(tmp_path: Path) -> None:
    usual = made_audit("one", 1, evolved=3, random=0, first=220)
    fewer = made_audit("one", 2, evolved=3, random=0, first=220, classes=["a", "b"])
    without = made_audit("one", 2, evolved=3, random=0, first=220)
    without["searches"] = without["searches"][:2]
    for other in (fewer, without, usual):
        with pytest.raises(FoolingError, match="audits of one differ in the search"):
            tabulated(tmp_path, usual, other)


def test_a_file_that_is_no_audit_is_named_with_its_keys(tmp_path: Path) -> None:
    usual = made_audit("one", 1, evolved=3, random=0, first=220)
    for wrong, key in (({"version": 99}, "version"), ({"searches": [{"name": "x"}]}, r"searches\.0\.title")):
        with pytest.raises(FoolingError, match=rf"0\.json has an invalid header(.|\n)*{key}"):
            tabulated(tmp_path, usual | wrong)


def test_an_audit_that_was_made_is_tabulated(tmp_path: Path) -> None:
    import torch
    from torch import nn

    assert READABLE[0] <= VERSION <= READABLE[1]
    torch.manual_seed(3)
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    results = [
        audit(network, input_shape=(1, 8, 8), budget=400, seed=seed, threshold=0.6, name="mine") for seed in (1, 2)
    ]
    seeds, ranking = tabulated(tmp_path, *(as_file(result).model_dump(mode="json") for result in results))
    assert ranking["search"].tolist() == ["evolution-cppn", "evolution-direct", "ascent"]
    for row in ranking.to_dict("records"):
        counts = [result.search(row["search"]).fooled(0.6) for result in results]
        assert (row["fooled"], row["fooled_most"]) == (sum(counts) / 2, max(counts))
    assert len(seeds) == 2 * 5
