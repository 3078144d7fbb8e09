"""Made-up models of several kinds, their runs, and the tables of who is fooled."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pandas as pd

from fooling.attacks.evolution.record import RunRecord
from fooling.findings.fooled import ComparedModelsSettings, Model
from fooling.findings.fooled_tables import fooled_tables
from made_up_run import made_up_run

CLASSES = 4
#: Top log-odds of real images by kind of model: like AdaBoost, LeNet, and k-nearest neighbours at its ceiling.
REAL = {
    "adaboost": np.linspace(-2.3, -2.1, 41),
    "lenet": np.linspace(0.0, 16.0, 41),
    "nearest": np.full(41, 3.0),
    "gaussian": np.linspace(0.0, 900.0, 41),
}


def made_model(name: str, built_as: str = "lenet", **changes: Any) -> Model:
    """A model of one kind, with the real images of that kind."""
    told: dict[str, Any] = {
        "sha256": "0",
        "dataset": "mnist",
        "weight_decay": None,
        "part": None,
        "test_error": 0.1,
        "targets": CLASSES,
        "rejects": False,
        "real": REAL.get(built_as, REAL["lenet"]),
        "real_rejected": math.nan,
    }
    return Model(name=name, built_as=built_as, **told | changes)


def made_models_run(log_odds: np.ndarray, **about: Any) -> RunRecord:
    """A run whose champions had these exact ``log_odds`` (T, K) after 200, 400, … images."""
    exact = np.asarray(log_odds, dtype=np.float64)
    with np.errstate(over="ignore"):
        made = made_up_run(1 / (1 + np.exp(-exact)), **about)
    return dataclasses.replace(made, log_odds=exact[-1], history=dataclasses.replace(made.history, log_odds=exact))


def made_fooled(**settings: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables of who is fooled, for three networks of each kind, two encodings and both searches."""
    models = [made_model(f"{kind}-{letter}", kind) for kind in REAL for letter in "abc"]
    runs: dict[str, list[RunRecord]] = {"direct": [], "cppn": []}
    for place, model in enumerate(models):
        for experiment in runs:
            for search, gain in (("map-elites", 0.25), ("random-search", -0.2)):
                for seed in (1, 2):
                    middle, spread = float(np.median(model.real)), float(np.ptp(model.real)) or 0.0
                    ends = middle + spread * (gain + 0.1 * np.array([-1.0, 0.0, 1.0, 2.0]) + 0.01 * place)
                    if model.built_as == "nearest":
                        ends = np.array([3.0, 3.0, 3.0, 2.0])
                    grown = ends - spread * np.array([0.5, 0.3, 0.0])[:, None]
                    about = {"classifier": model.name, "encoding": experiment, "search": search, "seed": seed}
                    runs[experiment].append(made_models_run(grown, **about))
    return fooled_tables(models, runs, None, ComparedModelsSettings(**settings))
