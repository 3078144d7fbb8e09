"""Classifiers that refuse a share of real images, and their comparison."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from fooling.artifacts import write_table
from fooling.classifiers.classifier import Classifier, Refusal
from fooling.classifiers.classifier_file import save_classifier
from fooling.cli._chains import Chained, chained_runs
from fooling.cli._loading import open_classifier
from fooling.datasets.dataset import Dataset, load_dataset
from fooling.errors import FoolingError
from fooling.findings.intervals import IntervalSettings
from fooling.findings.stronger_attacks import REFUSAL, RefusingNetwork, ScoredNetwork, refusal_table
from fooling.progress import say
from fooling.retraining.refusal import refusing
from fooling.retraining.settings import MatchSettings, RefusalTableSettings
from fooling.settings import read_settings


def match_refusal(
    *,
    classifier: Path,
    dataset: Path,
    settings: str,
    output: Path,
    architecture: list[str] | None = None,
    device: str = "auto",
) -> None:
    """Make a classifier refuse a given share of real images.

    A constant is added to the logit of the fooling class. It is fitted on half of the test images of ``dataset``.

    Args:
        settings: The share, and the seed that halves the test images: JSON or a YAML file.
        output: Classifier file to write.
    """
    checked = read_settings(MatchSettings, settings)
    network = open_classifier(classifier, device=device, architecture=architecture)
    shifted = refusing(network, load_dataset(dataset), checked)
    save_classifier(output, shifted)
    found = shifted.provenance["refusal"]
    say(
        f"{network.name}: {found['refused_fitted']:.2%} of the test images refused on the half that was fitted,"
        f" {found['refused']:.2%} on the other one; written to {output}"
    )


Place = tuple[str, str, int]


class TabulateRefusalSettings(RefusalTableSettings, IntervalSettings):
    """The rates, the seed that halves the test images, and how confidence intervals are computed."""


def tabulate_refusal(
    classifiers: list[Path],
    *,
    runs: list[Path],
    refusing: list[Path],
    refusing_runs: list[Path],
    dataset: Path,
    retraining: str,
    measured_runs: int,
    settings: str,
    output: Path,
    architecture: list[str] | None = None,
    device: str = "auto",
) -> None:
    """Compare the networks of a retraining at equal shares of refused real images.

    Score the champions of ``runs`` with the constant that gives each share, and those of ``refusing_runs``, which were
    evolved against such a constant.

    Args:
        classifiers: Classifier files: all networks of all chains, the first ones included.
        runs: Files of runs against them, in the order in which they were made; give the option once for each.
        refusing: Classifier files of the last networks, from `match-refusal`; give the option once for each.
        refusing_runs: Files of runs against these; give the option once for each.
        retraining: Name of the retraining.
        measured_runs: How many runs against each network count, from the first one.
        output: Table to write.
    """
    checked = read_settings(TabulateRefusalSettings, settings)
    data = load_dataset(dataset)
    met = dict(_refusing_networks(refusing, refusing_runs, measured_runs))
    networks = [
        _scored(
            chained,
            met.pop((chained.first, chained.filled_with, chained.number), None),
            data,
            open_classifier(chained.path, device=device, architecture=architecture),
        )
        for chained in chained_runs(classifiers, runs, measured_runs)
    ]
    if met:
        raise FoolingError(
            "some refusing networks belong to other chains",
            found=", ".join(f"{first}, {filled_with}, network {number}" for first, filled_with, number in met),
            expected="those of the classifiers given",
        )
    table = refusal_table(networks, retraining=retraining, rates=checked.rates, seed=checked.seed, settings=checked)
    write_table(output, table, REFUSAL)
    adaptive = table[(table["attack"] == "adaptive") & (table["units"] == table["units"].max())]
    shares = "; ".join(f"filled with {row.filled_with}: {row.accepted:.1%} accepted" for row in adaptive.itertuples())
    say(f"{retraining}, evolved against refusing networks, {shares}; written to {output}")


def _refusing_networks(
    classifiers: Sequence[Path], runs: Sequence[Path], measured_runs: int
) -> Iterator[tuple[Place, RefusingNetwork]]:
    for each in chained_runs(classifiers, runs, measured_runs):
        refusal, fitted = each.header["refusal"], each.header["provenance"]["refusal"]
        if refusal is None or fitted is None:
            raise FoolingError(
                f"{each.path} refuses no real images",
                found="a classifier without a constant on its fooling class",
                expected="a classifier file from `match-refusal`",
            )
        network = RefusingNetwork(rate=fitted["rate"], refusal=Refusal(**refusal), records=each.records)
        yield (each.first, each.filled_with, each.number), network


def _scored(chained: Chained, refusing: RefusingNetwork | None, data: Dataset, network: Classifier) -> ScoredNetwork:
    return ScoredNetwork(
        first=chained.first,
        filled_with=chained.filled_with,
        number=chained.number,
        classes=len(network.targets),
        logits=network.logits(torch.from_numpy(data.test_images)).cpu().numpy(),
        labels=data.test_labels,
        records=chained.records,
        refusing=refusing,
    )
