"""Summary of a study: each experiment with its searches, and the headline of the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from fooling.claims.verdicts import in_words
from fooling.findings.runs import medians_of_runs
from fooling.percentages import share_percent

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


def headline(experiments: Sequence[ExperimentSummary], *, threshold: float) -> tuple[str, str]:
    """Return the main result of the study, and its comparison with random search by experiment.

    Only experiments with random search that are not small are counted; all experiments if there are none of these.
    """
    controlled = [found for found in experiments if found.control is not None]
    counted = [found for found in controlled if not found.is_small] or controlled or list(experiments)
    fooling = sum(found.evolution.fooling for found in counted)
    champions = sum(found.evolution.champions for found in counted)
    level = share_percent(threshold)
    finding = f"{fooling:,} of {champions:,} evolved images reach at least {level} confidence in their class"
    return finding, " ".join(_contrast(found) for found in counted if found.control is not None)


def _contrast(found: ExperimentSummary) -> str:
    """Return the counts of evolution and random search in one experiment, as text."""
    assert found.control is not None
    name = f"{found.encoding[0].upper()}{found.encoding[1:]} ({found.name})"
    return f"{name}: {found.evolution.count}; random search with the same budget: {found.control.count}."


def _search(champions: pd.DataFrame, threshold: float) -> SearchSummary:
    return SearchSummary(
        search=champions["search"].iloc[0],
        runs=len(champions[["classifier", "seed"]].drop_duplicates()),
        champions=len(champions),
        fooling=int((champions["confidence"].astype(float) >= threshold).sum()),
        saturated=int(champions["saturated"].sum()),
        median=in_words(float(medians_of_runs(champions, ["search"]).iloc[0]), "probability"),
    )
