"""What a classifier file says of itself, readable without torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from fooling.artifacts import read_header
from fooling.contents import Header, checked_header

KIND, VERSION = "classifier", 3
MOST_AT_ONCE = 4096  # images

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Views = Literal["centre", "ten"]
Outputs = Literal["logits", "probabilities"]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class InputHeader(Header):
    """The images that a classifier takes, and what it sees of them."""

    shape: tuple[Literal[1, 3], Count, Count]
    crop: Count | None
    views: Views


class NetworkHeader(Header):
    """What builds a network."""

    architecture: str
    architecture_sha256: Sha256 | None = None
    """Of the Python file of an ``architecture`` that is no part of this package."""
    options: dict[str, Any]


class MemberHeader(NetworkHeader):
    """A network of an ensemble, and what it sees of an image."""

    crop: Count | None
    views: Views
    outputs: Outputs = "logits"


class EnsembleOptions(Header):
    """The options of the architecture ``ensemble``."""

    members: Annotated[tuple[MemberHeader, ...], Field(min_length=1)]


class RefusalHeader(Header):
    """The constant on the logit of the fooling class, and whether the network gives no such logit."""

    shift: float
    appended: bool


class ClassifierHeader(NetworkHeader):
    """Everything but the arrays of a classifier."""

    name: str
    input: InputHeader
    class_names: Annotated[tuple[str, ...], Field(min_length=2)]
    outputs: Outputs = "logits"
    fooling_class: bool
    chunk_size: Annotated[int, Field(ge=1, le=MOST_AT_ONCE)]
    refusal: RefusalHeader | None = None
    provenance: dict[str, Any]

    @model_validator(mode="after")
    def _refuses_by_a_class(self) -> Self:
        if self.refusal is not None and not self.fooling_class:
            raise ValueError("refusal: needs a fooling class")
        return self

    @property
    def outputs_of_network(self) -> int:
        """How many numbers the network gives for an image."""
        return len(self.class_names) - (self.refusal is not None and self.refusal.appended)


class DatasetName(Header):
    """The data set that a network was trained or tested on."""

    name: str


class Epoch(Header):
    """How a network stood at the end of a pass over its training images."""

    iteration: Count
    train_loss: Annotated[float, Field(ge=0)]
    test_error: Share
    top5_error: Share | None


class Recognised(Header):
    """How many test images from one source a retrained network takes for fooling ones."""

    supplied_by: Annotated[int, Field(ge=0)]  # the number of the network that was fooled by them; 0: real images
    images: Count
    share: Share


class Retraining(Header):
    """The place of a network in a chain of retrainings."""

    first: str
    filled_with: str
    number: Annotated[int, Field(ge=2)]
    fooling_images: Annotated[int, Field(ge=0)]
    recognised: Annotated[tuple[Recognised, ...], Field(min_length=1)]


class FittedRefusal(Header):
    """How many real images a classifier with a constant on the logit of the fooling class refuses."""

    rate: Share  # that was asked for
    refused_fitted: Share  # of the half of the test images that the constant was fitted on
    refused: Share  # of the other half


class PublishedErrors(Header):
    """Errors that others have published of the same weights, on ImageNet's validation images most likely."""

    test_error: Share
    top5_error: Share | None
    source: str


class Provenance(Header):
    """How a network came about; one that someone else has trained has neither seed, nor iterations, nor history.

    There is no error among the five most probable classes where there are no more than five.
    """

    dataset: DatasetName
    test_error: Share
    top5_error: Share | None
    published: PublishedErrors | None = None
    test_images: Count
    seed: int | None = None
    iterations: Count | None = None
    history: tuple[Epoch, ...] = ()
    retraining: Retraining | None = None
    refusal: FittedRefusal | None = None


def classifier_header(path: Path) -> dict[str, Any]:
    """Name, architecture, input, class names and provenance of the classifier in ``path``.

    Raises :class:`FoolingError` for a missing or broken file, for another format, and where something is missing.
    """
    header = checked_header(ClassifierHeader, read_header(path, kind=KIND, version=VERSION), source=path)
    provenance = checked_header(Provenance, header.provenance, source=f"the provenance of {path}")
    return {**header.model_dump(), "provenance": provenance.model_dump()}
