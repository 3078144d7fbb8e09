"""What a larger budget changes: how the confidence grows with the evaluations against the last networks of chains."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fooling.errors import FoolingError
from fooling.evolution.record import RunRecord
from fooling.findings.columns import EVALUATIONS, GENERATION
from fooling.findings.intervals import IntervalSettings, estimated_mean, probability_of
from fooling.findings.retraining import CHAIN_NETWORKS, CHAINS, NOTE_ON_CHAINS, RUNS_OF_CHAINS
from fooling.table import SHARE, Column, Table, names_of, with_bounds

BUDGET = Table(
    name="budget",
    path="findings/retraining/{retraining}.budget.csv",
    commands=("tabulate-budget",),
    columns=(
        *(*CHAIN_NETWORKS, GENERATION, EVALUATIONS),
        *with_bounds(
            Column(
                "median",
                SHARE,
                doc="Confidence at the median log-odds of all champions; over chains at the mean of their medians, "
                "with Student's t interval.",
            )
        ),
        *(CHAINS, RUNS_OF_CHAINS, NOTE_ON_CHAINS),
    ),
    key=(*names_of(CHAIN_NETWORKS), "generation"),
    doc="One row for each generation that the histories of the runs against the last network of each chain keep; where "
    "there are several chains, one more for all of one filling. Only with `measured_generations`.",
)


def read_at(record: RunRecord, generation: int) -> RunRecord:
    """Return ``record`` with the confidences, log-odds and history that it had after this ``generation``.

    A run that ends no later is returned as it is. Images, genomes, logits and lineage stay those of the end. Raises
    :class:`FoolingError` where the history does not keep that generation.
    """
    history = record.history
    if generation >= history.generations[-1]:
        return record
    kept = int((history.generations <= generation).sum())
    if history.generations[kept - 1] != generation:
        raise FoolingError(
            f"the run of seed {record.seed} does not keep generation {generation}",
            found=f"generations {history.generations[kept - 1]} and {history.generations[kept]}",
            expected="a generation that its history keeps",
        )
    shorter = {column.name: getattr(history, column.name)[:kept] for column in dataclasses.fields(history)}
    return dataclasses.replace(
        record,
        history=type(history)(**shorter),
        confidences=history.confidences[kept - 1],
        log_odds=history.log_odds[kept - 1],
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class LastNetwork:
    """The last network of a chain and the runs against it."""

    first: str  # the first network of the chain
    filled_with: str
    number: int
    records: Sequence[RunRecord]


def budget_table(networks: Sequence[LastNetwork], *, retraining: str, settings: IntervalSettings) -> pd.DataFrame:
    """One row for each kept generation of each last network, and one for all chains of one filling.

    ``median`` is the confidence at the median log-odds of all champions; over chains, at the mean of their medians.
    """
    rows: list[dict[str, Any]] = []
    for filled_with in dict.fromkeys(network.filled_with for network in networks):
        chains = [network for network in networks if network.filled_with == filled_with]
        for group in [[chain] for chain in chains] + ([chains] if len(chains) > 1 else []):
            first = group[0].first if len(group) == 1 else None
            place = {"retraining": retraining, "first": first, "filled_with": filled_with, "number": group[0].number}
            rows += _rows_of(group, place, settings)
    return pd.DataFrame(rows)


def _rows_of(chains: Sequence[LastNetwork], place: dict[str, Any], settings: IntervalSettings) -> list[dict[str, Any]]:
    medians = np.stack([_medians(chain.records) for chain in chains])  # (chains, generations)
    history = chains[0].records[0].history
    rows = []
    for generation, evaluations, values in zip(
        history.generations.tolist(), history.evaluations.tolist(), medians.T, strict=True
    ):
        found = estimated_mean(
            values[:, None], level=settings.confidence_level, nested=True, unit="chain", back=probability_of
        )
        rows.append(
            {
                **place,
                "generation": generation,
                "evaluations": evaluations,
                **{"median": found.value, "median_low": found.low, "median_high": found.high},
                "units": len(chains),
                "runs": sum(len(chain.records) for chain in chains),
                "note": found.note,
            }
        )
    return rows


def _medians(records: Sequence[RunRecord]) -> NDArray[np.float64]:
    """The median log-odds (T,) of all champions of these runs, generation by generation."""
    return np.asarray(np.median(np.stack([record.history.log_odds for record in records]), axis=(0, 2)))
