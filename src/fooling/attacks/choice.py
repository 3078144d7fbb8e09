"""Choose settings on pilot classifiers: those with which an attack needs the fewest evaluations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from fooling.attacks.record import TargetedRecord
from fooling.errors import FoolingError
from fooling.settings import Settings, checked_settings

S = TypeVar("S", bound=Settings)


@dataclass(frozen=True, kw_only=True)
class Tried:
    """One setting on the pilot classifiers."""

    name: str
    settings: Mapping[str, Any]
    networks: int
    runs: int  # all classes from one start on one classifier
    reached: float  # share of the runs whose median class reached the threshold
    evaluations: float  # median over the runs, of an image for every class; infinite: not reached


def tried_settings(pilots: Sequence[TargetedRecord], *, threshold: float) -> list[Tried]:
    """Compute how soon each setting reached the ``threshold`` on the pilots, in the order of its first record."""
    found = []
    for name in dict.fromkeys(pilot.name for pilot in pilots):
        records = [pilot for pilot in pilots if pilot.name == name]
        if any(record.settings != records[0].settings for record in records):
            raise FoolingError(
                f"the pilots of {name} cannot be compared",
                found="records of one name with different settings",
                expected="the same settings on every classifier",
            )
        needed = np.concatenate([evaluations_needed(record, threshold=threshold) for record in records])
        found.append(
            Tried(
                name=name,
                settings=records[0].settings,
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


def chosen_settings(
    pilots: Mapping[str, TargetedRecord], settings: S, *, attacked: str, threshold: float
) -> tuple[S, str]:
    """Choose the settings with which an attack needs the fewest evaluations on the pilots.

    Args:
        pilots: Records on pilot classifiers, by the files that they are from.
        settings: Settings of the attack; of these only the seeds are used.
        attacked: SHA-256 of the classifier that is attacked with the choice.
        threshold: Confidence that the median class must reach.

    Returns:
        The settings, and a sentence about the choice.

    Raises:
        FoolingError: A pilot is on the classifier that is attacked, or pilots of one name have different settings.
    """
    if same := [file for file, record in pilots.items() if record.classifier["sha256"] == attacked]:
        raise FoolingError(
            "a pilot is on the classifier that is attacked, for which the choice is reported",
            found=same[0],
            expected="pilots on other classifiers",
        )
    best = best_of(tried_settings(list(pilots.values()), threshold=threshold))
    values = {**best.settings, "seeds": settings.model_dump(mode="json")["seeds"]}
    told = f"settings chosen on {best.runs} pilot runs: {best.name}, {best.evaluations:,.0f} evaluations"
    return checked_settings(type(settings), values, source=f"the record of {best.name}"), told


def evaluations_needed(record: TargetedRecord, *, threshold: float) -> NDArray[np.float64]:
    """Return the evaluations (starts,), for all classes, until the median class reached the ``threshold``."""
    confidences = record.trajectory.confidences.astype(np.float64)
    needed = []
    for seed in np.unique(record.seeds):
        there = np.median(confidences[:, record.seeds == seed], axis=1) >= threshold
        step = int(there.argmax())
        needed.append(len(record.class_names) * record.trajectory.evaluations[step] if there[step] else np.inf)
    return np.array(needed, dtype=np.float64)
