"""Simulated participants with known differences between people and images, and the power of a planned study.

They serve to test the analysis and to plan a study. Files with simulated answers are marked in their names and on every
row, and results on them are never presented as results about people.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Self, TypeVar

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray
from pydantic import Field, model_validator
from scipy.special import expit, logit

from fooling.findings.bounds import CrossedShare, crossed_share
from fooling.reproducibility import numpy_generator
from fooling.settings import Seed, Settings
from fooling.survey.accuracy import JudgementSettings
from fooling.survey.questionnaire import NONE_OF_THESE, Block, CatchCard, Questionnaire, Stimulus
from fooling.survey.responses import COLUMNS, SYNTHETIC_FORMAT, joined_names
from fooling.table import COUNT, SHARE, Column, Table

Spread = Annotated[float, Field(ge=0, le=5)]
Share = Annotated[float, Field(gt=0, lt=1)]
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(80)
SAY_NONE = 0.6  # share of "none of these" among guesses where it is an option

Item = TypeVar("Item")


POWER = Table(
    name="survey_power",
    path=None,
    commands=("survey power",),
    columns=(
        Column("people", COUNT, unit="people", doc="Number of participants."),
        Column("images", COUNT, unit="images", doc="Number of images of one condition."),
        Column("trials", COUNT, unit="images", doc="Number of these images that each participant sees in one block."),
        Column("studies", COUNT, doc="Number of simulated studies."),
        Column("chance", SHARE, doc="Share of right answers from guessing."),
        Column("accuracy", SHARE, doc="True share of right answers if there is an effect."),
        Column("margin", SHARE, doc="Declared margin above chance."),
        Column(
            "above_chance",
            SHARE,
            doc="Share of the studies whose whole interval is above chance, if there is an effect.",
        ),
        Column(
            "equivalent",
            SHARE,
            doc="Share of the studies whose upper bound is less than the margin above chance, if the true share is "
            "chance.",
        ),
        Column("half_width", SHARE, doc="Mean half-width of the interval, if there is an effect."),
        Column("coverage", SHARE, doc="Share of the intervals that contain the true share, if there is an effect."),
    ),
    key=("people", "images"),
    doc="One row for each size of a planned study with people: the share of simulated studies that detect an effect, "
    "or its absence. Its path is the option `--table` of the command.",
)
Size = Annotated[int, Field(ge=2, le=1000)]


class SpreadSettings(Settings):
    """Differences between people and between images, as standard deviations of log-odds."""

    person_sd: Spread = 0.5
    """Standard deviation between people of the log-odds of a right answer."""
    image_sd: Spread = 1.0
    """Standard deviation between images of one condition of the log-odds of a right answer."""


class SimulationSettings(SpreadSettings):
    """Simulated participants."""

    participants: Annotated[int, Field(ge=1, le=2000)] = 30
    """Number of participants."""
    simulation_seed: Seed = 1
    """Seed of their answers."""
    champion: Share = 0.15
    """Share of champions in which a median person recognises the class; for the other images people guess."""
    ascent: Share = 0.1
    """The same for images of gradient ascent."""
    noise: Share = 0.01
    """The same for random images."""
    real: Share = 0.97
    """The same for real images."""
    careless: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Share of participants who quickly press random buttons."""


@dataclass(frozen=True, kw_only=True)
class Population:
    """A population of people and images with a mean ``accuracy`` over both."""

    accuracy: float
    person_sd: float
    image_sd: float

    @property
    def mean(self) -> float:
        """Log-odds of a right answer of the median person on the median image."""
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
    """Return right answers and answers of simulated ``studies``, each (studies, people, images) of 0 or 1.

    Every person sees ``trials`` of the images, drawn independently; all images if there are fewer.
    """
    of_person = generator.normal(0, population.person_sd, (studies, people, 1))
    of_image = generator.normal(0, population.image_sd, (studies, 1, images))
    places = generator.permuted(np.broadcast_to(np.arange(images), (studies, people, images)), axis=2)
    asked = (places < trials).astype(np.float64)
    right = generator.random((studies, people, images)) < expit(population.mean + of_person + of_image)
    return asked * right, asked


def simulated_files(asked: Questionnaire, settings: SimulationSettings) -> Iterator[tuple[str, str]]:
    """Yield the name and the CSV text of each simulated participant's response file."""
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
    """Yield practice, then every block: images of the conditions in turn, and its share of the catch cards."""
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


class PowerSettings(SpreadSettings, JudgementSettings):
    """Sizes of a planned study, and assumptions about people and images."""

    people: Annotated[tuple[Size, ...], Field(min_length=1, max_length=20)] = (10, 20, 40, 80, 160)
    """Numbers of participants."""
    images: Annotated[tuple[Size, ...], Field(min_length=1, max_length=8)] = (10, 20, 40, 80)
    """Numbers of images of one condition."""
    trials: Annotated[int, Field(ge=1, le=200)] = 4
    """Number of these images that each participant sees in one block."""
    chance: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Share of right answers from guessing."""
    effect: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Effect to detect: accuracy above chance."""
    studies: Annotated[int, Field(ge=100, le=10_000)] = 500
    """Number of simulated studies of each size."""
    confidence_level: Annotated[float, Field(gt=0.5, le=0.9999)] = 0.95
    """Confidence level of the intervals, and of the bound for equivalence."""
    power_seed: Seed = 1
    """Seed of the simulations."""

    @model_validator(mode="after")
    def _below_one(self) -> Self:
        if self.chance + max(self.effect, self.margin) >= 1:
            raise ValueError("chance + effect and chance + margin below 1")
        return self


def power_table(settings: PowerSettings) -> pd.DataFrame:
    """Return the power by number of people and images.

    - ``above_chance``: share of studies whose whole interval is above chance, if the true accuracy exceeds chance by
      the effect.
    - ``equivalent``: share of studies whose upper bound is less than the margin above chance, if the true accuracy is
      chance.
    - ``half_width`` and ``coverage`` of the intervals, if there is an effect.
    """
    accuracy, limit = settings.chance + settings.effect, settings.chance + settings.margin
    level = settings.confidence_level
    rows = []
    for images in settings.images:
        for people in settings.people:
            low, high = _simulated(settings, accuracy, people, images).interval(level)
            upper = _simulated(settings, settings.chance, people, images).upper_bound(level)
            rows.append(
                {
                    **{"people": people, "images": images, "trials": min(settings.trials, images)},
                    **{"studies": settings.studies, "chance": settings.chance, "accuracy": accuracy},
                    **{"margin": settings.margin, "above_chance": np.mean(low > settings.chance)},
                    **{"equivalent": np.mean(upper < limit), "half_width": np.mean(high - low) / 2},
                    "coverage": np.mean((low <= accuracy) & (accuracy <= high)),
                }
            )
    return pd.DataFrame(rows)[POWER.names]


def _simulated(settings: PowerSettings, accuracy: float, people: int, images: int) -> CrossedShare:
    generator = numpy_generator(settings.power_seed, "power", str(accuracy), people, images)
    population = Population(accuracy=accuracy, person_sd=settings.person_sd, image_sd=settings.image_sd)
    trials = min(settings.trials, images)
    size = {"studies": settings.studies, "people": people, "images": images, "trials": trials}
    return crossed_share(*simulated_grids(population, **size, generator=generator))
