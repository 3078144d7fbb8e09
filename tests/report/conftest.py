"""A small made-up study: champions, examined images and runs of two experiments."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from fooling.attacks.evolution.record import History, Lineage, RunRecord
from fooling.claims.judgements import CLAIMS
from fooling.findings.distances import DISTANCES
from fooling.findings.intervals import log_odds_of
from fooling.findings.retraining import EFFECTS, RETRAINING
from fooling.findings.transfer import TRANSFER


def made_run(seed: int, *, encoding: str = "direct", side: int = 8, classifier: str = "lenet-a") -> RunRecord:
    """A run against three classes."""
    generator = np.random.default_rng([seed, side])
    confidences = np.array([1.0, 0.99996, 0.4], np.float32)
    none = np.zeros(0, np.int64)
    return RunRecord(
        search="map-elites",
        encoding=encoding,
        settings={},
        seed=seed,
        classifier={"name": classifier, "sha256": "0" * 64},
        class_names=("zero", "one", "<two>"),
        versions={},
        confidences=confidences,
        log_odds=np.array([20.0, 9.9, -0.4]),
        logits=np.zeros((3, 3), np.float32),
        images=generator.integers(0, 256, (3, 1, side, side)).astype(np.uint8),
        generations=np.zeros(3, np.int64),
        individuals=np.zeros(3, np.int64),
        parents=np.full((3, 2), -1),
        start_images=np.zeros((3, 1, side, side), np.uint8),
        genomes={},
        history=History(
            generations=np.array([0]),
            evaluations=np.array([4200]),
            confidences=confidences[None],
            log_odds=np.zeros((1, 3)),
        ),
        lineage=Lineage(
            individual=none,
            class_index=none,
            generation=none,
            parents=none.reshape(0, 2),
            confidence=np.zeros(0, np.float32),
        ),
    )


def made_champions(experiment: str = "direct", *, seeds: int = 8, classifier: str = "lenet-a") -> pd.DataFrame:
    """Two of three evolved champions of a run are at 99.99 %, one of them at exactly 1; at random none is."""
    reached = {"map-elites": [1.0, 0.99996, 0.4], "random-search": [0.9, 0.5, 0.2]}
    rows = [
        (classifier, experiment, "direct", search, seed, index, confidence, confidence == 1)
        for search, confidences in reached.items()
        for seed in range(1, seeds + 1)
        for index, confidence in enumerate(confidences)
    ]
    columns = ["classifier", "experiment", "encoding", "search", "seed", "class_index", "confidence", "saturated"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(
        class_name="zero", log_odds=log_odds_of(table["confidence"].astype("float32")), generation=0, individual=0
    )


def made_examined(experiment: str = "direct", *, classifier: str = "lenet-a") -> pd.DataFrame:
    """Eight runs, one in four champions recognised by the other network, and two real images."""
    rows = [
        (classifier, experiment, "map-elites", seed, index, "lenet-b", index if (seed + index) % 4 == 0 else 9, 0.4)
        for seed in range(1, 9)
        for index in range(3)
    ]
    rows += [(classifier, experiment, "real-images", image, 0, "lenet-b", 0, 0.15) for image in range(2)]
    columns = ["classifier", "experiment", "search", "seed", "class_index", "independent", "independent_label"]
    table = pd.DataFrame(rows, columns=[*columns, "nearest_distance"])
    shares = dict.fromkeys(
        ("confidence", "calibrated_confidence", "independent_confidence", "similar_correlation"), 0.5
    )
    return table.assign(class_name="zero", nearest_index=0, nearest_label=0, similar_class=0, **shares)


def made_transfer(experiment: str = "direct", *, rates: tuple[float, float] = (0.8, 0.9)) -> pd.DataFrame:
    """Two networks that see each other's images; rows about themselves and about confident images do not count."""
    pairs = [("lenet-a", "lenet-b", rates[0]), ("lenet-b", "lenet-a", rates[1]), ("lenet-a", "lenet-a", 1.0)]
    rows = [
        (experiment, source, target, "itself" if source == target else "same architecture", images, label, rate)
        for source, target, rate in pairs
        for images, label in (("all", "class"), ("sure", "class"), ("all", "source-label"))
    ]
    names = ["experiment", "source", "target", "relation", "images", "label", "transfer_rate"]
    table = pd.DataFrame(rows, columns=names).assign(count=10, runs=2, low=0.5, high=1.0, chance=0.1)
    others = ("higher_on_source", "highest_joint_confidence", "reverse_higher_on_source")
    is_other = (table["images"] == "all") & (table["label"] == "class")
    table["transfer_rate"] = table["transfer_rate"].where(is_other, 0.0)
    return table.assign(chance_high=0.2, count_transferred=8, **dict.fromkeys(others, 0.5))[TRANSFER.names]


def made_distances(classifier: str = "lenet-a") -> pd.DataFrame:
    """Four fooling images, of which three are far away in pixels and two in features; others do not count."""
    rows = [("champion", index, 1.0, index < 3, index < 2) for index in range(4)]
    rows += [("champion", 4, 0.5, True, True), ("real", 0, 1.0, True, True)]
    table = pd.DataFrame(rows, columns=["kind", "image", "confidence", "pixel_beyond", "feature_beyond"])
    is_champion = table["kind"] == "champion"
    numbers = ("pixel_distance", "pixel_ratio", "feature_distance", "feature_ratio", "log_odds")
    return table.assign(
        classifier=classifier,
        experiment=pd.array(np.where(is_champion, "direct", None), dtype="string"),
        encoding=pd.array(np.where(is_champion, "direct", None), dtype="string"),
        seed=pd.array(np.where(is_champion, 1, None), dtype="Int64"),
        class_index=0,
        calibrated_confidence=0.5,
        **dict.fromkeys(numbers, 1.0),
    )[DISTANCES.names]


def made_retraining(medians: tuple[float, ...] = (0.99999, 0.6), *, chains: int = 1) -> pd.DataFrame:
    """Chains of networks retrained on champions, and with several of them a row for all."""
    firsts = [f"lenet-{number}" for number in range(chains)] + ([None] if chains > 1 else [])
    rows = [
        ("fooling-class", first, filling, number, median if filling == "champions" else 1.0)
        for first in firsts
        for filling in ("champions", "nothing")
        for number, median in enumerate(medians, 1)
    ]
    table = pd.DataFrame(rows, columns=["retraining", "first", "filled_with", "number", "median"])
    empty = [name for name in RETRAINING.names if name.endswith(("_low", "_high"))]
    empty += ["evaluations", "recognised_new", "recognised_old"]
    numbers = {"share": 0.5, "reached": 1.0, "test_error": 0.02, "real_as_fooling": 0.0, "fooling_images": 0}
    table = table.assign(units=np.where(table["first"].isna(), chains, 1), runs=6, note=None, **numbers)
    return table.assign(**dict.fromkeys(empty, np.nan))[RETRAINING.names]


def made_effects(difference: float = -5.8, *, note: str | None = "one chain") -> pd.DataFrame:
    low, high = (np.nan, np.nan) if note else (difference - 1, difference + 1)
    row = {"retraining": "fooling-class", "control": "nothing", "difference": difference, "low": low, "high": high}
    return pd.DataFrame([row | {"units": 1, "networks": 2, "runs": 12, "note": note}])[EFFECTS.names]


@pytest.fixture
def make_run() -> Callable[..., RunRecord]:
    return made_run


@pytest.fixture
def make_champions() -> Callable[..., pd.DataFrame]:
    return made_champions


@pytest.fixture
def make_examined() -> Callable[..., pd.DataFrame]:
    return made_examined


@pytest.fixture
def claims() -> pd.DataFrame:
    """One claim for every verdict."""
    paper, ours, other, none = "stated by the paper", "asked here", "shown on other data, not comparable", np.nan
    rows = [
        ("first", paper, "Fig. 4", "Median of 99.99 % & more.", 0.9999, "F, T", 0.99995, 0.9999, 1.0, 20, "reproduced"),
        ("second", paper, "Fig. 5", "It stays <low>.", 0.1, "T", 0.8, 0.7, 0.9, 20, "not reproduced"),
        ("third", ours, "Fig. 6", "In between.", 0.5, "F", 0.5, 0.1, 0.9, 20, "inconclusive"),
        ("fourth", paper, "text", "Said somewhere.", 0.5, "M", 0.5, 0.4, 0.6, 20, "unverified source"),
        ("fifth", ours, "Fig. 8", "Hardly tried.", 0.5, "F", 0.5, none, none, 2, "too few"),
        ("sixth", ours, "Fig. 9", "Elsewhere.", none, "-", 0.5, 0.4, 0.6, 20, other),
        ("reading", paper, "Fig. 4", "Pooled.", 0.5, "T", 0.5, 0.4, 0.6, 20, "another reading, no verdict"),
        ("seventh", paper, "Fig. 7", "On ImageNet.", 0.88, "F", none, none, none, 0, "not run here"),
    ]
    columns = ["id", "kind", "where", "claim", "paper", "source_status", "ours", "low", "high", "units", "verdict"]
    table = pd.DataFrame(rows, columns=columns).assign(unit="probability", sided="two", declared="2026-11-22")
    table["runs"], table["family"], table["family_verdict"] = 4 * table["units"], table["id"], table["verdict"]
    table.loc[table["id"] == "reading", ["family", "family_verdict"]] = ["first", "reproduced"]
    is_other = table["verdict"] == other
    return table.assign(
        status="exploratory",
        lock=None,
        p_holm=none,
        measured_on=np.where(is_other, "digits", "mnist"),
        direction=np.where(is_other, "same direction", None),
    )[CLAIMS.names]


@pytest.fixture
def make_transfer() -> Callable[..., pd.DataFrame]:
    return made_transfer


@pytest.fixture
def make_distances() -> Callable[..., pd.DataFrame]:
    return made_distances


@pytest.fixture
def make_retraining() -> Callable[..., pd.DataFrame]:
    return made_retraining


@pytest.fixture
def make_effects() -> Callable[..., pd.DataFrame]:
    return made_effects


@pytest.fixture
def information() -> dict[str, object]:
    """What ``run-info.json`` holds."""
    return {
        "study": "made-up",
        "machine": {
            "system": "Linux",
            "processor": "A processor",
            "cores": 2,
            "memory_mb": 8000,
            "python": "3.11",
            "device": "cpu",
        },
        "packages": {"torch": "2.13.0"},
        "classifiers": [
            {
                **{"classifier": "lenet-a", "dataset": "digits", "architecture": "lenet", "seed": 1},
                **{"test_images": 450, "test_error": 0.02, "test_error_low": 0.0106, "test_error_high": 0.0375},
                **{"top5_error": 0.002, "top5_error_low": 0.0004, "top5_error_high": 0.0125},
                **{"published_error": 0.0094, "published_top5_error": None, "published_source": "a page"},
            }
        ],
        "experiments": [{"experiment": "direct", "classifiers": ["lenet-a"], "seeds": [1, 2]}],
        "steps": [{"step": "train", "jobs": 1, "wall_seconds": 75.0, "longest_seconds": 75.0, "peak_memory_mb": 1345}],
        "jobs": [{"job": "train/lenet-a"}],
    }
