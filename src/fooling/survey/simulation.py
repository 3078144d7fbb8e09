"""People who never were: answers drawn with known differences between people and between images.

They serve to test the analysis and to plan a study. Files with such answers are marked, in their names and on every
row, and nothing that is measured on them is said of people.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, TypeVar

import numpy as np
import scipy
from numpy.typing import NDArray
from pydantic import Field
from scipy.special import expit, logit

from fooling.seeding import numpy_generator
from fooling.settings import Seed, Settings
from fooling.survey.questionnaire import NONE_OF_THESE, Block, CatchCard, Questionnaire, Stimulus
from fooling.survey.responses import COLUMNS, SYNTHETIC_FORMAT, joined_names

Spread = Annotated[float, Field(ge=0, le=5)]
Share = Annotated[float, Field(gt=0, lt=1)]
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(80)
SAY_NONE = 0.6  # of those who see nothing and may say so

Item = TypeVar("Item")


class SpreadSettings(Settings):
    """How much people and images differ, as standard deviations of log-odds."""

    person_sd: Spread = 0.5
    """Standard deviation between people of the log-odds of a right answer."""
    image_sd: Spread = 1.0
    """Standard deviation between images of one condition of the log-odds of a right answer."""


class SimulationSettings(SpreadSettings):
    """Simulated participants."""

    participants: Annotated[int, Field(ge=1, le=2000)] = 30
    """How many."""
    simulation_seed: Seed = 1
    """Seed of their answers."""
    champion: Share = 0.15
    """Share of champions in which the middle person sees the class; the others guess."""
    ascent: Share = 0.1
    """The same of images of gradient ascent."""
    noise: Share = 0.01
    """The same of random images."""
    real: Share = 0.97
    """The same of real images."""
    careless: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Share of participants who press any button, and fast."""


@dataclass(frozen=True, kw_only=True)
class Population:
    """People and images of which ``accuracy`` is the share of right answers over all of both."""

    accuracy: float
    person_sd: float
    image_sd: float

    @property
    def mean(self) -> float:
        """The log-odds of a right answer of the middle person on the middle image."""
        sd = math.hypot(self.person_sd, self.image_sd)

        def excess(mean: float) -> float:
            return float((expit(mean + sd * NODES) * WEIGHTS).sum() / WEIGHTS.sum() - self.accuracy)

        return float(scipy.optimize.brentq(excess, -40, 40))


def simulated_grids(
    population: Population,
    *,
    studies: int,
    people: int,
    images: int,
    trials: int,
    generator: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Right answers and answers of ``studies``, each (studies, people, images): 0 or 1.

    Every person sees ``trials`` of the images, drawn for them alone; all images where there are no more.
    """
    of_person = generator.normal(0, population.person_sd, (studies, people, 1))
    of_image = generator.normal(0, population.image_sd, (studies, 1, images))
    places = generator.permuted(np.broadcast_to(np.arange(images), (studies, people, images)), axis=2)
    asked = (places < trials).astype(np.float64)
    right = generator.random((studies, people, images)) < expit(population.mean + of_person + of_image)
    return asked * right, asked


def simulated_files(asked: Questionnaire, settings: SimulationSettings) -> Iterator[tuple[str, str]]:
    """The CSV text of each simulated participant's response file, with its name."""
    difficulty = numpy_generator(settings.simulation_seed, "simulated images")
    of_image = {card.id: float(difficulty.normal(0, settings.image_sd)) for card in (*asked.stimuli, *asked.practice)}
    for number in range(1, settings.participants + 1):
        generator = numpy_generator(settings.simulation_seed, "simulated participant", number)
        person = _Person(
            name=generator.bytes(8).hex(),
            seed=int(generator.integers(2**32)),
            ability=float(generator.normal(0, settings.person_sd)),
            is_careless=bool(generator.random() < settings.careless),
        )
        yield f"synthetic-{number:04}.csv", _file(_rows(person, asked, settings, of_image, generator))


@dataclass(frozen=True, kw_only=True)
class _Person:
    name: str
    seed: int
    ability: float
    is_careless: bool


def _rows(
    person: _Person,
    asked: Questionnaire,
    settings: SimulationSettings,
    of_image: dict[str, float],
    generator: np.random.Generator,
) -> Iterator[dict[str, object]]:
    for trial, (kind, block, card) in enumerate(_trials(asked, generator), start=1):
        sees = 1.0
        if isinstance(card, Stimulus):
            typical: float = getattr(settings, card.kind)
            sees = float(expit(logit(typical) + person.ability + of_image[card.id]))
        right = card.class_name if isinstance(card, Stimulus) else card.answer
        options = _options(card, right, block, asked.classes, generator)
        is_seen = not person.is_careless and bool(generator.random() < sees)
        response = right if is_seen else _guess(options, generator)
        sure = generator.normal(4 if is_seen else 2, 1)
        yield {
            **{"format": SYNTHETIC_FORMAT, "study": asked.study, "study_version": asked.version},
            **{"participant": person.name, "seed": person.seed, "block": block.name, "foils": block.foils},
            **{"trial": trial, "kind": kind, "stimulus": card.id, "stimulus_sha256": card.sha256},
            **{"condition": card.condition if isinstance(card, Stimulus) else "", "options": joined_names(options)},
            **{"response": response, "correct_answer": right, "rating": round(min(5, max(1, sure)))},
            **{
                "response_ms": _time(200 if person.is_careless else 1400, generator),
                "rating_ms": _time(700, generator),
            },
            **{"screen": "1280x720", "finished": "true"},
        }


def _trials(asked: Questionnaire, generator: np.random.Generator) -> Iterator[tuple[str, Block, Stimulus | CatchCard]]:
    """Practice, then every block with images of all conditions in turn and its share of the catch cards."""
    yield from (("practice", asked.blocks[0], card) for card in asked.practice[: asked.practice_trials])
    for place, block in enumerate(asked.blocks):
        shuffled = [_shuffled(asked.of_condition(name), generator) for name in _shuffled(asked.conditions, generator)]
        longest = max(map(len, shuffled))
        in_turn = [images[turn] for turn in range(longest) for images in shuffled if turn < len(images)]
        cards: list[tuple[str, Stimulus | CatchCard]] = [
            ("stimulus", card) for card in in_turn[: asked.trials_per_block]
        ]
        cards += [("catch", card) for card in asked.catch[: asked.catch_trials][place :: len(asked.blocks)]]
        for kind, card in _shuffled(cards, generator):
            yield kind, block, card


def _options(
    card: Stimulus | CatchCard, right: str, block: Block, classes: Sequence[str], generator: np.random.Generator
) -> list[str]:
    others = _shuffled([name for name in classes if name != right], generator)
    is_confused = block.foils == "confused" and isinstance(card, Stimulus)
    foils = (list(card.confused) if is_confused and isinstance(card, Stimulus) else others)[: block.options - 1]
    shown = _shuffled([right, *foils], generator)
    return [*shown, NONE_OF_THESE] if block.name == "free" else shown


def _guess(options: Sequence[str], generator: np.random.Generator) -> str:
    if options[-1] == NONE_OF_THESE:
        if generator.random() < SAY_NONE:
            return NONE_OF_THESE
        options = options[:-1]
    return options[int(generator.integers(len(options)))]


def _time(middle: float, generator: np.random.Generator) -> int:
    return round(middle * math.exp(generator.normal(0, 0.35)))


def _shuffled(items: Sequence[Item], generator: np.random.Generator) -> list[Item]:
    return [items[place] for place in generator.permutation(len(items))]


def _file(rows: Iterator[dict[str, object]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fieldnames=list(COLUMNS), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
