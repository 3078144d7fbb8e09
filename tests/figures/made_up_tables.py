"""Made-up tables of a small study."""

from __future__ import annotations

import base64
import itertools
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from figures.made_up_champions import (
    CLASSES,
)
from fooling.attacks.evolution.record import RunRecord
from fooling.findings.ablation import AblationSettings, ablation_table
from fooling.findings.audits import AuditRecord, audit_attacks_table, audit_seeds_table, audits_table
from fooling.findings.boundary import BOUNDARY
from fooling.findings.classifiers import FoolabilitySettings, foolability_table
from fooling.findings.examination import KINDS, KINDS_TABLE
from fooling.findings.far import FarNetwork, FarSettings, rubbish_summary, rubbish_table
from fooling.findings.random_images import FAMILY_IMAGES
from fooling.findings.rays import directions, rays_tables
from fooling.findings.stress import ROBUSTNESS
from fooling.findings.variance import ClassSetSettings, class_set_table, classes_table
from fooling.images import png_bytes
from made_up_networks import made_up_header, made_up_networks

EVOLVED, RANDOM = "evolution-cppn", "random-search-cppn"
CHAIN = ["lenet-a", *(f"chain/lenet-a/champions/dnn{number}" for number in range(2, 10))]


def made_calibration(classifier: str = "lenet-a") -> pd.DataFrame:
    """The calibration of a slightly overconfident network."""
    numbers = {"temperature": 1.4, "calibration_images": 20, "evaluation_images": 20}
    errors = {"nll_before": 0.05, "nll_after": 0.04, "ece_before": 0.021, "ece_after": 0.012}
    return pd.DataFrame([{"classifier": classifier, **numbers, **errors}])


def made_training() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every epoch of three networks on two data sets, and the networks."""
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


def made_audits() -> dict[str, pd.DataFrame]:
    """Audits of three networks with two seeds: two have ten classes, one has a thousand and no gradients."""
    found: dict[str, tuple[int, str, dict[str, tuple[int, int, int]]]] = {
        "lenet": (10, "1x28x28", {EVOLVED: (10, 4, 7), RANDOM: (10, 0, 1), "ascent": (10, 10, 10)}),
        "other": (10, "1x28x28", {EVOLVED: (10, 9, 10), RANDOM: (10, 3, 3), "ascent": (5, 4, 5)}),
        "large": (1000, "3x224x224", {EVOLVED: (1000, 12, 20), RANDOM: (1000, 0, 0)}),
    }
    titles = {
        EVOLVED: "Evolution (CPPN encoding)",
        RANDOM: "Random search (CPPN encoding)",
        "ascent": "Gradient ascent",
    }
    records = [
        AuditRecord.model_validate(
            {
                **{"version": 1, "network": network, "classes": list(map(str, range(classes)))},
                "input_shape": tuple(map(int, shape.split("x"))),
                "settings": {"budget": 2000, "seed": seed, "threshold": 0.9999},
                **(_further_attacks(seed) if network == "lenet" else {}),
                "searches": [
                    {
                        **{"name": name, "title": titles[name], "control": RANDOM if name == EVOLVED else None},
                        **{"classes_searched": numbers[0], "fooled": numbers[seed]},
                        **{"first_evaluation": 400 if numbers[seed] else None, "median_confidence": 0.5},
                    }
                    for name, numbers in searches.items()
                ],
            }
        )
        for network, (classes, shape, searches) in found.items()
        for seed in (1, 2)
    ]
    return {
        "audits": audits_table(records),
        "audit_attacks": audit_attacks_table(records),
        "audit_seeds": audit_seeds_table(records),
    }


def _further_attacks(seed: int) -> dict[str, Any]:
    """Small changes that fool 19 or 18 of 20 images, one change for 50 that fools 30, and labels alone."""
    small = {"method": "deepfool", "images": 20, "misclassified": 20 - seed, "median_rms": 0.05}
    one = {"levels": 51, "images_used": 100, "fooled_used": 60, "images": 50, "fooled": 30}
    evolution, random = ({"given": given, "fooled": 1, "median_confidence": 0.9} for given in (9, 4))
    labels = {"queries": 4020, "classes": 10, "evolution": evolution, "random_search": random, "example": []}
    return {
        "small_changes": small | {"misclassified_with_noise": 1, "evaluations": 60, "example": []},
        "universal": one | {"fooled_by_random_signs": 2.5, "steps": 40, "example": []},
        "labels_alone": labels,
    }


def made_far() -> dict[str, pd.DataFrame]:
    """Random inputs and rays of three LeNets, of a maxout network, and of a retrained LeNet."""

    def network(name: str, spread: float, **about: Any) -> FarNetwork:
        def logits(levels: np.ndarray) -> np.ndarray:
            return (spread * levels.reshape(len(levels), -1)[:, :4] / 255).astype(np.float32)

        return FarNetwork(
            **{
                "name": name,
                "loss": "softmax",
                "input_shape": (1, 2, 2),
                "classes": 4,
                "weight_decay": 0.0005,
                **about,
            },
            logits=logits,
            gradients=lambda levels, classes: np.zeros_like(levels),
        )

    networks = [network(f"lenet-{name}", 1.0 + place, built_as="lenet") for place, name in enumerate("abc")]
    networks += [
        network("maxout-a", 5.0, built_as="maxout", weight_decay=None),
        network(
            "chain/dnn2", 0.1, built_as="lenet", number=2, filled_with="champions", retraining="chain", first="lenet-a"
        ),
    ]
    settings = FarSettings(inputs=200, rays=4, doublings=5)
    rubbish = rubbish_table(networks, settings)
    images = np.arange(40, dtype=np.uint8).reshape(10, 1, 2, 2)
    rays, slopes = rays_tables(networks, directions(images, settings), doublings=5, threshold=0.9999)
    summary = rubbish_summary(rubbish, confidence_level=0.95)
    return {"rubbish": rubbish, "rubbish_summary": summary, "rays": rays, "ray_slopes": slopes}


def made_families() -> tuple[pd.DataFrame, pd.DataFrame]:
    """The best random images of each family on two networks, and the pictures of three classes on the first one."""
    generator = np.random.default_rng(4)
    medians = {"cppn": 10.0, "one-over-f": 4.0, "blobs": 9.0, "dct": 12.0, "uniform": 0.0}
    rows = [
        (network, family, index, str(index), float(odds + worse), 7 * index, 1000)
        for network, worse in (("lenet-a", 0), ("lenet-b", -2))
        for family, median in medians.items()
        for index, odds in enumerate(generator.normal(median, 1.5, CLASSES))
    ]
    columns = ["classifier", "family", "class_index", "class_name", "log_odds", "image", "evaluations"]
    table = pd.DataFrame(rows, columns=columns)
    table.insert(4, "confidence", expit(table["log_odds"]).astype(np.float32))
    shown = table[(table["classifier"] == "lenet-a") & table["class_index"].isin([0, 4, 9])]
    pictures = [generator.integers(0, 256, (1, 28, 28)).astype(np.uint8) for _ in range(len(shown))]
    pngs = [base64.b64encode(png_bytes(picture)).decode() for picture in pictures]
    return table, shown.assign(png=pngs)[FAMILY_IMAGES.names]


def made_robustness() -> pd.DataFrame:
    """Changed champions of two experiments with two runs on two networks; those of the CPPN encoding survive more."""
    rows = []
    for network, (experiment, worse), seed in itertools.product(
        ("lenet-a", "lenet-b"), {"direct": 3, "waves": 1}.items(), (1, 2)
    ):
        for change, strengths in {"shift": (1, 2, 4), "blur": (0.5, 1, 2), "patches": (7,)}.items():
            for place, strength in enumerate(strengths):
                counts = {"images": 10, "kept": max(10 - worse * (place + seed), 0), "sure": 8, "still_sure": 4}
                real = {"real_images": 20, "real_kept": 19 - place - (network == "lenet-b"), "real_sure": 10}
                encoding = "direct" if experiment == "direct" else "cppn"
                run = {"classifier": network, "experiment": experiment, "encoding": encoding, "search": "map-elites"}
                odds = {f"{of}log_odds{when}": 9.0 for of in ("", "real_") for when in ("_before", "")}
                named = {**run, "seed": seed, "change": change, "strength": float(strength)}
                rows.append({**named, **counts, **real, "real_still_sure": 9, **odds})
    return pd.DataFrame(rows)[ROBUSTNESS.names]


def made_boundary() -> pd.DataFrame:
    """Distances on two networks; champions lie farther from the boundary than real images, and those than starts."""
    generator, rows = np.random.default_rng(6), []
    kinds = [
        ("real", None, 0.04),
        *(
            (kind, name, 0.08 if kind == "champion" else 0.01)
            for name in ("direct", "waves")
            for kind in ("champion", "start")
        ),
    ]
    for network, (kind, experiment, middle), image in itertools.product(("lenet-a", "lenet-b"), kinds, range(10)):
        distance = middle * np.exp(generator.normal(0, 0.2))
        encoding = experiment and ("direct" if experiment == "direct" else "cppn")
        identity = {"classifier": network, "kind": kind, "experiment": experiment, "encoding": encoding}
        odds = 200 * distance
        known = {"image": image, "class_index": image, "class_name": str(image), "confidence": expit(odds)}
        measured = {"log_odds": odds, "distance": distance, "other_class": (image + 1) % CLASSES, "evaluations": 47}
        rows.append({**identity, "seed": experiment and 1, **known, **measured})
    table = pd.DataFrame(rows)[BOUNDARY.names]
    types = {"experiment": "string", "encoding": "string", "seed": "Int64", "other_class": "Int64"}
    return table.astype(types | {"confidence": "float32"})


def made_kinds() -> pd.DataFrame:
    """One image of each kind, of which another network takes every second one for the same class."""
    generator = np.random.default_rng(8)
    rows = []
    for place, kind in enumerate(KINDS):
        image = generator.integers(0, 256, (1, 28, 28)).astype(np.uint8)
        rows.append(
            {
                **{"classifier": "lenet-a", "kind": kind, "source": "made-up", "class_index": place},
                **{"class_name": str(place), "confidence": 0.9, "evaluations": 10**place, "other": "lenet-b"},
                "true_class": "7" if kind in ("adversarial-example", "universal-perturbation") else None,
                **{"other_label": str(place + place % 2), "other_confidence": 0.4, "transfers": 1 - place % 2},
                "png": base64.b64encode(png_bytes(image)).decode(),
            }
        )
    types = {"true_class": "string", "other": "string", "other_label": "string", "transfers": "Int64"}
    return pd.DataFrame(rows)[KINDS_TABLE.names].astype(types)


def made_variance() -> pd.DataFrame:
    """Shares for two experiments; the second has one network, so three components cannot be estimated."""
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
    """Foolability of two networks; calibrated confidences are a little lower."""
    ends = history[history["evaluations"] == history["evaluations"].max()]
    examined = ends.assign(calibrated_confidence=0.9 * ends["confidence"])
    return foolability_table(history, examined, FoolabilitySettings())


def made_class_sets() -> dict[str, pd.DataFrame]:
    """Two sets of twelve classes; one is harder to fool in one experiment, the other in none."""
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
                    "generation": [0, *(times // 200), 201],
                    "evaluations": [0, *times, 40_200],
                    "survival": [*left, left[-1]],
                    "low": np.clip(np.array([*left, left[-1]]) - 0.2, 0, 1),
                    "high": np.clip(np.array([*left, left[-1]]) + 0.2, 0, 1),
                    "at_risk": 12,
                    "units": 2,
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
                    "real_as_fooling": 0.002 * supplied,
                }
            )
    return pd.DataFrame(rows)


def made_refusal(networks: int = 3) -> pd.DataFrame:
    """Three chains and their controls at two rates; adaptive evolution at one of them."""
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
    """Transfer of every pair of networks; the first one has no confident image for the others."""
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
                    **{"transfer_rate": share, "low": share - 0.1, "high": min(1.0, share + 0.1), "chance": 0.1},
                    **{
                        "chance_high": 0.2,
                        "count_transferred": 12,
                        "higher_on_source": 0.9,
                        "reverse_higher_on_source": 0.2,
                    },
                    "highest_joint_confidence": np.nan if empty else 0.9,
                }
            )
    return pd.DataFrame(rows)


def made_shown() -> pd.DataFrame:
    """Labels of three networks for three runs on the first; the last network rejects one class."""
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
    """Differences of a chain from its controls."""
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


def made_ablation(runs: list[RunRecord]) -> pd.DataFrame:
    """Removals from the champions of ``runs``, scored by a network that averages the pixels."""

    def judge(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        log_odds = np.repeat(images.astype(float).mean(axis=(1, 2, 3))[:, None] / 10, CLASSES, axis=1)
        return expit(log_odds).astype(np.float32), log_odds

    return ablation_table(runs, experiment="cppn", scorer=judge, settings=AblationSettings())
