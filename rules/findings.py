"""The tables of a study: their files, inputs and settings."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from fooling.encodings.settings import encoding_module
from fooling.findings.boundary import BoundarySettings
from fooling.findings.far import FarSettings, ProbeSettings
from fooling.findings.intervals import IntervalSettings
from fooling.findings.random_images import SampleSettings
from fooling.settings import Settings
from fooling.study.resolved import Study
from rules.attacks import Attacks, Audits, Experiments
from rules.detectors import Guards
from rules.retraining import Hardening, Retrainings
from rules.steps import Files, Wildcards, as_json, repeated
from rules.survey import HumanStudy


class Findings:
    """The tables of a study, for the rules that make them."""

    def __init__(
        self,
        study: Study,
        experiments: Experiments,
        attacks: Attacks,
        audits: Audits,
        retrainings: Retrainings,
        guards: Guards,
        human_study: HumanStudy,
    ) -> None:
        self._study, self._experiments, self._attacks, self._human_study = study, experiments, attacks, human_study
        self._audits, self._guards = audits, guards
        self._retrainings, self._chains = retrainings, retrainings.chains
        self.hardening = Hardening(study, experiments, retrainings)
        self._plain = study.plain_experiments
        self._folder = f"{study.results}/findings"
        #: Table of the classifiers, claims and metrics; a study of audits alone has none.
        self.classifiers = [f"{self._folder}/classifiers.csv"] if study.experiments else []
        self.claims = [f"{study.results}/claims.csv"] if study.experiments else []
        self.metrics = [f"{study.results}/metrics.json"] if study.experiments else []

    def tables(self, pattern: str, experiments: Iterable[str] | None = None) -> list[str]:
        """Return the tables of a pattern, one for each experiment or classifier.

        Args:
            pattern: Path below the findings, with the wildcards ``{experiment}``, ``{classifier}`` or both.
            experiments: Names of experiments; default: all that run as declared in the study file.
        """
        chosen = self._plain if experiments is None else experiments
        pairs = ((name, other) for name in chosen for other in self._study.experiments[name].settings.classifiers)
        return list(
            dict.fromkeys(
                f"{self._folder}/{pattern.format(experiment=name, classifier=other)}" for name, other in pairs
            )
        )

    def settings(self, section: type[Settings]) -> str:
        """Return the settings of the findings that belong to this class."""
        return as_json(self._study.findings(section))

    def sample(self, experiment: str) -> str:
        """Return the settings of random images in the encoding of an experiment."""
        evolution = self._study.experiments[experiment].evolution()
        images = {"encoding": evolution["encoding"], "scoring_input": evolution["search"]["scoring_input"]}
        return as_json(self._study.findings(SampleSettings) | images)

    def comparison(self) -> str:
        """Return the pairs of experiments to compare, and the settings of intervals."""
        return as_json(self._study.findings(IntervalSettings) | {"comparisons": self._study.comparisons})

    def classifiers_beside(self, experiment: str) -> list[str]:
        """Return the names of all networks of an experiment's data set."""
        return self._study.classifiers_beside(experiment)

    def runs_to_measure(self, classifier: str) -> list[str]:
        """Return all plain experiments' runs on a classifier, without controls."""
        return [run for _, run in self._measured(classifier)]

    def runs_to_measure_options(self, classifier: str) -> str:
        """Return the options that name these runs, each with its experiment."""
        return repeated("runs", self._measured(classifier))

    def distances(self) -> list[str]:
        """Return the distances to training images: one table per network that has any, and features."""
        found = dict.fromkeys(
            classifier
            for name, experiment in self._plain.items()
            if self._study.dataset_of(name).has_training_images
            for classifier in experiment.settings.classifiers
            if self._study.has_features(classifier)
        )
        return [f"{self._folder}/distances/{classifier}.parquet" for classifier in found]

    def ablations(self) -> list[str]:
        """Return the ablations of champions in the CPPN encoding.

        Only these can contain repeated elements.
        """
        in_cppn = self._experiments.in_encoding("cppn")
        return self.tables(
            "ablation/{classifier}/{experiment}.parquet", [name for name in self._plain if name in in_cppn]
        )

    def families(self) -> list[str]:
        """Return the best random images of several families: one table per network with experiments."""
        return self.tables("families/{classifier}.parquet")

    def cppn_modules(self) -> list[str]:
        """Return the module of the CPPN encoding, as a list."""
        return [encoding_module("cppn")]

    def stressed(self, table: str) -> list[str]:
        """Return the tables of changed champions: one per network with experiments."""
        return self.tables(f"{table}/{{classifier}}.{'csv' if table == 'robustness' else 'parquet'}")

    def transfer(self, kind: str) -> list[str]:
        """Return one table for each experiment on a data set with several networks."""
        shown = [name for name in self._plain if len(self.classifiers_beside(name)) > 1]
        return [f"{self._folder}/transfer/{name}.{kind}" for name in shown]

    def transfer_in_chains(self, kind: str) -> list[str]:
        """Return one table for each chain whose fooling class holds champions."""
        return [f"{self._folder}/transfer/{name}.{kind}" for name in self._chains.filled_with("champions")]

    def far_names(self) -> list[str]:
        """Return the names of the networks that get inputs far from the data.

        Of the networks of a chain, these are all if the first one is among them.
        """
        far = self._study.settings.far
        if far is None:
            return []
        chained = [
            name for name, (chain, n) in self._chains.numbered.items() if n > 1 and chain.first in far.classifiers
        ]
        return [*far.classifiers, *chained]

    def far_files(self) -> list[str]:
        """Return the files of these networks."""
        single = self._study.classifiers
        file = self._chains.classifiers.file
        return [file(name) if name in single else self._chains.file(name) for name in self.far_names()]

    def far_built(self) -> list[str]:
        """Return the names of the classifiers of the study that are built as these networks are."""
        far = self._study.settings.far
        return [] if far is None else list(far.classifiers)

    def far_dataset(self) -> list[str]:
        """Return the data set of these networks, as a list."""
        return list(dict.fromkeys(map(self._chains.classifiers.dataset, self.far_built())))

    def far_settings(self) -> str:
        """Return the settings of inputs far from the data."""
        far = self._study.settings.far
        stated = {} if far is None else far.model_dump(mode="json", include=set(FarSettings.model_fields))
        return as_json(self._study.findings(ProbeSettings) | stated)

    def far(self, *names: str) -> list[str]:
        """Return these tables of inputs far from the data, if the study has any."""
        return [] if self._study.settings.far is None else [f"{self._folder}/far/{name}" for name in names]

    def boundary_classifiers(self) -> list[str]:
        """Return the names of the networks on which the distance of champions to the boundary is measured."""
        boundary = self._study.settings.boundary
        return [] if boundary is None else list(boundary.classifiers)

    def boundary_files(self) -> list[str]:
        """Return the files of these networks."""
        return list(map(self._chains.classifiers.file, self.boundary_classifiers()))

    def boundary_dataset(self) -> list[str]:
        """Return the data set of these networks, as a list."""
        return list(dict.fromkeys(map(self._chains.classifiers.dataset, self.boundary_classifiers())))

    def boundary_runs(self) -> list[str]:
        """Return all plain experiments' runs on these networks, without controls."""
        return [run for name in self.boundary_classifiers() for _, run in self._measured(name)]

    def boundary_runs_options(self) -> str:
        """Return the options that name these runs, each with its experiment."""
        return repeated("runs", [pair for name in self.boundary_classifiers() for pair in self._measured(name)])

    def boundary_settings(self) -> str:
        """Return the settings of the distances to the boundary."""
        boundary = self._study.settings.boundary
        fields = set(BoundarySettings.model_fields)
        return as_json({} if boundary is None else boundary.model_dump(mode="json", include=fields))

    def boundary(self) -> list[str]:
        """Return the table of distances to the boundary, as a list, if the study has any."""
        return [] if self._study.settings.boundary is None else [f"{self._folder}/boundary.parquet"]

    def kinds_classifier(self) -> list[str]:
        """Return the name of the network that is fooled in several ways: that of the first experiment, as a list."""
        return [experiment.settings.classifiers[0] for experiment in self._plain.values()][:1]

    def kinds_file(self) -> list[str]:
        """Return the file of this network, as a list."""
        return list(map(self._chains.classifiers.file, self.kinds_classifier()))

    def kinds_other(self) -> list[str]:
        """Return the name of another network of the data set, as a list: the independent one, or else the next one."""
        found = self.kinds_classifier()
        if not found:
            return []
        beside = [name for name in self.classifiers_beside(next(iter(self._plain))) if name not in found]
        return [*self._chains.classifiers.independent(found[0]), *beside][:1]

    def kinds_other_file(self) -> list[str]:
        """Return the file of this other network, as a list."""
        return list(map(self._chains.classifiers.file, self.kinds_other()))

    def kinds_runs(self) -> list[str]:
        """Return the first run on the network in each encoding."""
        return [run for _, run in self._kinds_runs()]

    def kinds_runs_options(self) -> str:
        """Return the options that name these runs, each with its experiment."""
        return repeated("runs", self._kinds_runs())

    def kinds_attacks(self, *kinds: str) -> list[str]:
        """Return the first attack of each of these kinds on the network."""
        return [
            f"{self._study.results}/{kind}/{name}/{attack}.safetensors"
            for name in self.kinds_classifier()
            for kind in kinds
            for attack in self._study.attacks_on(name, kind=kind)[:1]
        ]

    def kinds_families(self, table: str) -> list[str]:
        """Return the table of random images of several families on the network, as a list."""
        return [f"{self._folder}/{table}/{name}.parquet" for name in self.kinds_classifier()]

    def kinds(self) -> list[str]:
        """Return the table of the ways to fool a network, as a list, if the study has experiments."""
        return [f"{self._folder}/kinds.parquet"] if self.kinds_classifier() else []

    def compared(self) -> list[str]:
        """Return the names of the classifiers that are compared by who is fooled: those of all plain experiments."""
        return list(dict.fromkeys(name for plain in self._plain.values() for name in plain.settings.classifiers))

    def compared_files(self) -> list[str]:
        """Return the files of these classifiers."""
        return list(map(self._chains.classifiers.file, self.compared()))

    def compared_runs(self) -> list[str]:
        """Return the runs on them, with random search."""
        return [run for _, run in self._compared_runs()]

    def compared_runs_options(self, wildcards: Wildcards, input: Files) -> str:
        """Return the options that name these runs, each with its experiment.

        Because this param depends on ``input``, Snakemake records the inputs instead of its value.
        """
        return repeated("runs", self._compared_runs())

    def fooled(self, *names: str) -> list[str]:
        """Return these tables of who is fooled, if the study has experiments."""
        return [f"{self._folder}/{name}" for name in names] if self.compared() else []

    def curves(self) -> list[str]:
        """Return the curve of every plain experiment."""
        return [f"{self._study.results}/curves/{name}.csv" for name in self._plain]

    def files(self) -> list[str]:
        """Return all tables except those that are only inputs of other tables."""
        every = self._study.experiments
        of_study = ("classifiers", "foolability", "variance", "survival", "presets") if every else ()
        of_retraining = ("champions.parquet", "networks.csv", "effects.csv")
        in_transfer = (self.transfer, self.transfer_in_chains)
        compared = ("class_sets.csv", "set_classes.parquet") if self._study.settings.findings.class_sets else ()
        return [
            *self._audits.tables(),
            *self.tables("champions/{experiment}.parquet", every),
            *self.tables("history/{experiment}.parquet", every),
            *self.tables("start/{classifier}/{experiment}.parquet"),
            *self.tables("examined/{classifier}/{experiment}.parquet"),
            *self.tables("lineage/{experiment}.csv"),
            *self.tables("ancestry/{experiment}.parquet"),
            *self.distances(),
            *self.families(),
            *self.stressed("robustness"),
            *(f"{self._folder}/{name}.csv" for name in of_study),
            *(file for kind in of_retraining for file in self._retrainings.tables(kind)),
            *self._retrainings.tables("budget.csv", self._retrainings.with_longer_runs()),
            *self._retrainings.tables("refusal.csv", self._retrainings.with_refusal()),
            *(file for kind in ("shown.parquet", "pairs.csv") for tables in in_transfer for file in tables(kind)),
            *self._attacks.tables("ascent.parquet", "ascent_evaluations.csv"),
            *self._attacks.sweeps(),
            *self._attacks.adversarial_tables(),
            *self._attacks.universal_tables(),
            *self._attacks.label_only_tables(),
            *self._guards.tables(),
            *([f"{self._folder}/ablation_summary.csv"] if self.ablations() else []),
            *(f"{self._folder}/{name}" for name in compared),
            *self.far("rubbish.csv", "rubbish_summary.csv", "rays.csv", "ray_slopes.parquet"),
            *self.boundary(),
            *self.kinds(),
            *self.hardening.table("hardened"),
            *self.hardening.table("hardening"),
            *self.fooled("fooled.csv", "fooled_summary.csv"),
            *self._human_study.tables("accuracy"),
        ]

    def conclusions(self) -> list[str]:
        """Return the claims with verdicts, the metrics of the study, and its curves."""
        pages = [str(Path(table).with_suffix(".md")) for table in self.claims]
        return [*self.claims, *pages, *self.metrics, *self.curves()]

    def _kinds_runs(self) -> list[tuple[str, str]]:
        first: dict[str, tuple[str, str]] = {}
        for classifier in self.kinds_classifier():
            for name, run in self._measured(classifier):
                first.setdefault(self._study.experiments[name].encoding, (name, run))
        return list(first.values())

    def _compared_runs(self) -> list[tuple[str, str]]:
        searches = ("", ".random-search")
        return [(name, run) for name in self._plain for run in self._experiments.runs(name, searches=searches)]

    def _measured(self, classifier: str) -> list[tuple[str, str]]:
        named = [name for name, plain in self._plain.items() if classifier in plain.settings.classifiers]
        return [(name, run) for name in named for run in self._experiments.evolved_on(name, classifier)]
