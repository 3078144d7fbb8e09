"""Evolution and gradient ascent: the files of their runs, and the settings that the rules that make them are given."""

from __future__ import annotations

from collections.abc import Sequence

from fooling.study.resolved import Study
from rules.steps import Files, Wildcards, as_json, repeated

CONTROLS = (".random-search", ".drift")


class Experiments:
    """Evolution: the runs of a study's experiments, each with its controls."""

    def __init__(self, study: Study) -> None:
        self._all = study.experiments
        self._folder = f"{study.results}/evolution"

    def in_encoding(self, encoding: str, *, drift: bool | None = None) -> list[str]:
        """Return the names of the experiments in this encoding; if asked, only those with drift or without it."""
        return [
            name
            for name, experiment in self._all.items()
            if experiment.encoding == encoding and drift in (None, experiment.settings.drift)
        ]

    def settings(self, experiment: str) -> str:
        """Return the settings of an experiment's runs."""
        return as_json(self._all[experiment].evolution())

    def runs(
        self, experiment: str, classifiers: Sequence[str] = (), *, searches: Sequence[str] = ("", *CONTROLS)
    ) -> list[str]:
        """Return the files of an experiment's runs and controls, on these classifiers or on all that it names."""
        settings = self._all[experiment].settings
        return [
            f"{self._folder}/{classifier}/{experiment}/seed{seed}{search}.safetensors"
            for classifier in classifiers or settings.classifiers
            for seed in settings.seeds.values()
            for search in searches
            if settings.drift or search != ".drift"
        ]

    def all_runs(self, experiment: str) -> list[str]:
        """Return the files of all runs of an experiment, with their controls."""
        return self.runs(experiment)

    def evolved(self, experiment: str) -> list[str]:
        """Return the files of all runs of an experiment, without their controls."""
        return self.runs(experiment, searches=[""])

    def runs_on(self, experiment: str, classifier: str) -> list[str]:
        """Return the files of an experiment's runs on one classifier, with their controls."""
        return self.runs(experiment, [classifier])

    def evolved_on(self, experiment: str, classifier: str) -> list[str]:
        """Return the files of an experiment's runs on one classifier, without their controls."""
        return self.runs(experiment, [classifier], searches=[""])

    def files(self) -> list[str]:
        """Return the files of all runs."""
        return [run for experiment in self._all for run in self.runs(experiment)]


class Ascents:
    """Gradient ascent: one file for each classifier and setting, and the pilots on which sweeps try settings."""

    def __init__(self, study: Study) -> None:
        self._study = study

    def settings(self, setting: str) -> str:
        """Return the settings of a gradient ascent."""
        return as_json(self._study.every_ascent[setting].section())

    def pilots(self, setting: str) -> list[str]:
        """Return the gradient ascents on pilots that decide the settings of this one; none without a sweep."""
        return self._study.pilot_ascents(setting)

    def threshold(self, setting: str) -> str:
        """Return the option with the confidence at which the settings of a sweep are compared; empty without one."""
        return f"--threshold {self._study.settings.findings.threshold}" if setting in self._study.sweeps else ""

    def files(self) -> list[str]:
        """Return the files of all gradient ascents, pilots left out."""
        return [file for name in self._study.classifiers for file in self._study.ascents_on(name)]

    def pilot_files(self) -> list[str]:
        """Return the files of all gradient ascents on pilots."""
        return [file for sweep in self._study.sweeps for file in self.pilots(sweep)]

    def named_pilots(self, wildcards: Wildcards, input: Files) -> str:
        """Return the options that name these files, each with its sweep; Snakemake records the inputs instead."""
        return repeated("pilots", [(sweep, file) for sweep in self._study.sweeps for file in self.pilots(sweep)])

    def sweeps(self) -> list[str]:
        """Return the table of the settings that were tried, if there are any."""
        return [f"{self._study.results}/findings/ascent_sweeps.csv"] if self._study.sweeps else []

    def tables(self, *names: str) -> list[str]:
        """Return these tables of the gradient ascents, if the study has any."""
        return [f"{self._study.results}/findings/{name}" for name in names] if self._study.ascents else []

    def curves(self) -> list[str]:
        """Return one table of curves for each classifier with gradient ascents, in the order of their names."""
        names = sorted(name for name in self._study.classifiers if self._study.ascents_on(name))
        return self.tables(*(f"ascent_curves/{name}.parquet" for name in names))
