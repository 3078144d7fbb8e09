"""The header of a classifier file, readable without torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from fooling.artifacts import read_header
from fooling.schemas import IMAGE_LENGTHS, Array, FileFormat, Header, checked_header

KIND, VERSION = "classifier", 3
MOST_AT_ONCE = 4096  # images

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Views = Literal["centre", "ten"]
Outputs = Literal["logits", "probabilities"]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class InputHeader(Header):
    """The images that a classifier accepts, and the parts of them that its network sees."""

    shape: tuple[Literal[1, 3], Count, Count]
    """Channels, height and width."""
    crop: Count | None
    """Side in pixels of the part that the network sees; null: the whole image."""
    views: Views
    """The centre alone, or the mean confidence over the ten crops of the paper."""


class NetworkHeader(Header):
    """The architecture that builds a network."""

    architecture: str
    """Name of the architecture, or `path/to/file.py:function`."""
    architecture_sha256: Sha256 | None = None
    """SHA-256 of the Python file of an `architecture` outside this package."""
    options: dict[str, Any]
    """Arguments of the architecture."""


class MemberHeader(NetworkHeader):
    """A network of an ensemble, and the parts of an image that it sees."""

    crop: Count | None
    views: Views
    outputs: Outputs = "logits"


class EnsembleOptions(Header):
    """The options of the architecture ``ensemble``."""

    members: Annotated[tuple[MemberHeader, ...], Field(min_length=1)]


class RefusalHeader(Header):
    """The constant on the logit of the fooling class, and whether the network gives no such logit."""

    shift: float
    """Constant that is added to the logit of the fooling class."""
    appended: bool
    """Whether the network gives no such logit, so that the constant itself is the logit."""


class ClassifierHeader(NetworkHeader):
    """A classifier without its arrays."""

    name: str
    """Name of the classifier."""
    input: InputHeader
    class_names: Annotated[tuple[str, ...], Field(min_length=2)]
    """Names of the classes, in the order of the scores."""
    outputs: Outputs = "logits"
    """What the network gives."""
    fooling_class: bool
    """Whether the last class is that of fooling images."""
    chunk_size: Annotated[int, Field(ge=1, le=MOST_AT_ONCE)]
    """Images that are scored at once."""
    refusal: RefusalHeader | None = None
    provenance: dict[str, Any]
    """Data set, test error, settings, seed, training curve and versions."""

    @model_validator(mode="after")
    def _refuses_by_a_class(self) -> Self:
        if self.refusal is not None and not self.fooling_class:
            raise ValueError("refusal: needs a fooling class")
        return self

    @property
    def outputs_of_network(self) -> int:
        """The number of outputs of the network for an image."""
        return len(self.class_names) - (self.refusal is not None and self.refusal.appended)


class DatasetName(Header):
    """The data set that a network was trained or tested on."""

    name: str


class Epoch(Header):
    """The loss and the errors of a network at the end of an epoch."""

    iteration: Count
    train_loss: Annotated[float, Field(ge=0)]
    test_error: Share
    top5_error: Share | None


class Recognised(Header):
    """The share of test images from one source that a retrained network assigns to the fooling class."""

    supplied_by: Annotated[int, Field(ge=0)]  # the number of the network that they fooled; 0: real images
    images: Count
    share: Share


class Retraining(Header):
    """The position of a network in a chain of retrainings."""

    first: str
    filled_with: str
    number: Annotated[int, Field(ge=2)]
    fooling_images: Annotated[int, Field(ge=0)]
    recognised: Annotated[tuple[Recognised, ...], Field(min_length=1)]


class FittedRefusal(Header):
    """The shares of real images that a classifier with a constant on the logit of the fooling class refuses."""

    rate: Share  # requested
    refused_fitted: Share  # in the half of the test images on which the constant was fitted
    refused: Share  # in the other half


class PublishedErrors(Header):
    """Published errors of the same weights, usually on ImageNet's validation images."""

    test_error: Share
    top5_error: Share | None
    source: str


class Provenance(Header):
    """Where a network comes from; an imported one has no seed, iterations or history.

    There is no top-5 error with five classes or fewer.
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
    settings: dict[str, Any] | None = None


def classifier_header(path: Path) -> dict[str, Any]:
    """Return name, architecture, input, class names and provenance of the classifier in ``path``.

    Raises :class:`FoolingError` if the file is missing, broken, of another format or incomplete.
    """
    header = checked_header(ClassifierHeader, read_header(path, kind=KIND, version=VERSION), source=path)
    provenance = checked_header(Provenance, header.provenance, source=f"the provenance of {path}")
    return {**header.model_dump(), "provenance": provenance.model_dump()}


def training_of(provenance: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the settings with which the study trained a network; empty if another program trained it."""
    settings = provenance.get("settings")
    training = settings.get("training") if isinstance(settings, Mapping) else None
    return training if isinstance(training, Mapping) else {}


def built_as(header: Mapping[str, Any]) -> str:
    """Return the architecture of a header with its options, and its loss unless that is the usual one.

    For example ``mlp, activation tanh, hidden 200-200`` or ``softmax-regression, sigmoids``.
    """
    if members := header["options"].get("members"):
        return f"{header['architecture']} of {len(members)}"
    loss = str(training_of(header["provenance"]).get("loss", "softmax"))
    words = [str(header["architecture"])]
    words += [f"{name} {_in_words(value)}" for name, value in sorted(header["options"].items())]
    return ", ".join([*words, *([loss] if loss != "softmax" else [])])


def _in_words(value: object) -> str:
    return "-".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


PREPROCESSING_ARRAYS = (
    Array(name="offset", form="float32 C 1 1", doc="Subtracted from the levels (0 to 255); or an image, `C H W`."),
    Array(name="scale", form="float32 C 1 1", doc="The difference is multiplied by it."),
    Array(name="training_mean", form="float32 C H W", doc="Mean of the training images, in levels."),
)
FORMAT = FileFormat(
    kind=KIND,
    version=VERSION,
    path="classifiers/{classifier}.safetensors",
    commands=("train", "retrain", "import-network", "assemble-ensemble", "match-refusal"),
    header=ClassifierHeader,
    arrays=(
        *PREPROCESSING_ARRAYS,
        Array(name="network.<key>", form="as in the network", doc="State dict of the network, an array for each key."),
    ),
    lengths=IMAGE_LENGTHS,
    doc="A classifier: weights, preprocessing and classes. It contains no code.",
)
