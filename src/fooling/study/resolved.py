"""A study as the workflow reads it: checked, with its entries by name and its experiments opened into variants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fooling.errors import FoolingError
from fooling.settings import Settings, checked_settings
from fooling.settings_errors import told
from fooling.study.chains import chains_of
from fooling.study.checks import contradictions
from fooling.study.entries import AscentEntry, DatasetEntry, Level
from fooling.study.settings import StudySettings
from fooling.study.surveyed import contradictions_of_survey, surveyed
from fooling.study.variants import Variant, variants


class Study:
    """A checked study: its settings, and its entries by name in the order of the file."""

    def __init__(self, settings: StudySettings, opened: Mapping[str, tuple[Variant, ...]]) -> None:
        self.settings = settings
        self.name = settings.study
        self.results = f"results/{settings.study}"
        self.datasets = {dataset.name: dataset for dataset in settings.datasets}
        self.classifiers = {classifier.name: classifier for classifier in settings.classifiers}
        self.experiments = {variant.name: variant for opened_entry in opened.values() for variant in opened_entry}
        self.chains = {chain.name: chain for chain in chains_of(settings.retraining)}
        self.ascents = {ascent.name: ascent for ascent in settings.ascent}
        self.sweeps = {ascent.name: ascent.tried() for ascent in settings.ascent if ascent.sweep}
        self.survey = surveyed(settings)
        self._opened = opened

    @property
    def plain_experiments(self) -> dict[str, Variant]:
        """The experiments that are run as they stand in the study file, without the variants of crossed ones."""
        return {name: experiment for name, experiment in self.experiments.items() if not experiment.levels}

    def dataset_of(self, experiment: str) -> DatasetEntry:
        """The data set that an experiment's classifiers are of."""
        return self.datasets[self.classifiers[self.experiments[experiment].settings.classifiers[0]].dataset]

    def classifiers_beside(self, experiment: str) -> list[str]:
        """The names of all classifiers of the data set that an experiment's own classifiers are of."""
        dataset = self.dataset_of(experiment).name
        return [name for name, classifier in self.classifiers.items() if classifier.dataset == dataset]

    @property
    def comparisons(self) -> list[dict[str, Any]]:
        """Which experiments are compared: the variants of a cross with the first one, others with the one they name."""
        groups: dict[str, dict[str, Mapping[str, Level]]] = {}
        for entry in self.settings.experiments:
            if entry.cross:
                opened = self._opened[entry.name]
                groups[opened[0].name] = {variant.name: variant.levels for variant in opened}
            elif entry.compared_with is not None:
                groups.setdefault(entry.compared_with, {entry.compared_with: {}})[entry.name] = {}
        return [{"reference": reference, "variants": group} for reference, group in groups.items()]

    def ascents_on(self, classifier: str) -> list[str]:
        """The files of the gradient ascents on one classifier, in the order of the study file."""
        return [
            f"{self.results}/ascent/{classifier}/{name}.safetensors"
            for name, ascent in self.ascents.items()
            if classifier in ascent.classifiers
        ]

    @property
    def every_ascent(self) -> dict[str, AscentEntry]:
        """The gradient ascents by name: those that are reported, and the settings that sweeps try on pilots."""
        tried = {name: entry for entries in self.sweeps.values() for name, entry in entries.items()}
        return {**self.ascents, **tried}

    def pilot_ascents(self, sweep: str) -> list[str]:
        """The files of a sweep's gradient ascents on its pilots: none of an entry without a sweep."""
        return [
            f"{self.results}/ascent/{classifier}/{name}.safetensors"
            for name, ascent in self.sweeps.get(sweep, {}).items()
            for classifier in ascent.classifiers
        ]

    def findings(self, section: type[Settings]) -> dict[str, Any]:
        """The keys of the findings that the settings class of one command knows."""
        return self.settings.findings.model_dump(mode="json", include=set(section.model_fields))

    def machine_variables(self) -> dict[str, str]:
        """The facts of the machine as environment variables."""
        machine = self.settings.machine
        variables = {
            "FOOLING_DEVICE": machine.device,
            "FOOLING_MIRROR": machine.mirror,
            "FOOLING_TRAINING_PROCESSES": machine.training_processes,
        }
        return {name: str(value) for name, value in variables.items() if value is not None}


def resolved_study(values: Mapping[str, Any], *, source: str) -> Study:
    """The study that ``values``, the content of a study file, describes.

    Raises :class:`FoolingError` that names every refused key, what was found and what is allowed.
    """
    settings = checked_settings(StudySettings, values, source=source)
    opened = {entry.name: tuple(variants(entry)) for entry in settings.experiments}
    found = [*contradictions(settings, opened), *contradictions_of_survey(settings)]
    problems = [told(values, keys, problem) for keys, problem in found]
    if problems:
        raise FoolingError(f"{source}: {len(problems)} settings do not fit each other\n" + "\n".join(problems))
    return Study(settings, opened)
