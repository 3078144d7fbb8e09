"""What the commands that tabulate chains share: every network of every chain with the runs against it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from fooling.classifiers.header import classifier_header
from fooling.errors import FoolingError
from fooling.evolution.batch import load_runs
from fooling.evolution.record import RunRecord
from fooling.inputs import digest_of


class Chained(NamedTuple):
    """A network in its place in a chain, and the first runs against it."""

    path: Path
    header: Mapping[str, Any]
    first: str
    filled_with: str
    number: int
    records: Sequence[RunRecord]


def chained_runs(classifiers: Sequence[Path], runs: Sequence[Path], measured_runs: int) -> Iterator[Chained]:
    """Every network of every chain with its first ``measured_runs``; the first network once for each filling.

    Raises :class:`FoolingError` for a network with fewer runs.
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
                f"there are too few runs against {path}",
                found=f"{len(measured)} runs against this very file",
                expected=f"{measured_runs} measured runs",
            )
        if (place := header["provenance"]["retraining"]) is not None:
            yield Chained(path, header, place["first"], place["filled_with"], place["number"], measured)
        else:
            for filled_with in fillings.get(header["name"], {}):
                yield Chained(path, header, header["name"], filled_with, 1, measured)


def _runs_by_network(paths: Sequence[Path]) -> dict[str, list[RunRecord]]:
    """The runs in these files, in their order, by the SHA-256 of the network that they are against."""
    found: dict[str, list[RunRecord]] = {}
    for path in paths:
        for record in load_runs(path):
            found.setdefault(record.classifier["sha256"], []).append(record)
    return found
