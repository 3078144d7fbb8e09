"""The made-up inputs of every figure."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from figures.made_up_champions import (
    made_ascents,
    made_champions,
    made_dataset,
    made_distances,
    made_examined,
    made_examined_of,
    made_history,
    made_real,
    made_run,
    made_start,
    made_stimuli,
)
from figures.made_up_tables import (
    CHAIN,
    made_ablation,
    made_audits,
    made_boundary,
    made_budget,
    made_calibration,
    made_class_sets,
    made_effects,
    made_families,
    made_far,
    made_foolability,
    made_kinds,
    made_presets,
    made_refusal,
    made_retraining,
    made_robustness,
    made_shown,
    made_training,
    made_transfer,
    made_variance,
)
from fooling.attacks.evolution.record import RunRecord
from fooling.findings import universal
from fooling.findings.adversarial import adversarial_table, means_table
from fooling.findings.ascent import curves_of_ascents, curves_of_searches
from fooling.findings.intervals import IntervalSettings
from made_up_adversarial import made_adversarial
from made_up_answers import analysed, made_questionnaire, simulated
from made_up_detectors import made_detectors
from made_up_hardening import made_hardening
from made_up_label_only import made_label_tables
from made_up_models import made_fooled
from made_up_universal import made_universal

MANY_CLASSES = tuple(f"the {place}th class" for place in range(50))


class Inputs(dict[str, dict[str, Any]]):
    """What each figure is drawn from, by name; made at the first access."""

    def __missing__(self, figure: str) -> dict[str, Any]:
        self[figure] = MADE[figure]()
        return self[figure]


@pytest.fixture
def inputs() -> Inputs:
    """What each figure is drawn from, by name; a test may change it."""
    return Inputs()


@pytest.fixture
def run_of_many() -> RunRecord:
    """A run of fifty classes, in falling order of confidence; every two classes share an image."""
    return dataclasses.replace(
        made_run(1, names=MANY_CLASSES),
        confidences=np.linspace(0.99, 0.01, 50).astype(np.float32),
        log_odds=np.linspace(5, -5, 50),
        individuals=np.arange(50) // 2,
    )


@pytest.fixture
def examined_of_many(run_of_many: RunRecord) -> pd.DataFrame:
    """The examined champions of :func:`run_of_many`; an independent network assigns each to the next class."""
    index = np.arange(50)
    return pd.DataFrame(
        {
            **{"classifier": "lenet-a", "experiment": "cppn", "search": run_of_many.search, "seed": run_of_many.seed},
            **{"class_index": index, "class_name": MANY_CLASSES, "confidence": run_of_many.confidences},
            **{"independent": "other", "independent_confidence": index / 100, "independent_label": index + 1},
            **{"nearest_distance": np.nan, "nearest_label": pd.NA},
        }
    )


def _histories() -> list[pd.DataFrame]:
    return [made_history(seeds=3, experiment=encoding, encoding=encoding) for encoding in ("direct", "cppn")]


def _runs() -> list[RunRecord]:
    return [made_run(seed) for seed in (1, 2, 3)]


def _one_of_each_encoding() -> dict[str, Any]:
    runs = [made_run(1), made_run(1, encoding="cppn")]
    return {"runs": runs, "dataset": made_dataset(), "real": made_real()}


def _resembling() -> dict[str, Any]:
    runs = _runs()
    return {"runs": runs, "dataset": made_dataset(), "examined": made_examined_of(runs)}


def _classes_over_evaluations() -> dict[str, Any]:
    history = made_history(seeds=3)
    history = history[history["class_index"] < 3]
    return {"history": history, "champions": made_champions(history), "reference": 0.9999}


def _ascent_over_evaluations() -> dict[str, Any]:
    history = pd.concat(_histories(), ignore_index=True)
    searches = curves_of_searches(history[history["classifier"] == "lenet-a"])
    return {"ascent_curves": pd.concat([curves_of_ascents(made_ascents()), searches]), "reference": 0.9999}


def _random_images() -> dict[str, Any]:
    places = [(classifier, encoding) for classifier in ("lenet-a", "lenet-b") for encoding in ("direct", "cppn")]
    return {"start": pd.concat([made_start(*place) for place in places]), "history": pd.concat(_histories())}


def _adversarial_success() -> dict[str, Any]:
    records = [made_adversarial(name, noise=0.25) for name in ("lenet-a", "lenet-b", "lenet-c")]
    records += [made_adversarial("mlp", attack="tiny", columns=[0, 4])]
    table = adversarial_table(records)
    return {"adversarial": table, "adversarial_means": means_table(table, settings=IntervalSettings())}


def _universal_rates() -> dict[str, Any]:
    records = [made_universal(name) for name in ("lenet-a", "lenet-b", "lenet-c")]
    records += [made_universal("mlp", attack="tiny", columns=(2, 3))]
    table = universal.universal_table(records)
    return {"universal_means": universal.means_table(table, settings=IntervalSettings())}


def _labels_alone(*tables: str) -> dict[str, Any]:
    made = made_label_tables()
    return {name: made[name] for name in tables}


def _ablation() -> dict[str, Any]:
    runs = [made_run(seed, encoding="cppn") for seed in (1, 2)]
    return {"ablation": made_ablation(runs), "runs": runs}


def _retraining_gallery() -> dict[str, Any]:
    second = dataclasses.replace(made_run(2), classifier={"name": CHAIN[1], "sha256": "1"})
    return {"batches": [[made_run(1)], [second]], "retraining": made_retraining()}


@cache
def _analysed() -> dict[str, pd.DataFrame]:
    questionnaire = made_questionnaire()
    return analysed(simulated(questionnaire, participants=8), questionnaire)


def _answers(*tables: str) -> dict[str, Any]:
    return {name: _analysed()[name].copy() for name in tables}


MADE: dict[str, Callable[[], dict[str, Any]]] = {
    "audits": made_audits,
    "adversarial_success": _adversarial_success,
    "adversarial_gallery": lambda: {"examples": [made_adversarial()]},
    "universal_rates": _universal_rates,
    "universal_gallery": lambda: {"examples": [made_universal()]},
    "label_only": lambda: _labels_alone("label_only", "label_only_curves"),
    "label_only_gallery": lambda: _labels_alone("label_only"),
    "detectors": lambda: {name: made_detectors()[name] for name in ("detectors", "detector_means")},
    "detector_gallery": lambda: {"detector_images": made_detectors()["detector_images"]},
    "gallery": lambda: {"runs": _runs(), "examined": made_examined()},
    "further_runs": lambda: {"runs": _runs(), "examined": made_examined()},
    "real_and_evolved": _one_of_each_encoding,
    "same_label": _one_of_each_encoding,
    "resembling": _resembling,
    "family_tree": lambda: {"runs": _runs()},
    "confidence_over_evaluations": lambda: {"history": made_history(seeds=3), "reference": 0.9999},
    "classes_over_evaluations": _classes_over_evaluations,
    "ascent_gallery": lambda: {"ascents": made_ascents()},
    "ascent_over_evaluations": _ascent_over_evaluations,
    "search_comparison": lambda: {"champions": made_champions(pd.concat(_histories())), "reference": 0.9999},
    "random_images": _random_images,
    "families": lambda: {"families": made_families()[0], "reference": 0.9999},
    "family_examples": lambda: {"family_images": made_families()[1]},
    "robustness": lambda: {"robustness": made_robustness()},
    "boundary": lambda: {"boundary": made_boundary()},
    "fooled": lambda: {"fooled": made_fooled()[0]},
    "kinds": lambda: {"kinds": made_kinds()},
    "preset_comparison": lambda: dict(zip(("survival", "presets"), made_presets(), strict=True)),
    "option_effects": lambda: {"presets": made_presets()[1]},
    "transfer": lambda: {"transfer": made_transfer(["lenet-a", "lenet-b", "own"])},
    "transfer_gallery": lambda: {"runs": _runs(), "shown": made_shown()},
    "retraining_transfer": lambda: {"transfer": made_transfer(CHAIN)},
    "retraining_gallery": _retraining_gallery,
    "retraining_curve": lambda: {"retraining": made_retraining(), "effects": made_effects()},
    "retraining_over_generations": lambda: {
        "batches": [[made_run(seed, search=search) for seed in (1, 2)] for search in ("map-elites", "drift")]
    },
    "retraining_budget": lambda: {"budget": made_budget()},
    "retraining_refusal": lambda: {"refusal": made_refusal()},
    "calibration": lambda: {
        **{"real": made_real(), "calibration": made_calibration(), "examined": made_examined()},
        "reference": 0.9999,
    },
    "distances": lambda: {"distances": made_distances()},
    "rubbish": lambda: {name: made_far()[name] for name in ("rubbish", "rubbish_summary")},
    "rays": lambda: {"rays": made_far()["rays"]},
    "hardening": made_hardening,
    "training_curves": lambda: {
        **dict(zip(("training", "classifiers"), made_training(), strict=True)),
        "reference_error": 0.0094,
    },
    "ablation": _ablation,
    "foolability": lambda: {"foolability": made_foolability(pd.concat(_histories(), ignore_index=True))},
    "class_sets": made_class_sets,
    "variance_components": lambda: {"variance": made_variance()},
    "stimuli_hidden": lambda: {"stimuli": made_stimuli()},
    "stimuli_shown": lambda: {"stimuli": made_stimuli()},
    "survey_accuracy": lambda: _answers("survey_accuracy"),
    "survey_images": lambda: _answers("survey_images"),
    "survey_confusion": lambda: _answers("survey_confusion"),
    "survey_confidence": lambda: _answers("survey_images", "survey_confidence"),
}
