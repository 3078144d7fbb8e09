"""Galleries of the report: champions with their confidences, and proxies of how recognisable they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from fooling.attacks.evolution.record import RunRecord
from fooling.figures.shown_classes import of_classes, shown_classes
from fooling.report.pictures import Picture, champions
from fooling.report.summary import ENCODINGS


@dataclass(frozen=True, kw_only=True)
class Gallery:
    """Some runs of one experiment on one classifier, with a row of pictures for each seed."""

    experiment: str
    encoding: str
    classifier: str
    evaluations: int
    rows: dict[int, list[Picture]]
    proxies: tuple[str, ...]


def galleries(runs: Mapping[str, Sequence[RunRecord]], examined: pd.DataFrame | None) -> list[Gallery]:
    """Return a gallery for each experiment and classifier.

    Args:
        runs: Runs by experiment.
        examined: The table ``examined``, for the proxies; None: there is none.
    """
    return [
        gallery(experiment, [run for run in records if run.classifier["name"] == classifier], examined)
        for experiment, records in runs.items()
        for classifier in dict.fromkeys(run.classifier["name"] for run in records)
    ]


def gallery(experiment: str, runs: Sequence[RunRecord], examined: pd.DataFrame | None) -> Gallery:
    """Return the gallery of ``runs`` on one classifier, with proxies from the table ``examined``."""
    first = runs[0]
    return Gallery(
        experiment=experiment,
        encoding=ENCODINGS[first.encoding],
        classifier=first.classifier["name"],
        evaluations=int(first.history.evaluations[-1]),
        rows={run.seed: list(champions(of_classes(run, shown_classes(runs)))) for run in runs},
        proxies=() if examined is None else proxies(_of(examined, experiment, first), search=first.search),
    )


def proxies(examined: pd.DataFrame, *, search: str) -> tuple[str, ...]:
    """Return sentences on how recognisable the champions of ``search`` are: independent labels, and distances."""
    evolved = examined[examined["search"] == search]
    real = examined[examined["search"] == "real-images"]
    sentences = []
    asked = evolved["independent"].dropna()
    if len(asked):
        sentences.append(
            f"The independent classifier {asked.iloc[0]} gives the same label to {_same_label(evolved)} champions"
            + (f" and to {_same_label(real)} real test images." if len(real) else ".")
        )
    distances = evolved["nearest_distance"].dropna()
    if len(distances):
        compared = f" For real test images it is {real['nearest_distance'].median():.2f}." if len(real) else ""
        sentences.append(
            f"The median distance of the champions to the nearest training image is {distances.median():.2f} "
            f"(root mean square over pixels; black to white is 1).{compared}"
        )
    return tuple(sentences)


def _of(examined: pd.DataFrame, experiment: str, run: RunRecord) -> pd.DataFrame:
    is_own = (examined["classifier"] == run.classifier["name"]) & (examined["experiment"] == experiment)
    own: pd.DataFrame = examined[is_own]
    return own


def _same_label(table: pd.DataFrame) -> str:
    same = int((table["independent_label"] == table["class_index"]).sum())
    return f"{same:,} of {len(table):,}"
