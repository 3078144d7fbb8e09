"""Take repeated elements out of champions, or as much elsewhere, and ask the network what they were worth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from fooling.artifacts import write_table
from fooling.classifiers.checkpoint import load_classifier
from fooling.classifiers.classifier import Classifier, confidences_of, log_odds_of
from fooling.classifiers.devices import chosen_device
from fooling.errors import FoolingError
from fooling.evolution.record import RunRecord, load_run
from fooling.findings.ablation import ABLATION, AblationSettings, Judge, ablation_table
from fooling.inputs import digest_of
from fooling.progress import say
from fooling.settings import read_settings


def ablate(
    runs: list[Path],
    *,
    classifier: Path,
    experiment: str,
    settings: str,
    output: Path,
    architecture: list[str] | None = None,
    device: str = "auto",
) -> None:
    """Write what the champions of one classifier's ``runs`` lose with their repeated elements, and elsewhere.

    Args:
        runs: Run files of one experiment on one network, without their controls.
        classifier: Classifier file of the network that they were made against.
        experiment: Name of the experiment.
        output: Table of the champions and their versions to write.
    """
    torch.set_num_threads(1)
    checked = read_settings(AblationSettings, settings)
    records = [load_run(path) for path in runs]
    network = load_classifier(classifier, chosen_device(device), architecture or ())
    _require_their_own(records, classifier)
    table = ablation_table(records, experiment=experiment, judge=_judge(network, records[0]), settings=checked)
    write_table(output, table, ABLATION)
    intact = table[table["kind"] == "intact"]
    found = int((intact["copies"] > 0).sum())
    say(f"{experiment}: {found} of {len(intact)} champions repeat themselves; written to {output}")


def _require_their_own(records: list[RunRecord], classifier: Path) -> None:
    """Raise :class:`FoolingError` unless all runs were made against this very classifier."""
    expected = digest_of(classifier)
    for record in records:
        if record.classifier["sha256"] != expected:
            raise FoolingError(
                f"the run with seed {record.seed} was made against another network than {classifier}",
                found=f"{record.classifier['name']}, SHA-256 {record.classifier['sha256']}",
                expected=f"SHA-256 {expected}",
            )


def _judge(network: Classifier, record: RunRecord) -> Judge:
    """The network, fed as in the runs."""
    subtracts = record.settings.get("search", {}).get("scoring_input") == "mean-subtracted"
    fed = network.with_mean_subtracted() if subtracts else network

    def judged(images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        logits = fed.logits(torch.from_numpy(images))
        return confidences_of(logits).cpu().numpy(), log_odds_of(logits).cpu().numpy()

    return judged
