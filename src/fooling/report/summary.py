"""Summary of a study: each experiment with its searches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from fooling.claims.verdicts import in_words
from fooling.findings.runs import medians_of_runs

#: An experiment with fewer runs is marked as small.
FEW_RUNS = 6

SEARCHES = {
    "map-elites": "evolution (MAP-Elites)",
    "random-search": "random search",
    "drift": "drift (unselected)",
}
ENCODINGS = {"direct": "direct encoding", "cppn": "CPPN encoding"}


@dataclass(frozen=True, kw_only=True)
class SearchSummary:
    """The champions of one search."""

    search: str
    runs: int
    champions: int  # over all runs and classes
    fooling: int  # champions at or above the threshold
    saturated: int  # champions whose confidence is exactly 1 in float32
    median: str  # confidence of the median class, averaged over the runs in log-odds, as text

    @property
    def label(self) -> str:
        """Name of the search for readers."""
        return SEARCHES[self.search]

    @property
    def count(self) -> str:
        """Number of fooling champions among all, as text."""
        return f"{self.fooling:,} of {self.champions:,}"


@dataclass(frozen=True, kw_only=True)
class ExperimentSummary:
    """One experiment: its searches in the study's order, evolution first."""

    name: str
    encoding: str
    classifiers: tuple[str, ...]
    searches: tuple[SearchSummary, ...]

    @property
    def evolution(self) -> SearchSummary:
        """The summary of evolution."""
        return self.searches[0]

    @property
    def control(self) -> SearchSummary | None:
        """The summary of random search, if it was run."""
        return next((search for search in self.searches if search.search == "random-search"), None)

    @property
    def is_small(self) -> bool:
        """Whether it has too few runs for statistics."""
        return self.evolution.runs < FEW_RUNS


def summarise_experiment(champions: pd.DataFrame, *, threshold: float) -> ExperimentSummary:
    """Return the summary of one experiment from its table ``champions``."""
    present = [search for search in SEARCHES if search in set(champions["search"])]
    first = champions.iloc[0]
    return ExperimentSummary(
        name=first["experiment"],
        encoding=ENCODINGS[first["encoding"]],
        classifiers=tuple(champions["classifier"].drop_duplicates()),
        searches=tuple(_search(champions[champions["search"] == search], threshold) for search in present),
    )


def counted_experiments(experiments: Sequence[ExperimentSummary]) -> list[ExperimentSummary]:
    """Return the experiments whose images the headline counts.

    These are the experiments with random search that are not small; if there are none, those with random search; if
    there are none of these either, all.
    """
    controlled = [found for found in experiments if found.control is not None]
    return [found for found in controlled if not found.is_small] or controlled or list(experiments)


def _search(champions: pd.DataFrame, threshold: float) -> SearchSummary:
    return SearchSummary(
        search=champions["search"].iloc[0],
        runs=len(champions[["classifier", "seed"]].drop_duplicates()),
        champions=len(champions),
        fooling=int((champions["confidence"].astype(float) >= threshold).sum()),
        saturated=int(champions["saturated"].sum()),
        median=in_words(float(medians_of_runs(champions, ["search"]).iloc[0]), "probability"),
    )
