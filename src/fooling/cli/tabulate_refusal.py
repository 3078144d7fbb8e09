"""Compare the networks of a retraining where all of them refuse equally many real images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from fooling.artifacts import write_table
from fooling.classifiers.checkpoint import load_classifier
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.devices import chosen_device
from fooling.classifiers.refusal import Refusal
from fooling.cli.chains import Chained, chained_runs
from fooling.datasets.dataset import Dataset, load_dataset
from fooling.errors import FoolingError
from fooling.findings.intervals import IntervalSettings
from fooling.findings.refusal import REFUSAL, JudgedNetwork, RefusingNetwork, refusal_table
from fooling.progress import say
from fooling.retraining.settings import RefusalTableSettings
from fooling.settings import read_settings

Place = tuple[str, str, int]


class TabulateRefusalSettings(RefusalTableSettings, IntervalSettings):
    """The rates, the halves of the test images, and how intervals are made."""


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
    """Score the champions of the ``runs`` with a constant for each rate, and those that met it as they were evolved.

    Args:
        classifiers: Classifier files: all networks of all chains, the first ones included.
        runs: Files of runs against them, in the order in which they were made; give the option once for each.
        refusing: Classifier files from `match-refusal`, of the last networks; give the option once for each.
        refusing_runs: Files of runs against these; give the option once for each.
        retraining: Name of the retraining.
        measured_runs: How many runs against each network count, from the first on.
        output: Table to write.
    """
    checked = read_settings(TabulateRefusalSettings, settings)
    torch.set_num_threads(1)
    place, data = chosen_device(device), load_dataset(dataset)
    met = dict(_refusing_networks(refusing, refusing_runs, measured_runs))
    networks = [
        _judged(
            chained,
            met.pop((chained.first, chained.filled_with, chained.number), None),
            data,
            load_classifier(chained.path, place, architecture or ()),
        )
        for chained in chained_runs(classifiers, runs, measured_runs)
    ]
    if met:
        raise FoolingError(
            "there are refusing networks of other chains",
            found=", ".join(f"{first}, {filled_with}, network {number}" for first, filled_with, number in met),
            expected="those of the classifiers given",
        )
    table = refusal_table(networks, retraining=retraining, rates=checked.rates, seed=checked.seed, settings=checked)
    write_table(output, table, REFUSAL)
    adaptive = table[(table["attack"] == "adaptive") & (table["units"] == table["units"].max())]
    told = "; ".join(f"filled with {row.filled_with}: {row.accepted:.1%} accepted" for row in adaptive.itertuples())
    say(f"{retraining}, evolved against refusing networks, {told}; written to {output}")


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


def _judged(chained: Chained, refusing: RefusingNetwork | None, data: Dataset, network: Classifier) -> JudgedNetwork:
    return JudgedNetwork(
        first=chained.first,
        filled_with=chained.filled_with,
        number=chained.number,
        classes=len(network.targets),
        logits=network.logits(torch.from_numpy(data.test_images)).cpu().numpy(),
        labels=data.test_labels,
        records=chained.records,
        refusing=refusing,
    )
