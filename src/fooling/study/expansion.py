"""Expand the entries of a study into variants of experiments and chains of retraining, and check across its sections.

Names are unique, and references and options are consistent.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from fooling.classifiers.architectures import needs_colour
from fooling.messages import FoolingError
from fooling.retraining.settings import Block, Filling, blocks, runs_against
from fooling.settings import Explanation, Key, format_problem
from fooling.study.dataset_entries import ClassifierEntry, DatasetEntry, closest, one_of_names
from fooling.study.entries import ExperimentEntry, Level, RetrainingEntry, name_part
from fooling.study.settings import StudySettings

MOST_VARIANTS = 1000  # of one experiment
NEEDING_GRADIENTS = ("ascent", "universal", "adversarial")  # attacks
LABEL_METHODS = {"hop-skip-jump"}  # methods of the attack ``adversarial`` that need labels alone
Contradiction = tuple[Sequence[Key], Explanation]

#: Kinds of data sets whose pictures are files in a folder, from which training can stream them.
STREAMED = ("imagenet", "folder")


@dataclass(frozen=True, kw_only=True)
class Variant:
    """An experiment that is run: one combination of the options in `cross`."""

    name: str
    settings: ExperimentEntry  # without `cross`
    levels: Mapping[str, Level]  # values of the crossed options

    @property
    def encoding(self) -> str:
        """The kind of its encoding."""
        return self.settings.encoding.kind

    def evolution(self) -> dict[str, Any]:
        """Return the settings that are passed to the evolve command."""
        return self.settings.evolution()


def variants(experiment: ExperimentEntry) -> Iterator[Variant]:
    """Yield the variants of ``experiment`` in the order of its `cross`, or itself if it is not crossed.

    Raises:
        FoolingError: A key of `cross` is not an option, a value is not allowed, or there are too many variants.
    """
    if (count := math.prod(map(len, experiment.cross.values()))) > MOST_VARIANTS:
        key = next(iter(experiment.cross))
        raise _refused(experiment, key, found=f"{count:,} variants", allowed=f"at most {MOST_VARIANTS:,} in all")
    for combination in itertools.product(*experiment.cross.values()):
        levels = dict(zip(experiment.cross, combination, strict=True))
        name = "-".join([experiment.name, *(name_part(key, level) for key, level in levels.items())])
        yield Variant(name=name, settings=_at_levels(experiment, levels, name=name), levels=levels)


def _at_levels(experiment: ExperimentEntry, levels: Mapping[str, Level], *, name: str) -> ExperimentEntry:
    values = experiment.model_dump() | {"name": name, "cross": {}}
    for key, level in levels.items():
        part, _, option = key.partition(".")
        if part not in ("encoding", "search") or option not in values[part]:
            options = [f"{part}.{option}" for part in ("encoding", "search") for option in values[part]]
            raise _refused(experiment, key, found=f"an unknown option, {key!r}", allowed=", ".join(options))
        values[part][option] = level
        try:
            values = ExperimentEntry.model_validate(values).model_dump()
        except ValidationError as error:
            raise _refused(experiment, key, found=repr(level), allowed=error.errors()[0]["msg"]) from None
    return ExperimentEntry.model_validate(values)


def _refused(experiment: ExperimentEntry, key: str, *, found: str, allowed: str) -> FoolingError:
    values = {"experiments": [{"name": experiment.name, "cross": {key: None}}]}
    explanation = Explanation(found=found, allowed=allowed)
    return FoolingError(
        "the study: 1 setting refused\n" + format_problem(values, ["experiments", 0, "cross", key], explanation)
    )


@dataclass(frozen=True, kw_only=True)
class Chain:
    """A chain of retrained networks for one first network and filling; chains that differ in filling share number 1."""

    settings: RetrainingEntry
    first: str
    filled_with: Filling

    @property
    def name(self) -> str:
        """Its name, which is also the folder of its files."""
        return f"{self.settings.name}/{self.first}/{self.filled_with}"

    @property
    def numbers(self) -> range:
        """The numbers of its networks."""
        return range(1, self.settings.networks + 1)

    def network(self, number: int) -> str:
        """Return the name of a network, which is also the folder of the runs against it."""
        return f"{self.settings.name}/{self.first}/dnn1" if number == 1 else f"{self.name}/dnn{number}"

    @property
    def refusing(self) -> str | None:
        """Name of its last network with the constant that makes it refuse images, if evolution runs against that."""
        return None if self.settings.refusal is None else f"{self.network(self.settings.networks)}/refusing"

    @property
    def supplier(self) -> str | None:
        """Name of the chain whose fooling images its networks learn: its own, or that of the next classifier."""
        if self.filled_with == "nothing":
            return None
        if self.filled_with != "other-champions":
            return self.name
        classifiers = self.settings.classifiers
        other = classifiers[(classifiers.index(self.first) + 1) % len(classifiers)]
        return f"{self.settings.name}/{other}/champions"

    def evolution(self, number: int) -> dict[str, Any]:
        """Return the settings of the runs against a network; runs against the last one may be longer."""
        settings = self.settings.evolution()
        if number == self.settings.networks and self.settings.measured_generations is not None:
            settings["search"]["generations"] = self.settings.measured_generations
        return settings

    def blocks(self, number: int) -> dict[int, Block]:
        """Return the jobs that make the runs against a network, by number."""
        fillings = self.settings.filled_with if number == 1 else (self.filled_with,)
        runs = max(runs_against(self.settings, number, filled_with=filling) for filling in fillings)
        return {block.number: block for block in blocks(self.settings, self.first, number, runs=runs)}


def chains_of(entries: Iterable[RetrainingEntry]) -> Iterator[Chain]:
    """Yield all chains, in the order of the study file."""
    for entry in entries:
        for first in entry.classifiers:
            for filled_with in entry.filled_with:
                yield Chain(settings=entry, first=first, filled_with=filled_with)


def contradictions(study: StudySettings, expanded: Mapping[str, Sequence[Variant]]) -> Iterator[Contradiction]:
    """Yield every contradiction between entries of ``study``: the keys, and an explanation.

    ``expanded`` has the variants of every experiment.
    """
    datasets = {dataset.name: dataset for dataset in study.datasets}
    classifiers = {classifier.name: classifier for classifier in study.classifiers}
    yield from _missing_experiments(study)
    if study.audits is not None:
        yield from _repeated("audits.networks", [network.name for network in study.audits.networks])
    yield from _repeated("datasets", [dataset.name for dataset in study.datasets])
    yield from _repeated("classifiers", [classifier.name for classifier in study.classifiers])
    yield from _repeated(
        "experiments", [variant.name for entry in study.experiments for variant in expanded[entry.name]]
    )
    yield from _repeated("retraining", [entry.name for entry in study.retraining])
    for index, classifier in enumerate(study.classifiers):
        yield from _network_contradictions(("classifiers", index), classifier, datasets, classifiers)
    plain = [entry.name for entry in study.experiments if not entry.cross]
    yield from _repeated("attacks", [name for entry in study.attacks for name in (entry.name, *entry.tried())])
    for index, attack in enumerate(study.attacks):
        yield from _unknown_classifiers(("attacks", index, "classifiers"), attack.classifiers, classifiers)
        yield from _unknown_classifiers(("attacks", index, "pilots"), attack.pilots, classifiers)
        if all(name in classifiers for name in (*attack.classifiers, *attack.pilots)):
            used = {classifiers[name].dataset for name in attack.classifiers}
            if other := sorted({classifiers[name].dataset for name in attack.pilots} - used):
                found = f"pilots of {other[0]}, for classifiers of {min(used)}"
                yield ("attacks", index, "pilots"), Explanation(found, "pilots of the same data set as the classifiers")
        if attack.kind in NEEDING_GRADIENTS and not (
            attack.kind == "adversarial" and set(attack.methods) <= LABEL_METHODS
        ):
            yield from _without_gradients(("attacks", index, "classifiers"), attack.classifiers, classifiers)
            yield from _without_gradients(("attacks", index, "pilots"), attack.pilots, classifiers)
        if attack.kind == "label-only" and attack.own not in (None, *plain):
            yield ("attacks", index, "own"), _unknown("own", str(attack.own), plain)
    yield from _repeated("detectors", [entry.name for entry in study.detectors])
    for index, entry in enumerate(study.detectors):
        yield from _unknown_classifiers(("detectors", index, "classifiers"), entry.classifiers, classifiers)
    if study.far is not None:
        yield from _unknown_classifiers(("far", "classifiers"), study.far.classifiers, classifiers)
    if study.boundary is not None:
        yield from _unknown_classifiers(("boundary", "classifiers"), study.boundary.classifiers, classifiers)
        yield from _without_gradients(("boundary", "classifiers"), study.boundary.classifiers, classifiers)
    for index, experiment in enumerate(study.experiments):
        keys = ("experiments", index)
        yield from _unknown_classifiers((*keys, "classifiers"), experiment.classifiers, classifiers)
        others = [name for name in plain if name != experiment.name]
        if experiment.compared_with not in (None, *others):
            yield (*keys, "compared_with"), _unknown("compared_with", str(experiment.compared_with), others)
    trained = {name: network for name, network in classifiers.items() if network.kind == "trained"}
    for index, retraining in enumerate(study.retraining):
        first = ("retraining", index, "classifiers")
        yield from _unknown_classifiers(first, retraining.classifiers, trained)
        for name in (name for name in retraining.classifiers if name in trained):
            if trained[name].training.part is not None:
                found = f"{name}, which is trained on a part of the training images"
                yield first, Explanation(found, "classifiers without training.part")
            if trained[name].training.outliers is not None:
                found = f"{name}, which is trained with outliers"
                yield first, Explanation(found, "classifiers without training.outliers")
    yield from _outliers_without_source(study)


def _outliers_without_source(study: StudySettings) -> Iterator[Contradiction]:
    """Yield each network whose fooling images as outliers no chain of the study collects."""
    chains = {(chain.settings.name, chain.first): chain for chain in chains_of(study.retraining)}
    suppliers = {place for place, chain in chains.items() if "champions" in chain.settings.filled_with}
    for index, classifier in enumerate(study.classifiers):
        outliers = classifier.training.outliers if classifier.kind == "trained" else None
        if outliers is None or outliers.kind != "fooling":
            continue
        if (outliers.retraining, outliers.first) not in suppliers:
            named = ", ".join(f"{retraining} with first: {first}" for retraining, first in sorted(suppliers))
            found = f"retraining: {outliers.retraining} with first: {outliers.first}"
            allowed = f"a retraining with filled_with: champions and one of its classifiers: {named or 'there is none'}"
            yield ("classifiers", index, "training", "outliers"), Explanation(found, allowed)


def _missing_experiments(study: StudySettings) -> Iterator[Contradiction]:
    """Yield that there are no experiments, unless the study has audits and nothing else."""
    measured = (study.attacks, study.detectors, study.far, study.boundary)
    others = (study.datasets, study.classifiers, study.retraining, *measured, study.survey)
    if not study.experiments and (study.audits is None or any(others)):
        names = [classifier.name for classifier in study.classifiers[:1]] or ["a-classifier"]
        example = {"name": "cppn", "classifiers": names, "encoding": {"kind": "cppn"}}
        allowed = "at least one; only a study of `audits` has neither experiments nor data sets nor classifiers"
        yield ("experiments",), Explanation("nothing", allowed, {"experiments": [example]})
    complete = [each for each in study.experiments if not each.cross and each.tables == "all"]
    if study.experiments and not complete:
        allowed = "at least one without `cross` and with `tables: all`: the tables of the whole study begin with it"
        found = ", ".join(
            f"{each.name} with {'`cross`' if each.cross else '`tables: champions`'}" for each in study.experiments
        )
        yield ("experiments",), Explanation(found, allowed)


def _repeated(collection: str, names: Sequence[str]) -> Iterator[Contradiction]:
    counts = Counter(name.lower() for name in names)  # some file systems ignore case
    for name, count in counts.items():
        if count > 1:
            yield collection.split("."), Explanation(f"the name {name!r}, {count} times", "unique names")


def _network_contradictions(
    keys: tuple[Key, ...],
    classifier: ClassifierEntry,
    datasets: Mapping[str, DatasetEntry],
    classifiers: Mapping[str, ClassifierEntry],
) -> Iterator[Contradiction]:
    dataset = datasets.get(classifier.dataset)
    if dataset is None:
        yield (*keys, "dataset"), _unknown("dataset", classifier.dataset, tuple(datasets))
        return
    if classifier.kind == "ensemble":
        single = {
            other.name: other
            for other in classifiers.values()
            if other.kind != "ensemble" and other.dataset == classifier.dataset and not _rejects(other)
        }
        yield from _unknown_classifiers((*keys, "members"), classifier.members, single)
    if classifier.kind == "trained" and classifier.training.pictures == "all" and dataset.kind not in STREAMED:
        found = f"all, of {dataset.name}, which is of kind {dataset.kind}"
        expected = f"kept, or a data set of kind {' or '.join(STREAMED)}"
        yield (*keys, "training", "pictures"), Explanation(found, expected, {"pictures": "kept"})
    if not dataset.has_training_images:
        trainless = f"{dataset.name}, which has no training images"
        if classifier.kind in ("trained", "fitted"):
            yield (*keys, "dataset"), Explanation(trainless, "a data set with training images, or kind: imported")
        elif classifier.input.subtract_mean:
            yield (
                (*keys, "input", "subtract_mean"),
                Explanation(f"true, on {trainless}", "false, or set mean"),
            )
    for option in ("mean", "std"):
        numbers = getattr(classifier.input, option)
        if numbers and len(numbers) != dataset.channels:
            found = f"{len(numbers)} numbers for the {dataset.channels} channels of {dataset.name}"
            yield (*keys, "input", option), Explanation(found, "one number per channel")
    if (crop := classifier.input.crop) is not None and crop > dataset.size:
        found = f"{crop}, and the images of {dataset.name} have {dataset.size} pixels a side"
        yield (*keys, "input", "crop"), Explanation(found, f"at most {dataset.size}", {"crop": dataset.size})
    if dataset.channels == 1 and needs_colour(classifier.architecture):
        found = f"{classifier.architecture}, which needs colour images, with the grey images of {dataset.name}"
        yield (*keys, "architecture"), Explanation(found, "lenet, your own architecture, or a data set in colour")
    if classifier.independent is not None:
        others = tuple(
            other.name
            for other in classifiers.values()
            if other.dataset == classifier.dataset and other.name != classifier.name and not _rejects(other)
        )
        if classifier.independent not in others:
            yield (*keys, "independent"), _unknown("independent", classifier.independent, others)


def _rejects(classifier: ClassifierEntry) -> bool:
    """Return whether a classifier has a class of rejected images, besides those of its data set."""
    return classifier.kind == "fitted" and classifier.model.rejects is not None


def _without_gradients(
    keys: tuple[Key, ...], names: Sequence[str], classifiers: Mapping[str, ClassifierEntry]
) -> Iterator[Contradiction]:
    """Yield the first of these classifiers that is fitted, or an ensemble with such a member."""

    def is_fitted(name: str) -> bool:
        entry = classifiers.get(name)
        return entry is not None and (
            entry.kind == "fitted" or (entry.kind == "ensemble" and any(map(is_fitted, entry.members)))
        )

    if found := [name for name in names if is_fitted(name)]:
        networks = [name for name in names if name not in found]
        yield (
            keys,
            Explanation(
                f"{found[0]}, which has no gradients", "classifiers that are networks", {str(keys[-1]): networks}
            ),
        )


def _unknown_classifiers(
    keys: tuple[Key, ...], names: Sequence[str], classifiers: Mapping[str, ClassifierEntry]
) -> Iterator[Contradiction]:
    known = tuple(classifiers)
    for name in names:
        if name not in classifiers:
            corrected = [known_name for used in names for known_name in closest(used, known)]
            yield keys, Explanation(repr(name), one_of_names(known), {str(keys[-1]): corrected})
            return
    if len(set(names)) < len(names):
        yield keys, Explanation(repr(list(names)), "unique classifiers", {str(keys[-1]): sorted(set(names))})
    if len(datasets := sorted({classifiers[name].dataset for name in names})) > 1:
        yield keys, Explanation(f"classifiers of {' and '.join(datasets)}", "classifiers of one data set")


def _unknown(key: str, name: str, known: Sequence[str]) -> Explanation:
    correction = {key: closest(name, known)[0]} if known else {}
    return Explanation(repr(name), one_of_names(known), correction)
