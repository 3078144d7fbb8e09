"""The human study as the workflow reads it: which network, experiments and gradient ascents it shows images of."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fooling.settings_errors import Explanation, Key
from fooling.study.settings import StudySettings
from fooling.survey.settings import ExclusionSettings, JudgementSettings, QuestionnaireSettings, SurveySettings

#: Conditions beside the experiments and the gradient ascents.
NOISE, REAL = "noise", "real"
RESERVED = (NOISE, REAL, "practice", "catch")


@dataclass(frozen=True, kw_only=True)
class Survey:
    """Whose images people are shown."""

    settings: SurveySettings
    classifier: str
    experiments: tuple[str, ...]
    ascents: tuple[str, ...]

    @property
    def conditions(self) -> tuple[str, ...]:
        """The names of all conditions, in the order of the questionnaire."""
        return (*self.experiments, *self.ascents, *([NOISE] if self.experiments else []), REAL)

    def questionnaire(self) -> dict[str, Any]:
        """The settings that decide the questionnaire."""
        return self.settings.model_dump(mode="json", include=set(QuestionnaireSettings.model_fields))

    def analysis(self) -> dict[str, Any]:
        """The settings that decide whose answers count, and what counts as chance."""
        known = {*ExclusionSettings.model_fields, *JudgementSettings.model_fields}
        return self.settings.model_dump(mode="json", include=known)


def surveyed(study: StudySettings) -> Survey | None:
    """The human study that ``study`` asks for, with what it leaves open filled in."""
    if study.survey is None:
        return None
    classifier = study.survey.classifier or study.classifiers[0].name
    experiments, ascents = _shown_on(study, classifier)
    return Survey(
        settings=study.survey,
        classifier=classifier,
        experiments=experiments if study.survey.experiments is None else study.survey.experiments,
        ascents=ascents if study.survey.ascents is None else study.survey.ascents,
    )


def contradictions_of_survey(study: StudySettings) -> Iterator[tuple[Sequence[Key], Explanation]]:
    """Every place where the human study does not fit the rest of ``study``."""
    survey = surveyed(study)
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
        yield ("survey",), Explanation(found, "names that differ, and others than " + ", ".join(RESERVED))


def _shown_on(study: StudySettings, classifier: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The experiments, crossed ones left out, and the gradient ascents on this network."""
    experiments = (entry for entry in study.experiments if not entry.cross)
    return (
        tuple(entry.name for entry in experiments if classifier in entry.classifiers),
        tuple(entry.name for entry in study.ascent if classifier in entry.classifiers),
    )
