"""Show the images that were evolved on some networks to all of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from fooling.artifacts import write_tables
from fooling.classifiers.checkpoint import load_classifier
from fooling.classifiers.devices import chosen_device
from fooling.errors import FoolingError
from fooling.evolution.batch import load_runs
from fooling.evolution.record import RunRecord, load_run
from fooling.findings.transfer import SHOWN, TRANSFER, Network, TransferSettings, shown_table, transfer_table
from fooling.inputs import digest_of
from fooling.progress import say
from fooling.settings import read_settings


def transfer(
    classifiers: list[Path],
    *,
    experiment: str,
    runs: list[Path] | None = None,
    batches: list[Path] | None = None,
    measured_runs: int | None = None,
    settings: str,
    shown: Path,
    pairs: Path,
    architecture: list[str] | None = None,
    device: str = "auto",
) -> None:
    """Show the champions of ``runs`` to all ``classifiers``; of ``batches`` those of the first ``measured_runs``.

    Args:
        classifiers: Classifier files: the networks that the images were evolved on, and any others.
        experiment: Name of the experiment, or of the chain.
        runs: Run files that an evolve command wrote; give the option once for each.
        batches: Files of several runs, from `evolve-many-direct` or `evolve-many-cppn`; once for each.
        measured_runs: Of several runs against one network only so many are shown, from the first on.
        shown: Table of the images and what every network says of them to write.
        pairs: Table of the pairs of networks to write.
    """
    torch.set_num_threads(1)
    checked = read_settings(TransferSettings, settings)
    records = [load_run(path) for path in runs or []]
    records += _first(measured_runs, [record for path in batches or [] for record in load_runs(path)])
    _require_sources(records, classifiers)
    networks = [_network(path, device, architecture or ()) for path in classifiers]
    table = shown_table(records, networks, experiment=experiment)
    summary = transfer_table(table, {network.name: network.architecture for network in networks}, checked)
    write_tables((shown, table, SHOWN), (pairs, summary, TRANSFER))
    others = summary[(summary["relation"] != "itself") & (summary["images"] == "all") & (summary["label"] == "class")]
    told = f"on average {others['alike'].mean():.1%} keep their class on another network" if len(others) else "no other"
    say(f"{experiment}: {len(records)} runs shown to {len(networks)} networks, {told}; written to {pairs}")


def _first(count: int | None, records: Sequence[RunRecord]) -> list[RunRecord]:
    """The first so many runs against each network."""
    by_network: dict[str, list[RunRecord]] = {}
    for record in records:
        by_network.setdefault(record.classifier["sha256"], []).append(record)
    return [record for found in by_network.values() for record in found[:count]]


def _require_sources(records: Sequence[RunRecord], classifiers: Sequence[Path]) -> None:
    known = {digest_of(path) for path in classifiers}
    strangers = sorted({record.classifier["name"] for record in records if record.classifier["sha256"] not in known})
    if not records or strangers:
        raise FoolingError(
            "the images were not evolved on these networks",
            found=f"runs on {', '.join(strangers)}" if strangers else "no runs",
            expected=f"runs on {', '.join(map(str, classifiers))}",
            remedy="make the runs again, or name the network that they were made on as well",
        )


def _network(path: Path, device: str, architectures: Sequence[str]) -> Network:
    classifier = load_classifier(path, chosen_device(device), architectures)

    def confidences(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        told: NDArray[np.float32] = classifier.confidences(torch.from_numpy(images)).cpu().numpy()
        return told

    return Network(name=classifier.name, architecture=classifier.architecture, confidences=confidences)
