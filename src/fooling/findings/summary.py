"""What a study found in a few numbers: metrics and curves to be compared between versions of the study."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from fooling.findings.tables import at_threshold, medians_of_runs

IDENTITY = ["experiment", "classifier", "search"]


def metrics(
    networks: pd.DataFrame, champions: Iterable[pd.DataFrame], claims: pd.DataFrame, *, threshold: float
) -> dict[str, Any]:
    """The test error of every network, how sure it is of the champions of every experiment, and the verdicts.

    Takes the tables of networks, of champions (one of each experiment) and of claims. The median is that of
    :func:`medians_of_runs`, as in ``foolability.csv``; the share is of the champions of all runs of one search on one
    network. A champion counts as fooling from ``threshold`` on.
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
        "claims": claims["verdict"].value_counts().to_dict(),
    }


def curve(history: pd.DataFrame) -> pd.DataFrame:
    """One row for each generation: the median confidence of the champions then, as :func:`medians_of_runs` defines it.

    Takes the history of one experiment, whose networks count together.
    Columns ``generation``, ``evaluations``, and one for each search, where the
    search ``map-elites`` is called ``evolution``.
    """
    medians = medians_of_runs(history, ["generation", "evaluations", "search"]).unstack("search")
    return medians.rename(columns={"map-elites": "evolution"}).rename_axis(columns=None).reset_index()
