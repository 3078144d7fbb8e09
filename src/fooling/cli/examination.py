"""Examination of images with classifiers: looks, transfer, distances, repeated elements, changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from fooling.artifacts import read_table, write_table, write_tables
from fooling.attacks.evolution.record import RunRecord, load_run, load_runs
from fooling.classifiers.architectures import FITTED_MODELS
from fooling.classifiers.classifier import Classifier, confidences_of, log_odds_of
from fooling.classifiers.gradients import logits_and_features
from fooling.cli._files import open_classifier, read_named_runs, require_sources, scorer
from fooling.datasets.dataset import load_dataset
from fooling.findings.ablation import ABLATION, AblationSettings, Scorer, ablation_table
from fooling.findings.calibration import CALIBRATION, REAL, Network, labelled_table
from fooling.findings.distances import DISTANCES, DistanceSettings, Outputs, distances_table, images_to_measure
from fooling.findings.examination import EXAMINED, ExaminationSettings, IndependentClassifier, examined_table
from fooling.findings.stress import (
    ROBUSTNESS,
    SUPERNORMAL,
    RealImages,
    StressSettings,
    real_images,
    require_images_of,
    robustness_table,
    supernormal_table,
)
from fooling.findings.transfer import (
    SHOWN,
    TRANSFER,
    TransferSettings,
    format_rate,
    shown_table,
    transfer_table,
)
from fooling.inputs import digest_of
from fooling.messages import FoolingError, say, share_percent
from fooling.settings import read_settings

PANEL = "Findings"


def examine(
    runs: list[Path],
    *,
    experiment: str,
    calibration: Path,
    images: Path,
    dataset: Path,
    settings: str = "{}",
    output: Path,
    independent: Path | None = None,
    architecture: list[str] | None = None,
    device: str = "auto",
) -> None:
    """Examine champions with an independent network and the training images.

    The champions of one network's ``runs``, controls included, are compared with real test images.

    Args:
        runs: Run files of one experiment on one network, with their controls.
        experiment: Name of the experiment.
        calibration: Table with the network's temperature, from `calibrate`.
        images: Table of the real test images, from `calibrate`.
        independent: Classifier file of a network that was not used in the evolution.
        output: Table of the examined images to write.
    """
    checked = read_settings(ExaminationSettings, settings)
    temperatures = read_table(calibration, CALIBRATION)["temperature"]
    if len(temperatures) != 1:
        raise FoolingError(f"{calibration} must be of one network", found=f"{len(temperatures)} rows", expected="one")
    other = None
    if independent is not None:
        network = open_classifier(independent, device=device, architecture=architecture)
        other = IndependentClassifier(name=network.name, confidences=scorer(network))
    table = examined_table(
        [load_run(path) for path in runs],
        experiment=experiment,
        temperature=float(temperatures.iloc[0]),
        real=read_table(images, REAL),
        dataset=load_dataset(dataset),
        independent=other,
        settings=checked,
    )
    write_table(output, table, EXAMINED)
    say(f"{experiment}: {len(table)} images examined{_format_medians(table)}; written to {output}")


def _format_medians(table: pd.DataFrame) -> str:
    """Format the medians of the champions of evolution, as far as they were measured."""
    evolved = table[table["search"] == "map-elites"]
    words = {
        "independent_confidence": "confidence of the independent network",
        "nearest_distance": "distance to the nearest training image",
    }
    known = {label: evolved[column].dropna() for column, label in words.items()}
    medians = [f"median {label} {values.median():.3f}" for label, values in known.items() if len(values)]
    return f"; champions of evolution: {', '.join(medians)}" if medians else ""


def transfer(
    classifiers: list[Path],
    *,
    experiment: str,
    runs: list[Path] | None = None,
    batches: list[Path] | None = None,
    measured_runs: int | None = None,
    settings: str = "{}",
    shown: Path,
    pairs: Path,
    architecture: list[str] | None = None,
    device: str = "auto",
) -> None:
    """Measure how images that were evolved on some networks transfer to all of them.

    Args:
        classifiers: Classifier files: the networks that the images were evolved on, and any others.
        experiment: Name of the experiment, or of the chain.
        runs: Run files that `attack evolution` wrote; give the option once for each.
        batches: Files of several runs, from `attack evolution --runs`; once for each.
        measured_runs: How many of several runs against one network are shown, from the first one; default: all.
        shown: Table of the images and the confidences of every network to write.
        pairs: Table of the pairs of networks to write.
    """
    checked = read_settings(TransferSettings, settings)
    records = [load_run(path) for path in runs or []]
    records += _first(measured_runs, [record for path in batches or [] for record in load_runs(path)])
    require_sources(records, classifiers)
    opened = (open_classifier(path, device=device, architecture=architecture) for path in classifiers)
    networks = [Network(name=each.name, architecture=each.architecture, confidences=scorer(each)) for each in opened]
    order = [network.name for network in networks]
    records.sort(key=lambda record: (order.index(record.classifier["name"]), record.seed))
    table = shown_table(records, labelled_table(records, networks), networks, experiment=experiment)
    summary = transfer_table(table, {network.name: network.architecture for network in networks}, checked)
    write_tables((shown, table, SHOWN), (pairs, summary, TRANSFER))
    rate = format_rate(summary)
    say(f"{experiment}: {len(records)} runs shown to {len(networks)} networks, {rate}; written to {pairs}")


def _first(count: int | None, records: Sequence[RunRecord]) -> list[RunRecord]:
    """Return the first ``count`` runs against each network."""
    by_network: dict[str, list[RunRecord]] = {}
    for record in records:
        by_network.setdefault(record.classifier["sha256"], []).append(record)
    return [record for found in by_network.values() for record in found[:count]]


def measure_distances(
    *,
    classifier: Path,
    dataset: Path,
    calibration: Path,
    images: Path,
    settings: str = "{}",
    output: Path,
    runs: list[str] | None = None,
    architecture: list[str] | None = None,
    device: str = "auto",
) -> None:
    """Measure the distances of real, evolved and random images to the training images.

    Distances are in pixels and in features.

    Args:
        calibration: Table with the network's temperature, from `calibrate`.
        images: Table of the real test images, from `calibrate`.
        runs: A run on the network whose champions are measured, as experiment=path; once for each.
        output: Table of the images to write.
    """
    checked = read_settings(DistanceSettings, settings)
    temperatures = read_table(calibration, CALIBRATION)["temperature"]
    if len(temperatures) != 1:
        raise FoolingError(f"{calibration} must be of one network", found=f"{len(temperatures)} rows", expected="one")
    network = open_classifier(classifier, device=device, architecture=architecture)
    data = load_dataset(dataset)
    shown = images_to_measure(
        read_named_runs(runs or []), real=read_table(images, REAL), dataset=data, settings=checked
    )
    seen, trained = (
        Outputs(logits=logits, features=features)
        for logits, features in (logits_and_features(network, part) for part in (shown.images, data.train_images))
    )
    table = distances_table(
        shown, seen, trained, classifier=network.name, temperature=float(temperatures.iloc[0]), dataset=data
    )
    write_table(output, table, DISTANCES)
    medians = table[table["kind"] == "champion"].groupby("experiment")[["pixel_ratio", "feature_ratio"]].median()
    ratios = "; ".join(f"{row.Index} {row.pixel_ratio:.2f} and {row.feature_ratio:.2f}" for row in medians.itertuples())
    say(f"{network.name}: distances of champions relative to real images, in pixels and features: {ratios or 'none'}")


def ablate(
    runs: list[Path],
    *,
    classifier: Path,
    experiment: str,
    settings: str = "{}",
    output: Path,
    architecture: list[str] | None = None,
    device: str = "auto",
) -> None:
    """Remove repeated elements from champions, and measure the loss of confidence.

    The same amount is removed elsewhere for comparison. All ``runs`` are against one network.

    Args:
        runs: Run files of one experiment on one network, without their controls.
        classifier: Classifier file of the network that they attack.
        experiment: Name of the experiment.
        output: Table of the champions and their ablated versions to write.
    """
    checked = read_settings(AblationSettings, settings)
    records = [load_run(path) for path in runs]
    network = open_classifier(classifier, device=device, architecture=architecture)
    _require_attacks_on(records, classifier)
    table = ablation_table(records, experiment=experiment, scorer=_scorer_as_in(network, records[0]), settings=checked)
    write_table(output, table, ABLATION)
    intact = table[table["kind"] == "intact"]
    found = int((intact["copies"] > 0).sum())
    say(f"{experiment}: {found} of {len(intact)} champions repeat elements; written to {output}")


def _require_attacks_on(records: list[RunRecord], classifier: Path) -> None:
    """Raise :class:`FoolingError` unless all runs attack this classifier file."""
    expected = digest_of(classifier)
    for record in records:
        if record.classifier["sha256"] != expected:
            raise FoolingError(
                f"the run with seed {record.seed} does not attack {classifier}",
                found=f"{record.classifier['name']}, SHA-256 {record.classifier['sha256']}",
                expected=f"SHA-256 {expected}",
            )


def _scorer_as_in(network: Classifier, record: RunRecord) -> Scorer:
    """Return the scorer of a network that gets its input as in the run."""
    fed = network.with_mean_subtracted() if _subtracts_mean(record) else network

    def scored(images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        logits = fed.logits(torch.from_numpy(images))
        return confidences_of(logits).cpu().numpy(), log_odds_of(logits).cpu().numpy()

    return scored


def _subtracts_mean(record: RunRecord) -> bool:
    """Return whether the mean training image was subtracted from the images of a run, as in the released code."""
    return bool(record.settings.get("search", {}).get("scoring_input") == "mean-subtracted")


def stress(
    *,
    classifier: Path,
    dataset: Path,
    runs: list[str],
    settings: str = "{}",
    robustness: Path,
    supernormal: Path,
    architecture: list[str] | None = None,
    device: str = "auto",
) -> None:
    """Change champions and real images, and count those that keep their class.

    The changes are those of print and camera (shift, rotation, blur, JPEG, noise) and shuffled patches. Also compare
    the logits of champions with those of all real test images.

    Args:
        runs: A run against the classifier whose champions are changed, as experiment=path; once for each.
        robustness: Table of the champions and real images that survive each change to write.
        supernormal: Table of the champions' logits and log-odds beside the highest of real images to write.
    """
    checked = read_settings(StressSettings, settings)
    network = open_classifier(classifier, device=device, architecture=architecture)
    images, named = load_dataset(dataset), read_named_runs(runs)
    controls: dict[bool, RealImages] = {}  # by whether the mean training image is subtracted
    survived, beyond = [], []
    for experiment, records in named.items():
        _require_attacks_on(records, classifier)
        require_images_of(records, images)
        subtracts = _subtracts_mean(records[0])
        scored = _logits_of(network.with_mean_subtracted() if subtracts else network)
        if subtracts not in controls:
            controls[subtracts] = real_images(images, scored=scored, settings=checked)
        real = controls[subtracts]
        survived.append(robustness_table(records, experiment=experiment, scored=scored, real=real, settings=checked))
        beyond.append(
            supernormal_table(
                records, experiment=experiment, scored=scored, real=real, has_logits=_gives_logits(network)
            )
        )
    if not survived:
        raise FoolingError("there are no runs", expected="runs against the classifier", remedy="give --runs")
    of_changes, of_scores = pd.concat(survived, ignore_index=True), pd.concat(beyond, ignore_index=True)
    write_tables((robustness, of_changes, ROBUSTNESS), (supernormal, of_scores, SUPERNORMAL))
    share = share_percent(of_scores["beyond_log_odds"].mean())
    say(f"{network.name}: {share} of {len(of_scores)} champions have higher log-odds than every real test image")
    if not _gives_logits(network):
        say(f"{network.name} gives no logits, only probabilities: the columns of logits are empty")


def _gives_logits(network: Classifier) -> bool:
    """Return whether the logits are outputs of one network, and not logarithms of (mean) probabilities."""
    has_layers = network.architecture not in ("ensemble", *FITTED_MODELS)
    return network.outputs == "logits" and len(network.seen) == 1 and has_layers


def _logits_of(fed: Classifier) -> Callable[[NDArray[np.uint8]], tuple[NDArray[np.float32], NDArray[np.float64]]]:
    """Return the scorer that gives the logits and log-odds of images (B, C, H, W)."""

    def scored(images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        logits = fed.logits(torch.from_numpy(images))
        return logits.cpu().numpy(), log_odds_of(logits).cpu().numpy()

    return scored
