"""A first look in seconds: show known fooling images to a network, without any search.

They are the images of an earlier audit, the champions of a run file, or anyone's pictures.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from pydantic import Field

from fooling.artifacts import kind_of, write_folder
from fooling.attacks.evolution import record as evolution
from fooling.attacks.record import KIND as TARGETED
from fooling.attacks.record import AttackRecord, TargetedRecord, load_attack
from fooling.auditing.page import probe_page
from fooling.auditing.saving import FILE, Share, read_audit, require_replaceable
from fooling.classifiers.classifier import Classifier, confidences_of, log_odds_of
from fooling.datasets.folder import class_named
from fooling.datasets.pictures import fitted
from fooling.datasets.sources import PictureFolder, pictures_below
from fooling.messages import FoolingError, percent, short_percent
from fooling.reproducibility import evenly_spaced, software_versions
from fooling.schemas import Header

PROBE_FILE, VERSION = "probe.json", 1
MOST_IMAGES = 500  # shown in all, evenly spaced among those of each origin: half a minute of a slow network
MOST_SIZES = 3  # named in a remark

Pixels = NDArray[np.uint8]
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, eq=False)
class KnownImages:
    """Images (C, H, W) of one origin, in their own sizes, each with the name of the class it was made for, if known."""

    name: str
    images: tuple[Pixels, ...]
    class_names: tuple[str | None, ...]
    left_out: int
    """Images of this origin that are not shown."""


class ProbedImage(Header):
    """What the network calls one image."""

    made_for: str | None
    """Name of the class that the image was made for; null: unknown."""
    class_index: int
    """Index of the most probable class."""
    confidence: Share
    """Confidence in this class, in float32."""
    log_odds: float
    """log(p / (1 - p)) of the same."""
    same_class: bool | None
    """Whether this class has the name of the class that the image was made for; null: unknown."""


class ProbedImages(Header):
    """What the network calls the images of one origin."""

    name: str
    """Search, run or folder that the images come from."""
    fooling: int
    """Images whose confidence in any class reaches the threshold."""
    comparable: int
    """Those of them that were made for a known class."""
    same_class: int
    """Those of these whose class has the same name."""
    images: tuple[ProbedImage, ...]


class ProbeFile(Header):
    """The content of ``probe.json``."""

    version: Annotated[int, Field(ge=VERSION, le=VERSION)]
    """Version of this format."""
    network: str
    """Name of the network."""
    classes: tuple[str, ...]
    """Names of its classes, in its own order."""
    input_shape: tuple[int, int, int]
    """Shape (C, H, W) in which the images were shown."""
    source: str
    """Where the images come from."""
    threshold: Share
    """Confidence from which an image counts as fooling the network."""
    summary: tuple[str, ...]
    """The result in sentences."""
    remarks: tuple[str, ...]
    """What was changed in the images."""
    groups: tuple[ProbedImages, ...]
    provenance: dict[str, Any]
    """How the network was opened, with the SHA-256 of its weights, and versions of packages."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ProbeResult:
    """The content of ``probe.json``, and the images (N, C, H, W) of each group as the network saw them."""

    file: ProbeFile
    images: tuple[Pixels, ...]

    def save(self, folder: Path) -> None:
        """Write ``index.html`` and ``probe.json``; an older probe there is replaced.

        Raises :class:`FoolingError` if the folder holds anything else, or cannot be written.
        """
        require_replaceable(folder, PROBE_FILE)
        content = json.dumps(self.file.model_dump(mode="json"), indent=1, allow_nan=False) + "\n"
        write_folder(folder, {"index.html": probe_page(self).encode(), PROBE_FILE: content.encode()})


def known_images(path: Path) -> list[KnownImages]:
    """Return the images of an earlier audit (a folder), of a run file, or of any folder of pictures.

    Pictures in subfolders count as made for the class that the innermost one names. Raises :class:`FoolingError` if
    there are none, or something cannot be read.
    """
    if not path.is_dir():
        return list(_of_record(path))
    return list(_of_audit(path)) if (path / FILE).is_file() else [_of_folder(path)]


def probed(classifier: Classifier, known: list[KnownImages], *, source: str, threshold: float) -> ProbeResult:
    """Show ``known`` images to ``classifier``, in the size that it takes.

    Args:
        classifier: The classifier.
        known: The images.
        source: Where they come from.
        threshold: Confidence from which an image counts as fooling the network.
    """
    images = tuple(np.stack([sized(image, classifier.input_shape) for image in each.images]) for each in known)
    groups = tuple(
        _group(classifier, each, shown, threshold=threshold) for each, shown in zip(known, images, strict=True)
    )
    return ProbeResult(
        file=ProbeFile(
            version=VERSION,
            network=classifier.name,
            classes=classifier.class_names,
            input_shape=classifier.input_shape,
            source=source,
            threshold=threshold,
            summary=tuple(_sentences(classifier.name, groups, threshold=threshold)),
            remarks=tuple(_remarks(known, classifier.input_shape)),
            groups=groups,
            provenance={**classifier.provenance, "versions": software_versions()},
        ),
        images=images,
    )


def sized(image: Pixels, shape: tuple[int, int, int]) -> Pixels:
    """Return a uint8 image (C, H, W) in another ``shape``: grey or RGB, scaled to cover it and cropped evenly.

    An image whose pixels were enlarged by a whole number to squares is taken back to them first.
    """
    channels, height, width = shape
    small = without_enlargement(image, height, width)
    if small.shape == shape:
        return small
    picture = Image.fromarray(np.ascontiguousarray(small[0] if len(small) == 1 else np.moveaxis(small, 0, -1)))
    pixels = np.asarray(
        ImageOps.fit(picture.convert("L" if channels == 1 else "RGB"), (width, height), Image.Resampling.BICUBIC)
    )
    return pixels[None] if channels == 1 else np.moveaxis(pixels, -1, 0)


def without_enlargement(image: Pixels, height: int, width: int) -> Pixels:
    """Return the image (C, height, width) that ``image`` enlarges by a whole number; itself if it does not."""
    zoom, rest = divmod(image.shape[1], height)
    if rest or zoom < 2 or image.shape[2] != zoom * width:
        return image
    small = image[:, ::zoom, ::zoom]
    return small if (small.repeat(zoom, axis=1).repeat(zoom, axis=2) == image).all() else image


def _of_audit(folder: Path) -> Iterator[KnownImages]:
    """Yield the images of each search of an earlier audit, in the size in which they were scored."""
    audit, pictures = read_audit(folder), PictureFolder(folder, ())
    channels, height, width = audit.input_shape
    colour: Literal["grey", "rgb"] = "grey" if channels == 1 else "rgb"
    for search in audit.searches:
        if any(image.class_index not in range(len(audit.classes)) for image in search.images):
            raise FoolingError(f"{folder / FILE} has an image of an unknown class", found=search.name)
        kept = _spaced(search.images, of=len(audit.searches))
        shown = (
            fitted(pictures.content(image.file), size=None, colour=colour, source=folder / image.file) for image in kept
        )
        yield KnownImages(
            name=search.title,
            images=tuple(without_enlargement(image, height, width) for image in shown),
            class_names=tuple(audit.classes[image.class_index] for image in kept),
            left_out=len(search.images) - len(kept),
        )


def _of_record(path: Path) -> Iterator[KnownImages]:
    """Yield the images of each run in a file."""
    kind = kind_of(path)
    if kind not in (evolution.KIND, evolution.RUNS_KIND, TARGETED):
        expected = "a run file of evolution or gradient ascent, the folder of an audit, or a folder of pictures"
        raise FoolingError(f"{path} holds no fooling images", found=kind, expected=expected)
    records: list[AttackRecord] = []
    if kind == TARGETED:
        records.append(load_attack(path))
    else:
        records += evolution.load_runs(path) if kind == evolution.RUNS_KIND else [evolution.load_run(path)]
    for record in records:
        classes = record.classes.tolist() if isinstance(record, TargetedRecord) else range(len(record.class_names))
        kept = _spaced(range(len(record.images)), of=len(records))
        seed = f", seed {record.seed}" if isinstance(record, evolution.RunRecord) else ""
        search = f"{record.search}-{record.encoding}" if isinstance(record, evolution.RunRecord) else kind
        yield KnownImages(
            name=f"{search} on {record.classifier['name']}{seed}",
            images=tuple(record.images[kept]),
            class_names=tuple(record.class_names[classes[place]] for place in kept),
            left_out=len(record.images) - len(kept),
        )


def _of_folder(folder: Path) -> KnownImages:
    found = list(pictures_below(folder))
    if not found:
        raise FoolingError(
            f"{folder} has no pictures",
            expected="PNG files, or pictures of another usual format",
            remedy="give a folder of pictures, or that of an earlier audit, such as --probe audit",
        )
    paths = _spaced(found, of=1)
    pictures = PictureFolder(folder, paths)
    return KnownImages(
        name=folder.resolve().name,
        images=tuple(fitted(pictures.content(path), size=None, colour="rgb", source=folder / path) for path in paths),
        class_names=tuple(path.split("/")[-2] if "/" in path else None for path in paths),
        left_out=len(found) - len(paths),
    )


def _spaced(images: Sequence[T], *, of: int) -> list[T]:
    """Return the images that are shown, evenly spaced, if they come from one of so many origins."""
    return [images[place] for place in evenly_spaced(len(images), max(1, MOST_IMAGES // of))]


def _group(classifier: Classifier, known: KnownImages, images: Pixels, *, threshold: float) -> ProbedImages:
    logits = classifier.logits(torch.from_numpy(images)).cpu()
    classes = logits.argmax(dim=1)[:, None]
    confidences, log_odds = (
        each.gather(1, classes)[:, 0].tolist() for each in (confidences_of(logits), log_odds_of(logits))
    )
    named = {name: class_named(name, classifier.class_names) for name in set(known.class_names) if name is not None}
    shown = tuple(
        ProbedImage(
            made_for=name,
            class_index=index,
            confidence=confidence,
            log_odds=odds,
            same_class=None if name is None else named[name] == index,
        )
        for name, index, confidence, odds in zip(
            known.class_names, classes[:, 0].tolist(), confidences, log_odds, strict=True
        )
    )
    fooling = [image for image in shown if image.confidence >= threshold]
    return ProbedImages(
        name=known.name,
        fooling=len(fooling),
        comparable=sum(image.same_class is not None for image in fooling),
        same_class=sum(image.same_class is True for image in fooling),
        images=shown,
    )


def _sentences(network: str, groups: tuple[ProbedImages, ...], *, threshold: float) -> Iterator[str]:
    """Yield the result over all images, and then for each group if there are several."""
    level = short_percent(threshold)
    images, fooling, comparable, same = (
        sum(values) for values in zip(*((len(each.images), *_counts(each)) for each in groups), strict=True)
    )
    median = percent(float(np.median([image.confidence for each in groups for image in each.images])))
    yield (
        f"{network} gives {fooling:,} of {images:,} known images a confidence of {level} or more in some class; the "
        f"median over all images is {median}."
    )
    if comparable:
        yield f"In {same:,} of these {comparable:,} images it is the class that the image was made for, by its name."
    elif not any(image.made_for for each in groups for image in each.images):
        yield "The images name no classes, so that their classes cannot be compared."
    if len(groups) > 1:
        for each in groups:
            compared = f", {each.same_class:,} of them in the class of the same name" if each.comparable else ""
            yield f"{each.name}: {each.fooling:,} of {len(each.images):,}{compared}."


def _counts(group: ProbedImages) -> tuple[int, int, int]:
    return group.fooling, group.comparable, group.same_class


def _remarks(known: list[KnownImages], shape: tuple[int, int, int]) -> Iterator[str]:
    """Yield how many images are not shown, and how many have another size than the network takes."""
    if left_out := sum(each.left_out for each in known):
        images = sum(len(each.images) for each in known)
        yield f"{images:,} of {images + left_out:,} images are shown, evenly spaced, to keep this look short."
    _, height, width = shape
    sizes = Counter(
        small.shape[1:]
        for each in known
        for image in each.images
        if (small := without_enlargement(image, height, width)).shape[1:] != (height, width)
    )
    if sizes:
        named = " and ".join(f"{high} x {wide}" for high, wide in sizes)
        sizes_in_words = named if len(sizes) <= MOST_SIZES else f"{len(sizes)} sizes"
        yield (
            f"{sizes.total():,} images were resized from {sizes_in_words} to {height} x {width} pixels, which changes "
            "them: they may fool a network less than in their own size."
        )
