"""Ways of training that may make a network harder to fool, compared with plain networks.

Evolution ran against each of the networks, so the numbers are adaptive. At equal refusal every network has its own
threshold, below which it refuses an image: the confidence that it has in all but a given share of the real test images
that it classifies correctly. A champion below it is refused. Evolution against a network with such a threshold would
raise the same confidence, so these numbers are adaptive too, as long as one champion of a class is enough.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import Field

from fooling.errors import FoolingError
from fooling.findings.calibration import CalibrationSettings
from fooling.findings.columns import EXPERIMENT, SEARCH
from fooling.findings.intervals import (
    Estimate,
    IntervalSettings,
    estimated_mean,
    estimated_share,
    probability_of,
)
from fooling.findings.runs import ThresholdSettings, at_threshold
from fooling.settings import Settings
from fooling.table import COUNT, NUMBER, SHARE, TEXT, Column, Table, Values, bounds, with_bounds
from fooling.training.settings import PLAIN, PgdSettings, hardening_of

FOOLING_CLASS = "fooling class"  # followed by its filling: a way to harden a network


def _difference(column: str, *, unit: str) -> tuple[Column, Column, Column]:
    """Return the columns of the difference to plain networks, with its interval."""
    meant = Column(
        f"{column}_difference",
        NUMBER.or_nothing,
        unit=unit,
        doc=f"Mean difference of `{column}` to the plain counterparts; empty without any, as for plain networks.",
    )
    return (meant, *bounds(NUMBER, of=meant.name, unit=unit))


HARDENING = Table(
    name="hardening",
    path="findings/hardening.csv",
    commands=("tabulate-hardening",),
    columns=(
        EXPERIMENT,
        Column(
            "way",
            TEXT,
            doc="How the networks were trained: `plain`, the settings of `training` that harden them, or `fooling "
            "class` and what fills it, for the last networks of chains of retraining.",
        ),
        SEARCH,
        Column(
            "networks", COUNT, doc="Number of networks, which are the independent units; fewer than 3: no interval."
        ),
        Column("runs", COUNT, unit="runs", doc="Number of runs against all of them."),
        Column(
            "passes",
            Values(kind="number", least=1).or_nothing,
            doc="Images that pass through the network, forwards and backwards, for each real image in training: the "
            "cost in time. Empty for a fooling class, whose cost is the evolution of its images.",
        ),
        Column("test_error", SHARE, doc="Mean test error."),
        *_difference("test_error", unit=""),
        *with_bounds(
            Column(
                "median",
                SHARE,
                doc="Fooling confidence: the median over the classes, averaged as log-odds over the runs and networks.",
            )
        ),
        *_difference("median", unit="log-odds"),
        Column("at_threshold", SHARE, doc="Share of the champions at or above `findings.threshold`, 99.99 %."),
        Column(
            "refusal_threshold",
            SHARE,
            doc="Confidence below which a network refuses an image, the mean over networks of its log-odds.",
        ),
        Column(
            "refused",
            SHARE,
            doc="Share of the correctly classified real test images that are refused, on the half on which the "
            "threshold was not fitted.",
        ),
        *with_bounds(
            Column(
                "accepted",
                SHARE,
                doc="Share of the champions at or above the threshold of their network; with Clopper and Pearson's "
                "interval, networks as trials.",
            )
        ),
        *with_bounds(
            Column(
                "excess",
                NUMBER,
                unit="log-odds",
                doc="Median log-odds of the champions minus the threshold of their network, mean over the networks. "
                "Below 0 the median champion is refused.",
            )
        ),
        *_difference("excess", unit="log-odds"),
        Column("pairs", COUNT, doc="Number of networks that have a plain counterpart."),
        Column("note", TEXT.or_nothing, doc="Why there is no interval."),
    ),
    key=("experiment", "way", "search"),
    may_be_empty=True,
    doc="One row for each way of training, experiment and search. Experiments with equal encodings and budgets are one "
    "comparison, named after the first of them. A difference is that of each network to its plain counterpart, with "
    "the same architecture and seed; for a fooling class, to the first network of its chain. Intervals are over "
    "networks. Fooling classes have no random search.",
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


def passes_of(training: Mapping[str, Any]) -> float:
    """Return how many images pass through the network, forwards and backwards, for each real image in training."""

    def of_search(settings: Mapping[str, Any] | None) -> int:
        return 0 if settings is None else PgdSettings.model_validate(settings).steps

    passes = 1.0 + of_search(training.get("adversarial"))
    if outliers := training.get("outliers"):
        passes += outliers["per_batch"] / training["batch_size"] * (1 + of_search(outliers.get("worst")))
    return passes


def champions_of_chains(retrained: pd.DataFrame) -> pd.DataFrame:
    """Return the table ``retrained`` with the columns of ``champions`` that the comparison reads."""
    names = [f"{row.retraining}/{row.first}/{row.filled_with}/dnn{row.number}" for row in retrained.itertuples()]
    return retrained.assign(classifier=names, experiment=retrained["retraining"], search="map-elites")


def hardening_table(
    networks: Sequence[HardenedNetwork], champions: pd.DataFrame, real: pd.DataFrame, settings: HardeningSettings
) -> pd.DataFrame:
    """Return the table ``hardening``.

    Args:
        networks: The networks.
        champions: Rows of the table ``champions`` of these networks.
        real: Rows of the table ``real`` of these networks.
        settings: Which experiments belong together, thresholds and intervals.

    Raises:
        FoolingError: A network has no rows in ``real``, or classifies none of these images correctly.
    """
    known = {network.name: network for network in networks}
    refusals = {name: _refusal(real[real["classifier"] == name], name, settings.refused_share) for name in known}
    measured = pd.DataFrame(list(_measured(known, champions, refusals, settings)))
    if measured.empty:
        return pd.DataFrame(columns=HARDENING.names)
    rows = []
    for (experiment, way, search), found in measured.groupby(["experiment", "way", "search"], sort=False):
        beside = measured[(measured["experiment"] == experiment) & (measured["search"] == search)]
        plain = beside[beside["way"] == PLAIN].set_index("classifier")
        place = {"experiment": experiment, "way": way, "search": search}
        rows.append(place | _row(found, plain, settings.confidence_level))
    return pd.DataFrame(rows, columns=HARDENING.names)


def _measured(
    known: Mapping[str, HardenedNetwork],
    champions: pd.DataFrame,
    refusals: Mapping[str, tuple[float, float]],
    settings: HardeningSettings,
) -> Iterator[dict[str, Any]]:
    """Yield one row for each network, comparison and search."""
    rows = champions[champions["classifier"].isin(known)].copy()
    rows["experiment"] = rows["experiment"].map(lambda name: settings.together.get(name, name))
    groups = {
        (str(experiment), str(classifier), str(search)): found
        for (experiment, classifier, search), found in rows.groupby(["experiment", "classifier", "search"], sort=False)
    }
    order = list(known)
    for experiment, classifier, search in sorted(groups, key=lambda place: (place[0], order.index(place[1]))):
        found, network = groups[experiment, classifier, search], known[classifier]
        threshold, refused = refusals[classifier]
        medians = found.groupby("seed")["log_odds"].median()
        yield {
            "experiment": experiment,
            "search": search,
            "classifier": classifier,
            "way": network.way,
            "counterpart": network.counterpart,
            "passes": np.nan if network.passes is None else network.passes,
            "test_error": network.test_error,
            "median": float(medians.mean()),
            "runs": len(medians),
            "at_threshold": float(at_threshold(found["confidence"].to_numpy(np.float32), settings.threshold).mean()),
            "refusal_threshold": threshold,
            "refused": refused,
            "accepted": float((found["log_odds"] >= threshold).mean()),
            "excess": float(medians.mean()) - threshold,
        }


def _refusal(real: pd.DataFrame, name: str, share: float) -> tuple[float, float]:
    """Return the log-odds below which a network refuses images, and the share of the other half that it refuses.

    ``real`` are its rows of the table ``real``. The threshold lies midway between the last image refused and the first
    one accepted; at least one image of the half on which it is fitted is refused.
    """
    right = real[real["label"] == real["predicted"]]
    halves = [right.loc[right["split"] == split, "log_odds"].to_numpy(float) for split in ("calibration", "evaluation")]
    fitted, kept_back = halves
    if len(fitted) < 2 or not len(kept_back):
        raise FoolingError(
            f"the refusal threshold of {name} cannot be fitted",
            found=f"{len(right)} of {len(real)} test images classified correctly",
            expected="at least two in one half and one in the other",
        )
    ordered = np.sort(fitted)
    refused = min(max(round(share * len(ordered)), 1), len(ordered) - 1)
    threshold = float(ordered[refused - 1] + ordered[refused]) / 2
    return threshold, float((kept_back < threshold).mean())


def _row(found: pd.DataFrame, plain: pd.DataFrame, level: float) -> dict[str, Any]:
    """Return the columns of one row from its networks and the ``plain`` ones, by name."""

    def mean(column: str, *, back: Any = None) -> Estimate:
        return estimated_mean(found[column].to_numpy(float)[:, None], level=level, nested=True, back=back)

    median, excess = mean("median", back=probability_of), mean("excess")
    accepted = estimated_share(found["accepted"].to_numpy(float)[:, None], level=level, nested=True)
    paired = found[found["counterpart"].isin(plain.index)] if found["way"].iloc[0] != PLAIN else found[:0]
    return {
        "networks": len(found),
        "runs": int(found["runs"].sum()),
        "passes": found["passes"].mean(),
        "test_error": found["test_error"].mean(),
        **_difference_to(plain, paired, "test_error", level),
        **{"median": median.value, "median_low": median.low, "median_high": median.high},
        **_difference_to(plain, paired, "median", level),
        "at_threshold": found["at_threshold"].mean(),
        "refusal_threshold": float(probability_of(found["refusal_threshold"].mean())),
        "refused": found["refused"].mean(),
        **{"accepted": accepted.value, "accepted_low": accepted.low, "accepted_high": accepted.high},
        **{"excess": excess.value, "excess_low": excess.low, "excess_high": excess.high},
        **_difference_to(plain, paired, "excess", level),
        "pairs": len(paired),
        "note": median.note,
    }


def _difference_to(plain: pd.DataFrame, paired: pd.DataFrame, column: str, level: float) -> dict[str, float]:
    name = f"{column}_difference"
    if paired.empty:
        return {name: np.nan, f"{name}_low": np.nan, f"{name}_high": np.nan}
    differences = paired[column].to_numpy(float) - plain.loc[paired["counterpart"], column].to_numpy(float)
    estimate = estimated_mean(differences[:, None], level=level, nested=True)
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}


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
    return plain.get(_alike(header))
