"""How many people and images a planned study needs, by simulating studies of every size and analysing each."""

from __future__ import annotations

from typing import Annotated, Self

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from fooling.seeding import numpy_generator
from fooling.settings import Seed
from fooling.survey.crossed import CrossedShare, crossed_share
from fooling.survey.settings import JudgementSettings
from fooling.survey.simulation import Population, SpreadSettings, simulated_grids
from fooling.table import COUNT, SHARE, Column, Table

POWER = Table(
    name="survey_power",
    path=None,
    commands=("survey power",),
    columns=(
        Column("people", COUNT, unit="people", doc="Number of participants."),
        Column("images", COUNT, unit="images", doc="Number of images of one condition."),
        Column("trials", COUNT, unit="images", doc="Number of these images that each participant sees in one block."),
        Column("studies", COUNT, doc="Number of simulated studies."),
        Column("chance", SHARE, doc="Share of right answers that guessing gives."),
        Column("accuracy", SHARE, doc="True share of right answers where there is an effect."),
        Column("margin", SHARE, doc="Declared margin above chance."),
        Column(
            "above_chance",
            SHARE,
            doc="Share of the studies whose whole interval is above chance, where there is an effect.",
        ),
        Column(
            "equivalent",
            SHARE,
            doc="Share of the studies whose upper bound is less than the margin above chance, where the true share is "
            "chance.",
        ),
        Column("half_width", SHARE, doc="Mean half-width of the interval, where there is an effect."),
        Column("coverage", SHARE, doc="Share of the intervals that contain the true share, where there is an effect."),
    ),
    key=("people", "images"),
    doc="One row for each size of a planned study with people: what share of simulated studies finds what is there. "
    "Its path is the option `--table` of the command.",
)

Size = Annotated[int, Field(ge=2, le=1000)]


class PowerSettings(SpreadSettings, JudgementSettings):
    """What is planned, and what is supposed of people and images."""

    people: Annotated[tuple[Size, ...], Field(min_length=1, max_length=20)] = (10, 20, 40, 80, 160)
    """Numbers of participants."""
    images: Annotated[tuple[Size, ...], Field(min_length=1, max_length=8)] = (10, 20, 40, 80)
    """Numbers of images of one condition."""
    trials: Annotated[int, Field(ge=1, le=200)] = 4
    """Of these images so many are shown to each participant in one block."""
    chance: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Share of right answers that guessing gives."""
    effect: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """How far above chance the share is that should be found."""
    studies: Annotated[int, Field(ge=100, le=10_000)] = 500
    """Simulated studies of each size."""
    confidence_level: Annotated[float, Field(gt=0.5, le=0.9999)] = 0.95
    """Confidence of the intervals, and of the bound that shows equivalence."""
    power_seed: Seed = 1
    """Seed of the simulations."""

    @model_validator(mode="after")
    def _below_one(self) -> Self:
        if self.chance + max(self.effect, self.margin) >= 1:
            raise ValueError("chance with the effect, and with the margin, stays below 1")
        return self


def power_table(settings: PowerSettings) -> pd.DataFrame:
    """For every number of people and images what shares of simulated studies find what is there.

    ``above_chance``: the whole interval lies above chance, where the true share does so by the effect. ``equivalent``:
    the upper bound lies less than the margin above chance, where the true share is chance. ``half_width`` and
    ``coverage`` are of the intervals where there is an effect.
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
