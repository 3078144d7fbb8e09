"""Audits of several networks side by side: how many classes each search fooled, for each seed and over the seeds."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from fooling.findings.registry import SEED
from fooling.messages import FoolingError
from fooling.schemas import FileFormat, Header
from fooling.table import COUNT, NOT_NEGATIVE, SHARE, TEXT, Column, Table, Values, names_of

READABLE = (1, 3)  # first and last version of audit.json that is understood

#: What identifies a search on a network, and what is the same for all its seeds.
OF_SEARCH = (
    Column("network", TEXT, doc="Name of the network."),
    Column("search", TEXT, doc="Name of the search in `audit.json`, such as `evolution-cppn` or `ascent`."),
    Column("title", TEXT, doc="Name of the search for readers."),
    Column("network_classes", COUNT, unit="classes", doc="Classes of the network."),
    Column("image_shape", TEXT, doc="Shape of the images: channels x height x width."),
    Column("classes", COUNT, unit="classes", doc="Classes for each of which the search looked for an image."),
    Column("budget", COUNT, unit="images", doc="Images that each search of the audit may score."),
    Column("threshold", SHARE, doc="Confidence at or above which an image fools the network."),
)
AUDIT_SEEDS = Table(
    name="audit_seeds",
    path="findings/audit_seeds.csv",
    commands=("tabulate-audits",),
    columns=(
        *(*OF_SEARCH, SEED),
        Column("fooled", COUNT, unit="classes", doc="Classes with an image at or above the threshold."),
        Column(
            "first_evaluation",
            COUNT.or_nothing,
            unit="images",
            doc="Images scored when the first class was fooled; empty if none was.",
        ),
        Column("median_confidence", SHARE, doc="Median over the classes of the confidence in their best image."),
    ),
    key=("network", "search", "seed"),
    doc="One row for each search of each audit, the controls included. An audit is of one network with one seed.",
)
AUDITS = Table(
    name="audits",
    path="findings/audits.csv",
    commands=("tabulate-audits",),
    columns=(
        *OF_SEARCH,
        Column("seeds", COUNT, unit="seeds", doc="Number of seeds: audits of this network."),
        Column("fooled", NOT_NEGATIVE, unit="classes", doc="Classes that were fooled; mean over the seeds."),
        Column("fooled_least", COUNT, unit="classes", doc="Fewest classes that were fooled with one seed."),
        Column("fooled_most", COUNT, unit="classes", doc="Most classes that were fooled with one seed."),
        Column(
            "first_evaluation",
            Values(kind="number", least=0, may_be_infinite=True),
            unit="images",
            doc="Images scored when the first class was fooled; median over the seeds, infinite if half of them fooled "
            "none.",
        ),
        Column(
            "random_fooled",
            NOT_NEGATIVE.or_nothing,
            unit="classes",
            doc="Classes that random search fooled with the same encoding and budget; mean over the seeds, empty for "
            "a search without such a control.",
        ),
        Column("random_least", COUNT.or_nothing, unit="classes", doc="Fewest such classes with one seed."),
        Column("random_most", COUNT.or_nothing, unit="classes", doc="Most such classes with one seed."),
    ),
    key=("network", "search"),
    doc="One row for each network and search, without the controls: random search stands beside evolution. The least "
    "and the most over few seeds are no confidence interval. Compare networks only with equal numbers of classes.",
)

AUDIT_ATTACKS = Table(
    name="audit_attacks",
    path="findings/audit_attacks.csv",
    commands=("tabulate-audits",),
    columns=(
        OF_SEARCH[0],
        Column(
            "attack",
            Values(kind="text", among=("small-changes", "universal", "labels-alone")),
            doc="`small-changes` of single images, one `universal` perturbation, or evolution with `labels-alone`.",
        ),
        SEED,
        Column("tried", COUNT, doc="Real images on which it was tried; for `labels-alone` the classes of the network."),
        Column(
            "fooled",
            COUNT,
            doc="Of these, images that became misclassified, or got another label by the perturbation; or classes that "
            "some image was labelled as.",
        ),
        Column("control", NOT_NEGATIVE, doc="The same with noise, with random signs (mean of five), or random search."),
        Column(
            "size",
            SHARE.or_nothing,
            doc="Size of the change on the 0..1 scale: median root mean square, or largest change of a pixel.",
        ),
        Column("confident", COUNT.or_nothing, unit="classes", doc="Of `labels-alone`: classes at the threshold."),
        Column("control_confident", COUNT.or_nothing, unit="classes", doc="The same by random search."),
    ),
    key=("network", "attack", "seed"),
    may_be_empty=True,
    doc="One row for each attack of each audit besides its searches. Not fooled is not the same as not foolable.",
)

Text = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(ge=0, le=10**12)]
Share = Annotated[float, Field(ge=0, le=1)]
Method = Literal["deepfool", "hop-skip-jump"]
Kind = Literal[
    "original", "changed", "noise", "perturbed", "random-signs", "perturbation", "evolution", "random-search"
]


class AuditedSettings(Header):
    """What an audit spent and counted."""

    budget: Count
    """Images that each search may score."""
    seed: Count
    """Seed of all searches."""
    threshold: Share
    """Confidence at or above which an image fools the network."""


class AuditedSearch(Header):
    """What one search of an audit found."""

    name: Text
    """Short name, such as `evolution-cppn`."""
    title: Text
    """Name for readers."""
    control: str | None
    """Name of the search without evolution, with the same encoding and budget; null: there is none."""
    classes_searched: Count
    """Classes for each of which it looked for an image."""
    fooled: Count
    """Classes with an image at or above the threshold."""
    first_evaluation: Count | None
    """Images scored when the first class was fooled; null: never."""
    median_confidence: Share
    """Median over the classes of the confidence in their best image."""


class ExampleImage(Header):
    """An image of an attack as an example, with the label that the network gives it."""

    kind: Kind
    """What it shows: a real image as it is (`original`), what was done to it, or the search that found it."""
    class_index: Count
    """Index of the label of the stored image."""
    confidence: Share
    """Confidence in this label."""
    file: str
    """Path of the image below the folder of the audit; small images are enlarged."""


class SmallChanges(Header):
    """How small a change of a real image makes the network wrong."""

    method: Method
    """`deepfool` for a network with gradients, else `hop-skip-jump`, which asks for labels alone."""
    images: Count
    """Correctly classified test images that were changed."""
    misclassified: Count
    """Of these, images that are misclassified after the change, before rounding to whole levels."""
    median_rms: Share | None
    """Median over the misclassified ones of the root mean square of the change, on the 0..1 scale; null: none."""
    misclassified_with_noise: Count
    """Images that are misclassified with Gaussian noise of the norm of their own change."""
    evaluations: Count
    """Mean evaluations of the network for one image: 1 for a forward pass, 2 for a backward pass."""
    example: tuple[ExampleImage, ...]
    """The image with the median change, as it is, changed, and with noise."""


class OnePerturbation(Header):
    """How many real images get another label by one small perturbation, the same for all of them."""

    levels: Annotated[int, Field(ge=1, le=255)]
    """Largest change of a pixel: 51 levels of grey images, 10 of RGB images, of 255."""
    images_used: Count
    """Test images on which the perturbation was found."""
    fooled_used: Count
    """Of these, images that get another label with it than without."""
    images: Count
    """Other test images, on which it was tried."""
    fooled: Count
    """Of these, images that get another label with it than without, right or wrong."""
    fooled_by_random_signs: Annotated[float, Field(ge=0)]
    """The same with random signs of the same size; mean over five of them."""
    steps: Count
    """Steps in which it was found, each against the gradient of a batch of images."""
    example: tuple[ExampleImage, ...]
    """The first image that is fooled: as it is, perturbed, with random signs, and the perturbation alone."""


class FoundWithLabels(Header):
    """What a search found with labels alone."""

    given: Count
    """Classes that some image was labelled as."""
    fooled: Count | None
    """Classes whose image has a confidence at or above the threshold; null: the network gives labels alone."""
    median_confidence: Share | None
    """Median over the given classes of the confidence in their image, revealed afterwards; null: unknown."""


class LabelsAlone(Header):
    """What evolution and random search find if they get nothing but labels."""

    queries: Count
    """Images that each of the two may ask the label of, noisy copies included."""
    classes: Count
    """Classes of the network."""
    evolution: FoundWithLabels
    random_search: FoundWithLabels
    example: tuple[ExampleImage, ...]
    """The image with the median confidence of evolution, and that of random search."""


class AuditRecord(Header):
    """The keys of ``audit.json`` that the tables need."""

    version: Annotated[int, Field(ge=READABLE[0], le=READABLE[1])]
    """Version of the format."""
    network: Text
    """Name of the network."""
    classes: tuple[str, ...]
    """Names of its classes, in the order of its scores."""
    input_shape: tuple[Count, Count, Count]
    """Channels, height and width of the images."""
    settings: AuditedSettings
    searches: tuple[AuditedSearch, ...]
    small_changes: SmallChanges | None = None
    universal: OnePerturbation | None = None
    labels_alone: LabelsAlone | None = None


FORMAT = FileFormat(
    kind="audit",
    version=READABLE[1],
    path="audits/{network}/seed{seed}/audit.json",
    commands=("audit",),
    header=AuditRecord,
    lengths={},
    doc="The numbers of an audit, as JSON. These keys rank networks; [audit.md](audit.md) describes all keys, and "
    "the page and the images in the same folder.",
)


def audit_seeds_table(audits: Sequence[AuditRecord]) -> pd.DataFrame:
    """Return one row for each search of each audit.

    Raises:
        FoolingError: The audits have different budgets or thresholds, so that they cannot be compared.
    """
    spent = Counter((audit.settings.budget, audit.settings.threshold) for audit in audits)
    if len(spent) > 1:
        raise FoolingError(
            "the audits cannot be compared",
            found="; ".join(
                f"{count} with budget {one} and threshold {level}" for (one, level), count in spent.items()
            ),
            expected="one budget and one threshold",
            remedy="audit all networks with the same --budget and --threshold",
        )
    rows = [(*_identity(audit, found), *_result(audit, found)) for audit in audits for found in audit.searches]
    return pd.DataFrame(rows, columns=AUDIT_SEEDS.names).astype({"first_evaluation": "Int64"})


def audits_table(audits: Sequence[AuditRecord]) -> pd.DataFrame:
    """Return one row for each network and search that is no control, over the seeds.

    Raises:
        FoolingError: The audits have different budgets or thresholds, or those of one network differ in their classes
            or searches.
    """
    groups = audit_seeds_table(audits).groupby(["network", "search"], sort=False)
    by_search = {(str(network), str(search)): found for (network, search), found in groups}
    controls = {search.name: search.control for audit in audits for search in audit.searches}
    rows = []
    for (network, search), found in by_search.items():
        _require_alike(found, seeds=sum(audit.network == network for audit in audits))
        if search in controls.values():
            continue
        control = by_search.get((network, str(controls[search])))
        beside = (np.nan,) * 3 if control is None else _over_seeds(control)
        first = found["first_evaluation"].astype(float).fillna(np.inf).median()
        rows.append((*found.iloc[0][names_of(OF_SEARCH)], len(found), *_over_seeds(found), first, *beside))
    table = pd.DataFrame(rows, columns=AUDITS.names)
    return table.astype({"random_least": "Int64", "random_most": "Int64"})


def audit_attacks_table(audits: Sequence[AuditRecord]) -> pd.DataFrame:
    """Return one row for each attack of each audit besides its searches; there may be none."""
    rows: list[tuple[object, ...]] = []
    for audit in audits:
        key = audit.network, audit.settings.seed
        if (small := audit.small_changes) is not None:
            fooled: tuple[int, int, float] = small.images, small.misclassified, small.misclassified_with_noise
            rows.append((key[0], "small-changes", key[1], *fooled, small.median_rms, None, None))
        if (one := audit.universal) is not None:
            fooled = one.images, one.fooled, one.fooled_by_random_signs
            rows.append((key[0], "universal", key[1], *fooled, one.levels / 255, None, None))
        if (labels := audit.labels_alone) is not None:
            fooled = labels.classes, labels.evolution.given, labels.random_search.given
            confident = labels.evolution.fooled, labels.random_search.fooled
            rows.append((key[0], "labels-alone", key[1], *fooled, None, *confident))
    table = pd.DataFrame(rows, columns=AUDIT_ATTACKS.names)
    return table.astype({"control": float, "size": float, "confident": "Int64", "control_confident": "Int64"})


def _identity(audit: AuditRecord, found: AuditedSearch) -> Iterable[object]:
    shape = "x".join(map(str, audit.input_shape))
    yield from (audit.network, found.name, found.title, len(audit.classes), shape, found.classes_searched)
    yield from (audit.settings.budget, audit.settings.threshold)


def _result(audit: AuditRecord, found: AuditedSearch) -> Iterable[object]:
    yield from (audit.settings.seed, found.fooled, found.first_evaluation, found.median_confidence)


def _over_seeds(found: pd.DataFrame) -> tuple[float, int, int]:
    """Return the mean, the least and the most of the classes that were fooled."""
    fooled = found["fooled"]
    return float(fooled.mean()), int(fooled.min()), int(fooled.max())


def _require_alike(found: pd.DataFrame, *, seeds: int) -> None:
    """Raise :class:`FoolingError` unless all ``seeds`` of a network have this search, with the same classes."""
    described = found[names_of(OF_SEARCH)].drop_duplicates()
    if len(described) > 1 or not len(found) == found["seed"].nunique() == seeds:
        network, search = found.iloc[0]["network"], found.iloc[0]["search"]
        raise FoolingError(
            f"the audits of {network} differ in the search {search}",
            found=f"seeds {', '.join(map(str, found['seed']))} of {seeds} audits\n"
            + "\n".join(json.dumps(row) for row in described.astype(str).to_dict("records")),
            expected="the same classes, images and searches with every seed",
        )
