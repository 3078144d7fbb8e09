"""Read the networks of all chains of a retraining with the runs against them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from fooling.attacks.evolution.record import RunRecord, load_runs
from fooling.classifiers.header import classifier_header
from fooling.errors import FoolingError
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
            yield Chained(path, header, place["first"], place["filled_with"], place["number"], measured)
        else:
            for filled_with in fillings.get(header["name"], {}):
                yield Chained(path, header, header["name"], filled_with, 1, measured)


def _runs_by_network(paths: Sequence[Path]) -> dict[str, list[RunRecord]]:
    """Return the runs in these files, in their order, by the SHA-256 of the network that they attack."""
    found: dict[str, list[RunRecord]] = {}
    for path in paths:
        for record in load_runs(path):
            found.setdefault(record.classifier["sha256"], []).append(record)
    return found
