"""Detectors of fooling images: guarded classifiers, and the attacks that know the detectors."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from fooling.attacks.settings import attack_modules
from fooling.classifiers.architectures import GUARDED, names_a_file
from fooling.classifiers.settings import RealImagesSettings
from fooling.findings.detectors import (
    DETECTOR_IMAGES,
    DETECTOR_MEANS,
    DETECTORS,
    NONE,
    DetectorTableSettings,
)
from fooling.study.entries import DetectorsEntry
from fooling.study.resolved import Study
from fooling.table import Table
from rules.classifiers import Classifiers
from rules.steps import as_json, repeated

TABLES = (DETECTORS, DETECTOR_MEANS, DETECTOR_IMAGES)


class Guards:
    """The detectors of a study. Every attack is also run on the network itself, as the detector ``none``."""

    def __init__(self, study: Study, classifiers: Classifiers) -> None:
        self.all: dict[str, DetectorsEntry] = {entry.name: entry for entry in study.settings.detectors}
        self._study, self._classifiers = study, classifiers
        self._folder = f"{study.results}/detectors"

    def kinds(self) -> list[str]:
        """Return the kinds of all detectors."""
        return list(dict.fromkeys(detector.kind for entry in self.all.values() for detector in entry.detectors))

    def guarded(self) -> list[str]:
        """Return the names of all classifiers with detectors."""
        return list(dict.fromkeys(name for entry in self.all.values() for name in entry.classifiers))

    def on(self, guards: str) -> list[str]:
        """Return the names of the classifiers of an entry."""
        return list(self.all[guards].classifiers)

    def network(self, guards: str, classifier: str, detector: str) -> str:
        """Return the file of a guarded classifier, or of the network itself."""
        return self._classifiers.file(classifier) if detector == NONE else self._file(guards, classifier, detector)

    def smooth(self, guards: str, classifier: str, detector: str) -> str:
        """Return the file of the smooth version of a guarded classifier, or of the network itself."""
        if detector == NONE:
            return self._classifiers.file(classifier)
        return self._file(guards, classifier, detector, "smooth")

    def others(self, guards: str, classifier: str, detector: str) -> list[str]:
        """Return the files of the networks that a detector compares with the guarded one."""
        if detector != "disagreement":
            return []
        return [self._classifiers.file(name) for name in self.on(guards) if name != classifier]

    def settings(self, guards: str, detector: str) -> str:
        """Return the settings of a detector."""
        entry = self.all[guards]
        chosen = next(each for each in entry.detectors if each.kind == detector)
        shared = entry.model_dump(mode="json", include=set(RealImagesSettings.model_fields))
        return as_json(shared | {"detector": chosen.model_dump(mode="json")})

    def evolution(self, guards: str) -> str:
        """Return the settings of the runs against the classifiers of an entry."""
        return as_json(self.all[guards].evolution())

    def ascent(self, guards: str) -> str:
        """Return the settings of gradient ascent on the classifiers of an entry."""
        return as_json(self.all[guards].ascent.model_dump(mode="json"))

    def seed(self, guards: str) -> int:
        """Return the seed of the runs of an entry."""
        return self.all[guards].seed

    def evolution_modules(self, guards: str) -> list[str]:
        """Return the modules that these runs import by name."""
        return [*attack_modules("evolution", self.all[guards].evolution()), GUARDED]

    def ascent_modules(self, guards: str) -> list[str]:
        """Return the modules that gradient ascent imports by name."""
        return [*attack_modules("ascent", {}), GUARDED]

    def own_modules(self) -> list[str]:
        """Return the module of guarded classifiers, which files name."""
        return [GUARDED]

    def own_files(self, guards: str) -> str:
        """Return the options that name your own files with the networks of an entry."""
        return self._named_files(self.on(guards))

    def every_own_file(self) -> str:
        """Return the options that name your own files with the networks of all entries."""
        return self._named_files(self.guarded())

    def networks(self) -> list[str]:
        """Return the files of all guarded classifiers, and of the networks themselves."""
        return list(dict.fromkeys(self.network(*one) for one in self._each()))

    def attacks(self, kind: str) -> list[str]:
        """Return the files of one kind of attacks: on each network with each detector, and without one."""
        return [self._attack(one, kind) for one in self._each(with_none=kind != "smooth-evolution")]

    def measured(self) -> str:
        """Return the arguments that name the classifiers and the attacks on them."""
        named = {
            option: [("/".join(one), self._attack(one, kind)) for one in self._each(with_none=option != "smooth")]
            for option, kind in (
                *(("evolution", "evolution"), ("random-search", "random-search")),
                *(("smooth", "smooth-evolution"), ("ascent", "ascent")),
            )
        }
        classifiers = " ".join(f"{'/'.join(one)}={self.network(*one)}" for one in self._each())
        return " ".join([classifiers, *(repeated(option, pairs) for option, pairs in named.items())])

    def table_settings(self) -> str:
        """Return the settings of the tables."""
        return as_json(self._study.findings(DetectorTableSettings))

    def tables(self, *tables: Table) -> list[str]:
        """Return these tables, or by default all, if the study has detectors."""
        return [f"{self._study.results}/{table.path}" for table in tables or TABLES] if self.all else []

    def files(self) -> list[str]:
        """Return the files of all guarded classifiers and of the attacks on them."""
        kinds = ("evolution", "random-search", "smooth-evolution", "ascent")
        smooth = [self.smooth(*one) for one in self._each(with_none=False)]
        return list(
            dict.fromkeys([*self.networks(), *smooth, *(file for kind in kinds for file in self.attacks(kind))])
        )

    def _each(self, *, with_none: bool = True) -> Iterator[tuple[str, str, str]]:
        """Yield entry, classifier and detector of each guarded classifier, and of the networks themselves."""
        for guards, entry in self.all.items():
            for classifier in entry.classifiers:
                for detector in (*([NONE] if with_none else []), *(each.kind for each in entry.detectors)):
                    yield guards, classifier, detector

    def _attack(self, one: tuple[str, str, str], kind: str) -> str:
        return self._file(*one, kind)

    def _file(self, guards: str, classifier: str, detector: str, part: str = "hard") -> str:
        return f"{self._folder}/{guards}/{classifier}/{detector}/{part}.safetensors"

    def _named_files(self, names: list[str]) -> str:
        built = {architecture for name in names for architecture in self._classifiers.architectures(name)}
        return repeated("architecture", [shlex.quote(name) for name in sorted(built) if names_a_file(name)])
