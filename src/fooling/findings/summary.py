"""What a study found in a few numbers: metrics and curves to be compared between versions of the study."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from fooling.findings.columns import EVALUATIONS, GENERATION
from fooling.findings.intervals import probability_of
from fooling.findings.tables import at_threshold
from fooling.table import SHARE, Column, Table

CURVES = Table(
    name="curves",
    path="curves/{experiment}.csv",
    commands=("summarise",),
    columns=(
        *(GENERATION, EVALUATIONS),
        Column(
            "drift",
            SHARE.or_nothing,
            may_be_missing=True,
            doc="Median confidence of the champions of unselected drift.",
        ),
        Column("evolution", SHARE.or_nothing, doc="Median confidence of the champions of evolution (`map-elites`)."),
        Column(
            "random-search",
            SHARE.or_nothing,
            may_be_missing=True,
            doc="Median confidence of the champions of random search.",
        ),
    ),
    key=("generation", "evaluations"),
    doc="One row for each generation: the median over all runs of the experiment, on whichever classifier, of each "
    "run's median over the classes. A search that the experiment does not run has no column.",
)
IDENTITY = ["experiment", "classifier", "search"]


def medians_of_runs(champions: pd.DataFrame, by: Sequence[str]) -> pd.Series[float]:
    """The median confidence for each combination of ``by``: that of the median class, as the mean over the runs.

    The mean is that of the log-odds of the runs' medians, as in every estimate with an interval. It is the one median
    confidence of tables and report. The median of all champions pooled is another number, which a few runs with many
    sure classes can raise; only a claim that names it has it.
    """
    of_runs = champions.groupby(list(dict.fromkeys([*by, "classifier", "seed"])))["log_odds"].median()
    means = of_runs.groupby(level=list(by)).mean()
    return pd.Series(probability_of(means.to_numpy()), index=means.index)


def metrics(
    networks: pd.DataFrame,
    champions: Iterable[pd.DataFrame],
    verdicts: Mapping[str, Mapping[str, int]],
    *,
    threshold: float,
) -> dict[str, Any]:
    """The test error of every network, how sure it is of the champions of every experiment, and the verdicts.

    Takes the tables of networks and of champions (one of each experiment), and the counts of verdicts by kind of claim.
    The median is that of :func:`medians_of_runs`, as in ``foolability.csv``; the share is of the champions of all runs
    of one search on one network. A champion counts as fooling from ``threshold`` on.
    """
    searches: dict[str, Any] = {}
    for table in champions:
        medians = medians_of_runs(table, IDENTITY).tolist()
        for median, (identity, runs) in zip(medians, table.groupby(IDENTITY), strict=True):
            experiment, classifier, search = map(str, identity)
            searches.setdefault(experiment, {}).setdefault(classifier, {})[search] = {
                "median_confidence": median,
                "share_at_threshold": float(at_threshold(runs["confidence"].to_numpy(), threshold).mean()),
            }
    return {
        "test_error": dict(zip(networks["classifier"], networks["test_error"].astype(float), strict=True)),
        "champions": searches,
        "claims": dict(verdicts),
    }


def curve(history: pd.DataFrame) -> pd.DataFrame:
    """One row for each generation: the median confidence of the champions then, as :func:`medians_of_runs` defines it.

    Takes the history of one experiment, whose networks count together.
    Columns ``generation``, ``evaluations``, and one for each search, where the
    search ``map-elites`` is called ``evolution``.
    """
    medians = medians_of_runs(history, ["generation", "evaluations", "search"]).unstack("search")
    return medians.rename(columns={"map-elites": "evolution"}).rename_axis(columns=None).reset_index()
