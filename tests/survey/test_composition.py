"""Composition of a questionnaire, and its catch cards."""

from __future__ import annotations

import dataclasses
import hashlib
import io
from collections import Counter
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.stats import chisquare

from fooling.datasets.dataset import Dataset
from fooling.survey.composition import (
    MARGIN,
    SIDE,
    Candidate,
    Condition,
    Context,
    catch_card,
    champions_of,
    compose,
    draw_candidates,
    random_images_of,
    real_images_of,
)
from fooling.survey.questionnaire import QuestionnaireSettings, labels_of
from fooling.survey.responses import parsed_responses
from made_up_answers import simulated
from made_up_run import made_up_run

NAMES = ("cat", "dog", "fox", "owl")
PER_CLASS = 6


def made_dataset(names: tuple[str, ...] = NAMES) -> Dataset:
    """Grey images whose level tells their class."""
    labels = np.repeat(np.arange(len(names)), PER_CLASS)
    images = np.stack([np.full((1, 3, 3), 50 * label) for label in labels]).astype(np.uint8)
    images[:, 0, 0, 0] += np.tile(np.arange(PER_CLASS), len(names)).astype(np.uint8)
    return Dataset(
        name="levels",
        class_names=names,
        train_images=images,
        train_labels=labels,
        test_images=images,
        test_labels=labels,
        provenance={},
    )


def by_level(images: np.ndarray, mean_subtracted: bool) -> np.ndarray:
    """Is sure of the class of that level, takes it next for the class above it, and fed otherwise for the last one."""
    confidences = np.full((len(images), len(NAMES)), 0.1, dtype=np.float32)
    labels = np.full(len(images), 3) if mean_subtracted else images[:, 0, 2, 2] // 50
    confidences[np.arange(len(images)), labels] = 0.6
    confidences[np.arange(len(images)), (labels + 1) % len(NAMES)] += 0.1
    return confidences


def made_context(dataset: Dataset | None = None, **settings: Any) -> Context:
    return Context(
        study="animals",
        network={"name": "lenet-a", "sha256": "b" * 64},
        scorer=by_level,
        dataset=dataset or made_dataset(),
        settings=QuestionnaireSettings(**settings),
    )


def real(dataset: Dataset | None = None) -> Condition:
    return Condition(name="real", kind="real", candidates=real_images_of(dataset or made_dataset()))


def noise(*, mean_subtracted: bool = False) -> Condition:
    """One image of the level of the third class, made for the first one."""
    image = np.full((1, 3, 3), 101, dtype=np.uint8)
    candidate = Candidate(image=image, class_index=0, source="start", mean_subtracted=mean_subtracted)
    return Condition(name="noise", kind="noise", candidates=[candidate])


def test_files_hold_the_pixels_and_have_the_checksums_that_are_told() -> None:
    images = {
        f"level {level}": np.full((3, 4, 5), level, dtype=np.uint8) + np.arange(5, dtype=np.uint8) for level in (1, 50)
    }
    candidates = [
        Candidate(image=image, class_index=index, source=source, confidence=0.75)
        for index, (source, image) in enumerate(images.items())
    ]
    questionnaire, files = compose(
        [Condition(name="cppn", kind="champion", candidates=candidates)], made_context(practice_trials=0)
    )
    assert sorted(files) == sorted(f"{card.id}.png" for card in (*questionnaire.stimuli, *questionnaire.catch))
    for stimulus in questionnaire.stimuli:
        content = files[stimulus.file.removeprefix("stimuli/")]
        assert hashlib.sha256(content).hexdigest() == stimulus.sha256
        shown = np.moveaxis(np.asarray(Image.open(io.BytesIO(content))), -1, 0)
        assert np.array_equal(shown, images[stimulus.source])
    assert {(s.source, s.class_name) for s in questionnaire.stimuli} == {("level 1", "cat"), ("level 50", "dog")}
    assert {stimulus.confidence for stimulus in questionnaire.stimuli} == {0.75}


def test_real_images_are_told_by_their_true_class_and_never_practised_with() -> None:
    questionnaire, files = compose([real()], made_context(stimuli_per_condition=10, practice_trials=5))
    data = made_dataset()
    for stimulus in (*questionnaire.stimuli, *questionnaire.practice):
        place = int(stimulus.source.rpartition(" ")[2])
        assert stimulus.class_name == NAMES[data.test_labels[place]]
        assert stimulus.confidence == pytest.approx(0.6)
    assert len(questionnaire.stimuli) == 10 and len(questionnaire.practice) == questionnaire.practice_trials == 5
    shown = [files[f"{entry.id}.png"] for entry in (*questionnaire.stimuli, *questionnaire.practice)]
    assert len(set(shown)) == 15


def test_there_is_as_much_practice_as_real_images_are_left() -> None:
    questionnaire, _ = compose([real()], made_context(stimuli_per_condition=23, practice_trials=5))
    assert len(questionnaire.practice) == questionnaire.practice_trials == 1


def test_noise_is_what_the_network_calls_it() -> None:
    asked, otherwise = (compose([noise(mean_subtracted=fed)], made_context())[0].stimuli[0] for fed in (False, True))
    assert (asked.class_name, otherwise.class_name) == ("fox", "owl")
    assert asked.confidence == pytest.approx(0.6)


def test_classes_are_confused_with_those_that_the_network_is_next_sure_of_and_ties_go_by_their_order() -> None:
    questionnaire, _ = compose([real()], made_context())
    confused = {stimulus.class_name: stimulus.confused for stimulus in questionnaire.stimuli}
    assert confused == {
        "cat": ("dog", "fox", "owl"),
        "dog": ("fox", "cat", "owl"),
        "fox": ("owl", "cat", "dog"),
        "owl": ("cat", "dog", "fox"),
    }


def test_there_are_no_more_options_than_asked_for() -> None:
    questionnaire, _ = compose([real()], made_context(options=3))
    assert {stimulus.confused for stimulus in questionnaire.stimuli} >= {("dog", "fox")}
    assert [block.options for block in questionnaire.blocks] == [2, 2, 3, 3]


def test_catch_cards_ask_for_different_buttons_until_there_are_no_more() -> None:
    questionnaire, files = compose([real()], made_context(catch_trials=6))
    answers = [card.answer for card in questionnaire.catch]
    assert sorted(answers[:4]) == sorted(NAMES) and answers[4:] == answers[:2]
    assert files["catch-1.png"] == files["catch-5.png"] != files["catch-2.png"]


def test_everything_repeats_to_the_byte() -> None:
    first, second = (compose([real(), noise()], made_context()) for _ in range(2))
    assert first == second


NO_LABELS = {
    "-rf": "“-rf”",
    "=1+1": "“=1+1”",
    "@home": "“@home”",
    "none of these": "“none of these”",
    "tab\there": "“tab\\there”",
    "": "“”",
    "x" * 201: "“" + "x" * 180 + "…”",
}


@pytest.mark.parametrize("name", NO_LABELS)
def test_a_class_that_no_button_can_name_stands_in_quotation_marks(name: str) -> None:
    context = made_context(made_dataset(("cat", name, "fox", "owl")), practice_trials=0)
    questionnaire, _ = compose([real(context.dataset), noise()], context)
    assert questionnaire.classes == ("cat", NO_LABELS[name], "fox", "owl")
    for stimulus in questionnaire.stimuli:
        assert {stimulus.class_name, *stimulus.confused} == set(questionnaire.classes)
    assert {card.answer for card in questionnaire.catch} == set(questionnaire.classes)
    files = simulated(questionnaire, participants=1)
    (text,) = files.values()
    answers = parsed_responses(text, kind="csv", source="file", questionnaire=questionnaire)
    assert len(answers) == text.count("\n") - 1


def test_labels_differ_where_names_do() -> None:
    assert labels_of(("-1", "“-1”", "“-1” (2)", "a")) == ("“-1” (3)", "“-1”", "“-1” (2)", "a")
    long = labels_of(("y" * 300, "y" * 301))
    assert len(set(long)) == 2
    assert max(map(len, long)) <= 200


LONG = "Staffordshire bullterrier, Staffordshire bull terrier"


def pixels(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)))


@pytest.mark.parametrize("answer", ["3", "golden retriever", LONG, "supercalifragilisticexpialidocious"])
def test_an_answer_is_written_within_the_margins(answer: str) -> None:
    shown = pixels(catch_card(answer))
    assert shown.shape == (SIDE, SIDE)
    below = shown[SIDE // 3 : -MARGIN, 8:-8]
    written = np.flatnonzero((below < 128).any(axis=0)) + 8
    assert len(written) and written[0] >= MARGIN - 2 and written[-1] <= SIDE - MARGIN + 2
    assert (shown[-MARGIN:-6, 8:-8] > 200).all()


def test_cards_tell_their_answers_apart_and_repeat_to_the_byte() -> None:
    assert catch_card("3") == catch_card("3") != catch_card("8")


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
