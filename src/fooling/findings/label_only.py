"""Fooling with labels alone, as tables: queries against the confidence that is revealed afterwards.

Three ways are compared: MAP-Elites for images whose label survives noise, random search with as many queries, and
transfer of champions that were evolved on another network, each of which costs one query. A class that was never given
as a label has no image; in medians over the classes it counts as a confidence of 0.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fooling.attacks.evolution.record import RunRecord
from fooling.attacks.label_only.record import LabelOnlyRecord
from fooling.findings.intervals import (
    Estimate,
    IntervalSettings,
    estimated_over_pairs,
    run_grid,
)
from fooling.findings.registry import ATTACK, CLASS, CLASSIFIER, LOG_ODDS, NOTE, SEED, UNITS
from fooling.images import png_bytes
from fooling.messages import FoolingError
from fooling.reproducibility import evenly_spaced
from fooling.table import (
    COUNT,
    FLAG,
    NOT_NEGATIVE,
    SHARE,
    TEXT,
    Column,
    Table,
    Values,
    bounds,
    one_of,
    or_nothing,
)

MAP_ELITES, RANDOM, TRANSFER = WAYS = ("map-elites", "random-search", "transfer")
SHOWN = 10  # classes whose images are kept
_SEARCH = Column(
    "search",
    one_of(*WAYS),
    doc="`map-elites`: images whose label survives the most noise, evolved with labels alone; `random-search`: the best"
    " random images by the same measure, with as many queries; `transfer`: champions of evolution on another network, "
    "whose confidences were known.",
)
_SOURCE = Column(
    "source", TEXT.or_nothing, doc="The other network, on which the image was evolved; empty without transfer."
)
_WAY = (CLASSIFIER, ATTACK, _SEARCH)
_QUERIES = Column("queries", COUNT, unit="images", doc="Queries: images and noisy copies that the classifier labelled.")

LABEL_ONLY = Table(
    name="label_only",
    path="findings/label_only.parquet",
    commands=("tabulate-label-only",),
    columns=(
        *(*_WAY, _SOURCE, SEED, *CLASS),
        Column("queries", COUNT, unit="images", doc="Queries of the whole run; with transfer, one for each image."),
        Column(
            "found_at",
            COUNT.or_nothing,
            unit="images",
            doc="Queries until the end of the generation in which the image was found; empty if the class has none.",
        ),
        Column(
            "noise",
            Values(kind="number", least=0, most=255).or_nothing,
            unit="levels",
            doc="Largest standard deviation of noise at which most copies keep the label, 0 if there is none; empty "
            "with transfer, which does not measure it, and if the class has no image.",
        ),
        Column(
            "label_correct", FLAG, doc="Whether there is an image and the classifier gives it the label of the class."
        ),
        Column(
            "confidence",
            SHARE.or_nothing,
            doc="Confidence of the classifier in the class, revealed after the last query; empty if the class has no "
            "image, or the classifier gives labels alone.",
        ),
        *or_nothing(LOG_ODDS, doc="empty where `confidence` is."),
        Column(
            "png",
            TEXT.or_nothing,
            doc="The image, as a PNG file in base64: of the first run of each search on the first classifier, for at "
            "most ten classes, evenly spaced; empty elsewhere.",
        ),
    ),
    key=("classifier", "attack", "search", "source", "seed", "class_index"),
    doc="One row for each run and class: the champion at the end.",
)
LABEL_ONLY_CURVES = Table(
    name="label_only_curves",
    path="findings/label_only_curves.parquet",
    commands=("tabulate-label-only",),
    columns=(
        *(*_WAY, SEED, _QUERIES),
        Column("classes", COUNT, doc="Number of classes with an image."),
        Column(
            "noise",
            Values(kind="number", least=0, most=255),
            unit="levels",
            doc="Median over the classes of the noise that the label survives, 0 for a class without an image.",
        ),
        *or_nothing(
            Column("confidence", SHARE, doc="Median over the classes of the revealed confidence."),
            doc="empty if the classifier gives labels alone.",
        ),
    ),
    key=("classifier", "attack", "search", "seed", "queries"),
    doc="One row for each run and each generation with a new champion, and one for the end of the run.",
)
LABEL_ONLY_TRANSFER = Table(
    name="label_only_transfer",
    path="findings/label_only_transfer.csv",
    commands=("tabulate-label-only",),
    columns=(
        ATTACK,
        *or_nothing(
            Column("source", TEXT, doc="Network on which the champions were evolved."),
            Column("target", TEXT, doc="Classifier that was asked for their labels."),
            doc="empty in the row with the mean over the pairs.",
        ),
        Column("runs", COUNT, unit="runs", doc="Runs of evolution on the source."),
        Column("images", COUNT, unit="images", doc="Champions that were shown, each one query."),
        Column("transferred", SHARE, doc="Share of them that the target labels as their class."),
        *bounds(SHARE, of="transferred"),
        *or_nothing(
            Column("confidence", SHARE, doc="Median confidence of the target in the class, revealed afterwards."),
            doc="empty if the target gives labels alone.",
        ),
        Column(
            "adaptive",
            SHARE,
            doc="Share of the classes for which MAP-Elites with labels alone has an image on the target itself.",
        ),
        *or_nothing(
            Column("adaptive_confidence", SHARE, doc="Median confidence in these classes, revealed afterwards."),
            doc="empty if the target gives labels alone.",
        ),
        Column("adaptive_queries", NOT_NEGATIVE, unit="images", doc="Queries of a run of that attack."),
        *(UNITS, NOTE),
    ),
    key=("attack", "source", "target"),
    may_be_empty=True,
    doc="One row for each pair of another network and a target, and one for the mean over the pairs, whose interval is "
    "over classifiers. Not fooled by stored images is not the same as not foolable: the adaptive columns show what an "
    "attack reaches that asks the target itself.",
)
#: Labels (B,) of images, with their confidences and log-odds (B, K), or None if the classifier gives labels alone.
Answers = tuple[NDArray[np.int64], tuple[NDArray[np.float32], NDArray[np.float64]] | None]
#: Return the answers for images (B, C, H, W).
Shown = Callable[[NDArray[np.uint8]], Answers]


def label_only_table(
    records: Sequence[LabelOnlyRecord], own: Mapping[str, Sequence[RunRecord]], shown: Mapping[str, Shown]
) -> pd.DataFrame:
    """Return one row for each run and class: of the attacks, and of transfer.

    Args:
        records: The attacks.
        own: Runs of evolution by the name of the attack with which they are compared. Their champions are shown to the
            attacked classifiers. Runs on the classifier itself, with other classes, or with images of another shape are
            left out.
        shown: The attacked classifiers by name.

    Raises:
        FoolingError: Attacks of one name have different settings, or the same classifier.
    """
    for name in dict.fromkeys(record.name for record in records):
        alike = [record for record in records if record.name == name]
        classifiers = [record.classifier["name"] for record in alike]
        if any(record.settings != alike[0].settings for record in alike) or len(set(classifiers)) < len(alike):
            raise FoolingError(
                f"the files of the attack {name} cannot be compared",
                found=f"{len(alike)} files, on {', '.join(classifiers)}",
                expected="the same settings, and one file for each classifier",
            )
    ordered = _in_order(records)
    parts = [_rows_of_run(record, run) for record in ordered for run in range(len(record.runs))]
    parts += [
        _rows_of_transfer(record, run, shown[record.classifier["name"]])
        for record in ordered
        for run in own.get(record.name, ())
        if run.class_names == record.class_names
        and run.images.shape[1:] == record.entries.images.shape[1:]
        and run.classifier["name"] != record.classifier["name"]
    ]
    table = pd.concat(parts, ignore_index=True)[LABEL_ONLY.names]
    first = table.groupby(["attack", "search"])[["classifier", "source", "seed"]].transform("first")
    is_first = (table["classifier"] == first["classifier"]) & (table["seed"] == first["seed"])
    is_first &= table["source"].isna() | (table["source"] == first["source"])
    classes = evenly_spaced(int(table["class_index"].max()) + 1, SHOWN)
    table["png"] = table["png"].where(is_first & table["class_index"].isin(classes))
    return table


def curves_table(records: Sequence[LabelOnlyRecord]) -> pd.DataFrame:
    """Return, for each run, one row for each generation with a new champion and one for the end."""
    rows = [row for record in _in_order(records) for run in range(len(record.runs)) for row in _curve_of(record, run)]
    return pd.DataFrame(rows, columns=LABEL_ONLY_CURVES.names)


def transfer_table(table: pd.DataFrame, *, settings: IntervalSettings) -> pd.DataFrame:
    """Return one row for each pair of another network and a target in ``label_only``, and one for each mean."""
    shown = table[table["search"] == TRANSFER]
    rows = []
    for (attack, source, target), images in shown.groupby(["attack", "source", "classifier"], sort=False):
        of_attack = (table["attack"] == attack) & (table["classifier"] == target)
        own = table[of_attack & (table["search"] == MAP_ELITES)]
        rows.append(
            {
                **{"attack": attack, "source": source, "target": target},
                **{"runs": images["seed"].nunique(), "images": len(images)},
                "transferred": float(images["label_correct"].mean()),
                "confidence": float(np.median(images["confidence"].astype(float))),
                "adaptive": float(own["label_correct"].mean()) if len(own) else 0.0,
                "adaptive_confidence": _median_of(own),
                "adaptive_queries": float(own["queries"].mean()) if len(own) else 0.0,
                **{"units": 1, "note": "one pair"},
            }
        )
    pairs = pd.DataFrame(rows, columns=LABEL_ONLY_TRANSFER.names).astype({"units": float})
    if pairs.empty:
        return pairs
    means = [_mean_over(of_attack, settings) for _, of_attack in pairs.groupby("attack", sort=False)]
    return pd.concat([pd.DataFrame(means, columns=pairs.columns), pairs], ignore_index=True)


def run_medians(images: pd.DataFrame, search: str) -> NDArray[np.float64]:
    """Return the median revealed confidence over the classes of each run of a search: (classifiers, seeds).

    NaN for a classifier that gives labels alone. ``images`` are rows of ``label_only`` of one attack.
    """
    values = _revealed(images[images["search"] == search])
    return np.asarray(np.median(run_grid(values, "confidence", within_run="class_index"), axis=2))


def transferred_over_pairs(pairs: pd.DataFrame, *, level: float) -> Estimate:
    """Estimate the mean share of champions that keep their label, over the pairs of networks."""
    return estimated_over_pairs(pairs[pairs["source"].notna()], "transferred", level=level, within=(0, 1))


def _revealed(images: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with confidence 0 for classes without an image; NaN stays where labels alone are given."""
    missing = ~images["label_correct"] & images["found_at"].isna()
    return images.assign(confidence=images["confidence"].astype(float).where(~missing, 0.0))


def _median_of(images: pd.DataFrame) -> float:
    return float(np.median(_revealed(images)["confidence"])) if len(images) else np.nan


def _rows_of_run(record: LabelOnlyRecord, run: int) -> pd.DataFrame:
    search, seed = record.runs[run]
    rows, entries = record.champions(run), record.entries
    there, noise = rows >= 0, np.array([0.0, *record.limits.noise])
    return pd.DataFrame(
        {
            "classifier": record.classifier["name"],
            "attack": record.name,
            "search": search,
            "source": None,
            "seed": seed,
            "class_index": np.arange(len(rows)),
            "class_name": list(record.class_names),
            "queries": record.spent[run],
            "found_at": np.where(there, entries.queries[rows], np.nan),
            "noise": np.where(there, noise[entries.level[rows]], np.nan),
            "label_correct": there,
            "confidence": np.where(there, entries.confidences[rows].astype(float), np.nan),
            "log_odds": np.where(there, entries.log_odds[rows], np.nan),
            "png": [_png(entries.images[row]) if row >= 0 else None for row in rows],
        }
    )


def _rows_of_transfer(record: LabelOnlyRecord, run: RunRecord, shown: Shown) -> pd.DataFrame:
    """Return the champions of a ``run`` on another network as the attacked classifier sees them."""
    labels, scores = shown(run.images)
    index, nothing = np.arange(len(labels)), np.full(len(labels), np.nan)
    return pd.DataFrame(
        {
            "classifier": record.classifier["name"],
            "attack": record.name,
            "search": TRANSFER,
            "source": run.classifier["name"],
            "seed": run.seed,
            "class_index": index,
            "class_name": list(run.class_names),
            "queries": 1,
            "found_at": index + 1.0,
            "noise": np.nan,
            "label_correct": labels == index,
            "confidence": nothing if scores is None else scores[0][index, index].astype(float),
            "log_odds": nothing if scores is None else scores[1][index, index],
            "png": [_png(image) for image in run.images],
        }
    )


def _curve_of(record: LabelOnlyRecord, run: int) -> Iterator[tuple[object, ...]]:
    search, seed = record.runs[run]
    entries, noise = record.entries, np.array([0.0, *record.limits.noise])
    for queries in np.unique([*entries.queries[entries.run == run], record.spent[run]]):
        rows = record.champions(run, queries=int(queries))
        there = rows >= 0
        survived = np.where(there, noise[entries.level[rows]], 0.0)
        confidences = np.where(there, entries.confidences[rows].astype(float), 0.0)
        median = float(np.median(confidences)) if record.revealed else np.nan
        words = (record.classifier["name"], record.name, search, seed)
        yield (*words, int(queries), int(there.sum()), float(np.median(survived)), median)


def _mean_over(pairs: pd.DataFrame, settings: IntervalSettings) -> dict[str, object]:
    """Return the row with the mean over ``pairs``."""
    found = transferred_over_pairs(pairs, level=settings.confidence_level)
    means = {name: pairs[name].mean() for name in ("adaptive", "adaptive_queries")}
    means |= {name: pairs[name].mean(skipna=False) for name in ("confidence", "adaptive_confidence")}
    return {
        "attack": pairs["attack"].iloc[0],
        **{"runs": found.runs, "images": int(pairs["images"].sum())},
        **{"transferred": found.value, "transferred_low": found.low, "transferred_high": found.high},
        **means,
        **{"units": found.units, "note": found.note},
    }


def _png(image: NDArray[np.uint8]) -> str:
    return base64.b64encode(png_bytes(image)).decode()


def _in_order(records: Sequence[LabelOnlyRecord]) -> list[LabelOnlyRecord]:
    """Return the records sorted by name and classifier, so that their order on the command line does not matter."""
    return sorted(records, key=lambda record: (record.name, record.classifier["name"]))
