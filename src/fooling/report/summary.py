"""What a study found in a few numbers: each experiment with its searches, the headline, the claims by verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from fooling.findings.summary import medians_of_runs
from fooling.findings.wording import in_words, percent

#: An experiment with fewer runs is called small.
FEW_RUNS = 6

SEARCHES = {
    "map-elites": "evolution (MAP-Elites)",
    "random-search": "random search",
    "drift": "drift (unselected)",
}
ENCODINGS = {"direct": "direct encoding", "cppn": "CPPN encoding"}


@dataclass(frozen=True, kw_only=True)
class SearchSummary:
    """What the runs of one search reached."""

    search: str
    runs: int
    champions: int  # over all runs and classes
    fooling: int  # champions at the threshold or above
    saturated: int  # champions whose confidence is exactly 1 in float32
    median: str  # confidence of the median class, mean over the runs in log-odds, in words

    @property
    def label(self) -> str:
        """The search in words."""
        return SEARCHES[self.search]

    @property
    def count(self) -> str:
        """Fooling champions among all."""
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
        """The search under study."""
        return self.searches[0]

    @property
    def control(self) -> SearchSummary | None:
        """Random search, where it was made."""
        return next((search for search in self.searches if search.search == "random-search"), None)

    @property
    def is_small(self) -> bool:
        """Whether it has too few runs to measure anything."""
        return self.evolution.runs < FEW_RUNS


def summarised(champions: pd.DataFrame, *, threshold: float) -> ExperimentSummary:
    """The summary of one experiment from its table of champions."""
    present = [search for search in SEARCHES if search in set(champions["search"])]
    first = champions.iloc[0]
    return ExperimentSummary(
        name=first["experiment"],
        encoding=ENCODINGS[first["encoding"]],
        classifiers=tuple(champions["classifier"].drop_duplicates()),
        searches=tuple(_search(champions[champions["search"] == search], threshold) for search in present),
    )


def headline(experiments: Sequence[ExperimentSummary], *, threshold: float) -> tuple[str, str]:
    """The finding of the study in one sentence, and beside it what random search finds, experiment by experiment.

    Counted are the experiments that have random search beside evolution and are not small, or all if there are none.
    """
    controlled = [found for found in experiments if found.control is not None]
    counted = [found for found in controlled if not found.is_small] or controlled or list(experiments)
    fooling = sum(found.evolution.fooling for found in counted)
    champions = sum(found.evolution.champions for found in counted)
    level = percent(threshold)
    finding = f"{fooling:,} of {champions:,} evolved images reach a confidence of {level} or more in their class"
    return finding, " ".join(_contrast(found) for found in counted if found.control is not None)


def _contrast(found: ExperimentSummary) -> str:
    """Evolution and random search in one experiment."""
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
