"""Agreement of people with each other, with the classifier's labels, and with its confidence."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

from fooling.findings.intervals import ResamplingSettings
from fooling.reproducibility import numpy_generator
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
    grids_of,
    in_columns,
    is_right,
)
from fooling.survey.questionnaire import Questionnaire
from fooling.table import COUNT, NOT_NEGATIVE, NUMBER, SHARE, TEXT, Column, Table, Values, bounds, names_of, one_of

ALL = "all"  # of the conditions together
FEWEST_IMAGES = 4  # for a correlation
FEWEST_COMMON, FEWEST_PEOPLE = 2, 3  # images of a pair for a kappa, and people for its interval
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
            doc="What agreement is about: the answers, or in two-way blocks whether they are right.",
        ),
        *(SYNTHETIC, PEOPLE, IMAGES_ASKED),
        Column(
            "alpha",
            NUMBER.or_nothing,
            doc="Krippendorff's alpha: 1 is full agreement, 0 is chance; its interval is over images.",
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
            doc="Measure that is correlated with the classifier's confidence: share of right answers, or mean rating.",
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
    doc="One row for each block, condition and measure, and one for `all` conditions: the correlation of people's "
    "accuracy and ratings with the classifier's confidence.",
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
        Column("share", SHARE, doc="Share of this response in the answers about images of this class."),
    ),
    key=(*names_of(ASKED), "class_name", "response"),
    may_be_empty=True,
    doc="One row for each block in which all classes are offered, condition, class and response.",
)

_KAPPA = Values(kind="number", most=1)
CONSISTENCY = Table(
    name="survey_consistency",
    path="findings/survey/consistency.csv",
    commands=("survey analyse",),
    columns=(
        *ASKED,
        *(SYNTHETIC, PEOPLE),
        Column("pairs", COUNT, unit="pairs", doc="Pairs of people with a kappa."),
        Column(
            "undefined",
            COUNT,
            unit="pairs",
            doc="Pairs without a kappa: fewer than two common images, or both are always right, or both always wrong.",
        ),
        Column(
            "kappa",
            _KAPPA.or_nothing,
            doc="Error consistency: mean over the pairs of Cohen's kappa between what they get right and wrong. 0 is "
            "chance for their accuracies, 1 is the same errors; its interval is over people.",
        ),
        *bounds(_KAPPA),
        Column("note", TEXT.or_nothing, doc="Why there is no kappa."),
    ),
    key=tuple(names_of(ASKED)),
    doc="One row for each block and condition: whether people are wrong about the same images.",
)
TRIALS = Table(
    name="survey_trials",
    path="findings/survey/trials.csv",
    commands=("survey analyse",),
    columns=(
        Column("subj", TEXT, doc="Participant, or the name of the classifier."),
        Column("session", COUNT, doc="Number of the block in the questionnaire, from 1."),
        Column("trial", COUNT, doc="Number of the trial of this participant; for the classifier, of the image."),
        Column("rt", NOT_NEGATIVE.or_nothing, unit="s", doc="Response time; empty for the classifier."),
        Column("object_response", TEXT, doc="The answer."),
        Column("category", TEXT, doc="The right answer."),
        Column("condition", TEXT, doc="Condition to which the image belongs."),
        Column("imagename", TEXT, doc="Name of the file of the image."),
    ),
    key=("subj", "session", "imagename"),
    doc="One row for each answer that counts, and for each image that the classifier labelled, in the columns of the "
    "data sets of model-vs-human (Geirhos et al. 2021). Made-up answers are in it too, if the analysis is of such.",
)

#: Map resampled images (samples, images, ...) to one number for each sample.
Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def agreement_table(answers: pd.DataFrame, asked: Questionnaire, settings: ResamplingSettings) -> pd.DataFrame:
    """Return Krippendorff's alpha of the answers by block and condition: 1 is full agreement, 0 is chance.

    In two-way blocks alpha is about right and wrong answers, because people are offered different options. The interval
    resamples images with all answers about them.
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
                "note": "all answers are equal, or no image has two answers" if math.isnan(found[0]) else "",
            }
        )
    return in_columns(rows, AGREEMENT, answers)


def consistency_table(answers: pd.DataFrame, asked: Questionnaire, settings: ResamplingSettings) -> pd.DataFrame:
    """Return the error consistency between people by block and condition: the mean of kappa over pairs of people.

    It is Cohen's kappa between right and wrong answers about the images that both answered (Geirhos, Meding and
    Wichmann 2020): (observed - expected) / (1 - expected). Two people with the accuracies p and q agree by chance on
    the share p q + (1 - p) (1 - q). The interval resamples people; a person drawn twice is no pair. The classifier has
    no kappa: it is right by definition about images that have its own label.
    """
    rows = []
    for named, about in by_condition(answers, asked):
        hits, shown = grids_of(about, is_right(about))
        kappas = _kappas(hits > 0, shown > 0)
        pairs = kappas[np.triu_indices(len(kappas), k=1)]
        known = np.isfinite(pairs)
        low, high = _over_people(kappas, settings, ("consistency", *named))
        rows.append(
            {
                **dict(zip(names_of(ASKED), named, strict=True)),
                **{"people": len(kappas), "pairs": int(known.sum()), "undefined": int((~known).sum())},
                **{"kappa": float(pairs[known].mean()) if known.any() else math.nan, "low": low, "high": high},
                "note": "" if known.any() else "no pair of people has a kappa",
            }
        )
    return in_columns(rows, CONSISTENCY, answers)


def trials_table(answers: pd.DataFrame, asked: Questionnaire) -> pd.DataFrame:
    """Return answers in the columns of model-vs-human; of the classifier, its labels of images that it did label.

    These are all images but real ones, of which the questionnaire has the true class alone.
    """
    files = {stimulus.id: Path(stimulus.file).name for stimulus in asked.stimuli}
    blocks = {(block.name, block.foils): number for number, block in enumerate(asked.blocks, start=1)}
    people = pd.DataFrame(
        {
            "subj": answers["participant"],
            "session": [blocks[pair] for pair in zip(answers["block"], answers["foils"], strict=True)],
            "trial": answers["trial"],
            "rt": answers["response_ms"] / 1000,
            "object_response": answers["response"],
            "category": answers["correct_answer"],
            "condition": answers["condition"],
            "imagename": answers["stimulus"].map(files),
        }
    )
    labelled = [stimulus for stimulus in asked.stimuli if stimulus.kind != "real"]
    network = pd.DataFrame(
        [
            (asked.network.name, 1, number, math.nan, one.class_name, one.class_name, one.condition, files[one.id])
            for number, one in enumerate(labelled, start=1)
        ],
        columns=TRIALS.names,
    )
    return pd.concat([people, network] if len(network) else [people], ignore_index=True)


def _kappas(is_hit: NDArray[np.bool_], is_shown: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return Cohen's kappa of right and wrong answers (people, images) between people (people, people); NaN if none."""
    shown, right = is_shown.astype(float), (is_hit & is_shown).astype(float)
    wrong = shown - right
    common = shown @ shown.T
    with np.errstate(divide="ignore", invalid="ignore"):
        observed = (right @ right.T + wrong @ wrong.T) / common
        own = (right @ shown.T) / common  # accuracy of the row's person on the common images
        expected = own * own.T + (1 - own) * (1 - own.T)
        kappas = (observed - expected) / (1 - expected)
    is_certain = np.isclose(expected, 1, rtol=0, atol=1e-12)
    return np.asarray(np.where((common < FEWEST_COMMON) | is_certain, np.nan, kappas))


def _over_people(
    kappas: NDArray[np.float64], settings: ResamplingSettings, purpose: tuple[str, ...]
) -> tuple[float, float]:
    """Return the percentile interval of the mean of ``kappas`` (people, people) over resampled people; NaN if none."""
    people = len(kappas)
    if people < FEWEST_PEOPLE:
        return math.nan, math.nan
    generator = numpy_generator(settings.interval_seed, "survey", *purpose)
    apart = kappas.copy()
    np.fill_diagonal(apart, np.nan)
    means = []
    for drawn in generator.integers(people, size=(settings.bootstrap_samples, people)):
        pairs = apart[np.ix_(drawn, drawn)]
        known = np.isfinite(pairs)
        means.append(pairs[known].mean() if known.any() else math.nan)
    if np.isnan(means).mean() > MOST_WITHOUT:
        return math.nan, math.nan
    tail = (1 - settings.confidence_level) / 2
    low, high = np.nanquantile(means, [tail, 1 - tail])
    return float(low), float(high)


def confidence_table(images: pd.DataFrame, settings: ResamplingSettings) -> pd.DataFrame:
    """Return Spearman's rank correlation over images with the classifier's confidence in the right answer.

    It is computed for people's accuracy and mean rating, by condition and for all conditions together.
    """
    rows = []
    for (block, foils), of_block in images.groupby(["block", "foils"], sort=False):
        parts = [(str(condition), part) for condition, part in of_block.groupby("condition", sort=False)]
        for condition, part in [*parts, (ALL, of_block)]:
            for measure in ("share", "rating"):
                pairs = part[[measure, "confidence"]].to_numpy(dtype=float)
                purpose = ("confidence", str(block), str(foils), condition, measure)
                found = _over_images(pairs, _rank_correlations, settings, purpose)
                note = "too few images, or all have the same value" if math.isnan(found[0]) else ""
                rows.append(
                    {
                        **{"block": block, "foils": foils, "condition": condition, "measure": measure},
                        **{"images": len(pairs), **dict(zip(("correlation", "low", "high"), found, strict=True))},
                        "note": note,
                    }
                )
    return in_columns(rows, CONFIDENCE, images)


def confusion_table(answers: pd.DataFrame, asked: Questionnaire) -> pd.DataFrame:
    """Return the responses to images of each class, in blocks with more than two options."""
    rows = []
    for named, about in by_condition(answers[answers["block"] != "two-way"], asked):
        for class_name, of_class in about.groupby("correct_answer"):
            for response, count in of_class["response"].value_counts().sort_index().items():
                row = {"class_name": class_name, "response": response, "answers": count}
                rows.append({**dict(zip(names_of(ASKED), named, strict=True)), **row, "share": count / len(of_class)})
    return in_columns(rows, CONFUSION, answers)


def _over_images(
    images: NDArray[np.float64], statistic: Statistic, settings: ResamplingSettings, purpose: tuple[str, ...]
) -> tuple[float, float, float]:
    """Return ``statistic`` of ``images``, one row each, with its percentile interval over resampled images."""
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
    """Return Krippendorff's alpha of nominal values from counts (samples, images, values); NaN if undefined."""
    return np.array([_alpha(of_sample) for of_sample in counts])


def _alpha(counts: NDArray[np.float64]) -> float:
    compared = counts[counts.sum(axis=1) >= 2]  # images that at least two people answered
    if (compared.sum(axis=0) > 0).sum() < 2:
        return math.nan
    import krippendorff  # readers of the tables do not need it

    return float(krippendorff.alpha(value_counts=compared, level_of_measurement="nominal"))


def _rank_correlations(pairs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Spearman's correlation of (samples, images, 2); NaN if one of the two is constant."""
    if pairs.shape[1] < FEWEST_IMAGES:
        return np.full(len(pairs), np.nan)
    ranks = scipy.stats.rankdata(pairs, axis=1)
    ranks -= ranks.mean(axis=1, keepdims=True)
    spread = np.sqrt((ranks**2).sum(axis=1)).prod(axis=1)
    products = ranks.prod(axis=2).sum(axis=1)
    exact = np.divide(products, spread, out=np.full(len(pairs), np.nan), where=spread > 0)
    return np.asarray(np.clip(exact, -1, 1))  # rounding can give more than 1
