"""Made-up runs and tables that look like a small study's, for the figures to be drawn from."""

import dataclasses
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from fooling.ascent.record import AscentRecord, Trajectory
from fooling.datasets.dataset import Dataset
from fooling.evolution.record import History, Lineage, RunRecord
from fooling.findings.ablation import AblationSettings, ablation_table
from fooling.findings.ascent import curves_of_ascents, curves_of_searches
from fooling.findings.class_sets import ClassSetSettings, class_set_table, classes_table
from fooling.findings.foolability import FoolabilitySettings, foolability_table
from fooling.survey.pictures import ConditionStimuli
from fooling.survey.questionnaire import completed
from made_up_answers import analysed, made_questionnaire, simulated
from made_up_networks import made_up_header, made_up_networks

CLASSES = 10
BLOCK = {"name": "two-way", "foils": "random", "options": 2}
EVALUATIONS = 200 * np.array([1, 2, 4, 8, 15, 30, 50, 75, 101])
SEARCHES = {"map-elites": 13.0, "random-search": 8.0, "drift": 6.0}  # log-odds that each reaches
CHAIN = ["lenet-a", *(f"chain/lenet-a/champions/dnn{number}" for number in range(2, 10))]


def made_run(
    seed: int,
    *,
    encoding: str = "direct",
    search: str = "map-elites",
    channels: int = 1,
    side: int = 28,
    names: tuple[str, ...] = tuple("0123456789"),
) -> RunRecord:
    """A run with noise (direct) or waves (CPPN) for images."""
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
    """Log-odds (T, K) that only rise, fast at first."""
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
    """What another network and the training images say of the champions, and of four real images a class."""
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
        alike_class=generator.integers(0, CLASSES, count),
        alike_correlation=np.where(is_real, np.nan, generator.uniform(0.2, 0.9, count)),
    )


def made_examined_of(runs: list[RunRecord]) -> pd.DataFrame:
    """As :func:`made_examined`, with the confidences of these runs; the first champion of every class resembles it."""
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
    """What a network says of 40 real test images, two of which it gets wrong."""
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
    """Images of every kind, the champions and noise far from the training images."""
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
    """What a network says of 500 random images."""
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


def made_calibration(classifier: str = "lenet-a") -> pd.DataFrame:
    """A network that was a little too sure."""
    numbers = {"temperature": 1.4, "calibration_images": 20, "evaluation_images": 20}
    errors = {"nll_before": 0.05, "nll_after": 0.04, "ece_before": 0.021, "ece_after": 0.012}
    return pd.DataFrame([{"classifier": classifier, **numbers, **errors}])


def made_training() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Three networks on two data sets: every epoch, and every network."""
    classifiers = made_up_networks(
        made_up_header("lenet-a", dataset="digits", seed=1, iterations=1000, test_error=0.011),
        made_up_header("lenet-b", dataset="digits", seed=2, iterations=1000, test_error=0.014),
        made_up_header("alexnet", dataset="shapes", architecture="alexnet", seed=1, iterations=500, test_error=0.03),
    )
    steps = np.arange(1, 21)
    epochs = [
        pd.DataFrame(
            {
                "classifier": network.classifier,
                "iteration": steps * network.iterations // 20,
                "train_loss": 2 * np.exp(-steps / (3 + place)) + 0.01,
                "test_error": network.test_error + 0.5 * np.exp(-steps / (2 + place)),
            }
        )
        for place, network in enumerate(classifiers.itertuples())
    ]
    return pd.concat(epochs, ignore_index=True), classifiers


def made_variance() -> pd.DataFrame:
    """Shares for two experiments; the second has one network, so that three components cannot be told."""
    names = ["classifier", "seed", "class", "classifier:seed", "classifier:class", "seed:class", "residual"]
    rows = [
        (experiment, search, "log_odds", component, share, share, 1, "")
        for experiment, shares in {
            "direct": [0.2, 0.01, 0.35, 0.02, 0.12, 0.0, 0.3],
            "shapes-cppn": [np.nan, 0.1, 0.5, np.nan, np.nan, 0.4, np.nan],
        }.items()
        for search in ("map-elites", "random-search")
        for component, share in zip(names, shares, strict=True)
    ]
    columns = ["experiment", "search", "quantity", "component", "variance", "share", "degrees_of_freedom", "note"]
    return pd.DataFrame(rows, columns=columns)


def made_foolability(history: pd.DataFrame) -> pd.DataFrame:
    """Two networks; what they say calibrated is a little less."""
    ends = history[history["evaluations"] == history["evaluations"].max()]
    examined = ends.assign(calibrated_confidence=0.9 * ends["confidence"])
    return foolability_table(history, examined, FoolabilitySettings())


def made_class_sets() -> dict[str, pd.DataFrame]:
    """Two sets of three and four of twelve classes; the first is harder in one experiment, the other nowhere."""
    generator = np.random.default_rng(5)
    rows = [
        (
            "lenet-a",
            experiment,
            encoding,
            search,
            1 + seed,
            index,
            index,  # each class has an image of its own
            generator.uniform(0.5, 1) - (experiment == "direct" and index < 3) / 3,
        )
        for experiment, encoding in (("direct", "direct"), ("waves", "cppn"))
        for search in ("map-elites", "random-search")
        for seed in range(3)
        for index in range(12)
    ]
    columns = ["classifier", "experiment", "encoding", "search", "seed", "class_index", "individual", "confidence"]
    settings = ClassSetSettings(class_sets={"first three": [(0, 2)], "some": [(3, 4), (9, 10)]}, bootstrap_samples=99)
    classes = classes_table(pd.DataFrame(rows, columns=columns), settings)
    return {"class_sets": class_set_table(classes, settings), "set_classes": classes}


def made_presets(variants: int = 4) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Survival curves and mean times of a family of ``variants`` experiments, and of one that stands alone."""
    generator = np.random.default_rng(variants)
    family = [f"direct-options-{place}" for place in range(variants)]
    steps, rows = [], []
    for name in [*family, "cppn"]:
        times = np.sort(generator.integers(4000, 38_000, 12))
        left = 1 - np.arange(13) / 12
        steps.append(
            pd.DataFrame(
                {
                    "experiment": name,
                    "search": "map-elites",
                    "target": "median",
                    "generation": [-1, *(times // 200 - 1), 200],
                    "evaluations": [0, *times, 40_200],
                    "survival": [*left, left[-1]],
                    "low": np.clip(np.array([*left, left[-1]]) - 0.2, 0, 1),
                    "high": np.clip(np.array([*left, left[-1]]) + 0.2, 0, 1),
                    "at_risk": 12,
                    "runs": 12,
                }
            )
        )
        rows.append(("mean", name, "", "", "", times.mean(), 0.75))
        if name in family[1:]:
            rows.append(("difference", name, "", "", family[0], times.mean() - 15_000, np.nan))
    rows.append(("main effect", family[0], "encoding.crossover", "faulty", "none", 2300.0, np.nan))
    rows.append(("main effect", family[0], "search.extra_batch", "true", "false", -150.0, np.nan))
    columns = ["contrast", "experiment", "factor", "level", "reference", "value", "reached"]
    presets = pd.DataFrame(rows, columns=columns).assign(
        search="map-elites", target="median", unit="evaluations", horizon=40_200, units=2, runs=12, note=""
    )
    return pd.concat(steps, ignore_index=True), presets.assign(
        low=presets["value"] - 2000, high=presets["value"] + 2000
    )


def made_retraining(networks: int = 4, first: str = "lenet-a") -> pd.DataFrame:
    """A chain and its two controls."""
    rows = []
    for filling, level in (("champions", 0.97), ("random", 0.999), ("nothing", 0.9999)):
        for number in range(1, networks + 1):
            median = 0.9999 if number == 1 else level - 0.001 * number * (1 - level)
            supplied = filling != "nothing" and number > 1
            rows.append(
                {
                    **{"retraining": "chain", "first": first, "filled_with": filling, "number": number},
                    **{"units": 1, "runs": 6, "note": "one chain"},
                    **{"median": median, "median_low": median - (1 - median), "median_high": (1 + median) / 2},
                    **{"share": 0.3, "share_low": 0.1, "share_high": 0.5},
                    **{"evaluations": np.inf, "evaluations_low": np.inf, "evaluations_high": np.inf, "reached": 0.2},
                    **{"test_error": 0.01 + 0.001 * number, "fooling_images": 40 * supplied * (number - 1)},
                    "recognised_new": 0.4 if supplied else np.nan,
                    "recognised_old": 0.9 if supplied and number > 2 else np.nan,
                    "real_taken_for_fooling": 0.002 * supplied,
                }
            )
    return pd.DataFrame(rows)


def made_refusal(networks: int = 3) -> pd.DataFrame:
    """Three chains and their controls at two rates; evolution ran again at one of them."""
    rows = []
    for filling, level in (("champions", 0.6), ("noise", 0.9), ("nothing", 1.0)):
        for number, rate, first in itertools.product(range(1, networks + 1), (0.01, 0.02), ("a", "b", "c", None)):
            for attack in ("not adaptive", "adaptive"):
                if attack == "adaptive" and (rate != 0.01 or number < networks):
                    continue
                accepted = 1.0 if attack == "adaptive" else level - 10 * rate / number
                rows.append(
                    {
                        **{"retraining": "chain", "first": first, "filled_with": filling, "number": number},
                        **{"rate": rate, "attack": attack, "shift": np.nan if first is None else 1.5},
                        **{"refused_fitted": rate, "refused": 1.1 * rate, "error": 0.01, "generations": 200},
                        **{"accepted": accepted, "accepted_low": accepted - 0.1 if first is None else np.nan},
                        "accepted_high": min(1.0, accepted + 0.1) if first is None else np.nan,
                        **{"log_odds": 9.0 - number, "log_odds_low": np.nan, "log_odds_high": np.nan},
                        **{"units": 3 if first is None else 1, "runs": 30 if first is None else 10, "note": ""},
                    }
                )
    return pd.DataFrame(rows)


def made_budget() -> pd.DataFrame:
    """A chain and a control up to generation 1000."""
    rows = []
    for filling, speed in (("champions", 1.0), ("nothing", 2.0)):
        for generation in range(0, 1001, 10):
            median = 1 / (1 + np.exp(-speed * np.log1p(generation)))
            rows.append(
                {
                    **{"retraining": "chain", "first": "lenet-a", "filled_with": filling, "number": 3},
                    **{"generation": generation, "evaluations": 200 * (generation + 1), "median": median},
                    **{"median_low": np.nan, "median_high": np.nan, "units": 1, "runs": 10},
                    "note": "one chain, no interval",
                }
            )
    return pd.DataFrame(rows)


def made_transfer(networks: list[str]) -> pd.DataFrame:
    """Every network with every other one; of one pair no image is sure."""
    rows = []
    for source, target in itertools.product(networks, networks):
        for images, label in itertools.product(("all", "sure"), ("class", "source-label")):
            empty = images == "sure" and source == networks[0] != target
            share = np.nan if empty else 0.98 if source == target else 0.4 + 0.02 * networks.index(target)
            rows.append(
                {
                    **{"experiment": "direct", "source": source, "target": target},
                    "relation": "itself" if source == target else "same architecture",
                    **{"images": images, "label": label, "count": 0 if empty else 30, "runs": 0 if empty else 3},
                    **{"alike": share, "low": share - 0.1, "high": min(1.0, share + 0.1), "chance": 0.1},
                    **{"chance_high": 0.2, "count_alike": 12, "higher_on_source": 0.9, "exchanged": 0.2},
                    "surest_on_both": np.nan if empty else 0.9,
                }
            )
    return pd.DataFrame(rows)


def made_shown() -> pd.DataFrame:
    """What three networks say of three runs on the first; one class never passes."""
    rows = []
    for target, seed, index in itertools.product(("lenet-a", "lenet-b", "own"), (1, 2, 3), range(10)):
        label = 0 if target == "own" and index == 3 else index
        rows.append(
            {
                **{"experiment": "direct", "source": "lenet-a", "target": target, "seed": seed},
                **{"class_index": index, "class_name": str(index)},
                **{"source_confidence": 0.9999, "source_label": index, "source_label_confidence": 0.9999},
                "target_confidence": 0.9 + 0.01 * seed,
                **{"target_label": label, "target_label_confidence": 0.9},
            }
        )
    return pd.DataFrame(rows)


def made_effects() -> pd.DataFrame:
    """How the chain compares with its controls."""
    return pd.DataFrame(
        {
            "retraining": "chain",
            "control": ["random", "nothing"],
            "difference": [-2.4, -5.1],
            "low": [-3.0, np.nan],
            "high": [-1.8, np.nan],
            "units": 1,
            "networks": 3,
            "runs": 6,
            "note": "one chain",
        }
    )


def made_ascent(name: str = "plain", *, starts: int = 2, steps: int = 500) -> AscentRecord:
    """A climb of ten classes with noise for images."""
    generator = np.random.default_rng([len(name), starts])
    count = starts * CLASSES
    kept = np.unique(np.geomspace(1, steps, 40).astype(np.int64))
    log_odds = np.log(kept)[:, None] * generator.uniform(1, 3, count) - 3
    confidences = expit(log_odds).astype(np.float32)
    return AscentRecord(
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


def made_ascents() -> list[AscentRecord]:
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


def made_ablation(runs: list[RunRecord]) -> pd.DataFrame:
    """What removals do to the champions of ``runs``, asked of a network that counts the light."""

    def judge(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        log_odds = np.repeat(images.astype(float).mean(axis=(1, 2, 3))[:, None] / 10, CLASSES, axis=1)
        return expit(log_odds).astype(np.float32), log_odds

    return ablation_table(runs, experiment="cppn", judge=judge, settings=AblationSettings())


def made_inputs() -> dict[str, dict[str, Any]]:
    """For every figure what it is drawn from."""
    histories = [made_history(seeds=3, experiment=encoding, encoding=encoding) for encoding in ("direct", "cppn")]
    both = pd.concat(histories, ignore_index=True)
    starts = [
        made_start(classifier, encoding) for classifier in ("lenet-a", "lenet-b") for encoding in ("direct", "cppn")
    ]
    runs = [made_run(seed) for seed in (1, 2, 3)]
    of_one = both[both["classifier"] == "lenet-a"]
    few = histories[0][histories[0]["class_index"] < 3]
    waves = [made_run(seed, encoding="cppn") for seed in (1, 2)]
    training, classifiers = made_training()
    survival, presets = made_presets()
    asked = made_questionnaire()
    answers = analysed(simulated(asked, participants=8), asked)
    return {
        "gallery": {"runs": runs, "examined": made_examined()},
        "further_runs": {"runs": runs, "examined": made_examined()},
        "real_and_evolved": {
            "runs": [made_run(1), made_run(1, encoding="cppn")],
            "dataset": made_dataset(),
            "real": made_real(),
        },
        "ascent_gallery": {"ascents": made_ascents()},
        "survey_accuracy": {"survey_accuracy": answers["survey_accuracy"]},
        "survey_images": {"survey_images": answers["survey_images"]},
        "survey_confusion": {"survey_confusion": answers["survey_confusion"]},
        "survey_confidence": {name: answers[name] for name in ("survey_images", "survey_confidence")},
        "stimuli_hidden": {"stimuli": made_stimuli()},
        "stimuli_shown": {"stimuli": made_stimuli()},
        "ascent_over_evaluations": {
            "ascent_curves": pd.concat([curves_of_ascents(made_ascents()), curves_of_searches(of_one)]),
            "reference": 0.9999,
        },
        "same_label": {
            "runs": [made_run(1), made_run(1, encoding="cppn")],
            "dataset": made_dataset(),
            "real": made_real(),
        },
        "resembling": {"runs": runs, "dataset": made_dataset(), "examined": made_examined_of(runs)},
        "family_tree": {"runs": runs},
        "confidence_over_evaluations": {"history": histories[0], "reference": 0.9999},
        "classes_over_evaluations": {
            "history": few,
            "champions": made_champions(few),
            "reference": 0.9999,
        },
        "search_comparison": {"champions": made_champions(both), "reference": 0.9999},
        "random_images": {"start": pd.concat(starts), "history": both},
        "preset_comparison": {"survival": survival, "presets": presets},
        "calibration": {
            "real": made_real(),
            "calibration": made_calibration(),
            "examined": made_examined(),
            "reference": 0.9999,
        },
        "ablation": {"ablation": made_ablation(waves), "runs": waves},
        "distances": {"distances": made_distances()},
        "training_curves": {"training": training, "classifiers": classifiers, "reference_error": 0.0094},
        "variance_components": {"variance": made_variance()},
        "class_sets": made_class_sets(),
        "foolability": {"foolability": made_foolability(both)},
        "transfer": {"transfer": made_transfer(["lenet-a", "lenet-b", "own"])},
        "transfer_gallery": {"runs": runs, "shown": made_shown()},
        "retraining_transfer": {"transfer": made_transfer(CHAIN)},
        "retraining_gallery": {
            "batches": [
                [made_run(1)],
                [dataclasses.replace(made_run(2), classifier={"name": CHAIN[1], "sha256": "1"})],
            ],
            "retraining": made_retraining(),
        },
        "retraining_over_generations": {
            "batches": [[made_run(seed, search=search) for seed in (1, 2)] for search in ("map-elites", "drift")]
        },
        "retraining_curve": {"retraining": made_retraining(), "effects": made_effects()},
        "retraining_budget": {"budget": made_budget()},
        "retraining_refusal": {"refusal": made_refusal()},
    }


@pytest.fixture
def inputs() -> dict[str, dict[str, Any]]:
    """For every figure what it is drawn from; a test may change it."""
    return made_inputs()


@pytest.fixture
def make_run() -> Callable[..., RunRecord]:
    return made_run


@pytest.fixture
def make_stimuli() -> Callable[..., ConditionStimuli]:
    return made_stimuli


@pytest.fixture
def make_examined() -> Callable[..., pd.DataFrame]:
    return made_examined


@pytest.fixture
def make_presets() -> Callable[..., tuple[pd.DataFrame, pd.DataFrame]]:
    return made_presets
