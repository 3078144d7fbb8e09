"""Score the images of a run: in float32, in bfloat16, or in bfloat16 with float32 for those that could matter.

::

                 decides the search                      stands in the record
    float32      float32                                 the same
    bfloat16     bfloat16                                every champion scored again in float32
    screened     float32 for images that could beat      the same; byte for byte that of a run in float32
                 a champion, bfloat16 shows which
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fooling.attacks.evolution.record import History, Lineage, RunRecord
from fooling.attacks.evolution.screening import SAFETY, could_beat, errors_of
from fooling.classifiers.classifier import Classifier, confidences_of, log_odds_of
from fooling.messages import share_percent
from fooling.schemas import FINITE64, require_range, require_schema


class Scoring:
    """Score every image in float32; the base of the other ways to score.

    Objects belong to one run: they keep what a resumed run needs.
    """

    layout: ClassVar[Mapping[str, str]] = {}
    """Type and shape of every array of the state, for :func:`fooling.schemas.require_schema`."""

    def __init__(self, classifier: Classifier) -> None:
        self.classifier = classifier

    def logits(self, images: Tensor, champions: Tensor | None) -> Tensor:
        """Return the logits (B, L) with which ``images`` (B, C, H, W) compete.

        Args:
            images: The images, uint8.
            champions: Confidences (K,) of the champions so far; None before the first batch has been told.
        """
        return self.classifier.logits(images)

    def note_champions(self, images: Tensor, cells: list[int]) -> None:
        """Take the ``images`` (M, C, H, W) that have just entered these cells, in the order of the lineage."""

    def recorded(self, record: RunRecord) -> RunRecord:
        """Return the record of a run from what the search knows: all recorded confidences are float32's."""
        return record

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the arrays from which :meth:`restore` resumes."""
        return {}

    def restore(self, arrays: Mapping[str, NDArray[Any]], *, source: object) -> None:
        """Resume from a state; raise :class:`FoolingError`, naming its ``source``, for an invalid one."""
        require_schema(arrays, self.layout, source=source)

    def summary(self) -> str:
        """Return what is to be printed about it at the end of a run; empty: nothing."""
        return ""


class Bfloat16Scoring(Scoring):
    """Score every image in bfloat16, and those that become champions once more in float32, for the record."""

    layout: ClassVar[Mapping[str, str]] = {"confidences": "float32 m", "log_odds": "float64 m"}

    def __init__(self, classifier: Classifier, *, reduced: Classifier) -> None:
        super().__init__(classifier)
        self._reduced = reduced
        self._waiting: list[Tensor] = []  # champions to score in float32, in full chunks
        self._cells: list[int] = []  # that these entered
        self._confidences: list[float] = []  # of every champion scored so far, in the order of the lineage
        self._log_odds: list[float] = []
        self._largest = 0.0

    def logits(self, images: Tensor, champions: Tensor | None) -> Tensor:
        """Return bfloat16 logits, as float32."""
        return self._reduced.logits(images)

    def note_champions(self, images: Tensor, cells: list[int]) -> None:
        """Score them in float32 once there is a chunk of them."""
        self._waiting += images.unbind()
        self._cells += cells
        while len(self._waiting) >= self.classifier.chunk_size:
            self._score_waiting()

    def recorded(self, record: RunRecord) -> RunRecord:
        """Return the record with float32 scores of every champion: in the archive, the history and the lineage."""
        confidences, log_odds = self._scores()
        found = record.confidences
        record = with_scores(record, confidences, log_odds, logits=self._logits_of(record.images))
        self._largest = float(np.abs(record.confidences.astype(float) - found).max())
        return record

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the float32 scores of all champions so far."""
        confidences, log_odds = self._scores()
        return {"confidences": confidences, "log_odds": log_odds}

    def restore(self, arrays: Mapping[str, NDArray[Any]], *, source: object) -> None:
        """Resume from these scores."""
        super().restore(arrays, source=source)
        require_range("confidences", arrays["confidences"], least=0, most=1, source=source)
        require_range("log_odds", arrays["log_odds"], least=-FINITE64, most=FINITE64, source=source)
        self._confidences, self._log_odds = arrays["confidences"].tolist(), arrays["log_odds"].tolist()

    def summary(self) -> str:
        """Return how many champions were scored again, and by how much their confidences changed."""
        return (
            f"searched in bfloat16; {len(self._confidences):,} champions scored again in float32, which changed the "
            f"confidences of the last ones by up to {self._largest:.2g}"
        )

    def _scores(self) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Return confidences and log-odds (M,) of all champions so far in the cells that they entered."""
        while self._waiting:
            self._score_waiting()
        return np.array(self._confidences, dtype=np.float32), np.array(self._log_odds, dtype=np.float64)

    def _score_waiting(self) -> None:
        images, self._waiting = _parted(self._waiting, self.classifier.chunk_size)
        cells, self._cells = _parted(self._cells, len(images))
        rows = range(len(images))
        logits = self.classifier.logits(torch.stack(images))
        self._confidences += confidences_of(logits)[rows, cells].tolist()
        self._log_odds += log_odds_of(logits)[rows, cells].tolist()

    def _logits_of(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        logits: NDArray[np.float32] = self.classifier.logits(torch.from_numpy(images)).cpu().numpy()
        return logits


@dataclass
class _Time:
    """The seconds that screening took in this process, and the images that it scored."""

    screened: float = 0.0
    offspring: int = 0
    rescoring: float = 0.0  # a part of the former
    rescored: int = 0

    @property
    def gain(self) -> float | None:
        """How many times as long float32 alone would have taken; None if nothing was scored in float32."""
        return self.rescoring / self.rescored * self.offspring / self.screened if self.rescored else None


class ScreenedScoring(Scoring):
    """Score every image in bfloat16, and in float32 those that could beat a champion, given a bound on the error.

    The logits of all others stay those of bfloat16, and are too low to beat a champion. So the search takes the course
    that it takes in float32. Every float32 score also tests the bound. If an error exceeds it, the whole batch is
    scored in float32 and the bound is raised: the record states how often.
    """

    layout: ClassVar[Mapping[str, str]] = {"bounds": "float64 3", "counts": "int64 3"}

    def __init__(self, classifier: Classifier, *, reduced: Classifier, bound: Callable[[], float]) -> None:
        """Prepare a run; ``bound`` measures the bound, unless the run is restored."""
        super().__init__(classifier)
        self._reduced, self._measure = reduced, bound
        self._measured = self._bound = self._largest = 0.0
        self._offspring = self._rescored = self._exceeded = 0
        self._time = _Time()

    def logits(self, images: Tensor, champions: Tensor | None) -> Tensor:
        """Return float32 logits of images that could beat a champion, and of all in the first batch."""
        if champions is None:
            self._measured = self._bound = self._measure()
            return self.classifier.logits(images)
        start = time.perf_counter()
        logits = self._screened(images, champions)
        self._time.screened += time.perf_counter() - start
        self._offspring += len(images)
        self._time.offspring += len(images)
        return logits

    def recorded(self, record: RunRecord) -> RunRecord:
        """Return the record with the bound, and how it held."""
        screening = {
            "bound": self._measured,
            "largest_error": self._largest,
            "exceeded": self._exceeded,
            "offspring": self._offspring,
            "rescored": self._rescored,
        }
        return dataclasses.replace(record, screening=screening)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return bounds and counts so far."""
        return {
            "bounds": np.array([self._measured, self._bound, self._largest], dtype=np.float64),
            "counts": np.array([self._offspring, self._rescored, self._exceeded], dtype=np.int64),
        }

    def restore(self, arrays: Mapping[str, NDArray[Any]], *, source: object) -> None:
        """Resume with these bounds and counts; nothing is measured again."""
        super().restore(arrays, source=source)
        for name, array in arrays.items():
            require_range(name, array, least=0, most=FINITE64, source=source)
        self._measured, self._bound, self._largest = arrays["bounds"].tolist()
        self._offspring, self._rescored, self._exceeded = arrays["counts"].tolist()

    def summary(self) -> str:
        """Return the share of offspring scored in float32, the gain over scoring all so, and how the bound held."""
        share = self._rescored / max(self._offspring, 1)
        held = "held" if not self._exceeded else f"was exceeded by {self._exceeded} images, and raised"
        gain = self._time.gain
        return (
            f"screened in bfloat16: {share_percent(share)} of {self._offspring:,} offspring scored again in float32"
            f"{'' if gain is None else f'; {gain:.2f} times as fast as scoring all in float32'}"
            f"; the bound of {self._measured:.2g} {held} (largest error {self._largest:.2g})"
        )

    def _screened(self, images: Tensor, champions: Tensor) -> Tensor:
        """Return logits (B, L): float32's of the images that could beat a champion, bfloat16's of all others."""
        logits = self._reduced.logits(images)
        rows = self._rows(logits, champions)
        if len(rows) == 0:
            return logits
        exact = self._exact(images[rows])
        if not self._holds(errors_of(logits[rows], exact)):
            return self._exact(images)
        logits[rows] = exact
        return logits

    def _exact(self, images: Tensor) -> Tensor:
        start = time.perf_counter()
        logits = self.classifier.logits(images)  # which waits until a GPU is done
        self._time.rescoring += time.perf_counter() - start
        self._time.rescored += len(images)
        self._rescored += len(images)
        return logits

    def _rows(self, logits: Tensor, champions: Tensor) -> Tensor:
        """Return the rows to score in float32, ascending: all that could beat a champion, in full chunks.

        A chunk costs the same however full it is, so the images that come closest fill it.
        """
        ahead = could_beat(logits, champions, bound=self._bound)
        count, size = int((ahead >= 0).sum()), self.classifier.chunk_size
        return ahead.argsort(descending=True, stable=True)[: -(-count // size) * size].sort().values

    def _holds(self, errors: Tensor) -> bool:
        """Note these errors (B,), and return whether all are within the bound; if not, raise the bound."""
        largest = float(errors.max())
        self._largest = max(self._largest, largest)
        if largest <= self._bound:
            return True
        self._exceeded += int((errors > self._bound).sum())
        self._bound = SAFETY * largest
        return False


def with_scores(
    record: RunRecord,
    confidences: NDArray[np.float32],
    log_odds: NDArray[np.float64],
    *,
    logits: NDArray[np.float32],
) -> RunRecord:
    """Return ``record`` with other scores of its champions.

    Args:
        record: The record of a run, with M entries in its lineage.
        confidences: Confidence (M,) of every entry in the cell that it entered.
        log_odds: Its log-odds (M,).
        logits: Logits (K, L) of the champions at the end.
    """
    rows = champions_at(record.lineage, record.history.generations, cells=len(record.confidences))
    return dataclasses.replace(
        record,
        logits=logits,
        confidences=confidences[rows[-1]],
        log_odds=log_odds[rows[-1]],
        history=History(
            generations=record.history.generations,
            evaluations=record.history.evaluations,
            confidences=confidences[rows],
            log_odds=log_odds[rows],
        ),
        lineage=dataclasses.replace(record.lineage, confidence=confidences),
    )


def champions_at(lineage: Lineage, generations: NDArray[np.int64], *, cells: int) -> NDArray[np.int64]:
    """Return the rows (T, K) of ``lineage`` that hold the cells after each of these ``generations`` (T,)."""
    found = np.empty((len(generations), cells), dtype=np.int64)
    for cell in range(cells):
        rows = np.flatnonzero(lineage.class_index == cell)
        found[:, cell] = rows[np.searchsorted(lineage.generation[rows], generations, side="right") - 1]
    return found


def _parted(values: list[Any], count: int) -> tuple[list[Any], list[Any]]:
    return values[:count], values[count:]
