"""Tell how easily the networks of one retraining are fooled, and whether the fooling class makes it harder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fooling.artifacts import write_table
from fooling.classifiers.header import classifier_header
from fooling.errors import FoolingError
from fooling.evolution.batch import load_runs
from fooling.evolution.record import RunRecord
from fooling.findings.retraining import (
    ChainNetwork,
    RetrainingFindingsSettings,
    effects_table,
    retrained_table,
    retraining_table,
)
from fooling.inputs import digest_of
from fooling.progress import say
from fooling.settings import read_settings


def tabulate_retraining(
    classifiers: list[Path],
    *,
    runs: list[Path],
    retraining: str,
    measured_runs: int,
    settings: str,
    champions: Path,
    networks: Path,
    effects: Path,
) -> None:
    """Tabulate the first ``measured_runs`` of the ``runs`` against each of the ``classifiers``, all of its chains."""
    checked = read_settings(RetrainingFindingsSettings, settings)
    found = list(_chain_networks(classifiers, _runs_by_network(runs), measured_runs))
    table = retrained_table(found, retraining=retraining, threshold=checked.threshold)
    summary, differences = retraining_table(table, found, checked), effects_table(table, checked)
    write_table(champions, table)
    write_table(networks, summary)
    write_table(effects, differences)
    last = summary[summary["number"] == summary["number"].max()]
    told = "; ".join(f"filled with {row.filled_with}: median {row.median:.4f}" for row in last.itertuples())
    say(f"{retraining}, network {int(last['number'].iloc[0])}, {told}; written to {networks}")


def _runs_by_network(paths: Sequence[Path]) -> dict[str, list[RunRecord]]:
    """The runs in these files, in their order, by the SHA-256 of the network that they are against."""
    found: dict[str, list[RunRecord]] = {}
    for path in paths:
        for record in load_runs(path):
            found.setdefault(record.classifier["sha256"], []).append(record)
    return found


def _chain_networks(
    classifiers: Sequence[Path], runs: Mapping[str, Sequence[RunRecord]], measured_runs: int
) -> Iterator[ChainNetwork]:
    """Every network of every chain; the first one once for each filling."""
    headers = {path: classifier_header(path) for path in classifiers}
    fillings: dict[str, dict[str, None]] = {}
    for header in headers.values():
        if (place := header["provenance"]["retraining"]) is not None:
            fillings.setdefault(place["first"], {})[place["filled_with"]] = None
    for path, header in headers.items():
        measured = runs.get(digest_of(path), [])[:measured_runs]
        if len(measured) < measured_runs:
            raise FoolingError(
                f"there are too few runs against {path}",
                found=f"{len(measured)} runs against this very file",
                expected=f"{measured_runs} measured runs",
            )
        place = header["provenance"]["retraining"] or {"first": header["name"], "number": 1}
        for filled_with in [place["filled_with"]] if "filled_with" in place else fillings.get(header["name"], {}):
            yield _chain_network(header, {**place, "filled_with": filled_with}, measured)


def _chain_network(header: Mapping[str, Any], place: Mapping[str, Any], records: Sequence[RunRecord]) -> ChainNetwork:
    return ChainNetwork(
        first=place["first"],
        filled_with=place["filled_with"],
        number=place["number"],
        test_error=header["provenance"]["test_error"],
        fooling_images=place.get("fooling_images", 0),
        recognised={source["supplied_by"]: source["share"] for source in place.get("recognised", ())},
        records=records,
    )
