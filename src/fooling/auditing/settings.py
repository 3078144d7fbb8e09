"""Settings of an audit: what it spends and counts, and what a user states about a network.

The workflow reads these settings, so this module imports neither torch nor pandas.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from fooling.attacks.settings import Precision
from fooling.classifiers.architectures import names_a_file
from fooling.classifiers.header import Outputs
from fooling.classifiers.settings import ChunkSize, Positive
from fooling.datasets.fetching import found_path
from fooling.messages import FoolingError
from fooling.settings import Seed, Settings

OFFSPRING = 200  # images of a generation, as in the paper
#: Fewest images with which a search can be compared: the start and one generation.
LEAST_BUDGET = 2 * OFFSPRING
#: The perturbation of all images, and each of two searches with labels alone, take the budget of a search over this.
ATTACK_SHARE = 10
#: An audit has five searches, single images for half the budget of one, and three of these shares.
SHARES, SINGLE_SHARE, LEAST_SINGLE = 5.8, 4, 100

SHAPE = re.compile(r"([13])x(\d{1,5})x(\d{1,5})")
#: Packages whose networks are named ``<package>:<name>``, and endings of files that hold a network.
PACKAGES, ENDINGS = ("torchvision", "timm", "open_clip"), (".onnx", ".pt", ".pt2", ".safetensors")
FOLDER, ADDRESSES = "huggingface:", ("https://", "http://")
TARGETS = (
    "path/to/file.py:function, torchvision:<name>, timm:<name>, open_clip:<name>, huggingface:<folder>, a file that "
    f"ends with {', '.join(ENDINGS)}, or the address of a service"
)


def _as_numbers(shape: Any) -> tuple[int, ...]:
    text = "x".join(map(str, shape)) if isinstance(shape, list | tuple) else str(shape)
    if (found := SHAPE.fullmatch(text)) is None:
        raise ValueError("channels first, 1 or 3, then height and width, such as 1x28x28 or 3x224x224")
    return tuple(map(int, found.groups()))


ImageShape = Annotated[
    tuple[int, int, int], BeforeValidator(_as_numbers, json_schema_input_type=str | tuple[int, int, int])
]


class BudgetSettings(Settings):
    """What each search of an audit spends, and what it counts."""

    budget: Annotated[int, Field(ge=LEAST_BUDGET, le=10**9)] = 40_200
    """Images that every search scores: 200 at the start, and 200 in each generation (40,200: 200 generations)."""
    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.9999
    """Confidence from which an image counts as fooling the network."""
    precision: Precision = "float32"
    """Number format of the search; reported confidences are those of the stored images in float32."""
    single_images: Annotated[int, Field(ge=1, le=10**6)] = 1000
    """Single noise images, and as many random CPPN images, that are scored besides all searches."""


class AuditSettings(BudgetSettings):
    """What an audit spends and counts."""

    seed: Seed = 1
    """Seed of all searches."""

    @classmethod
    def within(cls, seconds: float, *, per_image: float, seed: int, threshold: float) -> AuditSettings:
        """Return the settings of an audit that takes about so many ``seconds``, with the largest equal budgets.

        Args:
            seconds: Time for the whole audit.
            per_image: Seconds that a search takes for one image.
            seed: Seed of all searches.
            threshold: Confidence from which an image counts as fooling the network.
        """
        shared = int(seconds / per_image / SHARES)
        return cls(
            budget=max(LEAST_BUDGET, shared // OFFSPRING * OFFSPRING),
            seed=seed,
            threshold=threshold,
            single_images=max(LEAST_SINGLE, min(cls.model_fields["single_images"].default, shared // SINGLE_SHARE)),
        )

    @property
    def generations(self) -> int:
        """Generations of a search after its start."""
        return self.budget // OFFSPRING - 1


class OpeningSettings(Settings):
    """What a user states about a network besides its name; what is null is found out, or has a default."""

    weights: Path | None = None
    """File with the weights: safetensors, or a state dict that `torch.save` wrote."""
    input_shape: ImageShape | None = None
    """Size of the images: channels x height x width, such as `1x28x28` or `[1, 28, 28]`."""
    classes: int | str | tuple[str, ...] | None = None
    """Number of classes, their names in the network's own order, or a file of names: lines, or a CSV table."""
    divisor: Positive | None = None
    """Number by which levels from 0 to 255 are divided first; null: 255."""
    mean: tuple[float, ...] | None = None
    """Mean of each channel, subtracted after the division."""
    std: tuple[Positive, ...] | None = None
    """Standard deviation of each channel, by which the result is divided."""
    outputs: Outputs | None = None
    """What the network gives: `logits` or `probabilities`; null: found out by scoring noise."""
    colour: Literal["rgb", "bgr"] = "rgb"
    """Order of the colours in the input of an ONNX network."""
    prompts: tuple[str, ...] = ("a photo of a {}.",)
    """Sentences for each class of an open_clip network; `{}` stands for its name."""
    black_box: bool = False
    """Use the probabilities of the network alone, without logits and gradients; a service gives no more."""
    chunk_size: ChunkSize | None = None
    """How many images are scored at once; null: 32."""

    @property
    def class_file(self) -> Path | None:
        """The file with the names of the classes, if ``classes`` is neither a number nor a list."""
        is_path = isinstance(self.classes, str) and not self.classes.isdigit() and "," not in self.classes
        return Path(str(self.classes)) if is_path else None

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """Names of the classes, in the network's order; None: unknown.

        Raises :class:`FoolingError` if ``classes`` is neither a number nor a list, and no text file has its name.
        """
        if self.classes is None or isinstance(self.classes, tuple):
            return self.classes
        if self.class_file is not None:
            return _names_in(self.class_file)
        text = str(self.classes)
        return tuple(map(str, range(int(text)))) if text.isdigit() else tuple(map(str.strip, text.split(",")))

    def files(self, target: str) -> dict[str, Path]:
        """Return the files that decide what the network ``target`` is, by the key that names each."""
        named = {"network": file_of(target), "weights": self.weights, "classes": self.class_file}
        return {key: path for key, path in named.items() if path is not None}


@dataclass(frozen=True, kw_only=True)
class ServiceOptions:
    """How a service is asked."""

    answers: Path = Path("results/.answers")
    """Folder for the cache of answers."""
    queries: int | None = None
    """Images that are sent at most, repetitions after failures included; None: no limit."""
    rate: float | None = None
    """Requests per second at most; None: no limit."""


class Opening(OpeningSettings):
    """What a user states about a network, where files are that are not here, and how a service is asked."""

    mirror: Path | None = None
    """Folder in which files are looked for that are not here, before anything is downloaded."""
    service: ServiceOptions = ServiceOptions()

    def located(self, target: str) -> tuple[str, Opening]:
        """Return ``target`` and these settings with every path as it is, here or below the mirror folder.

        Raises :class:`FoolingError` if a file is in neither place.
        """
        found = {key: found_path(path, self.mirror) for key, path in self.files(target).items()}
        classes = _names_in(found["classes"]) if "classes" in found else self.classes
        stated = self.model_copy(update={"weights": found.get("weights"), "classes": classes})
        if "network" not in found:
            return target, stated
        before = FOLDER if target.startswith(FOLDER) else ""
        function = f":{target.rpartition(':')[2]}" if names_a_file(target) else ""
        return f"{before}{found['network']}{function}", stated

    def deciding(self) -> dict[str, Any]:
        """Return what decides the result besides files: neither where they are nor how a service is asked."""
        return self.model_dump(mode="json", exclude={"weights", "mirror", "service"})


class CommandSettings(AuditSettings, OpeningSettings):
    """Settings of `fooling audit`: what it spends and counts, and what is stated about the network."""


def _names_in(file: Path) -> tuple[str, ...]:
    from fooling.datasets.imagenet_classes import class_names_in  # needs pandas

    return class_names_in(file)


def required_shape(opening: Opening, target: str) -> tuple[int, int, int]:
    """Return the stated shape (C, H, W) of the images; raise :class:`FoolingError` if none is stated."""
    if opening.input_shape is None:
        raise FoolingError(
            f"the size of the images of {target} is unknown",
            remedy="give it as channels x height x width, such as --input-shape 1x28x28 or --input-shape 3x224x224",
        )
    return opening.input_shape


def required_weights(opening: Opening, target: str) -> Path:
    """Return the stated file of weights; raise :class:`FoolingError` if none is stated."""
    if opening.weights is None:
        raise FoolingError(
            f"the weights of {target} are missing", remedy="give a file of its state dict with --weights"
        )
    return opening.weights


def file_of(target: str) -> Path | None:
    """Return the file or folder that holds the network ``target``; None if a package or a service holds it."""
    if target.startswith(ADDRESSES):
        return None
    if names_a_file(target):
        return Path(target.rpartition(":")[0])
    if target.startswith(FOLDER):
        return Path(target.removeprefix(FOLDER))
    return Path(target) if target.endswith(ENDINGS) else None


def _known_form(target: str) -> str:
    """Refuse the name of a network without a known form."""
    package, _, name = target.partition(":")
    if file_of(target) is None and not target.startswith(ADDRESSES) and not (name and package in PACKAGES):
        raise ValueError(TARGETS)
    return target


Target = Annotated[str, AfterValidator(_known_form)]


def formula_of(seen: Mapping[str, Any]) -> str:
    """Return the preprocessing of levels from 0 to 255 as a formula; empty if the network is given the levels.

    Args:
        seen: Keys ``divisor``, ``mean`` and ``std``, as the provenance of a classifier has them.
    """
    if "divisor" not in seen:
        return ""
    text = "level" if seen["divisor"] == 1 else f"level / {seen['divisor']:g}"
    text = f"{text} - {_in_words(seen['mean'])}" if seen.get("mean") else text
    return f"({text}) / {_in_words(seen['std'])}" if seen.get("std") else text


def _in_words(numbers: Sequence[float]) -> str:
    """Return the one number of all channels, or one for each."""
    shown = [f"{number:g}" for number in numbers]
    return shown[0] if len(set(shown)) == 1 else f"[{', '.join(shown)}]"
