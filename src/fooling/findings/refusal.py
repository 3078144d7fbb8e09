"""Are champions refused where every network refuses equally many real images? Networks of chains at equal rates.

::

    champions at hand, scored with the constant    not adaptive: evolution never met the constant
    champions evolved against the network with it  adaptive
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fooling.evolution.record import RunRecord
from fooling.findings.intervals import IntervalSettings, estimated_mean, estimated_share
from fooling.findings.retraining import CHAIN_NETWORKS, CHAINS, NOTE_ON_CHAINS, RUNS_OF_CHAINS
from fooling.table import COUNT, NUMBER, SHARE, Column, Table, names_of, one_of, with_bounds

if TYPE_CHECKING:
    from fooling.classifiers.refusal import Refusal

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
        Column("rate", SHARE, doc="Share of the real images that is to be refused."),
        Column(
            "attack",
            one_of(NOT_ADAPTIVE, ADAPTIVE),
            doc="`not adaptive`: the champions of the measured runs, which never met the constant, are scored with it; "
            "`adaptive`: champions that were evolved against the network with the constant.",
        ),
        Column("shift", NUMBER.or_nothing, unit="log-odds", doc="The constant; empty for several chains."),
        *_FACTS,
        Column("generations", COUNT, unit="generations", doc="Length of the runs."),
        *with_bounds(
            Column(
                "accepted",
                SHARE,
                doc="Share of the champions that are accepted: the fooling class is not their most probable one. Over "
                "chains with Clopper and Pearson's interval, whose trials are the chains.",
            )
        ),
        *with_bounds(
            Column(
                "log_odds",
                NUMBER,
                unit="log-odds",
                doc="Median log-odds of all champions among the real classes alone, accepted or not; over chains the "
                "mean of their medians, with Student's t interval.",
            )
        ),
        *(CHAINS, RUNS_OF_CHAINS, NOTE_ON_CHAINS),
    ),
    key=(*names_of(CHAIN_NETWORKS), "rate", "attack"),
    doc="One row for each network of each chain, refusal rate and attack; where there are several chains, one more for "
    "their networks of one number. Only with `refusal`. A constant on the logit of the fooling class makes each "
    "network refuse `rate` of the real images; it is fitted on half of the test images. A network without that class "
    "refuses the images whose largest logit is below the constant.",
)


@dataclass(frozen=True, kw_only=True)
class RefusingNetwork:
    """The last network of a chain with its constant, and the runs against it."""

    rate: float
    refusal: Refusal
    records: Sequence[RunRecord]


@dataclass(frozen=True, kw_only=True)
class JudgedNetwork:
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
        """Whether it has no fooling class."""
        return bool(self.logits.shape[1] == self.classes)


def refusal_table(
    networks: Sequence[JudgedNetwork],
    *,
    retraining: str,
    rates: Sequence[float],
    seed: int,
    settings: IntervalSettings,
) -> pd.DataFrame:
    """One row for each network, rate and attack, and one for the networks of one number in all chains.

    ``seed`` halves the test images: the constant is fitted on one half, refusal and error are those of the other.
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
            rows.append(place | _summed_up(found[found["first"].isin(firsts)], settings))
    return pd.DataFrame(rows)


def log_odds_of_real_classes(record: RunRecord) -> NDArray[np.float64]:
    """Log-odds (K,) of every champion's class among the real classes alone, without a fooling class."""
    classes = len(record.class_names)
    logits = record.logits[:, :classes].astype(np.float64)
    others = np.where(np.eye(classes, dtype=bool), -np.inf, logits)
    return np.asarray(np.diagonal(logits) - np.logaddexp.reduce(others, axis=1))


def _rows_of(network: JudgedNetwork, rates: Sequence[float], seed: int) -> Iterator[dict[str, Any]]:
    """What is known of one network with each constant."""
    from fooling.retraining.refusal import fitted_refusal, halves, refused  # and torch, which readers do not need

    fitted, _ = halves(len(network.logits), seed=seed)
    for rate in rates:
        refusal = fitted_refusal(network.logits[fitted], rate, appended=network.appended)
        accepted = [1 - refused(record.logits, refusal).mean() for record in network.records]
        yield _row(network, refusal, seed, network.records, accepted, rate=rate, attack=NOT_ADAPTIVE)
    if (met := network.refusing) is not None:
        # These champions were scored with the constant: their logits hold it.
        accepted = [1 - (record.logits.argmax(axis=1) == network.classes).mean() for record in met.records]
        yield _row(network, met.refusal, seed, met.records, accepted, rate=met.rate, attack=ADAPTIVE)


def _row(
    network: JudgedNetwork,
    refusal: Refusal,
    seed: int,
    records: Sequence[RunRecord],
    accepted: Sequence[float],
    **place: Any,
) -> dict[str, Any]:
    from fooling.retraining.refusal import halves, refused

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


def _summed_up(found: pd.DataFrame, settings: IntervalSettings) -> dict[str, Any]:
    """The chains in ``found`` together; of a single one its own values."""
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
