"""Whether people agree: with one another, with the network's labels, and with how sure the network is."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

from fooling.findings.intervals import ResamplingSettings
from fooling.seeding import numpy_generator
from fooling.survey.accuracy import (
    ANSWERS,
    ASKED,
    BLOCK,
    FOILS,
    IMAGES_ASKED,
    PEOPLE,
    RIGHT_ANSWER,
    SYNTHETIC,
    by_condition,
    in_columns,
    is_right,
)
from fooling.survey.questionnaire import Questionnaire
from fooling.table import NUMBER, SHARE, TEXT, Column, Table, Values, bounds, names_of, one_of

ALL = "all"  # of the conditions together
FEWEST_IMAGES = 4  # for a correlation
MOST_WITHOUT = 0.5  # of the resamples without a value: with more there is no interval

_CORRELATION = Values(kind="number", least=-1, most=1)
AGREEMENT = Table(
    name="survey_agreement",
    path="findings/survey/agreement.csv",
    commands=("survey analyse",),
    columns=(
        *ASKED,
        Column(
            "of",
            one_of("answers", "right answers"),
            doc="What people agree about: the answers, or in two-way blocks whether these are right.",
        ),
        *(SYNTHETIC, PEOPLE, IMAGES_ASKED),
        Column(
            "alpha",
            NUMBER.or_nothing,
            doc="Krippendorff's alpha: 1 is full agreement, 0 what chance would give; its interval is over images.",
        ),
        *bounds(NUMBER),
        Column("note", TEXT.or_nothing, doc="Why there is no alpha."),
    ),
    key=tuple(names_of(ASKED)),
    doc="One row for each block and condition: how far people agree.",
)
CONFIDENCE = Table(
    name="survey_confidence",
    path="findings/survey/confidence.csv",
    commands=("survey analyse",),
    columns=(
        *(BLOCK, FOILS),
        Column("condition", TEXT, doc="Condition to which the images belong, or `all`."),
        Column(
            "measure",
            one_of("share", "rating"),
            doc="What is correlated with the classifier's confidence: the share of right answers, or the mean rating.",
        ),
        *(SYNTHETIC, IMAGES_ASKED),
        Column(
            "correlation",
            _CORRELATION.or_nothing,
            doc="Spearman's rank correlation over images; its interval is over images as well.",
        ),
        *bounds(_CORRELATION),
        Column("note", TEXT.or_nothing, doc="Why there is no correlation."),
    ),
    key=(*names_of(ASKED), "measure"),
    doc="One row for each block, condition and measure, and one for `all` conditions: whether people are right, or "
    "sure, where the classifier is confident.",
)
CONFUSION = Table(
    name="survey_confusion",
    path="findings/survey/confusion.csv",
    commands=("survey analyse",),
    columns=(
        *ASKED,
        RIGHT_ANSWER,
        Column("response", TEXT, doc="The answer given."),
        *(SYNTHETIC, ANSWERS),
        Column("share", SHARE, doc="Their share of the answers about images of this class."),
    ),
    key=(*names_of(ASKED), "class_name", "response"),
    may_be_empty=True,
    doc="One row for each block in which all classes are offered, condition, class and response.",
)

Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]  # of (samples, images, ...), one for each sample


def agreement_table(answers: pd.DataFrame, asked: Questionnaire, settings: ResamplingSettings) -> pd.DataFrame:
    """Krippendorff's alpha of the answers per block and condition: 1 is full agreement, 0 what chance would give.

    Between two options it is that of right and wrong, as different people are offered different ones. The interval is
    over the images, which are drawn anew with all answers about them.
    """
    rows = []
    for named, about in by_condition(answers, asked):
        block = named[0]
        values = is_right(about).astype(str) if block == "two-way" else about["response"]
        counts = pd.crosstab(about["stimulus"], values).to_numpy()
        found = _over_images(counts, _alphas, settings, ("alpha", *named))
        rows.append(
            {
                **dict(zip(names_of(ASKED), named, strict=True)),
                **{"of": "right answers" if block == "two-way" else "answers"},
                **{"people": about["participant"].nunique(), "images": len(counts)},
                **dict(zip(("alpha", "low", "high"), found, strict=True)),
                "note": "everybody says the same, or nobody the same image" if math.isnan(found[0]) else "",
            }
        )
    return in_columns(rows, AGREEMENT, answers)


def confidence_table(images: pd.DataFrame, settings: ResamplingSettings) -> pd.DataFrame:
    """Spearman's rank correlation, over the images, of people with the network's confidence in the right answer.

    Of people their share of right answers, and how sure they say they are; per condition and of all together.
    """
    rows = []
    for (block, foils), of_block in images.groupby(["block", "foils"], sort=False):
        parts = [(str(condition), part) for condition, part in of_block.groupby("condition", sort=False)]
        for condition, part in [*parts, (ALL, of_block)]:
            for measure in ("share", "rating"):
                pairs = part[[measure, "confidence"]].to_numpy(dtype=float)
                purpose = ("confidence", str(block), str(foils), condition, measure)
                found = _over_images(pairs, _rank_correlations, settings, purpose)
                note = "too few images, or all are alike" if math.isnan(found[0]) else ""
                rows.append(
                    {
                        **{"block": block, "foils": foils, "condition": condition, "measure": measure},
                        **{"images": len(pairs), **dict(zip(("correlation", "low", "high"), found, strict=True))},
                        "note": note,
                    }
                )
    return in_columns(rows, CONFIDENCE, images)


def confusion_table(answers: pd.DataFrame, asked: Questionnaire) -> pd.DataFrame:
    """What people say of the images of each class, where they choose among many: answers, and their share."""
    rows = []
    for named, about in by_condition(answers[answers["block"] != "two-way"], asked):
        for class_name, of_class in about.groupby("correct_answer"):
            for response, count in of_class["response"].value_counts().sort_index().items():
                said = {"class_name": class_name, "response": response, "answers": count}
                rows.append({**dict(zip(names_of(ASKED), named, strict=True)), **said, "share": count / len(of_class)})
    return in_columns(rows, CONFUSION, answers)


def _over_images(
    images: NDArray[np.float64], statistic: Statistic, settings: ResamplingSettings, purpose: tuple[str, ...]
) -> tuple[float, float, float]:
    """``statistic`` of a row for each image, with its percentile interval over images that are drawn anew."""
    value = float(statistic(images[None])[0])
    if math.isnan(value):
        return value, math.nan, math.nan
    generator = numpy_generator(settings.interval_seed, "survey", *purpose)
    drawn = generator.integers(len(images), size=(settings.bootstrap_samples, len(images)))
    resampled = statistic(images[drawn])
    if np.isnan(resampled).mean() > MOST_WITHOUT:
        return value, math.nan, math.nan
    tail = (1 - settings.confidence_level) / 2
    low, high = np.nanquantile(resampled, [tail, 1 - tail])
    return value, float(low), float(high)


def _alphas(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Krippendorff's alpha of nominal values, counted by image (samples, images, values); NaN where none can be had."""
    return np.array([_alpha(of_sample) for of_sample in counts])


def _alpha(counts: NDArray[np.float64]) -> float:
    compared = counts[counts.sum(axis=1) >= 2]  # images that at least two people answered
    if (compared.sum(axis=0) > 0).sum() < 2:
        return math.nan
    import krippendorff  # readers of the tables do not need it

    return float(krippendorff.alpha(value_counts=compared, level_of_measurement="nominal"))


def _rank_correlations(pairs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Spearman's correlation of (samples, images, 2); NaN where one of the two is the same for all images."""
    if pairs.shape[1] < FEWEST_IMAGES:
        return np.full(len(pairs), np.nan)
    ranks = scipy.stats.rankdata(pairs, axis=1)
    ranks -= ranks.mean(axis=1, keepdims=True)
    spread = np.sqrt((ranks**2).sum(axis=1)).prod(axis=1)
    products = ranks.prod(axis=2).sum(axis=1)
    exact = np.divide(products, spread, out=np.full(len(pairs), np.nan), where=spread > 0)
    return np.asarray(np.clip(exact, -1, 1))  # rounding takes a perfect correlation beyond 1
