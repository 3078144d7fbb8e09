"""Stronger attacks on networks of chains: larger budgets, and champions at equal refusal rates.

A *refusing* network has a constant on the logit of the fooling class, so that every network refuses the same share of
real images. The attack on it is adaptive if evolution ran against the network with its constant::

    existing champions, scored with the constant           not adaptive
    champions evolved against the network with it          adaptive
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fooling.attacks.evolution.record import RunRecord
from fooling.findings.intervals import IntervalSettings, estimated_mean, estimated_share, probability_of
from fooling.findings.registry import EVALUATIONS, GENERATION
from fooling.findings.retraining import CHAIN_NETWORKS, CHAINS, NOTE_ON_CHAINS, RUNS_OF_CHAINS
from fooling.messages import FoolingError
from fooling.table import COUNT, NUMBER, SHARE, Column, Table, names_of, one_of, with_bounds

if TYPE_CHECKING:
    from fooling.classifiers.classifier import Refusal


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
    doc="One row for each generation in the histories of the runs against the last network of each chain. If there are "
    "several chains, there is another row for all chains of one filling. Only with `measured_generations`.",
)


NOT_ADAPTIVE, ADAPTIVE = "not adaptive", "adaptive"  # whether evolution met the constant
_FACTS = (
    Column(
        "refused_fitted", SHARE, doc="Share of the test images refused, on the half on which the constant was fitted."
    ),
    Column("refused", SHARE, doc="Share of the test images refused, on the other half."),
    Column("error", SHARE, doc="Share of the other half that is accepted as a wrong class."),
)
REFUSAL = Table(
    name="refusal",
    path="findings/retraining/{retraining}.refusal.csv",
    commands=("tabulate-refusal",),
    columns=(
        *CHAIN_NETWORKS,
        Column("rate", SHARE, doc="Refusal rate: share of the real images that the network is to refuse."),
        Column(
            "attack",
            one_of(NOT_ADAPTIVE, ADAPTIVE),
            doc="`not adaptive`: the champions of the measured runs, evolved without the constant, are scored with it; "
            "`adaptive`: champions evolved against the network with the constant.",
        ),
        Column("shift", NUMBER.or_nothing, unit="log-odds", doc="The constant; empty for several chains."),
        *_FACTS,
        Column("generations", COUNT, unit="generations", doc="Length of the runs."),
        *with_bounds(
            Column(
                "accepted",
                SHARE,
                doc="Share of the champions that are accepted: their most probable class is not the fooling class. For "
                "several chains, with Clopper and Pearson's interval and chains as trials.",
            )
        ),
        *with_bounds(
            Column(
                "log_odds",
                NUMBER,
                unit="log-odds",
                doc="Median log-odds of all champions, accepted or not, among the real classes only; for several "
                "chains, the mean of their medians, with Student's t interval.",
            )
        ),
        *(CHAINS, RUNS_OF_CHAINS, NOTE_ON_CHAINS),
    ),
    key=(*names_of(CHAIN_NETWORKS), "rate", "attack"),
    doc="One row for each network of each chain, refusal rate and attack. If there are several chains, there is "
    "another row for all of their networks with the same number. Only with `refusal`. A constant added to the logit of "
    "the fooling class makes each network refuse `rate` of the real images; it is fitted on half of the test images. A "
    "network without that class refuses the images whose largest logit is below the constant.",
)


def record_at(record: RunRecord, generation: int) -> RunRecord:
    """Return ``record`` with the confidences, log-odds and history that it had after ``generation``.

    A run that ended by then is returned unchanged. Images, genomes, logits and lineage remain those of the end.

    Raises:
        FoolingError: The history does not contain the generation.
    """
    history = record.history
    if generation >= history.generations[-1]:
        return record
    kept = int((history.generations <= generation).sum())
    if history.generations[kept - 1] != generation:
        raise FoolingError(
            f"the history of the run with seed {record.seed} does not contain generation {generation}",
            found=f"generations {history.generations[kept - 1]} and {history.generations[kept]}",
            expected="a generation in its history",
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
    """Return one row for each generation in the history of each last network, and for all chains of one filling.

    ``median`` is the confidence at the median log-odds of all champions; over chains, at the mean of their medians.
    """
    rows: list[dict[str, Any]] = []
    for filled_with in dict.fromkeys(network.filled_with for network in networks):
        chains = [network for network in networks if network.filled_with == filled_with]
        for group in [[chain] for chain in chains] + ([chains] if len(chains) > 1 else []):
            first = group[0].first if len(group) == 1 else None
            place = {"retraining": retraining, "first": first, "filled_with": filled_with, "number": group[0].number}
            rows += _rows_by_generation(group, place, settings)
    return pd.DataFrame(rows)


def _rows_by_generation(
    chains: Sequence[LastNetwork], place: dict[str, Any], settings: IntervalSettings
) -> list[dict[str, Any]]:
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
    """Return the median log-odds (T,) of all champions of these runs at each generation."""
    return np.asarray(np.median(np.stack([record.history.log_odds for record in records]), axis=(0, 2)))


@dataclass(frozen=True, kw_only=True)
class RefusingNetwork:
    """The last network of a chain with its constant, and the runs against it."""

    rate: float
    refusal: Refusal
    records: Sequence[RunRecord]


@dataclass(frozen=True, kw_only=True)
class ScoredNetwork:
    """A network of a chain, its logits for the real test images, and the runs against it without a constant."""

    first: str  # the first network of the chain
    filled_with: str
    number: int
    classes: int  # real ones
    logits: NDArray[np.float32]  # (N, L) for the test images
    labels: NDArray[np.int64]  # (N,)
    records: Sequence[RunRecord]
    refusing: RefusingNetwork | None = None

    @property
    def appended(self) -> bool:
        """Whether it has no fooling class, so that refusal is an appended class."""
        return bool(self.logits.shape[1] == self.classes)


def refusal_table(
    networks: Sequence[ScoredNetwork],
    *,
    retraining: str,
    rates: Sequence[float],
    seed: int,
    settings: IntervalSettings,
) -> pd.DataFrame:
    """Return one row for each network, rate and attack, and for all networks with one number.

    ``seed`` splits the test images into halves: the constant is fitted on one half; refusal and error are measured on
    the other.
    """
    single = pd.DataFrame([row for network in networks for row in _rows_of(network, rates, seed)])
    rows = []
    for (filled_with, number, rate, attack), found in single.groupby(
        ["filled_with", "number", "rate", "attack"], sort=False
    ):
        groups = [[first] for first in found["first"]] + ([list(found["first"])] if len(found) > 1 else [])
        for firsts in groups:
            place = {
                "retraining": retraining,
                "first": firsts[0] if len(firsts) == 1 else None,
                "filled_with": filled_with,
                "number": number,
                "rate": rate,
                "attack": attack,
            }
            rows.append(place | _over_chains(found[found["first"].isin(firsts)], settings))
    return pd.DataFrame(rows)


def log_odds_of_real_classes(record: RunRecord) -> NDArray[np.float64]:
    """Return the log-odds (K,) of every champion's class among the real classes, without the fooling class."""
    classes = len(record.class_names)
    logits = record.logits[:, :classes].astype(np.float64)
    others = np.where(np.eye(classes, dtype=bool), -np.inf, logits)
    return np.asarray(np.diagonal(logits) - np.logaddexp.reduce(others, axis=1))


def _rows_of(network: ScoredNetwork, rates: Sequence[float], seed: int) -> Iterator[dict[str, Any]]:
    """Yield the rows of one network, one for each rate and attack."""
    from fooling.retraining.fooling_class import (  # imports torch, which readers do not need
        fitted_refusal,
        halves,
        refused,
    )

    fitted, _ = halves(len(network.logits), seed=seed)
    for rate in rates:
        refusal = fitted_refusal(network.logits[fitted], rate, appended=network.appended)
        accepted = [1 - refused(record.logits, refusal).mean() for record in network.records]
        yield _row(network, refusal, seed, network.records, accepted, rate=rate, attack=NOT_ADAPTIVE)
    if (met := network.refusing) is not None:
        # These champions were scored with the constant: it is part of their logits.
        accepted = [1 - (record.logits.argmax(axis=1) == network.classes).mean() for record in met.records]
        yield _row(network, met.refusal, seed, met.records, accepted, rate=met.rate, attack=ADAPTIVE)


def _row(
    network: ScoredNetwork,
    refusal: Refusal,
    seed: int,
    records: Sequence[RunRecord],
    accepted: Sequence[float],
    **place: Any,
) -> dict[str, Any]:
    from fooling.retraining.fooling_class import halves, refused

    fitted, kept_back = halves(len(network.logits), seed=seed)
    are_refused = refused(network.logits, refusal)
    wrong = network.logits[:, : network.classes].argmax(axis=1) != network.labels
    return {
        "first": network.first,
        "filled_with": network.filled_with,
        "number": network.number,
        **place,
        "shift": refusal.shift,
        "refused_fitted": float(are_refused[fitted].mean()),
        "refused": float(are_refused[kept_back].mean()),
        "error": float((wrong & ~are_refused)[kept_back].mean()),
        "generations": max(int(record.history.generations[-1]) for record in records),
        "accepted": float(np.mean(accepted)),
        "log_odds": float(np.median([log_odds_of_real_classes(record) for record in records])),
        "runs": len(records),
    }


def _over_chains(found: pd.DataFrame, settings: IntervalSettings) -> dict[str, Any]:
    """Return the estimates over the chains in ``found``; for a single chain, its own values."""
    chains = len(found)
    values = found[["accepted", "log_odds"]].to_numpy(dtype=np.float64)
    accepted = estimated_share(values[:, :1], level=settings.confidence_level, nested=True, unit="chain")
    log_odds = estimated_mean(values[:, 1:], level=settings.confidence_level, nested=True, unit="chain")
    return {
        "shift": float(found["shift"].iloc[0]) if chains == 1 else np.nan,
        **{name: float(found[name].mean()) for name in names_of(_FACTS)},
        "generations": int(found["generations"].max()),
        **{"accepted": accepted.value, "accepted_low": accepted.low, "accepted_high": accepted.high},
        **{"log_odds": log_odds.value, "log_odds_low": log_odds.low, "log_odds_high": log_odds.high},
        "units": chains,
        "runs": int(found["runs"].sum()),
        "note": accepted.note,
    }
