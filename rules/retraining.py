"""Chains of retrained networks: their files, settings and tables."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from functools import cached_property
from typing import Any

from fooling.attacks.settings import attack_modules
from fooling.classifiers.architectures import names_a_file
from fooling.encodings.settings import DirectSettings, encoding_module
from fooling.findings.hardening import HardeningSettings
from fooling.findings.intervals import IntervalSettings
from fooling.fingerprint import fingerprint
from fooling.retraining.settings import PAINTED, jobs_for, network_seed, random_images_seed, supply
from fooling.study.expansion import Chain
from fooling.study.resolved import Study
from rules.attacks import Experiments, search_precision
from rules.classifiers import Classifiers
from rules.steps import Files, Wildcards, as_json, repeated


class Chains:
    """The chains of a study and their networks, numbered from 1 in each chain."""

    def __init__(self, study: Study, classifiers: Classifiers) -> None:
        self._all, self._study, self.classifiers = study.chains, study, classifiers
        self._folder = f"{study.results}/retraining"
        self.numbered = {chain.network(n): (chain, n) for chain in self._all.values() for n in chain.numbers}
        self.refusing = {
            chain.refusing: (chain, chain.settings.networks)
            for chain in self._all.values()
            if chain.refusing is not None
        }
        self._networks: dict[str, tuple[Chain, int]] = {**self.numbered, **self.refusing}

    def evolved_against(self) -> list[str]:
        """Return the names of the networks against which images evolve."""
        return list(self._networks)

    def filled_with(self, filling: str) -> list[str]:
        """Return the names of the chains whose fooling class is filled in this way."""
        return [name for name, chain in self._all.items() if chain.filled_with == filling]

    def painted(self) -> list[str]:
        """Return the names of the chains whose fooling class holds random images."""
        return [name for name, chain in self._all.items() if chain.filled_with in PAINTED]

    def trained_on(self, pictures: str) -> list[str]:
        """Return the chains trained on ``kept`` images, or on ``all`` pictures."""
        firsts = self.classifiers.trained_on(pictures)
        return [name for name, chain in self._all.items() if chain.first in firsts]

    def with_refusal(self) -> list[str]:
        """Return the chains whose last network also refuses a share of real images."""
        return [chain.name for chain, _ in self.refusing.values()]

    def file(self, network: str) -> str:
        """Return the file of a network of a chain, or of one that refuses real images."""
        chain, number = self._networks[network]
        return self.classifiers.file(chain.first) if number == 1 else f"{self._folder}/{network}.safetensors"

    def files(self) -> list[str]:
        """Return the files of all networks and of the runs against them."""
        runs = [run for name, (chain, n) in self.numbered.items() for run in self.runs(name, chain.blocks(n))]
        against_refusing = [run for name in self.refusing for run in self.runs_against_refusing(name)]
        return [*map(self.file, self.numbered), *map(self.file, self.refusing), *runs, *against_refusing]

    def runs(self, network: str, jobs: Iterable[int]) -> list[str]:
        """Return the files of the runs that these jobs make against a network."""
        return [f"{self._folder}/{network}/runs{job}.safetensors" for job in jobs]

    def runs_against_refusing(self, network: str) -> list[str]:
        """Return the runs against a network that refuses real images.

        Their seeds are those of the runs that measure the same network without refusal.
        """
        chain, _ = self.refusing[network]
        return self.runs(network, jobs_for(chain.settings.measured_runs))

    def first_of(self, network: str) -> list[str]:
        """Return the first network of a network's chain, as a list.

        All networks of a chain have the same architecture.
        """
        return [self._networks[network][0].first]

    def evolution(self, network: str) -> str:
        """Return the settings of the runs against a network."""
        chain, number = self._networks[network]
        return as_json(chain.evolution(number) | search_precision(self._study, chain.first))

    def screened_on(self, network: str) -> list[str]:
        """Return the data set on which the error of bfloat16 is measured, if evolution screens images so."""
        return [file for first in self.first_of(network) for file in self.classifiers.screened_on(first)]

    def modules(self, network: str) -> list[str]:
        """Return the modules that the runs against a network import by name."""
        chain, number = self._networks[network]
        return attack_modules("evolution", chain.evolution(number))

    def seeds(self, network: str, block: str) -> str:
        """Return the options that name the seeds of one job."""
        chain, number = self._networks[network]
        job = chain.blocks(number)[int(block)]
        return f"--seed {job.first_seed} --runs {job.runs}"

    def first(self, chain: str) -> list[str]:
        """Return the first network of a chain, as a list.

        All networks of a chain have the same architecture.
        """
        return [self._all[chain].first]

    def pictures(self, chain: str) -> str:
        """Return the options that name the training pictures of a chain's networks."""
        return self.classifiers.pictures(self._all[chain].first)

    def supply(self, chain: str, number: str) -> str:
        """Return the settings of the supply of fooling images after a network."""
        return as_json(supply(self._all[chain].settings, int(number)).model_dump(mode="json"))

    def supplying_runs(self, chain: str, number: str) -> list[str]:
        """Return the runs whose champions are the fooling images."""
        chosen, place = self._all[chain], int(number)
        return self.runs(chosen.network(place), jobs_for(supply(chosen.settings, place).runs))

    def painting(self, chain: str, number: str) -> str:
        """Return the settings of random images that replace the champions of a network."""
        chosen, place = self._all[chain], int(number)
        settings = supply(chosen.settings, place).model_dump(mode="json") | {
            "encoding": self._random_encoding(chosen),
            "seed": random_images_seed(chosen.settings, chosen.first, place),
        }
        if chosen.filled_with == "drift":
            settings["generations"] = chosen.settings.search.generations
        return as_json(settings)

    def painting_code(self, wildcards: Wildcards) -> str:
        """Return the fingerprint of the command that makes random images of a chain."""
        encoding = self._random_encoding(self._all[wildcards.chain])
        return fingerprint("fooling.cli.retraining:paint", encoding_module(encoding["kind"]))

    def fooling_images(self, chain: str, number: str) -> list[str]:
        """Return the fooling images from all earlier networks of the chain."""
        supplier = self._all[chain].supplier
        before = range(1, int(number)) if supplier is not None else ()
        return [f"{self._folder}/{supplier}/images{other}.safetensors" for other in before]

    def retraining(self, chain: str, number: str) -> str:
        """Return the settings of a retrained network.

        They are those of the first network with another seed, and the place in the chain.
        """
        chosen, place = self._all[chain], int(number)
        seed = network_seed(chosen.settings, chosen.first, place)
        network = self._study.classifiers[chosen.first].section() | {"seed": seed}
        settings = {"network": network, "first": chosen.first, "filled_with": chosen.filled_with, "number": place}
        if chosen.settings.exposure != "equal-iterations":  # omitting the default keeps older results up to date
            settings["exposure"] = chosen.settings.exposure
        return as_json(settings)

    def last(self, chain: str) -> str:
        """Return the file of the last network of a chain."""
        return self.file(self._all[chain].network(self._all[chain].settings.networks))

    def matched_refusal(self, chain: str) -> str:
        """Return the share of real images that a network must refuse."""
        settings = self._all[chain].settings
        assert settings.refusal is not None, chain
        return as_json({"rate": settings.refusal.evolved_rate, "seed": settings.seed})

    def networks(self, chain: str) -> list[str]:
        """Return the names of the networks of a chain."""
        return [self._all[chain].network(number) for number in self._all[chain].numbers]

    def measured_runs(self, chain: str) -> int:
        """Return the number of runs that measure how easily each network is fooled."""
        return self._all[chain].settings.measured_runs

    def measuring_runs(self, chain: str) -> list[str]:
        """Return the runs that measure how easily the networks of a chain are fooled."""
        jobs = jobs_for(self.measured_runs(chain))
        return [run for network in self.networks(chain) for run in self.runs(network, jobs)]

    def own_files(self, wildcards: Wildcards, input: Files) -> str:
        """Return the options that name your own files with the inputs' networks.

        Empty for architectures of this package.
        """
        named = {name for file in input for name in self._architectures.get(file, ())}
        return repeated("architecture", [shlex.quote(name) for name in sorted(named) if names_a_file(name)])

    @cached_property
    def _architectures(self) -> dict[str, list[str]]:
        """The architectures of every network, by the file of the network."""
        built_as = {self.classifiers.file(name): name for name in self._study.classifiers}
        built_as |= {self.file(name): chain.first for name, (chain, _) in self._networks.items()}
        return {file: self.classifiers.architectures(name) for file, name in built_as.items()}

    @staticmethod
    def _random_encoding(chain: Chain) -> dict[str, Any]:
        """Return the encoding of a chain's random images; for noise, the direct encoding."""
        if chain.filled_with == "noise":
            return DirectSettings().model_dump(mode="json")
        encoding: dict[str, Any] = chain.settings.evolution()["encoding"]
        return encoding


class Retrainings:
    """The retrainings of a study, for the rules that tabulate them.

    A retraining consists of chains, which differ in their first networks and fillings.
    """

    def __init__(self, study: Study, chains: Chains) -> None:
        self.all = {entry.name: entry for entry in study.settings.retraining}
        self._study, self.chains = study, chains

    def with_longer_runs(self) -> list[str]:
        """Return the retrainings with longer runs against the last networks."""
        return [name for name, entry in self.all.items() if entry.measured_generations is not None]

    def with_refusal(self) -> list[str]:
        """Return the retrainings whose networks are compared at equal refusal rates."""
        return [name for name, entry in self.all.items() if entry.refusal is not None]

    def tables(self, kind: str, names: Iterable[str] | None = None) -> list[str]:
        """Return one table of every retraining, or of those named."""
        chosen = self.all if names is None else names
        return [f"{self._study.results}/findings/retraining/{name}.{kind}" for name in chosen]

    def networks(self, retraining: str) -> list[str]:
        """Return the names of a retraining's networks, chain by chain."""
        return [name for name, (chain, _) in self.chains.numbered.items() if chain.settings.name == retraining]

    def last_networks(self, retraining: str) -> list[str]:
        """Return the names of the last networks of a retraining's chains."""
        last = self.all[retraining].networks
        return [name for name in self.networks(retraining) if self.chains.numbered[name][1] == last]

    def refusing(self, retraining: str) -> list[str]:
        """Return the names of a retraining's networks that refuse real images."""
        return [name for name, (chain, _) in self.chains.refusing.items() if chain.settings.name == retraining]

    def measured_runs(self, retraining: str) -> int:
        """Return the number of runs that measure how easily each network is fooled."""
        return self.all[retraining].measured_runs

    def measuring_runs(self, retraining: str) -> list[str]:
        """Return the runs that measure how easily the networks are fooled."""
        return self._measuring(retraining, self.networks(retraining))

    def runs_against_last(self, retraining: str) -> list[str]:
        """Return the runs that measure how easily the last networks are fooled."""
        return self._measuring(retraining, self.last_networks(retraining))

    def generations(self, retraining: str) -> int:
        """Return the generation at which the runs are compared.

        Runs against the last networks may be longer.
        """
        return self.all[retraining].search.generations

    def runs_against_refusing(self, retraining: str) -> list[str]:
        """Return the runs against a retraining's networks that refuse real images."""
        return [run for name in self.refusing(retraining) for run in self.chains.runs_against_refusing(name)]

    def firsts(self, retraining: str) -> list[str]:
        """Return the names of the first networks of a retraining's chains."""
        return list(self.all[retraining].classifiers)

    def refusal(self, retraining: str) -> str:
        """Return the refusal rates of the comparison, and the settings of intervals."""
        entry = self.all[retraining]
        assert entry.refusal is not None, retraining
        settings = entry.refusal.model_dump(mode="json") | {"seed": entry.seed}
        return as_json(settings | self._study.findings(IntervalSettings))

    def _measuring(self, retraining: str, networks: Iterable[str]) -> list[str]:
        jobs = jobs_for(self.measured_runs(retraining))
        return [run for name in networks for run in self.chains.runs(name, jobs)]


class Hardening:
    """The comparison of hardened networks with plain ones: its networks and experiments."""

    def __init__(self, study: Study, experiments: Experiments, retrainings: Retrainings) -> None:
        self._study, self._experiments, self._retrainings = study, experiments, retrainings
        self._chains, self._folder = retrainings.chains, f"{study.results}/findings"

    def experiments(self) -> list[str]:
        """Return the names of the experiments in the comparison of hardened networks."""
        return [name for names in self._study.hardening.values() for name in names]

    def names(self) -> list[str]:
        """Return the names of the trained networks of these experiments."""
        used = {name for each in self.experiments() for name in self._experiments.classifiers_of(each)}
        return [name for name in self._chains.classifiers.trained if name in used]

    def files(self) -> list[str]:
        """Return the files of these networks, and of the last networks of comparable chains of retraining."""
        chained = [name for each in self.retrainings() for name in self._retrainings.last_networks(each)]
        filled = [name for name in chained if self._chains.numbered[name][0].filled_with != "nothing"]
        return [*map(self._chains.classifiers.file, self.names()), *map(self._chains.file, filled)]

    def real(self) -> list[str]:
        """Return the real test images as these networks, without those of chains, score them."""
        return [f"{self._folder}/real/{name}.parquet" for name in self.names()]

    def dataset(self) -> list[str]:
        """Return the data set of these networks, as a list."""
        return list(dict.fromkeys(map(self._chains.classifiers.dataset, self.names())))

    def retrainings(self) -> list[str]:
        """Return the names of the retrainings whose runs are those of a compared experiment.

        All of their first networks are compared as well.
        """
        return list(self._places_of_retrainings())

    def settings(self) -> str:
        """Return the settings of the comparison of hardened networks."""
        together = {name: first for first, names in self._study.hardening.items() for name in names}
        settings = self._study.findings(HardeningSettings) | {"together": together | self._places_of_retrainings()}
        return as_json(settings)

    def table(self, table: str) -> list[str]:
        """Return the table ``hardened`` or ``hardening`` of hardened networks, as a list, if the study has any."""
        return [f"{self._folder}/{table}.csv"] if self.names() else []

    def _places_of_retrainings(self) -> dict[str, str]:
        """Return the first of the compared experiments that each of these retrainings belongs to."""
        networks, experiments = set(self.names()), self._study.experiments
        return {
            name: first
            for name, entry in self._retrainings.all.items()
            for first in self._study.hardening
            if entry.evolution() == experiments[first].evolution() and networks.issuperset(entry.classifiers)
        }
