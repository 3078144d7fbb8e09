"""Made-up runs and their images, and tables with a row for each image."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import expit

from fooling.attacks.evolution.record import History, Lineage, RunRecord
from fooling.attacks.record import TargetedRecord, Trajectory
from fooling.datasets.dataset import Dataset
from fooling.survey.questionnaire import ConditionStimuli, completed

CLASSES = 10
BLOCK = {"name": "two-way", "foils": "random", "options": 2}
EVALUATIONS = 200 * np.array([1, 2, 4, 8, 15, 30, 50, 75, 101])
SEARCHES = {"map-elites": 13.0, "random-search": 8.0, "drift": 6.0}  # log-odds that each reaches


def made_run(
    seed: int,
    *,
    encoding: str = "direct",
    search: str = "map-elites",
    channels: int = 1,
    side: int = 28,
    names: tuple[str, ...] = tuple("0123456789"),
) -> RunRecord:
    """A run with noise (direct encoding) or waves (CPPN encoding) for images."""
    generator = np.random.default_rng([seed, len(search), channels, encoding == "cppn"])
    classes = len(names)
    if encoding == "direct":
        images = generator.integers(0, 256, (classes, channels, side, side))
    else:
        y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
        turns = generator.uniform(1, 9, (classes, channels, 4, 1, 1))
        images = 255 * abs(np.sin(turns[:, :, 0] * x + turns[:, :, 1] * y**2 + turns[:, :, 2] * np.hypot(x, y)))
    log_odds = made_log_odds(generator, SEARCHES[search], classes)
    steps = np.arange(len(EVALUATIONS))
    entries = 3 * classes
    individuals = np.arange(entries)
    neighbours = (individuals + generator.integers(-1, 2, entries)) % classes
    parents = np.where(individuals < classes, -1, (individuals // classes - 1) * classes + neighbours)
    return RunRecord(
        search=search,
        encoding=encoding,
        settings={"encoding": {"kind": encoding}, "search": {"start": 200, "offspring": 200, "generations": 100}},
        seed=seed,
        classifier={"name": "lenet-a", "sha256": "0" * 64},
        class_names=names,
        versions={"torch": "2.13.0"},
        confidences=expit(log_odds[-1]).astype(np.float32),
        log_odds=log_odds[-1],
        logits=np.zeros((classes, classes), np.float32),
        images=images.astype(np.uint8),
        generations=np.full(classes, 2),
        individuals=individuals[-classes:],
        parents=generator.integers(-1, 20_000, (classes, 2)),
        start_images=images.astype(np.uint8)[::-1],
        genomes={"genes": np.zeros((classes, 4), np.float32)},
        history=History(
            generations=steps,
            evaluations=EVALUATIONS,
            confidences=expit(log_odds).astype(np.float32),
            log_odds=log_odds,
        ),
        lineage=Lineage(
            individual=individuals,
            class_index=individuals % classes,
            generation=individuals // classes,
            parents=np.column_stack((parents, np.full(entries, -1))),
            confidence=np.linspace(0.1, 0.9999, entries, dtype=np.float32),
        ),
    )


def made_log_odds(generator: np.random.Generator, reached: float, classes: int = CLASSES) -> np.ndarray:
    """Log-odds ``(T, K)`` that never fall and rise fast at first."""
    ends = generator.normal(reached, 1.2, classes)
    rise = 1 - np.exp(-np.linspace(0, generator.uniform(3, 6), len(EVALUATIONS)))
    rise = rise[:, None] ** generator.uniform(0.7, 1.4, classes)
    return np.maximum.accumulate(-1 + generator.normal(0, 0.4, classes) + (ends + 1) * rise)


def made_history(*, seeds: int = 6, experiment: str = "direct", encoding: str = "direct") -> pd.DataFrame:
    """The history of three searches against two networks."""
    parts = []
    for classifier in ("lenet-a", "lenet-b"):
        for search, reached in SEARCHES.items():
            for seed in range(1, seeds + 1):
                generator = np.random.default_rng([seed, len(search), len(classifier), ord(classifier[-1])])
                log_odds = made_log_odds(generator, reached)
                steps, classes = np.indices(log_odds.shape)
                parts.append(
                    pd.DataFrame(
                        {
                            "classifier": classifier,
                            "experiment": experiment,
                            "encoding": encoding,
                            "search": search,
                            "seed": seed,
                            "generation": steps.ravel(),
                            "evaluations": EVALUATIONS[steps.ravel()],
                            "class_index": classes.ravel(),
                            "confidence": expit(log_odds).astype(np.float32).ravel(),
                            "log_odds": log_odds.ravel(),
                        }
                    )
                )
    return pd.concat(parts, ignore_index=True)


def made_champions(history: pd.DataFrame) -> pd.DataFrame:
    """The last row of every run and class."""
    last = history[history["evaluations"] == history["evaluations"].max()].drop(columns=["evaluations"])
    return last.assign(
        class_name=last["class_index"].astype(str), individual=last.index, saturated=last["confidence"] == 1
    ).reset_index(drop=True)


def made_examined(
    *, seeds: int = 6, classifier: str = "lenet-a", experiment: str = "direct", independent: str | None = "lenet-b"
) -> pd.DataFrame:
    """Champions, and four real images of each class, examined by another network and the training images."""
    generator = np.random.default_rng(seeds)
    evolved = [(search, seed, index) for search in SEARCHES for seed in range(1, seeds + 1) for index in range(CLASSES)]
    real = [("real-images", image, image % CLASSES) for image in range(4 * CLASSES)]
    table = pd.DataFrame(evolved + real, columns=["search", "seed", "class_index"])
    count, is_real = len(table), table["search"] == "real-images"
    log_odds = generator.normal(11, 1.5, count)
    return table.assign(
        classifier=classifier,
        experiment=experiment,
        class_name=table["class_index"].astype(str),
        confidence=expit(log_odds).astype(np.float32),
        calibrated_confidence=expit(log_odds / 1.4),
        independent=independent,
        independent_confidence=np.where(is_real, 0.995, generator.beta(0.5, 1.2, count)) if independent else np.nan,
        independent_label=generator.integers(0, CLASSES, count) if independent else -1,
        nearest_distance=np.where(is_real, 0.16, generator.normal(0.36, 0.02, count)),
        nearest_index=generator.integers(0, 40, count),
        nearest_label=generator.integers(0, CLASSES, count),
        similar_class=generator.integers(0, CLASSES, count),
        similar_correlation=np.where(is_real, np.nan, generator.uniform(0.2, 0.9, count)),
    )


def made_examined_of(runs: list[RunRecord]) -> pd.DataFrame:
    """Examined champions with the confidences of these runs; those of the first one resemble their class."""
    table = made_examined(seeds=len(runs))
    table["nearest_label"] = table["independent_label"] = (table["class_index"] + 1) % CLASSES
    for run in runs:
        those = (table["search"] == run.search) & (table["seed"] == run.seed)
        table.loc[those, "confidence"] = run.confidences
    first = (table["search"] == runs[0].search) & (table["seed"] == runs[0].seed)
    for column in ("nearest_label", "independent_label"):
        table.loc[first, column] = table["class_index"]
    table.loc[first, "nearest_distance"] = 0.15
    return table


def made_dataset(*, channels: int = 1, side: int = 28) -> Dataset:
    """Discs that grow with the class."""
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    labels = np.arange(40) % CLASSES
    images = (255 * (np.hypot(x, y) < 0.1 + 0.08 * labels[:, None, None])).astype(np.uint8)
    images = np.repeat(images[:, None], channels, axis=1)
    names = tuple("0123456789")
    return Dataset(
        name="digits", class_names=names, train_images=images, train_labels=labels, test_images=images,
        test_labels=labels, provenance={},
    )  # fmt: skip


def made_real(classifier: str = "lenet-a") -> pd.DataFrame:
    """Label and confidence of 40 real test images; two are misclassified."""
    generator = np.random.default_rng(len(classifier))
    labels = np.arange(40) % CLASSES
    log_odds = generator.normal(6, 3, 40)
    return pd.DataFrame(
        {
            "classifier": classifier,
            "image": np.arange(40),
            "split": np.where(np.arange(40) % 2, "evaluation", "calibration"),
            "label": labels,
            "predicted": np.where(np.isin(np.arange(40), [3, 15]), (labels + 1) % CLASSES, labels),
            "confidence": expit(abs(log_odds)).astype(np.float32),
            "calibrated_confidence": expit(abs(log_odds) / 1.4),
            "log_odds": abs(log_odds),
        }
    )


def made_distances(classifier: str = "lenet-a") -> pd.DataFrame:
    """Images of every kind; champions and noise are far from the training images."""
    generator = np.random.default_rng(1)
    parts = [("real", None, 1.0, 9), ("noise", None, 2.5, 0)]
    parts += [(kind, name, 2.0, odds) for kind, odds in (("start", 3), ("champion", 12)) for name in ("direct", "cppn")]
    tables = []
    for kind, encoding, distance, odds in parts:
        log_odds = generator.normal(odds, 1.5, 40)
        columns = {"confidence": expit(log_odds), "calibrated_confidence": expit(log_odds / 1.4), "log_odds": log_odds}
        for space in ("pixel", "feature"):
            ratio = distance * np.exp(generator.normal(0, 0.2, 40))
            columns |= {f"{space}_distance": ratio / 5, f"{space}_ratio": ratio, f"{space}_beyond": ratio > 1.6}
        described = {"classifier": classifier, "kind": kind, "experiment": encoding, "encoding": encoding}
        tables.append(pd.DataFrame(described | {"seed": 1, "image": range(40), "class_index": 0} | columns))
    return pd.concat(tables, ignore_index=True)


def made_start(classifier: str = "lenet-a", experiment: str = "direct") -> pd.DataFrame:
    """Top class and confidence of 500 random images."""
    generator = np.random.default_rng([len(experiment), ord(classifier[-1])])
    return pd.DataFrame(
        {
            "classifier": classifier,
            "experiment": experiment,
            "image": np.arange(500),
            "top_class": generator.integers(0, CLASSES, 500),
            "top_confidence": generator.beta(6, 3, 500).astype(np.float32),
        }
    )


def made_ascent(name: str = "plain", *, starts: int = 2, steps: int = 500) -> TargetedRecord:
    """Gradient ascent for ten classes, with noise for images."""
    generator = np.random.default_rng([len(name), starts])
    count = starts * CLASSES
    kept = np.unique(np.geomspace(1, steps, 40).astype(np.int64))
    log_odds = np.log(kept)[:, None] * generator.uniform(1, 3, count) - 3
    confidences = expit(log_odds).astype(np.float32)
    return TargetedRecord(
        name=name,
        settings={},
        classifier={"name": "lenet-a", "sha256": "0" * 64},
        class_names=tuple("0123456789"),
        versions={"torch": "2.13.0"},
        images=generator.integers(0, 256, (count, 1, 28, 28)).astype(np.uint8),
        confidences=confidences[-1],
        log_odds=log_odds[-1],
        classes=np.tile(np.arange(CLASSES), starts),
        seeds=np.repeat(np.arange(1, starts + 1), CLASSES),
        trajectory=Trajectory(steps=kept, evaluations=3 * kept + 1, confidences=confidences, log_odds=log_odds),
    )


def made_ascents() -> list[TargetedRecord]:
    """Two settings on one network."""
    return [made_ascent("plain"), made_ascent("s-360", steps=1500)]


def made_stimuli(*names: str, kind: str = "champion") -> ConditionStimuli:
    """Twelve stimuli of one condition, of classes with these names or of digits."""
    classes = names or tuple(map(str, range(CLASSES)))
    entries = [
        {
            **{"id": f"cppn-{number:03d}", "file": f"stimuli/cppn-{number:03d}.png", "sha256": "0" * 64},
            **{"condition": "cppn", "kind": kind, "source": "made up", "confidence": 1 - 0.1**number},
            **{"class_name": classes[number % len(classes)], "confused": [classes[(number + 1) % len(classes)]]},
        }
        for number in range(1, 13)
    ]
    questionnaire = completed(
        {
            **{"study": "made-up", "title": "What?", "contact": "us", "post_url": None, "seed": 1},
            **{"network": {"name": "lenet-a", "sha256": "0" * 64}, "classes": classes, "sampling_rule": "by lot"},
            **{"stimuli": entries, "catch": [], "practice": [], "blocks": [BLOCK]},
            **{"trials_per_block": 2, "catch_trials": 0, "practice_trials": 0},
        }
    )
    images = tuple(np.full((1, 28, 28), 20 * number, dtype=np.uint8) for number in range(12))
    return ConditionStimuli(questionnaire=questionnaire, condition="cppn", stimuli=questionnaire.stimuli, images=images)
