"""The figures of a study, and the tables, runs and data sets that each shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from fooling.figures.catalogue import FIGURES, modules_of
from fooling.figures.declaration import RUN, Figure
from fooling.findings.distances import DISTANCES
from fooling.fingerprint import fingerprint
from fooling.study.entries import SHOWING_EXPERIMENTS, ExperimentEntry
from fooling.study.expansion import Chain
from fooling.study.resolved import Study
from rules.attacks import ascent_files, attack_file
from rules.classifiers import Datasets
from rules.retraining import Chains
from rules.steps import as_json, repeated
from rules.survey import HumanStudy, responses_of

#: Figures that need several networks of one data set.
SHOWING_TRANSFER = ("transfer", "transfer_gallery")

#: ``one_per`` of the figures whose tables are of the whole study.
WITHOUT_SUBJECT = (
    *("study with audits", "study with adversarial examples", "study with inputs far from the data"),
    *("study with boundaries", "study with universal perturbations", "study with labels alone"),
    "study with detectors",
)
OF_HUMAN_STUDY = ("condition", "study with responses")  # ``one_per`` of the figures of the human study


@dataclass(frozen=True)
class Drawing:
    """A catalogue figure of one experiment, classifier, data set, retraining or condition.

    All five are None for a figure of the whole study.
    """

    figure: str
    experiment: str | None = None
    classifier: str | None = None
    dataset: str | None = None
    retraining: str | None = None
    condition: str | None = None

    @property
    def name(self) -> str:
        """The name of the files of this figure, without suffix."""
        subject = (self.experiment, self.classifier, self.dataset, self.retraining, self.condition)
        return "-".join(filter(None, [self.figure, *subject]))

    @property
    def declared(self) -> Figure:
        """The entry of this figure in the catalogue."""
        return FIGURES[self.figure]


class Figures:
    """All figures of a study by name, for the rules that draw and show them."""

    def __init__(self, study: Study, datasets: Datasets, chains: Chains, human_study: HumanStudy) -> None:
        self.all = drawings(study)
        #: The report, and the page that shows the figures until it is written.
        self.report, self.draft = f"{study.results}/report/index.html", f"{study.results}/report/draft.html"
        self._study, self._datasets, self._chains, self._human_study = study, datasets, chains, human_study

    def files(self, *formats: str) -> list[str]:
        """Return the files of all figures, in these formats or by default in all formats of the study."""
        return self._files(self.all, formats)

    def pictures(self) -> dict[str, str]:
        """Return the PNG file of each figure by name."""
        return dict(zip(self.all, self.files("png"), strict=True))

    def of_human_study(self) -> list[str]:
        """Return the files of the human study's figures, in all formats of the study."""
        return self._files([name for name, drawing in self.all.items() if drawing.declared.one_per in OF_HUMAN_STUDY])

    def pdf_outputs(self) -> list[str]:
        """Return the second output of the rule that draws a figure: a PDF file if the study asks for it."""
        return ["<results>/figures/{figure}.pdf"] if "pdf" in self._study.settings.figures.formats else []

    def captions(self) -> dict[str, str]:
        """Return the captions of all figures by name."""
        return {name: drawing.declared.caption for name, drawing in self.all.items()}

    def entry(self, figure: str) -> str:
        """Return the name of a figure's entry in the catalogue."""
        return self.all[figure].figure

    def fingerprint(self, figure: str) -> str:
        """Return the fingerprint of the code that draws a figure."""
        return fingerprint("fooling.cli.pictures:draw", *modules_of(self.entry(figure)))

    def settings(self, figure: str) -> str:
        """Return the settings that a figure uses."""
        options = set(self.all[figure].declared.options)
        return as_json(self._study.settings.figures.model_dump(mode="json", include=options))

    def tables(self, figure: str) -> list[str]:
        """Return the tables that a figure shows."""
        return list(dict.fromkeys(path for _, path in tables_of(self.all[figure], self._study)))

    def runs(self, figure: str) -> list[str]:
        """Return the runs that a figure shows."""
        return runs_of(self.all[figure], self._study)

    def batches(self, figure: str) -> list[str]:
        """Return the runs against the networks of a chain that a figure shows."""
        chain = chain_of(self.all[figure], self._study)
        if chain is None or not self.all[figure].declared.batches:
            return []
        return [run for number in chain.numbers for run in self._chains.runs(chain.network(number), [1])]

    def ascents(self, figure: str) -> list[str]:
        """Return the gradient ascents that a figure shows."""
        return ascents_of(self.all[figure], self._study)

    def examples(self, figure: str) -> list[str]:
        """Return the attack with changed images that a figure shows: the first of its kind on its first classifier."""
        kind = self.all[figure].declared.examples_of
        if kind is None:
            return []
        first = next(entry for entry in self._study.attacks.values() if entry.kind == kind)
        return [attack_file(self._study, first.classifiers[0], first.name)]

    def stimuli(self, figure: str) -> list[str]:
        """Return the questionnaire of the stimuli that a figure shows.

        It holds the checksums of their files.
        """
        return self._human_study.files() if self.all[figure].declared.needs_stimuli else []

    def dataset(self, figure: str) -> list[str]:
        """Return the data set that a figure shows."""
        name = dataset_of(self.all[figure], self._study)
        return [] if name is None else [self._datasets.file(name)]

    def drawn_from(self, figure: str) -> str:
        """Return the options that name the inputs of a figure."""
        named: dict[str, Sequence[str | tuple[str, str]]] = {
            "tables": tables_of(self.all[figure], self._study),
            "runs": self.runs(figure),
            "batches": self.batches(figure),
            "ascents": self.ascents(figure),
            "examples": self.examples(figure),
            "stimuli": [(str(self.all[figure].condition), path) for path in self.stimuli(figure)],
            "dataset": self.dataset(figure),
        }
        return " ".join(repeated(option, values) for option, values in named.items() if values)

    def _files(self, names: Iterable[str], formats: Iterable[str] = ()) -> list[str]:
        formats = list(formats) or self._study.settings.figures.formats
        return [f"{self._study.results}/figures/{name}.{format}" for name in names for format in formats]


def drawings(study: Study) -> dict[str, Drawing]:
    """Return all figures of ``study`` by name, in the order of the catalogue."""
    return {drawing.name: drawing for figure in FIGURES for drawing in _drawings_of(figure, study)}


def tables_of(drawing: Drawing, study: Study) -> list[tuple[str, str]]:
    """Return the tables that ``drawing`` shows, as pairs of a name and a file."""
    pairs = _pairs(drawing, study)[: 1 if drawing.declared.of_first_classifier else None]
    wildcards = [{"classifier": classifier, "experiment": experiment} for classifier, experiment in pairs]
    if drawing.retraining is not None:
        chain = chain_of(drawing, study)
        wildcards = [{"retraining": drawing.retraining, "chain": "" if chain is None else chain.name}]
    if drawing.declared.one_per == "classifier with ascents":
        wildcards = [{"classifier": str(drawing.classifier)}]
    if drawing.declared.one_per in WITHOUT_SUBJECT:
        wildcards = [{}]
    return [
        (name, f"{study.results}/{path}")
        for name, pattern in drawing.declared.tables.items()
        for path in dict.fromkeys(pattern.format(**names) for names in wildcards)
    ]


def runs_of(drawing: Drawing, study: Study) -> list[str]:
    """Return the runs that ``drawing`` shows.

    A figure of one experiment shows the runs on its first classifier. A figure of several experiments that shows one
    run of each shows only the first experiment of every encoding.
    """
    if drawing.declared.seeds is None:
        return []
    pairs = _pairs(drawing, study)
    if drawing.experiment is not None:
        pairs = pairs[:1]
    elif drawing.declared.seeds == "first":
        first: dict[str, tuple[str, str]] = {}
        for pair in pairs:
            first.setdefault(study.experiments[pair[1]].encoding, pair)
        pairs = list(first.values())
    return [
        f"{study.results}/{RUN.format(classifier=classifier, experiment=experiment, seed=seed)}"
        for classifier, experiment in pairs
        for seed in _shown_seeds(drawing, study, experiment)
    ]


def chain_of(drawing: Drawing, study: Study) -> Chain | None:
    """Return the chain that ``drawing`` shows, if any.

    It is the first chain of the retraining whose fooling class holds champions.
    """
    if not drawing.declared.needs_chain:
        return None
    return next(_chains_of_champions(drawing.retraining, study))


def ascents_of(drawing: Drawing, study: Study) -> list[str]:
    """Return the gradient ascents that ``drawing`` shows: those on its classifier."""
    if not drawing.declared.needs_ascents or drawing.classifier is None:
        return []
    return ascent_files(study, drawing.classifier)


def dataset_of(drawing: Drawing, study: Study) -> str | None:
    """Return the name of the data set that ``drawing`` shows, if any."""
    if not drawing.declared.needs_dataset:
        return None
    classifier, _ = _pairs(drawing, study)[0]
    return study.classifiers[classifier].dataset


def _drawings_of(figure: str, study: Study) -> Iterator[Drawing]:
    pairs = _pairs(Drawing(figure), study)
    if FIGURES[figure].one_per == "study":
        if pairs:
            yield Drawing(figure)
    elif FIGURES[figure].one_per == "study with compared experiments":
        if any(entry.compared_with is not None for entry in study.settings.experiments):
            yield Drawing(figure)
    elif FIGURES[figure].one_per == "study with crossed options":
        if any(entry.cross for entry in study.settings.experiments):
            yield Drawing(figure)
    elif FIGURES[figure].one_per == "study with repeated runs":
        if any(has_several_runs(experiment.settings) for experiment in study.plain_experiments.values()):
            yield Drawing(figure)
    elif FIGURES[figure].one_per == "study with trained networks":
        if pairs and any(classifier.kind == "trained" for classifier in study.classifiers.values()):
            yield Drawing(figure)
    elif FIGURES[figure].one_per == "study with class sets":
        if study.settings.findings.class_sets:
            yield Drawing(figure)
    elif FIGURES[figure].one_per == "study with inputs far from the data":
        if study.settings.far is not None:
            yield Drawing(figure)
    elif FIGURES[figure].one_per == "study with boundaries":
        if study.settings.boundary is not None:
            yield Drawing(figure)
    elif FIGURES[figure].one_per == "study with hardened networks":
        if study.hardening:
            yield Drawing(figure)
    elif FIGURES[figure].one_per == "study with audits":
        if study.audited:
            yield Drawing(figure)
    elif FIGURES[figure].one_per == "study with adversarial examples":
        if any(entry.kind == "adversarial" for entry in study.attacks.values()):
            yield Drawing(figure)
    elif FIGURES[figure].one_per == "study with universal perturbations":
        if any(entry.kind == "universal" for entry in study.attacks.values()):
            yield Drawing(figure)
    elif FIGURES[figure].one_per == "study with labels alone":
        if any(entry.kind == "label-only" for entry in study.attacks.values()):
            yield Drawing(figure)
    elif FIGURES[figure].one_per == "study with detectors":
        if study.settings.detectors:
            yield Drawing(figure)
    elif FIGURES[figure].one_per == "study with responses":
        if responses_of(study):
            yield Drawing(figure)
    elif FIGURES[figure].one_per == "condition":
        if study.survey:
            yield from (Drawing(figure, condition=name) for name in study.survey.conditions)
    elif FIGURES[figure].one_per == "retraining":
        for name in dict.fromkeys(chain.settings.name for chain in study.chains.values()):
            if not FIGURES[figure].needs_chain or any(_chains_of_champions(name, study)):
                yield Drawing(figure, retraining=name)
    elif FIGURES[figure].one_per == "retraining with longer runs":
        entries = study.settings.retraining
        yield from (Drawing(figure, retraining=one.name) for one in entries if one.measured_generations is not None)
    elif FIGURES[figure].one_per == "retraining with refusal":
        entries = study.settings.retraining
        yield from (Drawing(figure, retraining=one.name) for one in entries if one.refusal is not None)
    elif figure in SHOWING_TRANSFER:
        shown = dict.fromkeys(name for _, name in pairs)
        yield from (Drawing(figure, experiment=name) for name in shown if len(study.classifiers_beside(name)) > 1)
    elif FIGURES[figure].one_per == "experiment":
        yield from dict.fromkeys(Drawing(figure, experiment=experiment) for _, experiment in pairs)
    elif FIGURES[figure].one_per == "first classifier of a data set":
        first: dict[str, str] = {}
        for name in study.classifiers:
            if name in dict(pairs):
                first.setdefault(study.classifiers[name].dataset, name)
        yield from (Drawing(figure, classifier=name) for name in first.values())
    elif FIGURES[figure].one_per == "data set with independent networks":
        labelled = [study.classifiers[name] for name, _ in pairs if study.classifiers[name].independent is not None]
        yield from (Drawing(figure, dataset=name) for name in dict.fromkeys(one.dataset for one in labelled))
    elif FIGURES[figure].one_per == "classifier with ascents":
        yield from (
            Drawing(figure, classifier=name) for name in study.classifiers if study.attacks_on(name, kind="ascent")
        )
    else:
        yield from (Drawing(figure, classifier=name) for name in study.classifiers if name in dict(pairs))


def has_several_runs(experiment: ExperimentEntry) -> bool:
    """Return whether an experiment has several classifiers or seeds."""
    return len(experiment.classifiers) > 1 or experiment.seeds.count > 1


def _chains_of_champions(retraining: str | None, study: Study) -> Iterator[Chain]:
    chains = (chain for chain in study.chains.values() if chain.settings.name == retraining)
    return (chain for chain in chains if chain.filled_with == "champions")


def _pairs(drawing: Drawing, study: Study) -> list[tuple[str, str]]:
    """Return the pairs of a classifier and an experiment that ``drawing`` covers."""
    return [
        (classifier, name)
        for name, experiment in study.plain_experiments.items()
        for classifier in experiment.settings.classifiers
        if drawing.experiment in (None, name)
        and drawing.classifier in (None, classifier)
        and drawing.dataset in (None, study.classifiers[classifier].dataset)
        and drawing.declared.encoding in (None, experiment.encoding)
        and (study.dataset_of(name).has_training_images or not drawing.declared.needs_training_images)
        and (study.has_features(classifier) or DISTANCES.name not in drawing.declared.tables)
        and (drawing.figure in experiment.settings.figures or drawing.figure not in SHOWING_EXPERIMENTS)
    ]


def _shown_seeds(drawing: Drawing, study: Study, experiment: str) -> range:
    seeds = study.experiments[experiment].settings.seeds.values()
    shown: dict[str | None, int | None] = {"shown": study.settings.figures.runs_shown, "first": 1, "all": None}
    return seeds[: shown[drawing.declared.seeds]]
