"""What a study found in a few numbers: metrics and curves to be compared between versions of the study."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from fooling.findings.tables import at_threshold, median_over_classes


def metrics(
    networks: pd.DataFrame, champions: Iterable[pd.DataFrame], claims: pd.DataFrame, *, threshold: float
) -> dict[str, Any]:
    """The test error of every network, how sure it is of the champions of every experiment, and the verdicts.

    Takes the tables of networks, of champions (one of each experiment) and of claims. Medians and shares are taken over
    all runs and classes of one search on one network; a champion counts as fooling from ``threshold`` on.
    """
    searches: dict[str, Any] = {}
    for table in champions:
        for (experiment, classifier, search), runs in table.groupby(["experiment", "classifier", "search"]):
            confidences = runs["confidence"].to_numpy()
            searches.setdefault(str(experiment), {}).setdefault(str(classifier), {})[str(search)] = {
                "median_confidence": float(median_over_classes(confidences)),
                "share_at_threshold": float(at_threshold(confidences, threshold).mean()),
            }
    return {
        "test_error": dict(zip(networks["classifier"], networks["test_error"].astype(float), strict=True)),
        "champions": searches,
        "claims": claims["verdict"].value_counts().to_dict(),
    }


def curve(history: pd.DataFrame) -> pd.DataFrame:
    """One row for each generation: the median confidence of the champions, over all networks, runs and classes.

    Takes the history of one experiment. Columns ``generation``, ``evaluations``, and one for each search, where the
    search ``map-elites`` is called ``evolution``.
    """
    exact = history.astype({"confidence": "float64"})
    medians = exact.groupby(["generation", "evaluations", "search"])["confidence"].median().unstack("search")
    return medians.rename(columns={"map-elites": "evolution"}).rename_axis(columns=None).reset_index()
