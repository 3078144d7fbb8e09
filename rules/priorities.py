"""The order of jobs: what shows something soon goes first, and what others wait for goes before the rest."""

from __future__ import annotations

from fooling.figures.declaration import RUN
from fooling.study.resolved import Study
from rules.drawings import Drawing, chain_of, drawings, runs_of

# From the highest to the lowest. All classifiers after the third have the priority of OTHERS.
GALLERY = 10  # what the first gallery needs
PRINCIPLE = 9  # what the figures of PRINCIPLES on the same classifier need
SHOWN = 8  # figures and tables: seconds each
CHAIN = 7  # the chain that the figures show, whose jobs wait for each other
FIRST, SECOND = 6, 5  # classifiers
NETWORKS = 4  # data sets and networks
CHAINS = 3  # all other chains
OTHERS = 1

PRINCIPLES = ("real_and_evolved", "same_label")


class Priorities:
    """The priorities of a study's jobs: functions of their wildcards.

    The first gallery is one of CPPN images, which soon show patterns; without any, it is the first of the study. Work
    starts with its classifier, and goes on with the others in the order of the study.
    """

    def __init__(self, study: Study) -> None:
        every = drawings(study)
        galleries = [drawing for drawing in every.values() if drawing.figure == "gallery"]
        of_cppns = [drawing for drawing in galleries if study.experiments[str(drawing.experiment)].encoding == "cppn"]
        self._gallery = next(iter(of_cppns or galleries), None)
        self._experiment = None if self._gallery is None else self._gallery.experiment
        self._order = list(study.classifiers)
        self._first_networks: set[str | None] = set()
        self._first_dataset = ""
        if self._experiment is not None:
            first = study.experiments[self._experiment].settings.classifiers[0]
            self._order = [first, *(name for name in self._order if name != first)]
            self._first_networks = {first, study.classifiers[first].independent}
            self._first_dataset = study.classifiers[first].dataset
        principles = [one for one in every.values() if one.figure in PRINCIPLES and one.classifier == self._order[0]]
        self._principles = {one.name for one in principles} if self._gallery else set()
        self._principle_runs = {run for one in principles for run in runs_of(one, study)} if self._gallery else set()
        self._results = study.results
        self._chain = _shown_chain(every, study)

    def dataset(self, dataset: str) -> int:
        """Return the priority of fetching a data set."""
        return GALLERY if dataset == self._first_dataset else NETWORKS

    def network(self, classifier: str) -> int:
        """Return the priority of making a network; a gallery also needs the independent network of its classifier."""
        return GALLERY if classifier in self._first_networks else NETWORKS

    def calibration(self, classifier: str) -> int:
        """Return the priority of calibrating a classifier."""
        return GALLERY if self._experiment and classifier == self._order[0] else SHOWN

    def run(self, classifier: str, experiment: str, seed: str) -> int:
        """Return the priority of a run; the gallery waits for all runs of its experiment on its classifier."""
        if (classifier, experiment) == (self._order[0], self._experiment):
            return GALLERY
        path = f"{self._results}/{RUN.format(classifier=classifier, experiment=experiment, seed=seed)}"
        return PRINCIPLE if path in self._principle_runs else self.classifier(classifier)

    def examination(self, classifier: str, experiment: str) -> int:
        """Return the priority of comparing the champions of an experiment on a classifier with real images."""
        return GALLERY if (classifier, experiment) == (self._order[0], self._experiment) else SHOWN

    def classifier(self, classifier: str) -> int:
        """Return the priority of all other work on a classifier: by its place in the order of the study."""
        return {0: FIRST, 1: SECOND, 2: OTHERS + 1}.get(self._order.index(classifier), OTHERS)

    def figure(self, figure: str) -> int:
        """Return the priority of drawing a figure."""
        if self._gallery is not None and figure == self._gallery.name:
            return GALLERY
        return PRINCIPLE if figure in self._principles else SHOWN

    def chain(self, chain: str) -> int:
        """Return the priority of the jobs of a chain of retrained networks."""
        return CHAIN if chain in self._chain else CHAINS

    def chained(self, network: str) -> int:
        """Return the priority of the runs against a network of a chain."""
        return CHAIN if network in self._chain else CHAINS


def _shown_chain(every: dict[str, Drawing], study: Study) -> frozenset[str]:
    """Return the name of the first chain that a figure shows, and the names of its networks."""
    for drawing in every.values():
        if (chain := chain_of(drawing, study)) is not None:
            return frozenset({chain.name, *map(chain.network, chain.numbers)})
    return frozenset()
