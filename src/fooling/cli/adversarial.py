"""Tables of adversarial examples, and their transfer between classifiers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from fooling.artifacts import write_tables
from fooling.attacks.adversarial.record import load_adversarial
from fooling.classifiers.classifier import Classifier
from fooling.cli._files import open_classifier
from fooling.findings.adversarial import (
    ADVERSARIAL,
    ADVERSARIAL_MEANS,
    ADVERSARIAL_TRANSFER,
    METHOD,
    Target,
    adversarial_table,
    means_table,
    transfer_table,
)
from fooling.findings.intervals import IntervalSettings
from fooling.formatting import share_percent
from fooling.progress import say
from fooling.settings import read_settings

PANEL = "Findings"


def tabulate_adversarial(
    attacks: list[Path],
    *,
    classifiers: list[Path],
    settings: str = "{}",
    images: Path,
    means: Path,
    transfer: Path,
    architecture: list[str] | None = None,
    device: str = "auto",
) -> None:
    """Tabulate adversarial examples, and show them to other classifiers.

    Args:
        attacks: Files that `attack adversarial` wrote.
        classifiers: Classifier files to which the images are shown; the option once for each. A classifier is shown
            the images that were made on others of its data set.
        images: Table of the changed images to write.
        means: Table of their means over the classifiers to write.
        transfer: Table of the images that other classifiers misclassify as well to write.
    """
    checked = read_settings(IntervalSettings, settings)
    records = [load_adversarial(path) for path in attacks]
    targets = [_target(open_classifier(path, device=device, architecture=architecture)) for path in classifiers]
    table = adversarial_table(records)
    summary = means_table(table, settings=checked)
    shown = transfer_table(records, targets, settings=checked)
    write_tables(
        (images, table, ADVERSARIAL), (means, summary, ADVERSARIAL_MEANS), (transfer, shown, ADVERSARIAL_TRANSFER)
    )
    best = summary[summary["change"] == METHOD].groupby("attack")["unrounded_misclassified"].max()
    found = ", ".join(f"{name} {share_percent(share)}" for name, share in best.items())
    say(f"images misclassified by the most successful method: {found}; written to {means}")


def _target(classifier: Classifier) -> Target:
    """Return the classifier as one that is shown images."""

    def labels(images: NDArray[np.uint8]) -> NDArray[np.int64]:
        found: NDArray[np.int64] = classifier.logits(torch.from_numpy(images)).argmax(dim=1).cpu().numpy()
        return found

    return Target(
        name=classifier.name,
        architecture=classifier.architecture,
        dataset=str(classifier.provenance.get("dataset", {}).get("name", "")),
        labels=labels,
    )
