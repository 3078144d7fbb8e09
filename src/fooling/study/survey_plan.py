"""The survey plan: the classifier, experiments and gradient ascents whose images people are shown."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fooling.settings import Explanation, Key
from fooling.study.settings import StudySettings
from fooling.survey.settings import ExclusionSettings, JudgementSettings, QuestionnaireSettings, SurveySettings

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
    experiments = (entry for entry in study.experiments if not entry.cross)
    return (
        tuple(entry.name for entry in experiments if classifier in entry.classifiers),
        tuple(entry.name for entry in study.attacks if entry.kind == "ascent" and classifier in entry.classifiers),
    )
