"""Which of several settings to use: the one that takes the fewest evaluations on pilot networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fooling.ascent.record import AscentRecord
from fooling.ascent.settings import AscentSettings
from fooling.errors import FoolingError
from fooling.settings import checked_settings


@dataclass(frozen=True, kw_only=True)
class Tried:
    """One setting on the pilot networks."""

    name: str
    settings: AscentSettings
    networks: int
    runs: int  # all classes from one start on one network
    reached: float  # share of the runs whose median class reached the threshold
    evaluations: float  # median over the runs, of an image for every class; infinite: not reached


def tried_settings(pilots: Sequence[AscentRecord], *, threshold: float) -> list[Tried]:
    """Compute how soon each setting reached the ``threshold`` on the pilots, in the order of its first record."""
    found = []
    for name in dict.fromkeys(pilot.name for pilot in pilots):
        records = [pilot for pilot in pilots if pilot.name == name]
        settings = [
            checked_settings(AscentSettings, record.settings, source=f"the record of {name}") for record in records
        ]
        if len(set(map(AscentSettings.model_dump_json, settings))) > 1:
            raise FoolingError(
                f"the pilots of {name} do not compare",
                found="records of one name with different settings",
                expected="the same settings on every network",
            )
        needed = np.concatenate([evaluations_needed(record, threshold=threshold) for record in records])
        found.append(
            Tried(
                name=name,
                settings=settings[0],
                networks=len({record.classifier["sha256"] for record in records}),
                runs=len(needed),
                reached=float(np.isfinite(needed).mean()),
                evaluations=float(np.quantile(needed, 0.5, method="inverted_cdf")),
            )
        )
    return found


def best_of(tried: Sequence[Tried]) -> Tried:
    """Return the setting that most runs reached the threshold with; of several, the one of fewest evaluations."""
    return min(tried, key=lambda setting: (-setting.reached, setting.evaluations))


def evaluations_needed(record: AscentRecord, *, threshold: float) -> NDArray[np.float64]:
    """Evaluations (starts,) of an image for every class until the median class reached the ``threshold``."""
    confidences = record.trajectory.confidences.astype(np.float64)
    needed = []
    for seed in np.unique(record.seeds):
        there = np.median(confidences[:, record.seeds == seed], axis=1) >= threshold
        step = int(there.argmax())
        needed.append(len(record.class_names) * record.trajectory.evaluations[step] if there[step] else np.inf)
    return np.array(needed, dtype=np.float64)
