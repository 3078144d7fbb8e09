"""A study as the workflow reads it: checked, with its entries by name and its experiments opened into variants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fooling.errors import FoolingError
from fooling.settings import checked_settings
from fooling.settings_errors import told
from fooling.study.checks import contradictions
from fooling.study.entries import ClassifierEntry, DatasetEntry
from fooling.study.settings import StudySettings
from fooling.study.variants import Variant, variants


@dataclass(frozen=True, kw_only=True)
class Study:
    """The sections of a study; entries by name, in the order of the file."""

    name: str
    datasets: Mapping[str, DatasetEntry]
    classifiers: Mapping[str, ClassifierEntry]
    experiments: Mapping[str, Variant]
    settings: StudySettings

    def machine_variables(self) -> dict[str, str]:
        """The facts of the machine as environment variables."""
        machine = self.settings.machine
        return {"FOOLING_DEVICE": machine.device} | (
            {} if machine.mirror is None else {"FOOLING_MIRROR": str(machine.mirror)}
        )


def resolved_study(values: Mapping[str, Any], *, source: str) -> Study:
    """The study that ``values``, the content of a study file, describes.

    Raises :class:`FoolingError` that names every refused key, what was found and what is allowed.
    """
    settings = checked_settings(StudySettings, values, source=source)
    experiments = [variant for experiment in settings.experiments for variant in variants(experiment)]
    if problems := [told(values, keys, problem) for keys, problem in contradictions(settings, experiments)]:
        raise FoolingError(f"{source}: {len(problems)} settings do not fit each other\n" + "\n".join(problems))
    return Study(
        name=settings.study,
        datasets={dataset.name: dataset for dataset in settings.datasets},
        classifiers={classifier.name: classifier for classifier in settings.classifiers},
        experiments={variant.name: variant for variant in experiments},
        settings=settings,
    )
