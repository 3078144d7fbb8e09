"""Retraining: data sets of fooling images, and tables of how easily the networks of each chain are fooled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from fooling.artifacts import write_table, write_tables
from fooling.attacks.evolution.record import RunRecord, load_runs
from fooling.classifiers.classifier import Classifier, Refusal
from fooling.classifiers.header import classifier_header
from fooling.cli._files import open_classifier
from fooling.datasets.dataset import Dataset, load_dataset, save_dataset
from fooling.encodings.settings import encoding_for
from fooling.findings.intervals import IntervalSettings
from fooling.findings.retraining import (
    EFFECTS,
    RETRAINED,
    RETRAINING,
    ChainNetwork,
    RetrainingFindingsSettings,
    effects_table,
    retrained_table,
    retraining_table,
)
from fooling.findings.stronger_attacks import (
    BUDGET,
    REFUSAL,
    LastNetwork,
    RefusingNetwork,
    ScoredNetwork,
    budget_table,
    record_at,
    refusal_table,
)
from fooling.inputs import digest_of
from fooling.messages import FoolingError, percent, say, share_percent
from fooling.reproducibility import derived_seed
from fooling.retraining.fooling_class import champions_dataset, random_dataset, unselected_images
from fooling.retraining.settings import PaintSettings, RefusalTableSettings, SupplySettings
from fooling.settings import read_settings

PANEL = "Networks"


def collect_champions(runs: list[Path], *, settings: str = "{}", output: Path) -> None:
    """Write the champions of several runs as a data set of fooling images.

    The first ``runs`` supply training images, the next ones test images. Champions of the random start are included.

    Args:
        runs: Files of runs against one network, from `attack evolution --runs`.
        settings: How many runs are for training and for testing: JSON or a YAML file.
        output: Data set file to write.
    """
    checked = read_settings(SupplySettings, settings)
    records = [record for path in runs for record in load_runs(path)]
    if len(records) < checked.runs:
        raise FoolingError(
            "there are too few runs to supply these fooling images",
            found=f"{len(records)} runs",
            expected=f"{checked.training_runs} for training and {checked.test_runs} for testing",
        )
    images = champions_dataset(records[: checked.training_runs], records[checked.training_runs : checked.runs])
    save_dataset(output, images)
    say(f"{images.name}: {images.summary}; written to {output}")


CPU = torch.device("cpu")  # so few images are no work for a GPU


def paint(*, dataset: Path, settings: str, output: Path) -> None:
    """Write random images of an encoding as a data set of fooling images.

    They are a control: no classifier has selected them.

    Args:
        settings: Encoding, seed and number of images: JSON or a YAML file.
        output: Data set file to write.
    """
    checked = read_settings(PaintSettings, settings)
    torch.set_num_threads(1)
    shown = load_dataset(dataset)
    encoding = encoding_for(checked.encoding, image_shape=shown.image_shape, device=CPU)
    generator = torch.Generator().manual_seed(derived_seed(checked.seed, "random fooling images"))

    def draw(count: int) -> NDArray[np.uint8]:
        drawn = unselected_images(encoding, count, generations=checked.generations, generator=generator)
        images: NDArray[Any] = drawn.numpy()
        return images

    champions = 2 * len(shown.class_names)  # that a run would supply
    images = random_dataset(
        draw, training=checked.training_runs * champions, test=checked.test_runs * champions, seed=checked.seed
    )
    save_dataset(output, images)
    say(f"{images.name}: {images.summary}; written to {output}")


def tabulate_retraining(
    classifiers: list[Path],
    *,
    runs: list[Path],
    retraining: str,
    measured_runs: int,
    settings: str = "{}",
    champions: Path,
    networks: Path,
    effects: Path,
    generations: int | None = None,
) -> None:
    """Tabulate how easily retrained networks are fooled, and whether it gets harder.

    The first ``measured_runs`` of the runs against each network count.

    Args:
        classifiers: Classifier files: all networks of all chains, the first ones included.
        runs: Files of runs against them, in the order in which they were made; give the option once for each.
        retraining: Name of the retraining.
        measured_runs: How many runs against each network count, from the first one.
        generations: Generation at which longer runs are read; default: the last one.
        champions: Table of the champions of these runs to write.
        networks: Table of the networks to write.
        effects: Table of the differences between the chains and their controls to write.
    """
    checked = read_settings(RetrainingFindingsSettings, settings)
    found = [_chain_network(chained, generations) for chained in _chained_runs(classifiers, runs, measured_runs)]
    table = retrained_table(found, retraining=retraining, threshold=checked.threshold)
    summary, differences = retraining_table(table, found, checked), effects_table(table, checked)
    write_tables((champions, table, RETRAINED), (networks, summary, RETRAINING), (effects, differences, EFFECTS))
    last = summary[summary["number"] == summary["number"].max()]
    medians = "; ".join(f"filled with {row.filled_with}: median {percent(row.median)}" for row in last.itertuples())
    say(f"{retraining}, network {int(last['number'].iloc[0])}, {medians}; written to {networks}")


def _chain_network(chained: _Chained, generations: int | None) -> ChainNetwork:
    place = chained.header["provenance"]["retraining"] or {}
    return ChainNetwork(
        first=chained.first,
        filled_with=chained.filled_with,
        number=chained.number,
        test_error=chained.header["provenance"]["test_error"],
        fooling_images=place.get("fooling_images", 0),
        recognised={source["supplied_by"]: source["share"] for source in place.get("recognised", ())},
        records=[record if generations is None else record_at(record, generations) for record in chained.records],
    )


def tabulate_budget(
    classifiers: list[Path],
    *,
    runs: list[Path],
    retraining: str,
    measured_runs: int,
    settings: str = "{}",
    output: Path,
) -> None:
    """Tabulate the confidence on the last network of each chain over the evaluations.

    The first ``measured_runs`` of the runs against each network count.

    Args:
        classifiers: Classifier files: the last networks of all chains.
        runs: Files of runs against them, in the order in which they were made; give the option once for each.
        retraining: Name of the retraining.
        measured_runs: How many runs against each network count, from the first one.
        output: Table to write.
    """
    checked = read_settings(IntervalSettings, settings)
    found = [
        LastNetwork(first=each.first, filled_with=each.filled_with, number=each.number, records=each.records)
        for each in _chained_runs(classifiers, runs, measured_runs)
    ]
    table = budget_table(found, retraining=retraining, settings=checked)
    write_table(output, table, BUDGET)
    say(f"{retraining}: {len(found)} networks up to generation {table['generation'].max()}; written to {output}")


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
    settings: str = "{}",
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
        for chained in _chained_runs(classifiers, runs, measured_runs)
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
    shares = "; ".join(
        f"filled with {row.filled_with}: {share_percent(row.accepted)} accepted" for row in adaptive.itertuples()
    )
    say(f"{retraining}, evolved against refusing networks, {shares}; written to {output}")


def _refusing_networks(
    classifiers: Sequence[Path], runs: Sequence[Path], measured_runs: int
) -> Iterator[tuple[Place, RefusingNetwork]]:
    for each in _chained_runs(classifiers, runs, measured_runs):
        refusal, fitted = each.header["refusal"], each.header["provenance"]["refusal"]
        if refusal is None or fitted is None:
            raise FoolingError(
                f"{each.path} refuses no real images",
                found="a classifier without a constant on its fooling class",
                expected="a classifier file from `match-refusal`",
            )
        network = RefusingNetwork(rate=fitted["rate"], refusal=Refusal(**refusal), records=each.records)
        yield (each.first, each.filled_with, each.number), network


def _scored(chained: _Chained, refusing: RefusingNetwork | None, data: Dataset, network: Classifier) -> ScoredNetwork:
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


class _Chained(NamedTuple):
    """A network in its place in a chain, and the first runs against it."""

    path: Path
    header: Mapping[str, Any]
    first: str
    filled_with: str
    number: int
    records: Sequence[RunRecord]


def _chained_runs(classifiers: Sequence[Path], runs: Sequence[Path], measured_runs: int) -> Iterator[_Chained]:
    """Yield every network of every chain with its first ``measured_runs`` runs.

    The first network is yielded once for each filling of the fooling class.

    Raises:
        FoolingError: There are fewer runs against a network.
    """
    by_network = _runs_by_network(runs)
    headers = {path: classifier_header(path) for path in classifiers}
    fillings: dict[str, dict[str, None]] = {}
    for header in headers.values():
        if (place := header["provenance"]["retraining"]) is not None:
            fillings.setdefault(place["first"], {})[place["filled_with"]] = None
    for path, header in headers.items():
        measured = by_network.get(digest_of(path), [])[:measured_runs]
        if len(measured) < measured_runs:
            raise FoolingError(
                f"too few runs against {path}",
                found=f"{len(measured)} runs against this very file",
                expected=f"{measured_runs} measured runs",
            )
        if (place := header["provenance"]["retraining"]) is not None:
            yield _Chained(path, header, place["first"], place["filled_with"], place["number"], measured)
        else:
            for filled_with in fillings.get(header["name"], {}):
                yield _Chained(path, header, header["name"], filled_with, 1, measured)


def _runs_by_network(paths: Sequence[Path]) -> dict[str, list[RunRecord]]:
    """Return the runs in these files, in their order, by the SHA-256 of the network that they attack."""
    found: dict[str, list[RunRecord]] = {}
    for path in paths:
        for record in load_runs(path):
            found.setdefault(record.classifier["sha256"], []).append(record)
    return found
