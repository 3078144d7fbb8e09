"""Galleries of the report: champions with their confidences, and proxies of how recognisable they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from fooling.attacks.evolution.record import RunRecord
from fooling.figures.shown_classes import of_classes, shown_classes
from fooling.images import data_uri, png_bytes
from fooling.percentages import percent
from fooling.report.summary import ENCODINGS

LARGE = 64  # pixels; smaller images are scaled without interpolation


@dataclass(frozen=True)
class Picture:
    """One champion."""

    class_name: str
    confidence: str
    source: str  # a data URI


@dataclass(frozen=True, kw_only=True)
class Gallery:
    """Some runs of one experiment on one classifier, with a row of pictures for each seed."""

    experiment: str
    encoding: str
    classifier: str
    evaluations: int
    rows: dict[int, list[Picture]]
    is_coarse: bool
    proxies: tuple[str, ...]


def gallery(experiment: str, runs: Sequence[RunRecord], examined: pd.DataFrame) -> Gallery:
    """Return the gallery of ``runs``, with proxies from the table ``examined``."""
    first = runs[0]
    table = examined[(examined["classifier"] == first.classifier["name"]) & (examined["experiment"] == experiment)]
    return Gallery(
        experiment=experiment,
        encoding=ENCODINGS[first.encoding],
        classifier=first.classifier["name"],
        evaluations=int(first.history.evaluations[-1]),
        rows={run.seed: _pictures(of_classes(run, shown_classes(runs))) for run in runs},
        is_coarse=first.images.shape[-1] < LARGE,
        proxies=proxies(table, search=first.search),
    )


def proxies(examined: pd.DataFrame, *, search: str) -> tuple[str, ...]:
    """Return sentences on how recognisable the champions of ``search`` are: independent labels, and distances."""
    champions = examined[examined["search"] == search]
    real = examined[examined["search"] == "real-images"]
    sentences = []
    asked = champions["independent"].dropna()
    if len(asked):
        sentences.append(
            f"The independent classifier {asked.iloc[0]} gives the same label to {_same_label(champions)} champions"
            + (f" and to {_same_label(real)} real test images." if len(real) else ".")
        )
    distances = champions["nearest_distance"].dropna()
    if len(distances):
        compared = f" For real test images it is {real['nearest_distance'].median():.2f}." if len(real) else ""
        sentences.append(
            f"The median distance of the champions to the nearest training image is {distances.median():.2f} "
            f"(root mean square over pixels; black to white is 1).{compared}"
        )
    return tuple(sentences)


def _same_label(table: pd.DataFrame) -> str:
    same = int((table["independent_label"] == table["class_index"]).sum())
    return f"{same:,} of {len(table):,}"


def _pictures(run: RunRecord) -> list[Picture]:
    return [
        Picture(name, percent(float(confidence)), data_uri(png_bytes(image)))
        for name, confidence, image in zip(run.class_names, run.confidences, run.images, strict=True)
    ]
