"""The files of an audit: ``index.html``, ``audit.json``, a PNG for each image, and an export for other programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from fooling.artifacts import read_json
from fooling.auditing.audit import AuditResult, SearchResult, SingleImages
from fooling.auditing.further_attacks import Measured
from fooling.auditing.page import audit_page
from fooling.auditing.real_images import OtherPreprocessing, RealResult
from fooling.auditing.settings import AuditSettings
from fooling.classifiers.wrapped import Scores
from fooling.datasets.folder import plain_name
from fooling.findings.audits import READABLE, LabelsAlone, OnePerturbation, SmallChanges
from fooling.images import png_bytes
from fooling.messages import FoolingError, percent
from fooling.schemas import Header, checked_header

OLDEST, VERSION = 2, READABLE[1]  # of audit.json that is read, and the one that is written
FILE = "audit.json"
LEAST_SIDE = 112  # pixels of a picture; smaller images are enlarged by a whole number
CURVE_POINTS = 200  # points of a curve in audit.json at most
LONGEST_NAME = 50  # characters of a class in the name of a file or folder

#: How champions are exported: a folder for each class, or a list of paths with the label of images of no class.
Export = Literal["imagefolder", "list"]
EXPORTED = "export"  # folder of exported images
NO_CLASS = -1  # label of an image that shows no class of the network

Share = Annotated[float, Field(ge=0, le=1)]
F = TypeVar("F", bound=Header)


class FoundImage(Header):
    """The best image of one class."""

    class_index: int
    """Index of its class."""
    confidence: Share
    """Confidence of the stored image in this class, in float32."""
    log_odds: float
    """log(p / (1 - p)) of the same, which distinguishes confidences near 1."""
    file: str
    """Path of the image below the folder of the audit; small images are enlarged."""


class Curve(Header):
    """How a search progressed, at up to 200 points."""

    evaluations: tuple[int, ...]
    """Images scored so far, over all classes."""
    median_confidence: tuple[Share, ...]
    """Median over the classes of the best confidence then."""
    fooled: tuple[int, ...]
    """Classes with an image at or above the threshold then."""


class FoundBySearch(Header):
    """What one search found."""

    name: str
    """Short name, such as `evolution-cppn`."""
    title: str
    """Name for readers."""
    control: str | None
    """Name of the search with the same encoding and budget but without evolution; null for a control."""
    classes_searched: int
    """Number of classes that the search aimed at."""
    fooled: int
    """Classes with an image at or above the threshold."""
    first_evaluation: int | None
    """Images scored when the first class was fooled; null: never."""
    evaluations: int
    """Images scored in all."""
    median_confidence: Share
    """Median over the classes of the best confidence."""
    images: tuple[FoundImage, ...]
    curve: Curve


class AuditFile(Header):
    """The content of ``audit.json``."""

    version: Annotated[int, Field(ge=OLDEST, le=VERSION)]
    """Version of this format; 2 lacks `universal` and `labels_alone`."""
    network: str
    """Name of the network."""
    classes: tuple[str, ...]
    """Names of its classes, in its own order."""
    input_shape: tuple[int, int, int]
    """Shape (C, H, W) of the images."""
    scores: Scores
    """What the network gives: logits, probabilities, the most likely classes (top-k) or a label."""
    log_odds_limited: bool
    """Whether the log-odds are limited by the number format of the scores, as everything but logits limits them."""
    settings: AuditSettings
    summary: tuple[str, ...]
    """The result in sentences."""
    remarks: tuple[str, ...]
    """What is suspicious about the network."""
    single_images: tuple[SingleImages, ...]
    searches: tuple[FoundBySearch, ...]
    test_images: RealResult | None
    """What the network does with test images; null: none were given."""
    other_preprocessing: OtherPreprocessing | None
    """A usual preprocessing that is clearly better on the test images; null: none, or no test images."""
    small_changes: SmallChanges | None
    """The smallest changes of test images that make the network wrong; null: not measured."""
    universal: OnePerturbation | None = None
    """One perturbation of all test images; null: not measured."""
    labels_alone: LabelsAlone | None = None
    """What evolution and random search find with labels alone; null: not measured."""
    provenance: dict[str, Any]
    """How the network was opened, with the SHA-256 of its weights, and versions of packages."""


def files_of(result: AuditResult, *, export: Export | None = None) -> dict[str, bytes]:
    """Return the content of every file of an audit, by path below its folder."""
    files = {
        "index.html": audit_page(result).encode(),
        FILE: (json.dumps(as_file(result).model_dump(mode="json"), indent=1, allow_nan=False) + "\n").encode(),
    }
    for search in result.searches:
        for index, image in enumerate(search.images):
            files[_place(result, search, index)] = enlarged(image)
    files |= {each.file: enlarged(image) for each, image in result.further.pictures()}
    return files | ({} if export is None else dict(_exported(result, export)))


def as_file(result: AuditResult) -> AuditFile:
    """Return an audit as the content of ``audit.json``."""
    return AuditFile(
        version=VERSION,
        network=result.name,
        classes=result.class_names,
        input_shape=result.input_shape,
        scores=result.scores,
        log_odds_limited=result.scores != "logits",
        settings=result.settings,
        summary=tuple(result.sentences()),
        remarks=result.remarks,
        single_images=result.single,
        searches=tuple(_search(result, search) for search in result.searches),
        test_images=result.real,
        other_preprocessing=result.other_preprocessing,
        small_changes=_file(result.further.small),
        universal=_file(result.further.universal),
        labels_alone=_file(result.further.labels),
        provenance=result.provenance,
    )


def _file(found: Measured[F] | str) -> F | None:
    """Return the numbers of an attack; None: not measured."""
    return None if isinstance(found, str) else found.file


def read_audit(folder: Path) -> AuditFile:
    """Return the content of ``audit.json`` in the folder of an audit.

    Raises :class:`FoolingError` if it is missing, of another version or invalid.
    """
    return checked_header(AuditFile, read_json(folder / FILE), source=folder / FILE)


def require_replaceable(folder: Path, file: str = FILE) -> None:
    """Raise :class:`FoolingError` if ``folder`` holds other files than an earlier result with this ``file``."""
    if folder.is_dir() and any(folder.iterdir()) and not (folder / file).is_file():
        raise FoolingError(
            f"{folder} holds other files, which would be lost",
            expected=f"a new or empty folder, or an earlier result with {file}",
            remedy="choose another folder with --output",
        )


def enlarged(image: NDArray[np.uint8]) -> bytes:
    """Return a uint8 image (C, H, W) as a PNG file, small ones enlarged."""
    return png_bytes(image, zoom=max(1, -(-LEAST_SIDE // max(image.shape[1:]))))


def _place(result: AuditResult, search: SearchResult, index: int) -> str:
    """Return the path of an image: its search, the number and name of its class, and the confidence, rounded down."""
    return f"images/{search.name}/{_class_folder(result, search, index)}-{_confidence(search, index)}.png"


def _class_folder(result: AuditResult, search: SearchResult, index: int) -> str:
    """Return the index and the name of the class of an image; such names are in the network's order when sorted."""
    number = int(search.classes[index])
    return f"{number:04d}-{plain_name(result.class_names[number])[:LONGEST_NAME] or 'class'}"


def _confidence(search: SearchResult, index: int) -> str:
    return percent(float(search.confidences[index])).removeprefix("≥ ").removesuffix(" %")


def _exported(result: AuditResult, export: Export) -> Iterator[tuple[str, bytes]]:
    """Yield the champions of all searches but the controls in their own size, and the list of them if wanted.

    The list has the form that OpenOOD reads, a path below the folder of the list and a label on each line.
    """
    lines = []
    for search in result.searches:
        for index, image in enumerate([] if search.is_control else search.images):
            path = f"{_class_folder(result, search, index)}/{search.name}-{_confidence(search, index)}.png"
            yield f"{EXPORTED}/{path}", png_bytes(image)
            lines.append(f"{path} {NO_CLASS}\n")
    if export == "list":
        yield f"{EXPORTED}/list.txt", "".join(lines).encode()


def _search(result: AuditResult, search: SearchResult) -> FoundBySearch:
    threshold = result.settings.threshold
    points = np.unique(np.linspace(0, len(search.evaluations) - 1, CURVE_POINTS).astype(int))
    kept = search.history[points].astype(np.float64)
    return FoundBySearch(
        name=search.name,
        title=search.title,
        control=search.control or None,
        classes_searched=len(search.classes),
        fooled=search.fooled(threshold),
        first_evaluation=search.first(threshold),
        evaluations=int(search.evaluations[-1]),
        median_confidence=float(np.median(search.confidences)),
        images=tuple(
            FoundImage(
                class_index=int(search.classes[index]),
                confidence=float(search.confidences[index]),
                log_odds=float(search.log_odds[index]),
                file=_place(result, search, index),
            )
            for index in range(len(search.images))
        ),
        curve=Curve(
            evaluations=tuple(search.evaluations[points].tolist()),
            median_confidence=tuple(np.median(kept, axis=1).tolist()),
            fooled=tuple((kept >= threshold).sum(axis=1).tolist()),
        ),
    )
