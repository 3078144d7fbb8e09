"""Who is fooled: one definition of "fooled" for every kind of model.

Confidences of different models cannot be compared: the median of real images is 10 % for one and 100 % for another.
So a champion is compared with the real images of its own model. It fools the model if its log-odds are higher than the
median, or the 95th percentile, of the top log-odds of all correctly classified real test images, over all classes. A
bound for each class would rest on a tenth of the images, and an image without a label shows only its top confidence.
Log-odds in float64 distinguish confidences that float32 rounds to 1. Equal log-odds are not higher: a champion that
ties with the real images does not fool the model.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fooling.attacks.evolution.record import RunRecord
from fooling.classifiers.header import training_of
from fooling.classifiers.model_settings import built_as
from fooling.findings.classifiers import FoolabilitySettings
from fooling.findings.runs import ThresholdSettings, at_threshold, median_over_classes
from fooling.messages import FoolingError
from fooling.training.settings import with_hardening

COMPARED = ("map-elites", "random-search")  # searches
HIGH = 0.95  # quantile of the real images
FALSE_ALARMS = 0.05  # share of the correctly classified real images that a bound on the confidence may reject
#: Log-odds that differ by less, relative to the larger one or to 1, are equal: float64 sums depend on their order.
TIE = 1e-9
#: Columns by which classifiers are one kind of model.
KIND_OF_MODEL = ("dataset", "built_as", "weight_decay", "part")


class ComparedModelsSettings(FoolabilitySettings, ThresholdSettings):
    """Comparison of models by how they are fooled: the threshold, and the confidence at which a model is sure."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """A classifier that is compared with others: what it is, and its top log-odds for real test images."""

    name: str
    sha256: str
    """Digest of its file, by which runs name it."""
    dataset: str
    built_as: str
    weight_decay: float | None
    part: str | None
    test_error: float
    targets: int
    """Number of classes of the data set."""
    rejects: bool
    """Whether one more class, the last one, is for images that the model rejects."""
    real: NDArray[np.float64]
    """Top log-odds (N,) of the correctly classified real test images."""
    real_rejected: float
    """Share of all test images that get the class for rejected images; NaN without such a class."""


@dataclass(frozen=True, kw_only=True)
class Bars:
    """Log-odds of real images with which those of champions are compared; all are NaN without images."""

    least: float
    bound: float
    median: float
    high: float
    most: float


def bars_of(real: NDArray[np.float64]) -> Bars:
    """Return the bars of the top log-odds ``real`` (N,) of correctly classified images.

    Below the bound lie at most 5 % of them: of N sorted values it is the one after the first N / 20, rounded down.
    """
    if not len(real):
        return Bars(**dict.fromkeys(("least", "bound", "median", "high", "most"), math.nan))
    ordered = np.sort(real)
    return Bars(
        least=float(ordered[0]),
        bound=float(ordered[math.floor(FALSE_ALARMS * len(ordered) + TIE)]),
        median=float(np.median(ordered)),
        high=float(np.quantile(ordered, HIGH)),
        most=float(ordered[-1]),
    )


def exceeds(log_odds: NDArray[np.float64], bar: float) -> NDArray[np.bool_]:
    """Return where ``log_odds`` are higher than ``bar`` by more than a tie (:data:`TIE`); nowhere if it is NaN."""
    return log_odds - bar > _tie(log_odds, bar)


def ties(log_odds: NDArray[np.float64], bar: float) -> NDArray[np.bool_]:
    """Return where ``log_odds`` are equal to ``bar``, apart from rounding."""
    return np.abs(log_odds - bar) <= _tie(log_odds, bar)


def compared_model(header: Mapping[str, Any], real: pd.DataFrame, *, sha256: str) -> Model:
    """Return a classifier as it is compared, from the ``header`` of its file with this digest, and ``real``.

    ``real`` is the table of that name, with the rows of this classifier.

    Raises :class:`FoolingError` if these rows cannot be of this classifier.
    """
    name, targets = str(header["name"]), len(header["class_names"]) - bool(header["fooling_class"])
    own = real[real["classifier"] == name]
    if own.empty:
        raise FoolingError(
            f"the table real has no images of {name}",
            found=", ".join(map(str, real["classifier"].unique())),
            remedy=f"give the table that `fooling calibrate` wrote for {name}",
        )
    most = int(max(own["label"].max(), own["predicted"].max() - bool(header["fooling_class"])))
    if most >= targets:
        raise FoolingError(
            f"the table real of {name} does not fit the classifier",
            found=f"a class {most}",
            expected=f"classes 0 to {targets - 1}",
            remedy="calibrate the classifier again",
        )
    training = training_of(header["provenance"])
    decay = training.get("optimiser", {}).get("weight_decay")
    rejected = own["predicted"] == targets
    return Model(
        name=name,
        sha256=sha256,
        dataset=str(header["provenance"]["dataset"]["name"]),
        built_as=with_hardening(built_as(header), training),
        weight_decay=None if decay is None else float(decay),
        part=_part_in_words(training.get("part")),
        test_error=float(header["provenance"]["test_error"]),
        targets=targets,
        rejects=bool(header["fooling_class"]),
        real=own.loc[own["predicted"] == own["label"], "log_odds"].to_numpy(dtype=np.float64),
        real_rejected=float(rejected.mean()) if header["fooling_class"] else math.nan,
    )


def measured_runs(
    models: Mapping[str, Model], runs: Mapping[str, Sequence[RunRecord]], settings: ComparedModelsSettings
) -> Iterator[dict[str, Any]]:
    """Yield one row for each run and budget."""
    compared = [(name, run) for name, those in runs.items() for run in those if run.search in COMPARED]
    given = [(name, run.classifier["name"], run.search, run.seed) for name, run in compared]
    if twice := [run for run in given if given.count(run) > 1]:
        found = "{} on {}, {}, seed {}".format(*twice[0])
        raise FoolingError("a run is given twice", found=found, expected="each run once")
    for _, run in compared:
        _require_fitting(run, models)
    ends: dict[tuple[str, str], set[int]] = {}
    for _, run in compared:
        ends.setdefault(_comparable(run, models), set()).add(_end(run))
    names, experiments = list(models), list(runs)

    def place(named: tuple[str, RunRecord]) -> tuple[int, ...]:
        experiment, run = named
        own = (names.index(run.classifier["name"]), experiments.index(experiment))
        return (*own, COMPARED.index(run.search), run.seed)

    compared.sort(key=place)
    for experiment, run in compared:
        model = models[run.classifier["name"]]
        first = int(run.history.evaluations[0])
        for budget in sorted(end for end in ends[_comparable(run, models)] if first <= end <= _end(run)):
            yield {
                "classifier": model.name,
                **_kind(model),
                "experiment": experiment,
                "encoding": run.encoding,
                "search": run.search,
                "budget": budget,
                "seed": run.seed,
                **_measures_of(run, budget, model, settings),
            }


def _comparable(run: RunRecord, models: Mapping[str, Model]) -> tuple[str, str]:
    """Return what runs have in common whose budgets are compared: data set and encoding."""
    return models[run.classifier["name"]].dataset, run.encoding


def _end(run: RunRecord) -> int:
    return int(run.history.evaluations[-1])


def _kind(model: Model) -> dict[str, Any]:
    decay = math.nan if model.weight_decay is None else model.weight_decay
    return {"dataset": model.dataset, "built_as": model.built_as, "weight_decay": decay, "part": model.part}


def _measures_of(run: RunRecord, budget: int, model: Model, settings: ComparedModelsSettings) -> dict[str, float]:
    """Return what is measured of one run within a budget."""
    bars, within = bars_of(model.real), run.history.evaluations <= budget
    log_odds, confidences = run.history.log_odds[within], run.history.confidences[within]
    last, evaluations = log_odds[-1], run.history.evaluations[within]
    medians = np.median(log_odds, axis=1)
    sure = median_over_classes(confidences) >= settings.sure
    has_real, at_end = len(model.real) > 0, budget == int(run.history.evaluations[-1])
    rejected = (run.logits.argmax(axis=1) == model.targets).mean() if model.rejects and at_end else math.nan
    return {
        "least_log_odds": float(last.min()),
        "median_log_odds": float(medians[-1]),
        "most_log_odds": float(last.max()),
        "above_median": float(exceeds(last, bars.median).mean()) if has_real else math.nan,
        "tied": float(ties(last, bars.median).mean()) if has_real else math.nan,
        "above_95th": float(exceeds(last, bars.high).mean()) if has_real else math.nan,
        "at_threshold": float(at_threshold(confidences[-1], settings.threshold).mean()),
        "evaluations_sure": _first(evaluations, sure),
        "evaluations_median": _first(evaluations, exceeds(medians, bars.median)) if has_real else math.nan,
        "rejected": float(exceeds(-last, -bars.bound).mean()) if has_real else math.nan,
        "rejected_by_class": float(rejected),
    }


def _first(evaluations: NDArray[np.int64], reached: NDArray[np.bool_]) -> float:
    return float(evaluations[reached.argmax()]) if reached.any() else math.inf


def _require_fitting(run: RunRecord, models: Mapping[str, Model]) -> None:
    """Raise :class:`FoolingError` unless a run is on one of the ``models``, by the digest of its file."""
    model = models.get(str(run.classifier["name"]))
    if model is None or model.sha256 != run.classifier["sha256"]:
        raise FoolingError(
            f"a run is on {'another' if model is None else 'an earlier'} classifier",
            found=f"a run on {run.classifier['name']}",
            expected=f"runs on {', '.join(models)}, as their files are now",
            remedy="make the run again, or give the file of its classifier too",
        )
    outputs = model.targets + model.rejects
    if run.logits.shape != (model.targets, outputs):
        raise FoolingError(
            f"a run on {model.name} does not fit the classifier",
            found=f"champions of {run.logits.shape[0]} classes with {run.logits.shape[1]} scores",
            expected=f"champions of {model.targets} classes with {outputs} scores",
            remedy="make the run again",
        )


def at_equal_budget(rows: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Yield the rows of each kind of model, of one experiment and budget, from those of one encoding.

    ``rows`` are of the table ``fooled`` or ``fooled_summary``. The budget is the largest that all kinds of models on a
    data set have; the experiment is the first one with this budget.
    """
    for _, of_dataset in rows.groupby("dataset", sort=False):
        kinds = [kind for _, kind in of_dataset.groupby(list(KIND_OF_MODEL), sort=False, dropna=False)]
        budget = min(int(kind["budget"].max()) for kind in kinds)
        for kind in kinds:
            equal = kind[kind["budget"] == budget]
            if len(equal):
                yield equal[equal["experiment"] == equal["experiment"].iloc[0]]


def _part_in_words(part: Any) -> str | None:
    if not isinstance(part, Mapping):
        return None
    return f"1 of {part.get('of')} parts" if part.get("images") is None else f"{part['images']} images"


def _tie(log_odds: NDArray[np.float64], bar: float) -> NDArray[np.float64]:
    return TIE * np.maximum(np.maximum(np.abs(log_odds), abs(bar)), 1.0)
