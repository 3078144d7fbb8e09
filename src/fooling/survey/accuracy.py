"""Accuracy of people's answers, by block and condition and by image, compared with chance."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray
from pydantic import Field

from fooling.findings.bounds import CrossedShare, bootstrap_interval, crossed_share
from fooling.findings.intervals import ResamplingSettings
from fooling.reproducibility import numpy_generator
from fooling.settings import Settings
from fooling.survey.questionnaire import NONE_OF_THESE, Questionnaire
from fooling.table import (
    COUNT,
    FLAG,
    NUMBER,
    SHARE,
    TEXT,
    Column,
    Table,
    Values,
    bounds,
    names_of,
    one_of,
    or_nothing,
    with_bounds,
)

RIGHT, OTHER, NONE = OUTCOMES = ("right answer", "other class", "none of these")

BLOCK = Column(
    "block",
    one_of("two-way", "all-way", "free"),
    doc="Question: a choice between two classes, among all classes, or among all classes and none of them.",
)
FOILS = Column(
    "foils",
    one_of("random", "confused").or_nothing,
    doc="How the wrong option was chosen; empty except in two-way blocks.",
)
CONDITION = Column("condition", TEXT, doc="Condition to which the images belong.")
SYNTHETIC = Column("synthetic", FLAG, doc="Whether any of the answers are simulated.")
RIGHT_ANSWER = Column("class_name", TEXT, doc="The right answer.")
PEOPLE = Column("people", COUNT, unit="people", doc="Number of people who answered.")
IMAGES_ASKED = Column("images", COUNT, unit="images", doc="Number of images about which they were asked.")
ANSWERS = Column("answers", COUNT, unit="answers", doc="Number of answers.")
CHANCE = Column(
    "chance",
    SHARE.or_nothing,
    doc="Share of right answers from guessing; empty if people may answer that they see none of the classes.",
)
#: Key of the answers in one block about the images of one condition.
ASKED = (BLOCK, FOILS, CONDITION)
ACCURACY = Table(
    name="survey_accuracy",
    path="findings/survey/accuracy.csv",
    commands=("survey analyse",),
    columns=(
        *ASKED,
        Column(
            "outcome",
            one_of(*OUTCOMES),
            doc="Kind of answer. The right answer is the classifier's label; for a real image, its true class.",
        ),
        Column("network", TEXT, doc="Name of the classifier."),
        *(SYNTHETIC, PEOPLE, IMAGES_ASKED, ANSWERS),
        Column("share", SHARE, doc="Share of the answers with this outcome."),
        *bounds(SHARE),
        Column("upper", SHARE.or_nothing, doc="One-sided upper bound of the share; empty if there is no interval."),
        CHANCE,
        *or_nothing(
            Column("limit", SHARE, doc="Chance plus the declared margin."),
            doc="empty without a chance level.",
        ),
        *or_nothing(
            Column("equivalent", FLAG, doc="Whether `upper` is below `limit`."),
            doc="empty if one of them is empty.",
        ),
        *(
            Column(
                f"bootstrap_{bound}",
                SHARE.or_nothing,
                doc=f"{words} bound of the two-way bootstrap interval, which is too wide; given for comparison.",
            )
            for bound, words in (("low", "Lower"), ("high", "Upper"))
        ),
        *with_bounds(
            Column("sensitivity", NUMBER.or_nothing, doc="Sensitivity d' of the share; empty except in two-way blocks.")
        ),
    ),
    key=(*names_of(ASKED), "outcome"),
    doc="One row for each block, condition and outcome: the share of people's answers with this outcome.",
)
IMAGES = Table(
    name="survey_images",
    path="findings/survey/images.csv",
    commands=("survey analyse",),
    columns=(
        *ASKED,
        Column("stimulus", TEXT, doc="Name of the image."),
        RIGHT_ANSWER,
        Column("confidence", SHARE, doc="Confidence of the classifier in the right answer."),
        *(SYNTHETIC, ANSWERS),
        Column("share", SHARE, doc="Share of right answers; the bounds are Wilson's."),
        *bounds(SHARE, always=True),
        Column("rating", Values(kind="number", least=1, most=5), doc="Mean of people's ratings of how sure they are."),
        CHANCE,
        *or_nothing(
            Column("p_value", SHARE, doc="Exact binomial p-value of the share against chance."),
            Column("p_holm", SHARE, doc="The same, corrected by Holm's method over all images of the block."),
            doc="empty without a chance level.",
        ),
    ),
    key=("block", "foils", "stimulus"),
    doc="One row for each image in each block.",
)


class ExclusionSettings(Settings):
    """Rules for excluding answers, declared before the survey."""

    fastest_ms: Annotated[int, Field(ge=0, le=10_000)] = 250
    """Minimum response time in milliseconds; faster answers are excluded."""
    failed_catch_allowed: Annotated[int, Field(ge=0, le=20)] = 1
    """Number of catch cards that a participant may answer wrongly; with more, the participant is excluded."""
    too_fast_share: Annotated[float, Field(ge=0, le=1)] = 0.2
    """Share of a participant's answers that may be too fast; with more, the participant is excluded."""


class JudgementSettings(Settings):
    """Equivalence to chance."""

    margin: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Equivalence margin: an accuracy whose upper bound is less than this above chance is equivalent to chance."""


class AnalysisSettings(ExclusionSettings, JudgementSettings, ResamplingSettings):
    """Rules of exclusion, the margin around chance, and how confidence intervals are computed."""


def accuracy_table(answers: pd.DataFrame, asked: Questionnaire, settings: AnalysisSettings) -> pd.DataFrame:
    """Return the primary analysis: the share of each outcome by block and condition, compared with chance.

    In two-way and all-way blocks the only outcome is the right answer: the classifier's label, or the true class of a
    real image. In free blocks there are three outcomes.
    """
    rows = [
        {**dict(zip(names_of(ASKED), named, strict=True)), "network": asked.network.name, **row}
        for named, of_condition in by_condition(answers, asked)
        for row in _outcomes(of_condition, chance_of(named[0], asked), settings, named)
    ]
    return in_columns(rows, ACCURACY, answers)


def image_table(answers: pd.DataFrame, asked: Questionnaire, settings: AnalysisSettings) -> pd.DataFrame:
    """Return, for every image in every block, accuracy, Wilson's interval, and the exact binomial test against chance.

    The answers about one image come from different people and are independent. Holm's correction is over all images of
    the block.
    """
    from statsmodels.stats.multitest import multipletests  # type: ignore[import-untyped]  # readers do not need it

    stimuli = {stimulus.id: stimulus for stimulus in asked.stimuli}
    rows = []
    for (block, foils), of_block in _by_block(answers, asked):
        chance = chance_of(block, asked)
        tests = []
        for name in [name for name in stimuli if (of_block["stimulus"] == name).any()]:
            about, stimulus = of_block[of_block["stimulus"] == name], stimuli[name]
            test = scipy.stats.binomtest(int(is_right(about).sum()), len(about), 0.5 if math.isnan(chance) else chance)
            interval = test.proportion_ci(settings.confidence_level, method="wilson")
            tests.append(math.nan if math.isnan(chance) else float(test.pvalue))
            rows.append(
                {
                    **{"block": block, "foils": foils, "condition": stimulus.condition, "stimulus": name},
                    **{"class_name": stimulus.class_name, "confidence": stimulus.confidence},
                    **{"answers": len(about), "share": test.statistic, "low": interval.low, "high": interval.high},
                    **{"rating": about["rating"].mean(), "chance": chance, "p_value": tests[-1]},
                }
            )
        adjusted = tests if math.isnan(chance) else multipletests(tests, method="holm")[1]
        for row, p_holm in zip(rows[len(rows) - len(tests) :], adjusted, strict=True):
            row["p_holm"] = float(p_holm)
    return in_columns(rows, IMAGES, answers)


def chance_of(block: str, asked: Questionnaire) -> float:
    """Return the accuracy of guessing; NaN if people may answer that they see none of the classes."""
    options = next(declared.options for declared in asked.blocks if declared.name == block)
    return math.nan if block == "free" else 1 / options


def is_right(answers: pd.DataFrame) -> pd.Series[bool]:
    """Return which answers are right: the classifier's label, or the true class of a real image."""
    return answers["response"] == answers["correct_answer"]


def grids_of(answers: pd.DataFrame, is_hit: pd.Series[bool]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the counts of hits and of answers, both (people, images), sorted by name."""
    people, images = (pd.factorize(answers[column], sort=True) for column in ("participant", "stimulus"))
    asked = np.zeros((len(people[1]), len(images[1])))
    hits = np.zeros_like(asked)
    np.add.at(asked, (people[0], images[0]), 1)
    np.add.at(hits, (people[0], images[0]), is_hit.to_numpy(dtype=float))
    return hits, asked


def sensitivity_of(share: float) -> float:
    """Return the sensitivity d' of an accuracy with two options, assuming no response bias."""
    return float(math.sqrt(2) * scipy.stats.norm.ppf(share))


def by_condition(answers: pd.DataFrame, asked: Questionnaire) -> Iterator[tuple[tuple[str, str, str], pd.DataFrame]]:
    """Yield each block, foils and condition with answers, in the questionnaire's order."""
    for (block, foils), of_block in _by_block(answers, asked):
        for condition in asked.conditions:
            if not (of_condition := of_block[of_block["condition"] == condition]).empty:
                yield (block, foils, condition), of_condition


def _by_block(answers: pd.DataFrame, asked: Questionnaire) -> Iterator[tuple[tuple[str, str], pd.DataFrame]]:
    for block in asked.blocks:
        of_block = answers[(answers["block"] == block.name) & (answers["foils"] == block.foils)]
        if not of_block.empty:
            yield (block.name, block.foils), of_block


def _outcomes(
    answers: pd.DataFrame, chance: float, settings: AnalysisSettings, purpose: tuple[str, ...]
) -> Iterator[dict[str, object]]:
    right, none = is_right(answers), answers["response"] == NONE_OF_THESE
    holds = {RIGHT: right} if not math.isnan(chance) else {RIGHT: right, OTHER: ~right & ~none, NONE: none}
    for outcome, is_hit in holds.items():
        hits, asked = grids_of(answers, is_hit)
        share = crossed_share(hits, asked)
        generator = numpy_generator(settings.interval_seed, "survey", *purpose, outcome)
        level = settings.confidence_level
        checked = bootstrap_interval(hits, asked, samples=settings.bootstrap_samples, level=level, generator=generator)
        low, high, upper = (float(bound) for bound in (*share.interval(level), share.upper_bound(level)))
        yield {
            **{"outcome": outcome, "people": len(asked), "images": asked.shape[1], "answers": int(asked.sum())},
            **{"share": float(share.value), "low": low, "high": high, "upper": upper},
            **_beside_chance(upper, chance, settings.margin),
            **dict(zip(("bootstrap_low", "bootstrap_high"), checked, strict=True)),
            **(_sensitivity(share, level) if purpose[0] == "two-way" else {}),
        }


def _beside_chance(upper: float, chance: float, margin: float) -> dict[str, object]:
    """Return whether the upper bound is less than the margin above chance; None without chance level or bound."""
    limit = min(chance + margin, 1.0)  # NaN without chance
    is_known = not math.isnan(upper + limit)
    return {"chance": chance, "limit": limit, "equivalent": upper < limit if is_known else None}


def _sensitivity(share: CrossedShare, level: float) -> dict[str, float]:
    """Return d' with half an answer added on each side, so that it is finite if all answers are right or wrong."""
    bounds = (float(bound) for bound in share.interval(level))
    centre = 1 / (1 + math.exp(-float(share.centre)))
    low, high = (sensitivity_of(bound) for bound in bounds)
    return {"sensitivity": sensitivity_of(centre), "sensitivity_low": low, "sensitivity_high": high}


def in_columns(rows: Any, table: Table, answers: pd.DataFrame) -> pd.DataFrame:
    """Return ``rows`` in the columns of ``table``, marked if any of the ``answers`` are simulated."""
    return pd.DataFrame(rows, columns=table.names).assign(synthetic=bool(answers["synthetic"].any()))
