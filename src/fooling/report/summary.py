"""What a study found in a few numbers: each experiment with its searches, the headline, the claims by verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from fooling.findings.wording import in_words, percent

#: Fewer runs carry no 95 % interval of a median; such an experiment is called small.
FEW_RUNS = 6

SEARCHES = {
    "map-elites": "evolution (MAP-Elites)",
    "random-search": "random search",
    "drift": "drift without selection",
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
    median: str  # median over the runs of the median over the classes, in words

    @property
    def label(self) -> str:
        """The search in words."""
        return SEARCHES[self.search]

    @property
    def share(self) -> str:
        """Fooling champions in percent of all."""
        return percent(self.fooling / self.champions)


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
    """The finding of the study in one sentence, and what random search adds to it in another.

    Counted are the experiments that have random search beside evolution and are not small, or all if there are none.
    """
    controlled = [found for found in experiments if "random-search" in [search.search for search in found.searches]]
    counted = [found for found in controlled if not found.is_small] or controlled or list(experiments)
    evolved = [found.evolution for found in counted]
    level = percent(threshold)
    finding = (
        f"{sum(search.fooling for search in evolved):,} of {sum(search.champions for search in evolved):,} "
        f"evolved images are called their class with {level} confidence or more"
    )
    parts = []
    for found in counted:
        for search in found.searches:
            if search.search == "random-search":
                parts.append(f"{search.fooling:,} of {search.champions:,} in the {found.encoding} ({found.name})")
    if not parts:
        return finding, ""
    return finding, f"Random search that scored as many images reaches that for {', and for '.join(parts)}."


def _search(champions: pd.DataFrame, threshold: float) -> SearchSummary:
    medians = champions.groupby(["classifier", "seed"])["confidence"].median()
    return SearchSummary(
        search=champions["search"].iloc[0],
        runs=len(medians),
        champions=len(champions),
        fooling=int((champions["confidence"].astype(float) >= threshold).sum()),
        saturated=int(champions["saturated"].sum()),
        median=in_words(float(medians.median()), "probability"),
    )
