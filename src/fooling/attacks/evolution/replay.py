"""The champions of a finished run at some of its generations.

The file of a run keeps only the champions of the start and of the end, so the run is repeated. A run depends on its
settings, its seed and its classifier alone: on the same kind of machine, the repetition has the same champions. Its
confidences are compared with the history of the run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fooling.artifacts import read_arrays, write_arrays
from fooling.attacks.evolution.record import RunRecord, packed, packed_arrays, unpacked
from fooling.attacks.record import counts, scores
from fooling.attacks.settings import is_kept
from fooling.messages import REMEDY, FoolingError
from fooling.schemas import FileFormat, Header, checked_header, require_arrays

KIND, VERSION = "replay", 1

ARRAYS = (
    counts("generations", doc="The generations, ascending."),
    counts("evaluations", doc="Images scored until then."),
    scores("", "T K", doc="Confidences of the champions then.")[0],
)
_NAMES = tuple(array.name for array in ARRAYS)


@dataclass(frozen=True, kw_only=True)
class Replay:
    """The champions of one run at T generations."""

    generations: NDArray[np.int64]  # (T,)
    evaluations: NDArray[np.int64]  # (T,) images scored until then
    confidences: NDArray[np.float32]  # (T, K)
    images: NDArray[np.uint8]  # (T, K, C, H, W)
    is_same: bool  # whether its confidences are those of the history of the run


class ReplayHeader(Header):
    """The header of a replay."""

    is_same: bool
    """Whether the confidences are those of the history of the run: the repetition found the same champions."""


FORMAT = FileFormat(
    kind=KIND,
    version=VERSION,
    path="evolution/{classifier}/{experiment}/seed{seed}.replay.safetensors",
    commands=("replay",),
    header=ReplayHeader,
    arrays=(*ARRAYS, *packed_arrays("images")),
    lengths={
        "K": "classes, each with a champion; in `index` the images of all generations, one generation after the other",
        "T": "generations",
        "n": "bytes",
        "U": "distinct images",
    },
    doc="The champions of one run at some of its generations, for the slider of the report.",
)


def generations_shown(last: int, count: int) -> list[int]:
    """Return at most ``count`` generations from 0 to ``last`` in the history, at about equal ratios.

    Confidences rise most in the first generations, so more of these are taken.
    """
    ratios = np.geomspace(1, last + 1, count) - 1
    return sorted({_kept(round(generation)) for generation in ratios[:-1]} | {last})


def replayed(
    record: RunRecord,
    advance: Callable[[], None],
    champions: Callable[[], tuple[NDArray[np.float32], NDArray[np.uint8]]],
    *,
    generations: Sequence[int],
) -> Replay:
    """Repeat a run, and return its champions at some generations.

    Args:
        record: The run.
        advance: Advances the repetition by one generation; the first one is the random start.
        champions: Returns the current champions: confidences ``(K,)`` and images ``(K, C, H, W)``.
        generations: Ascending generations of the history of ``record``.
    """
    history = record.history
    rows = np.searchsorted(history.generations, generations)
    shown = []
    for generation in range(max(generations) + 1):
        advance()
        if generation in generations:
            shown.append(champions())
    confidences = np.stack([of_classes for of_classes, _ in shown])
    return Replay(
        generations=history.generations[rows],
        evaluations=history.evaluations[rows],
        confidences=confidences,
        images=np.stack([images for _, images in shown]),
        is_same=bool(np.array_equal(confidences, history.confidences[rows])),
    )


def save_replay(path: Path, replay: Replay) -> None:
    """Write ``replay`` as one safetensors file."""
    arrays: dict[str, Any] = {name: getattr(replay, name) for name in _NAMES}
    images = replay.images.reshape(-1, *replay.images.shape[2:])
    arrays |= {f"images/{part}": array for part, array in packed(images).items()}
    write_arrays(path, arrays, kind=KIND, version=VERSION, header={"is_same": replay.is_same})


def load_replay(path: Path) -> Replay:
    """Return what :func:`save_replay` wrote; raise :class:`FoolingError` for any other or an incomplete file."""
    arrays, header = read_arrays(path, kind=KIND, version=VERSION)
    described = checked_header(ReplayHeader, header, source=path)
    require_arrays(arrays, ARRAYS, source=path)
    parts = {name.removeprefix("images/"): array for name, array in arrays.items() if name.startswith("images/")}
    images = unpacked(parts, source=path)
    generations, classes = arrays["confidences"].shape
    if len(images) != generations * classes or images.shape[1] not in (1, 3):
        expected = f"{generations} x {classes} images of 1 or 3 channels"
        raise FoolingError(f"{path} does not fit together", found=images.shape, expected=expected, remedy=REMEDY)
    return Replay(
        **{name: arrays[name] for name in _NAMES},
        images=images.reshape(generations, classes, *images.shape[1:]),
        is_same=described.is_same,
    )


def _kept(generation: int) -> int:
    """Return the last generation up to this one that the history keeps."""
    return next(kept for kept in range(generation, -1, -1) if is_kept(kept))
