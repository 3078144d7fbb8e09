"""Chosen images are balanced over classes, unique, and independent of the classifier's confidence."""

from __future__ import annotations

import dataclasses
from collections import Counter

import numpy as np
import pytest
from scipy.stats import chisquare

from fooling.survey.sampling import Candidate, champions_of, draw_candidates, random_images_of
from made_up_run import made_up_run

CLASSES, SEEDS = 7, 9


def made_candidates(classes: int = CLASSES, seeds: int = SEEDS) -> list[Candidate]:
    """One image for every class and seed, all different."""
    return [
        Candidate(
            image=np.full((1, 2, 2), seeds * index + seed, dtype=np.uint8),
            class_index=index,
            source=f"seed {seed}",
            confidence=(index + seed) / 100,
        )
        for seed in range(seeds)
        for index in range(classes)
    ]


def told(chosen: list[Candidate]) -> list[tuple[int, str]]:
    return [(candidate.class_index, candidate.source) for candidate in chosen]


@pytest.mark.parametrize("count", [1, 6, 7, 20, 62, 63, 100])
def test_classes_take_turns_and_nothing_is_drawn_twice(count: int) -> None:
    chosen = told(draw_candidates(made_candidates(), count, seed=3, condition="cppn"))
    assert len(chosen) == len(set(chosen)) == min(count, CLASSES * SEEDS)
    classes = [index for index, _ in chosen]
    first = classes[:CLASSES]
    assert len(set(first)) == len(first)
    assert classes == (first * SEEDS)[: len(classes)]


def test_the_seed_and_the_condition_decide() -> None:
    candidates = made_candidates()
    first = told(draw_candidates(candidates, 20, seed=1, condition="cppn"))
    assert told(draw_candidates(candidates, 20, seed=1, condition="cppn")) == first
    assert told(draw_candidates(candidates, 20, seed=2, condition="cppn")) != first
    assert told(draw_candidates(candidates, 20, seed=1, condition="direct")) != first


def test_more_stimuli_keep_the_first_ones() -> None:
    candidates = made_candidates()
    fewer, more = (told(draw_candidates(candidates, count, seed=1, condition="cppn")) for count in (10, 40))
    assert more[:10] == fewer


def test_how_sure_the_network_is_changes_nothing() -> None:
    candidates = made_candidates()
    confidences = [candidate.confidence for candidate in candidates]
    shuffled = np.random.default_rng(0).permutation(confidences).tolist()
    others = [
        dataclasses.replace(candidate, confidence=confidence)
        for candidate, confidence in zip(candidates, shuffled, strict=True)
    ]
    assert confidences != shuffled
    assert told(draw_candidates(candidates, 20, seed=1, condition="cppn")) == told(
        draw_candidates(others, 20, seed=1, condition="cppn")
    )


def test_every_image_of_a_class_has_the_same_chance() -> None:
    candidates = made_candidates(classes=2, seeds=5)
    draws = [told(draw_candidates(candidates, 2, seed=seed, condition="cppn")) for seed in range(1000)]
    sources = Counter(source for draw in draws for index, source in draw if index == 0)
    first = Counter(draw[0][0] for draw in draws)
    assert len(sources) == 5 and sources.total() == 1000
    assert chisquare(list(sources.values())).pvalue > 0.001
    assert chisquare(list(first.values())).pvalue > 0.001


def test_an_image_that_equals_another_is_passed_over() -> None:
    candidates = made_candidates(classes=3, seeds=4)
    same = [dataclasses.replace(candidate, image=candidates[0].image) for candidate in candidates[:6]]
    chosen = draw_candidates([*same, *candidates[6:]], 12, seed=1, condition="noise")
    assert len(chosen) == len({candidate.image.tobytes() for candidate in chosen}) == 7


def test_runs_give_their_champions_and_the_champions_of_their_start() -> None:
    confidences = np.array([[0.2, 0.3], [0.9, 0.8]])
    images = np.arange(32, dtype=np.uint8).reshape(2, 1, 4, 4)
    run = made_up_run(confidences, seed=4, images=images)
    run = dataclasses.replace(run, start_images=images + 100, settings={"search": {"scoring_input": "mean-subtracted"}})
    champions, random = champions_of("direct", [run]), random_images_of("direct", [run])
    assert [champion.confidence for champion in champions] == pytest.approx([0.9, 0.8])
    assert [champion.class_index for champion in champions] == [0, 1]
    assert champions[1].source == "evolution/lenet-a/direct seed 4"
    assert np.array_equal(champions[1].image, images[1])
    assert [image.confidence for image in random] == [None, None]
    assert random[0].source == "evolution/lenet-a/direct seed 4 generation 0"
    assert random[0].mean_subtracted
    assert np.array_equal(random[1].image, images[1] + 100)
