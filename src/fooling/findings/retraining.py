"""What retraining with a fooling class does: how easily each network of a chain is fooled, and what it costs.

The networks of a chain have learned from each other and are not independent: the chain is the unit of all intervals,
and one chain has none. Each network has runs of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fooling.errors import FoolingError
from fooling.evolution.record import RunRecord
from fooling.findings.intervals import (
    IntervalSettings,
    estimated_mean,
    estimated_median,
    estimated_share,
    estimated_time,
    probability_of,
)
from fooling.findings.tables import ThresholdSettings, at_threshold, champions_table, times_table
from fooling.retraining.settings import FILLINGS

NETWORK = ["retraining", "first", "filled_with", "number"]
CONTROLS = FILLINGS[1:]
RECOGNISED = ["recognised_new", "recognised_old", "real_taken_for_fooling"]


class RetrainingFindingsSettings(IntervalSettings, ThresholdSettings):
    """The threshold, and how intervals are made."""


@dataclass(frozen=True, kw_only=True)
class ChainNetwork:
    """A network of a chain with the runs that measure how easily it is fooled."""

    first: str  # the first network of the chain
    filled_with: str
    number: int
    test_error: float
    fooling_images: int  # that it was trained on
    recognised: Mapping[int, float]  # share taken for fooling: of real test images (0), of those each network supplied
    records: Sequence[RunRecord]


def retrained_table(networks: Sequence[ChainNetwork], *, retraining: str, threshold: float) -> pd.DataFrame:
    """One row for each champion of the measured runs against each network, in the order of the chains.

    ``evaluations`` tells when the median over the classes of its run came to the ``threshold``: nothing if never.
    """
    return pd.concat([_champions_of(network, retraining, threshold) for network in networks], ignore_index=True)


def retraining_table(
    champions: pd.DataFrame, networks: Sequence[ChainNetwork], settings: RetrainingFindingsSettings
) -> pd.DataFrame:
    """One row for each network of each chain, and one for the networks of one number in all chains (``first`` empty).

    Raises :class:`FoolingError` unless all chains have networks of the same numbers with the same number of runs.
    """
    known = pd.DataFrame([_known_of(network) for network in networks])
    retraining = str(champions["retraining"].iloc[0])
    rows = []
    for (filled_with, number), of_all in known.groupby(["filled_with", "number"], sort=False):
        measured = champions[(champions["filled_with"] == filled_with) & (champions["number"] == number)]
        groups = [[first] for first in of_all["first"]] + ([list(of_all["first"])] if len(of_all) > 1 else [])
        for firsts in groups:
            chains = of_all[of_all["first"].isin(firsts)]
            words = {
                "retraining": retraining,
                "first": firsts[0] if len(firsts) == 1 else None,
                "filled_with": filled_with,
                "number": number,
            }
            told = chains[["test_error", "fooling_images", *RECOGNISED]].mean().to_dict()
            found = _measured(measured[measured["first"].isin(firsts)], float(chains["end"].max()), settings)
            rows.append(words | found | told)
    return pd.DataFrame(rows).astype({"fooling_images": "int64", "runs": "int64"})


def effects_table(champions: pd.DataFrame, settings: IntervalSettings) -> pd.DataFrame:
    """How much harder fooling images make it to fool a network than a control does: one row for each control.

    The value is the mean over chains and retrained networks of the difference between the medians, over the runs, of
    the median log-odds over the classes: below 0 where the networks that learned from champions are harder to fool.
    The difference is taken within each chain, which is the unit.
    """
    retraining = str(champions["retraining"].iloc[0])
    retrained = champions[champions["number"] > 1]
    medians = {filled_with: medians_of_chains(rows) for filled_with, rows in retrained.groupby("filled_with")}
    rows = []
    for control in CONTROLS:
        if not {"champions", control} <= medians.keys():
            continue
        differences = medians["champions"] - medians[control]
        found = estimated_mean(differences, level=settings.confidence_level, nested=True, unit="chain")
        chains, networks = differences.shape
        runs = retrained[retrained["filled_with"] == "champions"].groupby(["first", "number", "seed"]).ngroups
        rows.append((retraining, control, found.value, found.low, found.high, chains, networks, runs, found.note))
    columns = ["retraining", "control", "difference", "low", "high", "units", "networks", "runs", "note"]
    return pd.DataFrame(rows, columns=columns)


def medians_of_chains(champions: pd.DataFrame) -> NDArray[np.float64]:
    """Return the medians, over the runs, of the median log-odds over the classes, as (chains, networks)."""
    return np.asarray(np.median(np.median(grid_of_chains(champions, "log_odds"), axis=3), axis=1))


def grid_of_chains(champions: pd.DataFrame, column: str) -> NDArray[np.float64]:
    """A column of the champions of one filling as (chains, runs, networks, classes).

    Raises :class:`FoolingError` unless all chains have as many networks, runs and classes.
    """
    chains = []
    for _, of_chain in champions.groupby("first"):
        networks = [_grid_of_runs(rows, column) for _, rows in of_chain.groupby("number")]
        chains.append(np.stack(networks, axis=1))
    if len(shapes := {chain.shape[:2] for chain in chains}) > 1:
        raise FoolingError(
            "the chains of a retraining do not have the same networks and runs",
            found=" and ".join(f"{runs} runs against {networks} networks" for runs, networks in sorted(shapes)),
        )
    return np.stack(chains)


def _champions_of(network: ChainNetwork, retraining: str, threshold: float) -> pd.DataFrame:
    champions = champions_table(network.records, experiment=retraining)
    times = times_table(network.records, experiment=retraining, threshold=threshold)
    times = times[times["target"] == "median"].set_index("seed")
    reached = times["evaluations"].astype("Int64").where(times["reached"])
    table = champions[["seed", "class_index", "class_name", "confidence", "log_odds"]]
    table = table.assign(evaluations=table["seed"].map(reached))
    table.insert(0, "retraining", retraining)
    table.insert(1, "first", network.first)
    table.insert(2, "filled_with", network.filled_with)
    table.insert(3, "number", network.number)
    return table


def _known_of(network: ChainNetwork) -> dict[str, Any]:
    """What is known of a network without any run."""
    supplied = [share for number, share in sorted(network.recognised.items()) if number > 0]
    return {
        "first": network.first,
        "filled_with": network.filled_with,
        "number": network.number,
        "test_error": network.test_error,
        "fooling_images": network.fooling_images,
        "end": max(int(record.history.evaluations[-1]) for record in network.records),
        "recognised_new": supplied[-1] if supplied else np.nan,
        "recognised_old": float(np.mean(supplied[:-1])) if len(supplied) > 1 else np.nan,
        "real_taken_for_fooling": network.recognised.get(0, 0.0),
    }


def _measured(champions: pd.DataFrame, end: float, settings: RetrainingFindingsSettings) -> dict[str, Any]:
    """How easily the networks of one number are fooled; their runs end after so many evaluations."""
    level = settings.confidence_level

    def grid(column: str) -> NDArray[np.float64]:
        """The column as (chains, runs, classes)."""
        return np.stack([_grid_of_runs(rows, column) for _, rows in champions.groupby("first", sort=False)])

    evaluations = grid("evaluations")[:, :, 0]
    never = np.isnan(evaluations)
    fooled = at_threshold(grid("confidence").astype(np.float32), settings.threshold).mean(axis=2)
    pooled = estimated_median(grid("log_odds"), level=level, nested=True, unit="chain", back=probability_of)
    share = estimated_share(fooled, level=level, nested=True, unit="chain")
    time = estimated_time(np.where(never, np.inf, evaluations), end, level=level, nested=True, unit="chain")
    return {
        **{"units": pooled.units, "runs": pooled.runs},
        **{"median": pooled.value, "median_low": pooled.low, "median_high": pooled.high},
        **{"share": share.value, "share_low": share.low, "share_high": share.high},
        **{"evaluations": time.value, "evaluations_low": time.low, "evaluations_high": time.high},
        "reached": 1 - float(never.mean()),
        "note": pooled.note,
    }


def _grid_of_runs(champions: pd.DataFrame, column: str) -> NDArray[np.float64]:
    """A column of one network's champions as (runs, classes)."""
    values = champions.sort_values(["seed", "class_index"])[column].to_numpy(dtype=np.float64, na_value=np.nan)
    return values.reshape(champions["seed"].nunique(), -1)
