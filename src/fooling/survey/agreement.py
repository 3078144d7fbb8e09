"""Whether people agree: with one another, with the network's labels, and with how sure the network is."""

from __future__ import annotations

import math
from collections.abc import Callable

import krippendorff
import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

from fooling.findings.intervals import ResamplingSettings
from fooling.seeding import numpy_generator
from fooling.survey.accuracy import CONDITION, by_condition, in_columns, is_right
from fooling.survey.forms import AGREEMENT, CONFIDENCE, CONFUSION
from fooling.survey.questionnaire import Questionnaire

ALL = "all"  # of the conditions together
FEWEST_IMAGES = 4  # for a correlation
MOST_WITHOUT = 0.5  # of the resamples without a value: with more there is no interval

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
                **dict(zip(CONDITION, named, strict=True)),
                **{"of": "right answers" if block == "two-way" else "answers"},
                **{"people": about["participant"].nunique(), "images": len(counts)},
                **dict(zip(("alpha", "low", "high"), found, strict=True)),
                "note": "everybody says the same, or nobody the same image" if math.isnan(found[0]) else "",
            }
        )
    return in_columns(rows, AGREEMENT.columns, answers)


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
    return in_columns(rows, CONFIDENCE.columns, images)


def confusion_table(answers: pd.DataFrame, asked: Questionnaire) -> pd.DataFrame:
    """What people say of the images of each class, where they choose among many: answers, and their share."""
    rows = []
    for named, about in by_condition(answers[answers["block"] != "two-way"], asked):
        for class_name, of_class in about.groupby("correct_answer"):
            for response, count in of_class["response"].value_counts().sort_index().items():
                said = {"class_name": class_name, "response": response, "answers": count}
                rows.append({**dict(zip(CONDITION, named, strict=True)), **said, "share": count / len(of_class)})
    return in_columns(rows, CONFUSION.columns, answers)


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
    return float(krippendorff.alpha(value_counts=compared, level_of_measurement="nominal"))


def _rank_correlations(pairs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Spearman's correlation of (samples, images, 2); NaN where one of the two is the same for all images."""
    if pairs.shape[1] < FEWEST_IMAGES:
        return np.full(len(pairs), np.nan)
    ranks = scipy.stats.rankdata(pairs, axis=1)
    ranks -= ranks.mean(axis=1, keepdims=True)
    spread = np.sqrt((ranks**2).sum(axis=1)).prod(axis=1)
    return np.asarray(
        np.divide(ranks.prod(axis=2).sum(axis=1), spread, out=np.full(len(pairs), np.nan), where=spread > 0)
    )
