"""The report page: the runs, replays and data set that it shows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fooling.figures.declaration import RUN
from fooling.study.resolved import Study
from rules.classifiers import Datasets
from rules.drawings import drawings
from rules.steps import LARGE, Files, Wildcards, repeated


class Page:
    """What the report page of a study shows besides tables and figures."""

    def __init__(self, study: Study, datasets: Datasets) -> None:
        self._study, self._datasets = study, datasets
        galleries = (one for one in drawings(study).values() if one.figure == "gallery" and one.experiment)
        self._experiments = list(dict.fromkeys(str(one.experiment) for one in galleries))

    def runs(self) -> list[str]:
        """Return the runs of the galleries: the first ones of each experiment on each of its classifiers."""
        return [run for _, run in self._runs()]

    def runs_options(self) -> str:
        """Return the options that name these runs, each with its experiment."""
        return repeated("runs", self._runs())

    def replays(self) -> list[str]:
        """Return the replays for the slider: of the first run of the first experiment of each encoding.

        There are none for large images, because a replay takes as long as the run. The page then shows the start and
        the end of these runs.
        """
        return [replay for _, replay in self._replays()]

    def replays_options(self) -> str:
        """Return the options that name these replays, each with its experiment."""
        return repeated("replays", self._replays())

    def dataset(self) -> list[str]:
        """Return the data set of the first experiment, if there is any."""
        return [self._datasets.file(self._study.dataset_of(name).name) for name in self._experiments[:1]]

    def _runs(self) -> list[tuple[str, str]]:
        shown, experiments = self._study.settings.figures.runs_shown, self._study.experiments
        return [
            (name, f"{self._study.results}/{RUN.format(classifier=classifier, experiment=name, seed=seed)}")
            for name in self._experiments
            for classifier in experiments[name].settings.classifiers
            for seed in experiments[name].settings.seeds.values()[:shown]
        ]

    def _replays(self) -> list[tuple[str, str]]:
        first: dict[str, str] = {}
        for name in self._experiments:
            first.setdefault(self._study.experiments[name].encoding, name)
        runs = dict(reversed(self._runs()))  # the first run of each experiment
        return [
            (name, runs[name].replace(".safetensors", ".replay.safetensors"))
            for name in first.values()
            if self._study.dataset_of(name).size < LARGE
        ]


def folder_of(name: str) -> Callable[[Wildcards, Files], str]:
    """Return a params function that passes the folder of an input's files to the option of its name.

    Empty if the input has no files.
    """

    def of_files(wildcards: Wildcards, input: Files) -> str:
        files = dict(input.items())[name]
        return f"--{name} {Path(files[0]).parent.as_posix()}" if files else ""

    return of_files
