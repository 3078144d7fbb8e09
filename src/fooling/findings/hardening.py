"""Ways of training that may make a network harder to fool, compared with plain networks.

Evolution ran against each of the networks, so the numbers are adaptive. At equal refusal each network refuses images
below a confidence of its own, which all but a given share of its correctly classified real test images have. Evolution
would raise the same confidence against a network with such a threshold, so these numbers are adaptive too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from fooling.findings.bounds import Array
from fooling.findings.calibration import CalibrationSettings
from fooling.findings.intervals import Estimate, IntervalSettings, estimated_mean, estimated_share, probability_of
from fooling.findings.registry import CLASSIFIER, EXPERIMENT, RUNS_ON_CLASSIFIER, SEARCH
from fooling.findings.runs import ThresholdSettings, at_threshold
from fooling.messages import FoolingError
from fooling.settings import Settings
from fooling.table import COUNT, NUMBER, SHARE, TEXT, Column, Table, Values, bounds, with_bounds
from fooling.training.settings import PLAIN, hardening_of, passes_of

FOOLING_CLASS = "fooling class"  # followed by its filling: a way to harden a network
SEARCHES = ("map-elites", "random-search")  # that are compared


def _difference(column: str, *, unit: str) -> tuple[Column, Column, Column]:
    """Return the columns of the difference to plain networks, with its interval."""
    meant = Column(
        f"{column}_difference",
        NUMBER.or_nothing,
        unit=unit,
        doc=f"Mean difference of `{column}` to the plain counterparts; empty if there are none.",
    )
    return (meant, *bounds(NUMBER, of=meant.name, unit=unit))


_WAY = Column(
    "way",
    TEXT,
    doc="How the network was trained: as in `classifiers`, or `fooling class` and what fills it, for the last networks "
    "of chains of retraining.",
)
_PASSES = Column(
    "passes",
    Values(kind="number", least=1).or_nothing,
    doc="Images that pass through the network, forwards and backwards, for each real image in training: the cost in "
    "time. Empty for a fooling class, whose cost is the evolution of its images.",
)
_AT_THRESHOLD = Column("at_threshold", SHARE, doc="Share of the champions at or above `findings.threshold`, 99.99 %.")
_REFUSED = Column(
    "refused",
    SHARE.or_nothing,
    doc="Share of the correctly classified real test images that are refused, on the half on which the threshold was "
    "not fitted; empty without a threshold.",
)
_ACCEPTED = Column(
    "accepted", SHARE.or_nothing, doc="Share of the champions at or above the threshold; empty without a threshold."
)
_EXCESS = Column(
    "excess",
    NUMBER.or_nothing,
    unit="log-odds",
    doc="Median log-odds of the champions minus the threshold; below 0 the median champion is refused. Empty without "
    "a threshold.",
)
HARDENED = Table(
    name="hardened",
    path="findings/hardened.csv",
    commands=("tabulate-hardening",),
    columns=(
        *(EXPERIMENT, CLASSIFIER, _WAY, SEARCH),
        Column("counterpart", TEXT.or_nothing, doc="Plain network with which it is compared; empty if there is none."),
        *(RUNS_ON_CLASSIFIER, _PASSES),
        Column("test_error", SHARE, doc="Its test error."),
        Column(
            "log_odds",
            NUMBER,
            unit="log-odds",
            doc="Fooling confidence: the median over the classes of the champions' log-odds, mean over the runs.",
        ),
        _AT_THRESHOLD,
        Column(
            "refusal_threshold",
            NUMBER.or_nothing,
            unit="log-odds",
            doc="Log-odds of the confidence below which the network refuses an image; empty if it classifies too few "
            "test images correctly.",
        ),
        *(_REFUSED, _ACCEPTED, _EXCESS),
    ),
    key=("experiment", "classifier", "search"),
    doc="One row for each network, experiment and search. Experiments with equal encodings and budgets are one "
    "comparison, named after the first of them. Fooling classes have no random search.",
)
HARDENING = Table(
    name="hardening",
    path="findings/hardening.csv",
    commands=("tabulate-hardening",),
    columns=(
        *(EXPERIMENT, _WAY, SEARCH),
        Column(
            "networks", COUNT, doc="Number of networks, which are the independent units; fewer than 3: no interval."
        ),
        Column("runs", COUNT, unit="runs", doc="Number of runs against all of them."),
        _PASSES,
        Column("test_error", SHARE, doc="Mean test error."),
        *_difference("test_error", unit=""),
        *with_bounds(Column("median", SHARE, doc="Fooling confidence: the confidence at the mean of `log_odds`.")),
        *_difference("log_odds", unit="log-odds"),
        _AT_THRESHOLD,
        Column(
            "refusal_threshold",
            SHARE.or_nothing,
            doc="Confidence below which a network refuses an image, at the mean of the log-odds.",
        ),
        _REFUSED,
        *(_ACCEPTED, *bounds(SHARE, of=_ACCEPTED.name, unit="", always=False)),
        *with_bounds(_EXCESS),
        *_difference("excess", unit="log-odds"),
        Column("pairs", COUNT, doc="Number of networks that have a plain counterpart."),
        Column("note", TEXT.or_nothing, doc="Why there is no interval."),
    ),
    key=("experiment", "way", "search"),
    doc="One row for each way of training, experiment and search: means over the networks of the table `hardened`. A "
    "difference is that of each network to its plain counterpart, with the same architecture and seed; for a fooling "
    "class, to the first network of its chain. Intervals are over networks; for `accepted` Clopper and Pearson's.",
)


class RefusalAtSettings(Settings):
    """Comparison of networks at equal refusal."""

    refused_share: Annotated[float, Field(gt=0, le=0.5)] = 0.05
    """Share of the correctly classified real test images that each network refuses in the comparison of ways of
    training; it is fitted on the half of the test images on which the temperature is fitted."""


class HardeningSettings(IntervalSettings, ThresholdSettings, CalibrationSettings, RefusalAtSettings):
    """Which experiments belong together, and the settings of the comparison."""

    together: Mapping[str, str] = Field(default={})
    """The name of the comparison of each experiment and each retraining."""


@dataclass(frozen=True, kw_only=True)
class HardenedNetwork:
    """A network with its way of training."""

    name: str
    way: str
    counterpart: str | None
    """Name of the plain network with which it is compared."""
    test_error: float
    passes: float | None


def way_of(header: Mapping[str, Any]) -> str:
    """Return how the network with the ``header`` of its file was trained."""
    provenance = header["provenance"]
    if (place := provenance.get("retraining")) is not None:
        return f"{FOOLING_CLASS}: {place['filled_with']}"
    return hardening_of(_training_of(header))


def hardened_networks(headers: Iterable[Mapping[str, Any]]) -> list[HardenedNetwork]:
    """Return the networks with the ``headers`` of their files, each with its plain counterpart if there is one.

    The counterpart has the same architecture, input, seed and part of the training images. For a network of a chain of
    retraining it is the first one. Raises :class:`FoolingError` if two networks have one name.
    """
    known = list(headers)
    names = [header["name"] for header in known]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise FoolingError("two classifiers have one name", found=", ".join(twice), expected="unique names")
    plain: dict[str, str] = {}
    for header in known:
        if way_of(header) == PLAIN:
            plain.setdefault(_alike(header), header["name"])
    return [
        HardenedNetwork(
            name=header["name"],
            way=way_of(header),
            counterpart=_counterpart(header, plain),
            test_error=header["provenance"]["test_error"],
            passes=passes_of(_training_of(header)) if header["provenance"].get("retraining") is None else None,
        )
        for header in known
    ]


def champions_of_chains(retrained: pd.DataFrame) -> pd.DataFrame:
    """Return the table ``retrained`` with the columns of ``champions`` that the comparison reads."""
    names = [f"{row.retraining}/{row.first}/{row.filled_with}/dnn{row.number}" for row in retrained.itertuples()]
    return retrained.assign(classifier=names, experiment=retrained["retraining"], search="map-elites")


def hardened_table(
    networks: Sequence[HardenedNetwork], champions: pd.DataFrame, real: pd.DataFrame, settings: HardeningSettings
) -> pd.DataFrame:
    """Return the table ``hardened``, in the order of the ``networks``.

    Args:
        networks: The networks.
        champions: Rows of the table ``champions`` of these networks, and of others.
        real: Rows of the table ``real`` of these networks.
        settings: Which experiments belong together, and thresholds.

    Raises:
        FoolingError: No champions are of these networks.
    """
    order = {network.name: place for place, network in enumerate(networks)}
    refusals = {name: _refusal(real[real["classifier"] == name], settings.refused_share) for name in order}
    rows = champions[champions["classifier"].isin(list(order)) & champions["search"].isin(SEARCHES)].copy()
    if rows.empty:
        found = f"champions of {', '.join(dict.fromkeys(champions['classifier'])) or 'no network'}"
        raise FoolingError("no champions of these networks", found=found, expected=f"those of {', '.join(order)}")
    rows["experiment"] = rows["experiment"].map(lambda name: settings.together.get(name, name))
    described = []
    for (experiment, classifier, search), group in rows.groupby(["experiment", "classifier", "search"], sort=False):
        network, (threshold, refused) = networks[order[str(classifier)]], refusals[str(classifier)]
        medians = group.groupby("seed")["log_odds"].median()
        row = {
            "experiment": experiment,
            "classifier": classifier,
            "way": network.way,
            "search": search,
            "counterpart": network.counterpart,
            "runs": len(medians),
            "passes": np.nan if network.passes is None else network.passes,
            "test_error": network.test_error,
            "log_odds": float(medians.mean()),
            "at_threshold": float(at_threshold(group["confidence"].to_numpy(np.float32), settings.threshold).mean()),
            "refusal_threshold": threshold,
            "refused": refused,
            "accepted": np.nan if np.isnan(threshold) else float((group["log_odds"] >= threshold).mean()),
            "excess": float(medians.mean()) - threshold,
        }
        described.append(row)
    described.sort(key=lambda row: (row["experiment"], order[str(row["classifier"])]))
    return pd.DataFrame(described, columns=HARDENED.names)


def hardening_table(hardened: pd.DataFrame, *, confidence_level: float) -> pd.DataFrame:
    """Return the table ``hardening`` from the table ``hardened``: means and differences to plain networks."""
    rows = []
    for (experiment, way, search), found in hardened.groupby(["experiment", "way", "search"], sort=False):
        place = {"experiment": experiment, "way": way, "search": search}
        differences = {
            f"{column}_difference": differences_to_plain(hardened, found, column)
            for column in ("test_error", "log_odds", "excess")
        }
        row = place | _means(found, confidence_level)
        for name, values in differences.items():
            estimate = _estimated(values, confidence_level)
            row |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
        rows.append(row | {"pairs": len(differences["log_odds_difference"])})
    return pd.DataFrame(rows, columns=HARDENING.names)


def differences_to_plain(hardened: pd.DataFrame, rows: pd.DataFrame, column: str) -> NDArray[np.float64]:
    """Return for ``rows`` of one experiment and search (P,) the differences to the plain counterparts.

    ``rows`` without a counterpart in the table ``hardened`` are left out, as those of plain networks.
    """
    if rows.empty:
        return np.empty(0)
    experiment, search = rows[["experiment", "search"]].iloc[0]
    beside = hardened[(hardened["experiment"] == experiment) & (hardened["search"] == search)]
    plain = beside[beside["way"] == PLAIN].set_index("classifier")[column].astype(float)
    paired = rows[rows["counterpart"].isin(plain.index)]
    return _known(paired[column].to_numpy(float) - plain.loc[paired["counterpart"]].to_numpy(float))


def _means(found: pd.DataFrame, level: float) -> dict[str, Any]:
    """Return the means over the networks of one row."""
    median = _estimated(found["log_odds"].to_numpy(float), level, back=probability_of)
    excess = _estimated(_known(found["excess"].to_numpy(float)), level)
    shares = _known(found["accepted"].to_numpy(float))[:, None]
    accepted = estimated_share(shares, level=level, nested=True) if len(shares) else _estimated(shares, level)
    return {
        "networks": len(found),
        "runs": int(found["runs"].sum()),
        **{name: found[name].mean() for name in ("passes", "test_error", "at_threshold", "refused")},
        **{"median": median.value, "median_low": median.low, "median_high": median.high},
        "refusal_threshold": float(probability_of(found["refusal_threshold"].mean())),
        **{"accepted": accepted.value, "accepted_low": accepted.low, "accepted_high": accepted.high},
        **{"excess": excess.value, "excess_low": excess.low, "excess_high": excess.high},
        "note": median.note,
    }


def _known(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values[~np.isnan(values)]


def _estimated(values: NDArray[np.float64], level: float, *, back: Callable[[Array], Array] | None = None) -> Estimate:
    """Return the mean of ``values`` of networks, with its interval; NaN without any."""
    if not len(values):
        return Estimate(value=np.nan, low=np.nan, high=np.nan, units=0, runs=0)
    return estimated_mean(values[:, None], level=level, nested=True, back=back)


def _refusal(real: pd.DataFrame, share: float) -> tuple[float, float]:
    """Return the log-odds below which a network refuses images, and the share of the other half that it refuses.

    ``real`` are its rows of the table ``real``. The threshold lies midway between the last image refused, at least one,
    and the first one accepted. NaN with fewer than two correct images in one half, or none in the other.
    """
    right = real[real["label"] == real["predicted"]]
    halves = [right.loc[right["split"] == split, "log_odds"].to_numpy(float) for split in ("calibration", "evaluation")]
    fitted, kept_back = halves
    if len(fitted) < 2 or not len(kept_back):
        return np.nan, np.nan
    ordered = np.sort(fitted)
    refused = min(max(round(share * len(ordered)), 1), len(ordered) - 1)
    threshold = float(ordered[refused - 1] + ordered[refused]) / 2
    return threshold, float((kept_back < threshold).mean())


def _training_of(header: Mapping[str, Any]) -> Mapping[str, Any]:
    training: Mapping[str, Any] = (header["provenance"].get("settings") or {}).get("training") or {}
    return training


def _alike(header: Mapping[str, Any]) -> str:
    """Return a text that is equal for a network and its plain counterpart."""
    settings = header["provenance"].get("settings") or {}
    parts = {key: settings.get(key) for key in ("architecture", "options", "input", "seed")}
    return json.dumps(
        [parts, _training_of(header).get("part"), header["provenance"]["dataset"]["name"]], sort_keys=True
    )


def _counterpart(header: Mapping[str, Any], plain: Mapping[str, str]) -> str | None:
    if (place := header["provenance"].get("retraining")) is not None:
        return str(place["first"])
    return None if way_of(header) == PLAIN else plain.get(_alike(header))
