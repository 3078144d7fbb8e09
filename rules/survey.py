"""The human study: its questionnaire, its answers, and the images that it shows."""

from __future__ import annotations

import shlex

from snakemake.exceptions import WorkflowError  # type: ignore[import-untyped]

from fooling.findings.intervals import IntervalSettings
from fooling.study.resolved import Study, SurveyPlan
from rules.attacks import Experiments
from rules.steps import as_json, repeated


class HumanStudy:
    """The human study of a study; without one, it has no files."""

    def __init__(self, study: Study, experiments: Experiments) -> None:
        self._study, self._experiments = study, experiments

    def files(self) -> list[str]:
        """Return the questionnaire, if any; its images are in the same folder."""
        return [f"{self._study.results}/survey/questionnaire.json"] if self._study.survey else []

    def tables(self, *names: str) -> list[str]:
        """Return these tables of answers, if there are any answers."""
        return (
            [f"{self._study.results}/findings/survey/{name}.csv" for name in names] if responses_of(self._study) else []
        )

    def questionnaire(self) -> list[str]:
        """Return the questionnaire; raise :class:`WorkflowError` if there is none."""
        return self.files() if self._survey else []

    def settings(self) -> str:
        """Return the settings of the questionnaire."""
        return as_json(self._survey.questionnaire())

    def recruitment(self) -> str:
        """Return the settings of the page that are not part of the questionnaire."""
        return as_json(self._survey.recruitment())

    def classifier(self) -> list[str]:
        """Return the name of the network whose images are shown, as a list."""
        return [self._survey.classifier]

    def runs(self) -> list[str]:
        """Return the runs whose images may be shown."""
        return [run for _, run in self._named_runs()]

    def run_options(self) -> str:
        """Return the options that name these runs, each with its experiment."""
        return repeated("runs", self._named_runs())

    def ascents(self) -> list[str]:
        """Return the gradient ascents whose images may be shown."""
        folder = f"{self._study.results}/ascent/{self._survey.classifier}"
        return [f"{folder}/{name}.safetensors" for name in self._survey.ascents]

    def responses(self) -> list[str]:
        """Return the files with answers."""
        return responses_of(self._study)

    def response_folder(self) -> str:
        """Return the folder of answers as an argument of a command."""
        return shlex.quote(str(self._survey.settings.response_folder))

    def analysis(self) -> str:
        """Return the settings of exclusions, chance and intervals."""
        return as_json(self._survey.analysis() | self._study.findings(IntervalSettings))

    @property
    def _survey(self) -> SurveyPlan:
        if self._study.survey is None:
            raise WorkflowError(
                f"the study {self._study.name} has no human study: add the key `survey: {{}}` to its file"
            )
        return self._study.survey

    def _named_runs(self) -> list[tuple[str, str]]:
        network = self._survey.classifier
        return [(name, run) for name in self._survey.experiments for run in self._experiments.evolved_on(name, network)]


def responses_of(study: Study) -> list[str]:
    """Return the files with answers, sorted; none without a folder of answers."""
    folder = study.survey and study.survey.settings.response_folder
    if not folder or not folder.is_dir():
        return []
    return sorted(str(path) for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
