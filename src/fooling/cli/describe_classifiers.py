"""List the networks: their training, their test errors, and the mean of these with its interval."""

from __future__ import annotations

from pathlib import Path

from fooling.artifacts import write_tables
from fooling.classifiers.header import classifier_header
from fooling.findings.intervals import IntervalSettings
from fooling.findings.networks import CLASSIFIERS, TEST_ERRORS, TRAINING, errors_table, networks_table, training_table
from fooling.progress import say
from fooling.settings import read_settings


def describe_classifiers(
    classifiers: list[Path], *, settings: str, training: Path, networks: Path, errors: Path
) -> None:
    """Write the training curves, one line for each network, and the mean test error of each architecture.

    Args:
        classifiers: Classifier files.
        training: Table of training curves to write.
        networks: Table of networks to write.
        errors: Table of mean test errors to write.
    """
    checked = read_settings(IntervalSettings, settings)
    headers = [classifier_header(path) for path in classifiers]
    described, epochs = networks_table(headers, settings=checked), training_table(headers)
    means = errors_table(described, settings=checked)
    write_tables((training, epochs, TRAINING), (networks, described, CLASSIFIERS), (errors, means, TEST_ERRORS))
    told = "; ".join(f"{row.architecture} on {row.dataset} {row.mean:.2%}" for row in means.itertuples())
    say(f"mean test error of {len(described)} networks: {told}; written to {networks}")
