"""Data sets and classifiers: their files, settings, pictures and code."""

from __future__ import annotations

import hashlib
import os
import shlex
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from fooling.classifiers.architectures import architecture_source
from fooling.datasets.fetching import MIRROR_VARIABLE, found_path
from fooling.fingerprint import fingerprint as fingerprint_of
from fooling.messages import FoolingError
from fooling.study.dataset_entries import (
    EnsembleEntry,
    FittedEntry,
    FolderEntry,
    ImagenetEntry,
    ImportedEntry,
    TrainedEntry,
)
from fooling.study.resolved import Study
from fooling.training.settings import training_modules
from rules.steps import Wildcards, as_json, by_wildcards


class Datasets:
    """The data sets of a study; their files are shared by all studies."""

    def __init__(self, study: Study) -> None:
        self._all = study.datasets
        self._of_pictures = {
            name: entry for name, entry in self._all.items() if isinstance(entry, FolderEntry | ImagenetEntry)
        }

    def of_kind(self, kind: str) -> list[str]:
        """Return the names of the data sets of this kind."""
        return [name for name, entry in self._all.items() if entry.kind == kind]

    def file(self, dataset: str) -> str:
        """Return the file of a data set."""
        return f"results/datasets/{dataset}.safetensors"

    def files(self) -> list[str]:
        """Return the files of all data sets."""
        return list(map(self.file, self._all))

    def settings(self, dataset: str) -> str:
        """Return the settings of a data set."""
        return as_json(self._all[dataset].section())

    def pictures_seen(self, dataset: str) -> str:
        """Return a text that changes with the pictures, without reading them.

        It is a hash of names and sizes, or the size of a tar file. For ImageNet's million pictures only the names are
        hashed. Missing pictures are reported by the command.
        """
        entry = self._of_pictures[dataset]
        place = place_of(entry.path)
        if place is None or place.is_file():
            return "nothing" if place is None else f"{place.stat().st_size} bytes"
        seen = hashlib.sha256()
        for folder, folders, names in os.walk(place):
            folders.sort()
            files = [Path(folder, name) for name in sorted(names)] if entry.kind == "folder" else []
            sizes = [file.stat().st_size for file in files if file.is_file()]
            seen.update(as_json([os.path.relpath(folder, place), sorted(names), sizes]).encode())
        return seen.hexdigest()

    def classes_seen(self, dataset: str) -> str:
        """Return a hash of the list of the classes, if there is one.

        A missing list is reported by the command.
        """
        listed = self._of_pictures[dataset].class_list
        place = None if listed is None else place_of(listed)
        return hashlib.sha256(place.read_bytes()).hexdigest() if place and place.is_file() else "nothing"


class Classifiers:
    """The classifiers of a study, for the rules that make and load them."""

    def __init__(self, study: Study, datasets: Datasets) -> None:
        self._all = study.classifiers
        self._results, self._folder = study.results, f"{study.results}/classifiers"
        self._data, self._datasets = study.datasets, datasets
        self.trained = {name: entry for name, entry in self._all.items() if isinstance(entry, TrainedEntry)}
        self.imported = {name: entry for name, entry in self._all.items() if isinstance(entry, ImportedEntry)}
        self.fitted = [name for name, entry in self._all.items() if isinstance(entry, FittedEntry)]
        self.ensembles = {name: entry for name, entry in self._all.items() if isinstance(entry, EnsembleEntry)}

    def trained_on(self, pictures: str) -> list[str]:
        """Return the classifiers trained on ``kept`` images, or on ``all`` pictures."""
        return [name for name, entry in self.trained.items() if entry.training.pictures == pictures]

    def file(self, classifier: str) -> str:
        """Return the file of a classifier."""
        return f"{self._folder}/{classifier}.safetensors"

    def files(self) -> list[str]:
        """Return the files of all classifiers."""
        return list(map(self.file, self._all))

    def settings(self, classifier: str) -> str:
        """Return the settings of a classifier."""
        return as_json(self._all[classifier].section())

    def dataset(self, classifier: str) -> str:
        """Return the file of the data set that a classifier is trained or tested on."""
        return self._datasets.file(self._all[classifier].dataset)

    def screened_on(self, classifier: str) -> list[str]:
        """Return the data set on which the error of bfloat16 is measured, if evolution screens images so."""
        return [self.dataset(classifier)] if self._all[classifier].precision == "screened" else []

    def manifest(self, classifier: str) -> str:
        """Return the list of the pictures that a classifier is trained on."""
        return f"results/datasets/{self._all[classifier].dataset}.pictures.csv"

    def pictures(self, classifier: str) -> str:
        """Return the options that name the training pictures of a classifier."""
        section = self._data[self._all[classifier].dataset].section()
        return f"--pictures {shlex.quote(as_json({'dataset': section}))} --manifest {self.manifest(classifier)}"

    def outliers(self, classifier: str) -> list[str]:
        """Return the images that fooled another network, if a classifier is trained with them as outliers."""
        wanted = self.trained[classifier].training.outliers
        if wanted is None or wanted.kind != "fooling":
            return []
        return [f"{self._results}/retraining/{wanted.retraining}/{wanted.first}/champions/images1.safetensors"]

    def training_modules(self, classifier: str) -> list[str]:
        """Return the modules that the training of a classifier imports by name."""
        return training_modules(self.trained[classifier].training)

    def weights(self, classifier: str) -> list[str]:
        """Return the file of weights of an imported classifier, here or in the mirror.

        None for weights that torchvision publishes.
        """
        entry = self.imported[classifier]
        return [] if entry.published_set is not None else [str(place_of(entry.weights) or entry.weights)]

    def members(self, classifier: str) -> Sequence[str]:
        """Return the names of the networks in an ensemble."""
        return self.ensembles[classifier].members

    def independent(self, classifier: str) -> list[str]:
        """Return the name of the network that a classifier declares as independent."""
        name = self._all[classifier].independent
        return [] if name is None else [name]

    def this(self, classifier: str) -> list[str]:
        """Return the name of the classifier of a rule, as a list."""
        return [classifier]

    def architectures(self, classifier: str) -> list[str]:
        """Return the architectures of a classifier and of its members."""
        members = self.members(classifier) if classifier in self.ensembles else ()
        return [self._all[classifier].architecture, *(name for each in members for name in self.architectures(each))]

    def sources(self, classifiers: Iterable[str]) -> set[str | Path]:
        """Return the functions of this package (names) and your own files (paths) that build networks.

        Args:
            classifiers: Names of the classifiers whose networks are built.
        """
        return {architecture_source(name) for each in classifiers for name in self.architectures(each)}

    def network_files(self, names: Callable[..., list[str]]) -> Callable[[Wildcards], list[str]]:
        """Return the input function for your own files that build networks.

        Args:
            names: The names of the networks' classifiers, as a function of wildcards.
        """
        classifiers = by_wildcards(names)

        def files(wildcards: Wildcards) -> list[str]:
            return sorted(str(source) for source in self.sources(classifiers(wildcards)) if isinstance(source, Path))

        return files

    def fingerprint(
        self, command: str, names: Callable[..., list[str]], modules: Callable[..., list[str]] | None = None
    ) -> Callable[[Wildcards], str]:
        """Return the params function for the fingerprint of a command with networks.

        Args:
            command: The command, as ``module:function``.
            names: The names of the networks' classifiers, as a function of wildcards.
            modules: The modules that the command imports by name, as a function of wildcards; default: none.
        """
        classifiers = by_wildcards(names)
        named = by_wildcards(modules) if modules else None

        def of_command_and_networks(wildcards: Wildcards) -> str:
            sources = self.sources(classifiers(wildcards))
            built = sorted(source for source in sources if isinstance(source, str))
            return fingerprint_of(command, *(named(wildcards) if named else ()), *built)

        return of_command_and_networks


def place_of(path: Path) -> Path | None:
    """Return the path of a file here or in the mirror folder; None if in neither."""
    mirror = os.getenv(MIRROR_VARIABLE)
    try:
        place = found_path(path, Path(mirror) if mirror else None)
    except FoolingError:
        return None
    return place if place.exists() else None
