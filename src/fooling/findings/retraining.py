"""Retraining with a fooling class: how easily each network of a chain is fooled, and the cost in test error.

The networks of a chain are trained on images that fooled earlier ones and are not independent. The chain is therefore
the unit of all intervals, and a single chain has no interval. Each network has its own runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fooling.attacks.evolution.record import RunRecord
from fooling.findings.intervals import (
    IntervalSettings,
    estimated_mean,
    estimated_median,
    estimated_share,
    estimated_time,
    probability_of,
)
from fooling.findings.registry import CLASS, CONFIDENCE, LOG_ODDS, SEED
from fooling.findings.runs import ThresholdSettings, at_threshold, champions_table, times_table
from fooling.messages import FoolingError
from fooling.retraining.settings import FILLINGS
from fooling.table import (
    COUNT,
    FOUND,
    NUMBER,
    SHARE,
    TEXT,
    Column,
    Table,
    bounds,
    names_of,
    one_of,
    or_nothing,
    with_bounds,
)

CONTROLS = FILLINGS[1:]

RETRAINING_NAME = Column("retraining", TEXT, doc="Name of the retraining in the study's configuration.")
FIRST = Column("first", TEXT, doc="First network of the chain.")
FILLED_WITH = Column(
    "filled_with",
    one_of(*FILLINGS),
    doc="What the fooling class of the chain holds ([the fillings](retraining.md#what-the-fooling-class-holds)).",
)
NUMBER_IN_CHAIN = Column("number", COUNT, doc="Number of the network in its chain; the first one is 1.")
#: What identifies a network of a chain.
CHAIN_NETWORK = (RETRAINING_NAME, FIRST, FILLED_WITH, NUMBER_IN_CHAIN)
#: The same in tables that also have rows for all chains together.
CHAIN_NETWORKS = (
    RETRAINING_NAME,
    *or_nothing(FIRST, doc="empty in rows for all chains together."),
    *(FILLED_WITH, NUMBER_IN_CHAIN),
)
CHAINS = Column("units", COUNT, unit="chains", doc="Number of chains, which are the independent units.")
RUNS_OF_CHAINS = Column("runs", COUNT, unit="runs", doc="Number of measured runs in all chains.")
NOTE_ON_CHAINS = Column("note", TEXT.or_nothing, doc="Why there is no interval: it needs three chains.")

RETRAINED = Table(
    name="retrained",
    path="findings/retraining/{retraining}.champions.parquet",
    commands=("tabulate-retraining",),
    columns=(
        *(*CHAIN_NETWORK, SEED, *CLASS, CONFIDENCE, LOG_ODDS),
        Column(
            "evaluations",
            COUNT.or_nothing,
            unit="images",
            doc="Images scored until the median over the classes of this run reached the threshold; empty if it never "
            "did.",
        ),
    ),
    key=(*names_of(CHAIN_NETWORK), "seed", "class_index"),
    doc="One row for each champion of each measured run against each network of each chain, after "
    "`search.generations`. The first network is listed in every chain that begins with it.",
)
_RECOGNISED = (
    *or_nothing(
        Column(
            "recognised_new",
            SHARE,
            doc="Share of the fooling test images evolved against the previous network that this network assigns to "
            "the fooling class.",
        ),
        Column(
            "recognised_old",
            SHARE,
            doc="The same share for the fooling test images evolved against all earlier networks.",
        ),
        doc="empty if there are none.",
    ),
    Column("real_as_fooling", SHARE, doc="Share of the real test images that it assigns to the fooling class."),
)
RETRAINING = Table(
    name="retraining",
    path="findings/retraining/{retraining}.networks.csv",
    commands=("tabulate-retraining",),
    columns=(
        *(*CHAIN_NETWORKS, CHAINS, RUNS_OF_CHAINS),
        *with_bounds(
            Column(
                "median",
                SHARE,
                doc="Mean over the chains (of log-odds) of the median confidence of all champions.",
            )
        ),
        *with_bounds(Column("share", SHARE, doc="Share of the champions at or above the threshold.")),
        *with_bounds(
            Column(
                "evaluations",
                FOUND,
                unit="images",
                doc="Geometric mean of the images scored until the median over the classes reached the threshold; "
                "`inf` if it did in no run; empty if it did in fewer than four fifths of the runs, or in no run of a "
                "chain.",
            )
        ),
        Column("reached", SHARE, doc="Share of the runs in which it reached the threshold."),
        NOTE_ON_CHAINS,
        Column("test_error", SHARE, doc="Test error on real images; the mean for several chains."),
        Column("fooling_images", COUNT, unit="images", doc="Number of fooling images that it was trained on."),
        *_RECOGNISED,
    ),
    key=tuple(names_of(CHAIN_NETWORK)),
    doc="One row for each network of each chain. If there are several chains, there is another row for all of their "
    "networks with the same number.",
)
EFFECTS = Table(
    name="effects",
    path="findings/retraining/{retraining}.effects.csv",
    commands=("tabulate-retraining",),
    columns=(
        RETRAINING_NAME,
        Column("control", one_of(*CONTROLS), doc="Filling with which the filling `champions` is compared."),
        Column(
            "difference",
            NUMBER,
            unit="log-odds",
            doc="Difference between the filling `champions` and the control, averaged over chains and retrained "
            "networks, of the median over the runs of the median log-odds over the classes. It is negative if "
            "retraining on champions makes networks harder to fool.",
        ),
        *bounds(NUMBER),
        CHAINS,
        Column("networks", COUNT, doc="Number of retrained networks in each chain."),
        Column(
            "runs",
            COUNT,
            unit="runs",
            doc="Number of measured runs against the networks retrained on champions, in all chains.",
        ),
        NOTE_ON_CHAINS,
    ),
    key=("retraining", "control"),
    may_be_empty=True,
    doc="One row for each control: whether networks retrained on champions are harder to fool than the control's.",
)


class RetrainingFindingsSettings(IntervalSettings, ThresholdSettings):
    """The threshold, and the intervals."""


@dataclass(frozen=True, kw_only=True)
class ChainNetwork:
    """A network of a chain with the runs that measure how easily it is fooled."""

    first: str  # the first network of the chain
    filled_with: str
    number: int
    test_error: float
    fooling_images: int  # that it was trained on
    recognised: Mapping[int, float]  # share assigned to the fooling class, by supplying network; 0: real test images
    records: Sequence[RunRecord]


def retrained_table(networks: Sequence[ChainNetwork], *, retraining: str, threshold: float) -> pd.DataFrame:
    """Return one row for each champion of the measured runs against each network, in the order of the chains.

    ``evaluations`` are those until the median over the classes of its run reached the ``threshold``; missing if it
    never did.
    """
    return pd.concat([_champions_of(network, retraining, threshold) for network in networks], ignore_index=True)


def retraining_table(
    champions: pd.DataFrame, networks: Sequence[ChainNetwork], settings: RetrainingFindingsSettings
) -> pd.DataFrame:
    """Return one row for each network of each chain, and one for all networks with the same number.

    In the rows for all chains, ``first`` is empty.

    Raises:
        FoolingError: The chains have different networks, or different numbers of runs.
    """
    known = pd.DataFrame([_facts_of(network) for network in networks])
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
            facts = chains[["test_error", "fooling_images", *names_of(_RECOGNISED)]].mean().to_dict()
            found = _measured(measured[measured["first"].isin(firsts)], float(chains["end"].max()), settings)
            rows.append(words | found | facts)
    return pd.DataFrame(rows).astype({"fooling_images": "int64", "runs": "int64"})


def effects_table(champions: pd.DataFrame, settings: IntervalSettings) -> pd.DataFrame:
    """Return the effect of retraining on champions compared with each control, one row each.

    The effect is a difference in log-odds: of the median over the runs of the median over the classes, averaged over
    chains and retrained networks. It is negative if networks retrained on champions are harder to fool. The difference
    is taken within each chain; chains are the units.
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
    return pd.DataFrame(rows, columns=EFFECTS.names)


def medians_of_chains(champions: pd.DataFrame) -> NDArray[np.float64]:
    """Return the medians, over the runs, of the median log-odds over the classes, as (chains, networks)."""
    return np.asarray(np.median(np.median(grid_of_chains(champions, "log_odds"), axis=3), axis=1))


def grid_of_chains(champions: pd.DataFrame, column: str) -> NDArray[np.float64]:
    """Return a column of the champions of one filling as (chains, runs, networks, classes).

    Raises:
        FoolingError: The chains have different numbers of networks or runs.
    """
    chains = []
    for _, of_chain in champions.groupby("first"):
        networks = [_grid_of_runs(rows, column) for _, rows in of_chain.groupby("number")]
        chains.append(np.stack(networks, axis=1))
    if len(shapes := {chain.shape[:2] for chain in chains}) > 1:
        raise FoolingError(
            "the chains of a retraining have different networks or runs",
            found=" and ".join(f"{runs} runs against {networks} networks" for runs, networks in sorted(shapes)),
        )
    return np.stack(chains)


def _champions_of(network: ChainNetwork, retraining: str, threshold: float) -> pd.DataFrame:
    champions = champions_table(network.records, experiment=retraining)
    times = times_table(network.records, experiment=retraining, threshold=threshold)
    times = times[times["target"] == "median"].set_index("seed")
    reached = times["evaluations"].astype("Int64").where(times["reached"])
    return champions.assign(
        retraining=retraining,
        first=network.first,
        filled_with=network.filled_with,
        number=network.number,
        evaluations=champions["seed"].map(reached),
    )[RETRAINED.names]


def _facts_of(network: ChainNetwork) -> dict[str, Any]:
    """Return the facts about a network that do not depend on its runs, and the end of these."""
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
        "real_as_fooling": network.recognised.get(0, 0.0),
    }


def _measured(champions: pd.DataFrame, end: float, settings: RetrainingFindingsSettings) -> dict[str, Any]:
    """Measure how easily the networks with one number are fooled; their runs end after ``end`` evaluations."""
    level = settings.confidence_level

    def grid(column: str) -> NDArray[np.float64]:
        """Return the column as (chains, runs, classes)."""
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
    """Return a column of one network's champions as (runs, classes)."""
    values = champions.sort_values(["seed", "class_index"])[column].to_numpy(dtype=np.float64, na_value=np.nan)
    return values.reshape(champions["seed"].nunique(), -1)
