"""Attacks and audits: the files of their runs, and the settings that the rules pass to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from snakemake.exceptions import WorkflowError  # type: ignore[import-untyped]

from fooling.attacks.settings import ON_REAL_IMAGES, attack_modules
from fooling.classifiers.architectures import NAMED_MODULES as ARCHITECTURES
from fooling.encodings.settings import NAMED_MODULES as ENCODINGS
from fooling.encodings.settings import encoding_module
from fooling.findings.adversarial import ADVERSARIAL, ADVERSARIAL_MEANS, ADVERSARIAL_TRANSFER
from fooling.findings.audits import AUDIT_ATTACKS, AUDIT_SEEDS, AUDITS
from fooling.findings.label_only import LABEL_ONLY, LABEL_ONLY_CURVES, LABEL_ONLY_TRANSFER
from fooling.findings.universal import UNIVERSAL, UNIVERSAL_LABELS, UNIVERSAL_MEANS, UNIVERSAL_TRANSFER
from fooling.fingerprint import fingerprint
from fooling.settings import Explanation, format_problem
from fooling.study.resolved import Study
from fooling.table import Table
from rules.classifiers import Datasets, place_of
from rules.steps import Files, Wildcards, as_json, repeated

CONTROLS = (".random-search", ".drift")


class Experiments:
    """Evolution: the runs of a study's experiments, each with its controls."""

    def __init__(self, study: Study) -> None:
        self._all, self._study = study.experiments, study
        self._folder = f"{study.results}/evolution"

    def in_encoding(self, encoding: str) -> list[str]:
        """Return the names of the experiments in this encoding."""
        return [name for name, experiment in self._all.items() if experiment.encoding == encoding]

    def names(self, *, drift: bool) -> list[str]:
        """Return the names of the experiments with drift, or of those without it."""
        return [name for name, experiment in self._all.items() if experiment.settings.drift == drift]

    def classifiers_of(self, experiment: str) -> tuple[str, ...]:
        """Return the names of the classifiers of an experiment."""
        return self._all[experiment].settings.classifiers

    def modules(self, experiment: str) -> list[str]:
        """Return the modules that the runs of an experiment import by name."""
        return attack_modules("evolution", self._all[experiment].evolution())

    def encoding_modules(self, experiment: str) -> list[str]:
        """Return the module of an experiment's encoding, as a list."""
        return [encoding_module(self._all[experiment].encoding)]

    def settings(self, experiment: str, classifier: str) -> str:
        """Return the settings of an experiment's runs on a classifier."""
        return as_json(self._all[experiment].evolution() | search_precision(self._study, classifier))

    def runs(
        self, experiment: str, classifiers: Sequence[str] = (), *, searches: Sequence[str] = ("", *CONTROLS)
    ) -> list[str]:
        """Return the files of an experiment's runs and controls.

        ``classifiers`` defaults to all that the experiment names; ``searches`` are suffixes of file names.
        """
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
        """Return the files of an experiment's runs and controls on one classifier."""
        return self.runs(experiment, [classifier])

    def evolved_on(self, experiment: str, classifier: str) -> list[str]:
        """Return the files of an experiment's runs on one classifier, without controls."""
        return self.runs(experiment, [classifier], searches=[""])

    def files(self) -> list[str]:
        """Return the files of all runs."""
        return [run for experiment in self._all for run in self.runs(experiment)]


def search_precision(study: Study, classifier: str) -> dict[str, str]:
    """Return the key with the precision of a classifier for the settings of a search; empty for float32."""
    precision = study.classifiers[classifier].precision
    return {} if precision == "float32" else {"precision": precision}


def attack_file(study: Study, classifier: str, name: str) -> str:
    """Return the file of an attack on one classifier; the kind is its folder."""
    return f"{study.results}/{study.every_attack[name].kind}/{classifier}/{name}.safetensors"


def ascent_files(study: Study, classifier: str) -> list[str]:
    """Return the files of the gradient ascents on one classifier, without pilots.

    They are in the order of the study file.
    """
    return [attack_file(study, classifier, name) for name in study.attacks_on(classifier, kind="ascent")]


class Attacks:
    """Attacks other than evolution: one file per classifier, and pilots of sweeps."""

    def __init__(self, study: Study) -> None:
        self._study, self._datasets = study, Datasets(study)

    def kinds(self, *, on_real_images: bool) -> list[str]:
        """Return the kinds of these attacks, which are also the folders of their files: with real images or without."""
        kinds = {entry.kind for entry in self._study.every_attack.values()}
        return sorted(kind for kind in kinds if (kind in ON_REAL_IMAGES) == on_real_images)

    def kind(self, attack: str) -> str:
        """Return the kind of an attack."""
        return self._study.every_attack[attack].kind

    def settings(self, attack: str) -> str:
        """Return the settings of an attack."""
        return as_json(self._study.every_attack[attack].section())

    def modules(self, attack: str) -> list[str]:
        """Return the modules that an attack imports by name."""
        return attack_modules(self.kind(attack), self._study.every_attack[attack].section())

    def pilots(self, attack: str) -> list[str]:
        """Return the files of an attack's pilots; none without a sweep."""
        return [attack_file(self._study, classifier, name) for classifier, name in self._study.pilots_of(attack)]

    def threshold(self, attack: str) -> str:
        """Return the option with the confidence at which a sweep compares settings.

        Empty for attacks without a sweep.
        """
        return f"--threshold {self._study.settings.findings.threshold}" if attack in self._study.sweeps else ""

    def files(self) -> list[str]:
        """Return the files of these attacks, pilots left out."""
        study = self._study
        return [attack_file(study, each, name) for each in study.classifiers for name in study.attacks_on(each)]

    def ascents(self) -> list[str]:
        """Return the files of all gradient ascents, pilots left out."""
        return [file for classifier in self._study.classifiers for file in ascent_files(self._study, classifier)]

    def pilot_files(self) -> list[str]:
        """Return the files of the pilots of all gradient ascents."""
        return [file for sweep in self._study.sweeps for file in self.pilots(sweep)]

    def named_pilots(self, wildcards: Wildcards, input: Files) -> str:
        """Return the options that name these files, each with its sweep.

        Because this param depends on ``input``, Snakemake records the inputs instead of its value.
        """
        return repeated("pilots", [(sweep, file) for sweep in self._study.sweeps for file in self.pilots(sweep)])

    def sweeps(self) -> list[str]:
        """Return the table of the settings that sweeps tried, if there are sweeps."""
        return [f"{self._study.results}/findings/ascent_sweeps.csv"] if self._study.sweeps else []

    def tables(self, *names: str) -> list[str]:
        """Return these tables of the gradient ascents, if the study has any."""
        return [f"{self._study.results}/findings/{name}" for name in names] if self.ascents() else []

    def curves(self) -> list[str]:
        """Return one table of curves for each classifier with ascents, sorted by name."""
        names = sorted(name for name in self._study.classifiers if self._study.attacks_on(name, kind="ascent"))
        return self.tables(*(f"ascent_curves/{name}.parquet" for name in names))

    def adversarial(self, classifier: str | None = None) -> list[str]:
        """Return the files of all adversarial examples, or of those on one classifier."""
        return self._of_kind("adversarial", [classifier] if classifier else list(self._study.classifiers))

    def universal(self) -> list[str]:
        """Return the files of all universal perturbations."""
        return self._of_kind("universal", list(self._study.classifiers))

    def shown_adversarial(self) -> list[str]:
        """Return the classifiers that are shown adversarial examples: all of the data sets that have some.

        Hardened networks are left out unless they are attacked.
        """
        return self._beside("adversarial")

    def shown_universal(self) -> list[str]:
        """Return the classifiers that are shown images with universal perturbations: all of the data sets with some."""
        return self._beside("universal")

    def datasets_of_universal(self) -> list[str]:
        """Return the files of the data sets on whose images universal perturbations are tried."""
        names = dict.fromkeys(self._study.classifiers[name].dataset for name in self.shown_universal())
        return [self._datasets.file(name) for name in names]

    def adversarial_tables(self, *tables: Table) -> list[str]:
        """Return these tables of the adversarial examples, by default all, if the study has any."""
        shown = tables or (ADVERSARIAL, ADVERSARIAL_MEANS, ADVERSARIAL_TRANSFER)
        return [f"{self._study.results}/{table.path}" for table in shown] if self.adversarial() else []

    def universal_tables(self, *tables: Table) -> list[str]:
        """Return these tables of the universal perturbations, by default all, if the study has any."""
        shown = tables or (UNIVERSAL, UNIVERSAL_MEANS, UNIVERSAL_LABELS, UNIVERSAL_TRANSFER)
        return [f"{self._study.results}/{table.path}" for table in shown] if self.universal() else []

    def _of_kind(self, kind: str, classifiers: Sequence[str]) -> list[str]:
        """Return the files of the attacks of a kind on these classifiers."""
        study = self._study
        return [attack_file(study, each, name) for each in classifiers for name in study.attacks_on(each, kind=kind)]

    def _beside(self, kind: str) -> list[str]:
        """Return all classifiers of the data sets on whose classifiers there are attacks of a kind."""
        attacked = [entry for entry in self._study.attacks.values() if entry.kind == kind]
        datasets = {self._study.classifiers[name].dataset for entry in attacked for name in entry.classifiers}
        left_out = set(self._study.hardened).difference(name for entry in attacked for name in entry.classifiers)
        beside = (name for name, entry in self._study.classifiers.items() if entry.dataset in datasets)
        return [name for name in beside if name not in left_out]

    def label_only(self) -> list[str]:
        """Return the files of all attacks with labels alone."""
        return [
            attack_file(self._study, each, name)
            for each in self._study.classifiers
            for name in self._study.attacks_on(each, kind="label-only")
        ]

    def asked_for_labels(self) -> list[str]:
        """Return the classifiers that these attacks fool."""
        return [name for name in self._study.classifiers if self._study.attacks_on(name, kind="label-only")]

    def own_runs(self) -> list[str]:
        """Return the runs on other networks whose champions are shown to these classifiers."""
        return list(dict.fromkeys(run for _, run in self._own_runs()))

    def named_own(self, wildcards: Wildcards, input: Files) -> str:
        """Return the options that name these runs, each with its attack.

        Because this param depends on ``input``, Snakemake records the inputs instead of its value.
        """
        return repeated("own", self._own_runs())

    def label_only_tables(self, *tables: Table) -> list[str]:
        """Return these tables of the attacks with labels alone, by default all, if the study has any."""
        shown = tables or (LABEL_ONLY, LABEL_ONLY_CURVES, LABEL_ONLY_TRANSFER)
        return [f"{self._study.results}/{table.path}" for table in shown] if self.label_only() else []

    def _own_runs(self) -> list[tuple[str, str]]:
        """Return the name of each attack that is compared with transfer, with each run of its experiment."""
        experiments = Experiments(self._study)
        return [
            (entry.name, run)
            for entry in self._study.attacks.values()
            if entry.kind == "label-only" and entry.own is not None
            for run in experiments.evolved(entry.own)
        ]


class Audits:
    """Audits of networks: one folder for each network and seed."""

    def __init__(self, study: Study) -> None:
        self._study = study

    def files(self) -> list[str]:
        """Return the file with the numbers of each audit, in the order of the networks."""
        if self._study.settings.audits is None:
            return []
        seeds = self._study.settings.audits.seeds.values()
        return [self._file(network, seed) for network in self._study.audited for seed in seeds]

    def network_files(self, audited: str, seed: str) -> list[str]:
        """Return the files of a network: its own, its weights and the list of its classes, here or in the mirror.

        Raises :class:`WorkflowError`, naming the key, for a file that is in neither place, unless the audit is there
        already, such as one that was restored from the store.
        """
        entry = self._study.audited[audited]
        return self._found(audited, seed, entry.files(entry.network))

    def test_images(self, audited: str, seed: str) -> list[str]:
        """Return the test images of a network, here or in the mirror, if it has some; raise as for its files."""
        given = self._study.audited[audited].test_images
        return self._found(audited, seed, {} if given is None else {"test_images": given})

    def _found(self, audited: str, seed: str, files: Mapping[str, Path]) -> list[str]:
        made = {Path(Datasets(self._study).file(name)) for name in self._study.datasets}
        for key, path in files.items():
            if (
                place_of(path) is None
                and not path.is_relative_to(self._study.results)
                and path not in made
                and not Path(self._file(audited, seed)).is_file()
            ):
                number = list(self._study.audited).index(audited)
                values = self._study.settings.model_dump(mode="json", include={"audits"})
                allowed = "a file that exists, here or below the mirror folder (FOOLING_MIRROR)"
                explanation = Explanation(f"no file {path}", allowed)
                problem = format_problem(values, ["audits", "networks", number, key], explanation)
                raise WorkflowError(f"a network to audit is missing\n{problem}")
        return [str(place_of(path) or path) for path in files.values()]

    def network(self, audited: str) -> str:
        """Return a network as `fooling audit` takes it."""
        return self._study.audited[audited].network

    def fingerprint(self, audited: str) -> str:
        """Return the fingerprint of the code that audits a network: of a classifier file, with all architectures."""
        built = ARCHITECTURES if self.network(audited).endswith(".safetensors") else ()
        return fingerprint("fooling.cli.audit:audit", *ENCODINGS, *built)

    def settings(self, audited: str) -> str:
        """Return the settings of the audits of a network."""
        assert self._study.settings.audits is not None
        return as_json(self._study.settings.audits.settings(self._study.audited[audited]))

    def tables(self) -> list[str]:
        """Return the tables of the audits, if there are any: of each seed, of further attacks, and the ranking."""
        return [path for table in (AUDIT_SEEDS, AUDIT_ATTACKS, AUDITS) for path in self.table(table)]

    def ranking(self) -> list[str]:
        """Return the table that ranks the networks, if there are any audits."""
        return self.table(AUDITS)

    def table(self, table: Table) -> list[str]:
        """Return one table of the audits, if there are any."""
        return [f"{self._study.results}/{table.path}"] if self.files() else []

    def _file(self, network: str, seed: int | str) -> str:
        return f"{self._study.results}/audits/{network}/seed{seed}/audit.json"
