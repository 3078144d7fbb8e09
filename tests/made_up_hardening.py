"""Hardened and plain networks, made up: their headers, champions and real images."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from fooling.findings.calibration import log_odds_in
from fooling.findings.hardening import (
    HardenedNetwork,
    HardeningSettings,
    hardened_networks,
    hardened_table,
    hardening_table,
)
from fooling.training.settings import ClassifierSettings
from made_up_networks import made_up_header

CLASSES = 4
WAYS: dict[str, dict[str, Any]] = {
    "plain": {},
    "smoothed": {"label_smoothing": 0.1},
    "noise": {"outliers": {"kind": "noise"}},
}
#: Log-odds by which evolution gets less on networks of each way.
LOWER = {"plain": 0.0, "smoothed": 5.0, "noise": 3.0}


def header(way: str, seed: int, **training: Any) -> dict[str, Any]:
    """The header of a network of this way."""
    settings = ClassifierSettings.model_validate({"seed": seed, "training": {**WAYS[way], **training}})
    return made_up_header(
        f"{way}-{seed}",
        seed=seed,
        test_error=0.01 + seed / 1000,
        settings=settings.model_dump(mode="json"),
        test_images=200,
    )


def chained(first: str) -> dict[str, Any]:
    """The header of a network that was retrained with a fooling class."""
    place = {"first": first, "filled_with": "champions", "number": 2}
    found = header("plain", int(first[-1]))
    return {**found, "name": f"chain/{first}/champions/dnn2", "provenance": found["provenance"] | {"retraining": place}}


def networks(seeds: int = 3, *, ways: tuple[str, ...] = tuple(WAYS)) -> list[HardenedNetwork]:
    """Networks of some ways with these seeds, and of a chain."""
    made = [header(way, seed) for way in ways for seed in range(1, seeds + 1)]
    return hardened_networks([*made, *(chained(f"plain-{seed}") for seed in range(1, seeds + 1))])


def champions(made: list[HardenedNetwork], *, experiments: tuple[str, ...] = ("direct", "cppn")) -> pd.DataFrame:
    """Champions of two runs of each search, against each network."""
    rows = []
    for network in made:
        lower = LOWER.get(network.name.partition("-")[0], 1.0)
        for experiment in experiments:
            searches = ("map-elites",) if "/" in network.name else ("map-elites", "random-search", "drift")
            for search in searches:
                for seed in (1, 2):
                    for index in range(CLASSES):
                        odds = 10.0 - lower + index - 4 * (search != "map-elites") + 0.1 * (len(network.name) + seed)
                        rows.append((network.name, experiment, search, seed, index, odds))
    table = pd.DataFrame(rows, columns=["classifier", "experiment", "search", "seed", "class_index", "log_odds"])
    return table.assign(confidence=(1 / (1 + np.exp(-table["log_odds"]))).astype(np.float32))


def real(made: list[HardenedNetwork], *, images: int = 200) -> pd.DataFrame:
    """Real test images, of which each network gets nine in ten right."""
    generator, parts = np.random.default_rng(1), []
    for network in made:
        logits = generator.normal(0, 3, (images, CLASSES)).astype(np.float32)
        predicted = logits.argmax(axis=1)
        labels = np.where(np.arange(images) % 10 == 0, (predicted + 1) % CLASSES, predicted)
        part = {
            "classifier": network.name,
            "image": np.arange(images),
            "split": np.where(np.arange(images) % 2 == 0, "calibration", "evaluation"),
            "label": labels,
            "predicted": predicted,
            "log_odds": log_odds_in(logits, predicted),
        }
        parts.append(pd.DataFrame(part))
    return pd.concat(parts, ignore_index=True)


def made_hardening(seeds: int = 3) -> dict[str, pd.DataFrame]:
    """The tables ``hardened`` and ``hardening``."""
    made = networks(seeds)
    single = hardened_table(made, champions(made), real(made), HardeningSettings())
    return {"hardened": single, "hardening": hardening_table(single, confidence_level=0.95)}
