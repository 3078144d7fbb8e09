"""A resolved study: checked settings, entries by name, experiments expanded into variants, and the survey plan.

The survey plan has the classifier, the experiments and the gradient ascents whose images people are shown.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fooling.messages import FoolingError
from fooling.settings import Explanation, Key, Settings, checked_settings, format_problem
from fooling.study.dataset_entries import DatasetEntry
from fooling.study.entries import AttackEntry, Level, SurveySettings
from fooling.study.expansion import Variant, chains_of, contradictions, variants
from fooling.study.settings import StudySettings
from fooling.survey.accuracy import ExclusionSettings, JudgementSettings
from fooling.survey.assembly import RecruitmentSettings
from fooling.survey.questionnaire import QuestionnaireSettings
from fooling.training.settings import PLAIN, hardening_of

#: Conditions beside the experiments and the gradient ascents.
NOISE, REAL = "noise", "real"
RESERVED = (NOISE, REAL, "practice", "catch")


@dataclass(frozen=True, kw_only=True)
class SurveyPlan:
    """The human study of a study, with defaults filled in: whose images people are shown."""

    settings: SurveySettings
    classifier: str
    experiments: tuple[str, ...]
    ascents: tuple[str, ...]

    @property
    def conditions(self) -> tuple[str, ...]:
        """Names of all conditions, in the order of the questionnaire."""
        return (*self.experiments, *self.ascents, *([NOISE] if self.experiments else []), REAL)

    def questionnaire(self) -> dict[str, Any]:
        """Return the settings of the questionnaire."""
        return self.settings.model_dump(mode="json", include=set(QuestionnaireSettings.model_fields))

    def recruitment(self) -> dict[str, Any]:
        """Return where participants go at the end."""
        return self.settings.model_dump(mode="json", include=set(RecruitmentSettings.model_fields))

    def analysis(self) -> dict[str, Any]:
        """Return the settings of the analysis: exclusions, and the margin above chance."""
        known = {*ExclusionSettings.model_fields, *JudgementSettings.model_fields}
        return self.settings.model_dump(mode="json", include=known)


def survey_plan(study: StudySettings) -> SurveyPlan | None:
    """Return the plan of the human study in ``study``, with defaults filled in; None if there is none."""
    if study.survey is None:
        return None
    classifier = study.survey.classifier or study.classifiers[0].name
    experiments, ascents = _shown_on(study, classifier)
    return SurveyPlan(
        settings=study.survey,
        classifier=classifier,
        experiments=experiments if study.survey.experiments is None else study.survey.experiments,
        ascents=ascents if study.survey.ascents is None else study.survey.ascents,
    )


def contradictions_of_survey(study: StudySettings) -> Iterator[tuple[Sequence[Key], Explanation]]:
    """Yield every contradiction between the human study and the rest of ``study``: the keys, and an explanation."""
    survey = survey_plan(study)
    if survey is None:
        return
    networks = [network.name for network in study.classifiers]
    if survey.classifier not in networks:
        correction = {"classifier": difflib.get_close_matches(survey.classifier, networks, n=1, cutoff=0.0)[0]}
        yield (
            ("survey", "classifier"),
            Explanation(repr(survey.classifier), f"one of {', '.join(networks)}", correction),
        )
        return
    experiments, ascents = _shown_on(study, survey.classifier)
    for key, named, known in (("experiments", survey.experiments, experiments), ("ascents", survey.ascents, ascents)):
        for name in named:
            if name not in known:
                allowed = f"those on {survey.classifier} that are not crossed: {', '.join(known) or 'there are none'}"
                yield ("survey", key), Explanation(repr(name), allowed)
    names = [name.lower() for name in (*RESERVED, *survey.experiments, *survey.ascents)]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        found = f"more than one condition called {twice[0]!r}"
        yield ("survey",), Explanation(found, "unique names other than " + ", ".join(RESERVED))


def _shown_on(study: StudySettings, classifier: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the experiments that are not crossed, and the gradient ascents, on this classifier."""
    experiments = (entry for entry in study.experiments if not entry.cross and entry.tables == "all")
    return (
        tuple(entry.name for entry in experiments if classifier in entry.classifiers),
        tuple(entry.name for entry in study.attacks if entry.kind == "ascent" and classifier in entry.classifiers),
    )


class Study:
    """A checked study: its settings, and its entries by name in the order of the file."""

    def __init__(self, settings: StudySettings, expanded: Mapping[str, tuple[Variant, ...]]) -> None:
        self.settings = settings
        self.name = settings.study
        self.results = f"results/{settings.study}"
        self.datasets = {dataset.name: dataset for dataset in settings.datasets}
        self.classifiers = {classifier.name: classifier for classifier in settings.classifiers}
        self.experiments = {variant.name: variant for opened_entry in expanded.values() for variant in opened_entry}
        self.chains = {chain.name: chain for chain in chains_of(settings.retraining)}
        self.attacks = {attack.name: attack for attack in settings.attacks}
        self.sweeps = {attack.name: attack.tried() for attack in settings.attacks if attack.sweep}
        self.audited = {network.name: network for network in (settings.audits.networks if settings.audits else ())}
        self.survey = survey_plan(settings)
        self._expanded = expanded

    @property
    def plain_experiments(self) -> dict[str, Variant]:
        """Experiments that are not crossed and have all tables."""
        return {
            name: experiment
            for name, experiment in self.experiments.items()
            if not experiment.levels and experiment.settings.tables == "all"
        }

    def dataset_of(self, experiment: str) -> DatasetEntry:
        """Return the data set of an experiment's classifiers."""
        return self.datasets[self.classifiers[self.experiments[experiment].settings.classifiers[0]].dataset]

    def has_features(self, classifier: str) -> bool:
        """Return whether a classifier is a network with features: neither a fitted model nor an ensemble with one."""
        entry = self.classifiers[classifier]
        if entry.kind == "ensemble":
            return all(map(self.has_features, entry.members))
        return entry.kind != "fitted"

    def classifiers_beside(self, experiment: str) -> list[str]:
        """Return the names of the classifiers of the data set of an experiment: its own, and plain ones."""
        dataset, own = self.dataset_of(experiment).name, self.experiments[experiment].settings.classifiers
        return [
            name
            for name, classifier in self.classifiers.items()
            if classifier.dataset == dataset and (name in own or name not in self.hardened)
        ]

    @property
    def hardened(self) -> list[str]:
        """Names of the classifiers whose training may make them harder to fool."""
        return [
            name
            for name, entry in self.classifiers.items()
            if entry.kind == "trained" and hardening_of(entry.training.model_dump(mode="json")) != PLAIN
        ]

    @property
    def hardening(self) -> dict[str, list[str]]:
        """Names of the experiments in the comparison of hardened networks, by the first of those with equal runs.

        Crossed experiments are left out, and those whose budget and encoding no experiment on a hardened network has.
        """
        alike: dict[str, list[str]] = {}
        for name, experiment in self.experiments.items():
            if not experiment.levels:
                alike.setdefault(json.dumps([self.dataset_of(name).name, experiment.evolution()]), []).append(name)
        hardened = set(self.hardened)
        return {
            names[0]: names
            for names in alike.values()
            if any(hardened & set(self.experiments[name].settings.classifiers) for name in names)
        }

    @property
    def comparisons(self) -> list[dict[str, Any]]:
        """Groups of compared experiments: variants with the first one, others with the one in ``compared_with``."""
        groups: dict[str, dict[str, Mapping[str, Level]]] = {}
        for entry in self.settings.experiments:
            if entry.cross:
                expanded = self._expanded[entry.name]
                groups[expanded[0].name] = {variant.name: variant.levels for variant in expanded}
            elif entry.compared_with is not None:
                groups.setdefault(entry.compared_with, {entry.compared_with: {}})[entry.name] = {}
        return [{"reference": reference, "variants": group} for reference, group in groups.items()]

    def attacks_on(self, classifier: str, *, kind: str | None = None) -> list[str]:
        """Return the names of the attacks on one classifier, in the order of the study file; of one kind if given."""
        return [
            name
            for name, attack in self.attacks.items()
            if classifier in attack.classifiers and kind in (None, attack.kind)
        ]

    @property
    def every_attack(self) -> dict[str, AttackEntry]:
        """The attacks by name: those that are reported, and the settings that sweeps try on pilots."""
        tried = {name: entry for entries in self.sweeps.values() for name, entry in entries.items()}
        return {**self.attacks, **tried}

    def pilots_of(self, sweep: str) -> list[tuple[str, str]]:
        """Return the classifier and name of each attack on pilots; none for an entry without a sweep."""
        return [
            (classifier, name)
            for name, attack in self.sweeps.get(sweep, {}).items()
            for classifier in attack.classifiers
        ]

    def findings(self, section: type[Settings]) -> dict[str, Any]:
        """Return the settings of the findings that the settings class of a command has."""
        return self.settings.findings.model_dump(mode="json", include=set(section.model_fields))

    def machine_variables(self) -> dict[str, str]:
        """Return the facts of the machine as environment variables."""
        machine = self.settings.machine
        variables = {
            "FOOLING_DEVICE": machine.device,
            "FOOLING_MIRROR": machine.mirror,
            "FOOLING_TRAINING_PROCESSES": machine.training_processes,
        }
        return {name: str(value) for name, value in variables.items() if value is not None}


def resolved_study(values: Mapping[str, Any], *, source: str) -> Study:
    """Return the study with the settings ``values``, the content of the study file ``source``.

    Raises:
        FoolingError: Settings are invalid or inconsistent. Names each key, the value found and what is allowed.
    """
    settings = checked_settings(StudySettings, values, source=source)
    expanded = {entry.name: tuple(variants(entry)) for entry in settings.experiments}
    found = [*contradictions(settings, expanded), *(contradictions_of_survey(settings) if settings.classifiers else ())]
    problems = [format_problem(values, keys, problem) for keys, problem in found]
    if problems:
        raise FoolingError(f"{source}: {len(problems)} inconsistent settings\n" + "\n".join(problems))
    return Study(settings, expanded)
