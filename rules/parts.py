"""The parts into which the work of an experiment is split, so that many networks need no large or long jobs."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fooling.study.resolved import Study
from rules.attacks import Experiments
from rules.steps import LARGE

#: Images that a job labels at most, each network on its own; a job has at least one network and all images of another.
SCORES, SCORES_ON_LARGE = 100_000, 30_000
#: Champions whose lineage a job traces at most; a job has at least one network.
CHAMPIONS = 1000
#: Classes that are assumed while the study is planned, when the pictures of a data set have not been listed.
CLASSES, CLASSES_OF_PICTURES = 10, 1000


@dataclass(frozen=True)
class Part:
    """The networks that label images in one job, and the networks on which the images evolved."""

    targets: tuple[str, ...]
    sources: tuple[str, ...]


class Parts:
    """The parts of each experiment, by number, for the rules that compute them and that join them.

    On large images each job opens one network, because two of the largest ones need too much memory.
    """

    def __init__(self, study: Study, experiments: Experiments) -> None:
        self._study, self._experiments = study, experiments
        self._findings = f"{study.results}/findings"
        # Each job looks up its part, so the parts of an experiment are computed once.
        self._labelling = functools.cache(self._labelling_parts)
        self._tracing = functools.cache(self._tracing_parts)
        self._showing = functools.cache(self._showing_parts)

    def labelling(self, experiment: str, part: str) -> list[str]:
        """Return the names of the networks that label their own champions in this part."""
        return list(self._labelling(experiment)[int(part) - 1])

    def targets(self, experiment: str, part: str) -> list[str]:
        """Return the names of the networks that are shown champions in this part."""
        return list(self._showing(experiment)[int(part) - 1].targets)

    def traced(self, experiment: str, part: str) -> list[str]:
        """Return the files of the runs whose lineage is traced in this part."""
        return self._runs(experiment, self._tracing(experiment)[int(part) - 1])

    def labelled_runs(self, experiment: str, part: str) -> list[str]:
        """Return the files of the runs whose champions are labelled by their own network in this part."""
        return self._runs(experiment, self._labelling(experiment)[int(part) - 1])

    def shown_runs(self, experiment: str, part: str) -> list[str]:
        """Return the files of the runs whose champions are shown to other networks in this part."""
        return self._runs(experiment, self._showing(experiment)[int(part) - 1].sources)

    def labels(self, experiment: str, part: str) -> list[str]:
        """Return the tables with the labels of these champions by their own networks."""
        sources = set(self._showing(experiment)[int(part) - 1].sources)
        numbers = [n for n, names in enumerate(self._labelling(experiment), start=1) if sources & set(names)]
        return [f"{self._findings}/own_labels/{experiment}/{number}.parquet" for number in numbers]

    def shown(self, kind: str, experiment: str) -> list[str]:
        """Return the tables of this kind of all parts in which champions are shown to networks."""
        return self._files("shown", experiment, len(self._showing(experiment)), kind)

    def ancestry(self, experiment: str) -> list[str]:
        """Return the tables of the ancestry of all champions, in the order of the names of the networks."""
        return self._files("traced", experiment, len(self._tracing(experiment)), "parquet")

    def replays(self, experiment: str) -> list[str]:
        """Return the tables of the measures of all runs and of their replays."""
        return self._files("traced", experiment, len(self._tracing(experiment)), "replays.parquet")

    def shown_tables(self, experiment: str) -> list[str]:
        """Return the tables of the images of all parts."""
        return self.shown("parquet", experiment)

    def pair_tables(self, experiment: str) -> list[str]:
        """Return the tables of the pairs of all parts."""
        return self.shown("pairs.parquet", experiment)

    def _labelling_parts(self, experiment: str) -> list[tuple[str, ...]]:
        sources = self._sources(experiment)
        return list(_blocks(sources, 1 if self._is_large(experiment) else SCORES // self._champions(experiment)))

    def _tracing_parts(self, experiment: str) -> list[tuple[str, ...]]:
        return list(_blocks(sorted(self._sources(experiment)), CHAMPIONS // self._champions(experiment)))

    def _showing_parts(self, experiment: str) -> list[Part]:
        """Return the parts: several targets with all sources or, if these are too many, one target with some."""
        sources, targets = self._sources(experiment), self._study.classifiers_beside(experiment)
        is_large, each = self._is_large(experiment), self._champions(experiment)
        limit = SCORES_ON_LARGE if is_large else SCORES
        if len(sources) * each <= limit:
            together = 1 if is_large else limit // (len(sources) * each)
            return [Part(block, tuple(sources)) for block in _blocks(targets, together)]
        return [Part((target,), block) for target in targets for block in _blocks(sources, limit // each)]

    def _sources(self, experiment: str) -> list[str]:
        """Return the networks of an experiment, in the order in which tables list them."""
        own = self._study.experiments[experiment].settings.classifiers
        return [name for name in self._study.classifiers_beside(experiment) if name in own]

    def _champions(self, experiment: str) -> int:
        """Return the number of champions of all runs on one network; an estimate for data sets of pictures."""
        pictures = self._study.dataset_of(experiment).kind in ("folder", "imagenet")
        seeds = len(list(self._study.experiments[experiment].settings.seeds.values()))
        return seeds * (CLASSES_OF_PICTURES if pictures else CLASSES)

    def _is_large(self, experiment: str) -> bool:
        return self._study.dataset_of(experiment).size >= LARGE

    def _runs(self, experiment: str, sources: Sequence[str]) -> list[str]:
        return [run for name in sources for run in self._experiments.evolved_on(experiment, name)]

    def _files(self, folder: str, experiment: str, count: int, kind: str) -> list[str]:
        return [f"{self._findings}/{folder}/{experiment}/{number}.{kind}" for number in range(1, count + 1)]


def _blocks(names: Sequence[str], size: int) -> Iterator[tuple[str, ...]]:
    """Yield the names in blocks of about equal size, at most ``size`` and at least one."""
    count = -(-len(names) // max(1, size))
    ends = [len(names) * number // count for number in range(count + 1)]
    for first, last in itertools.pairwise(ends):
        yield tuple(names[first:last])
