"""One run: a search shows images to a classifier, generation after generation; it can stop and go on at any of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fooling.classifiers.classifier import Classifier
from fooling.contents import require_layout
from fooling.encodings.encoding import Genomes
from fooling.errors import FoolingError
from fooling.evolution.archive import Archive
from fooling.evolution.record import History, Lineage, RunRecord, arrays_of, header_of, record_from
from fooling.evolution.searches import Search
from fooling.evolution.settings import SearchSettings, is_kept

G = TypeVar("G", bound=Genomes)


class Run(Generic[G]):
    """A search against a classifier within the budget of its settings.

    The bytes of its record depend on the settings, the seed of the search's generator and the classifier alone:
    not on how often it was stopped and restored, nor on the number of threads.
    """

    def __init__(
        self, *, search: Search[G], classifier: Classifier, settings: SearchSettings, identity: Mapping[str, Any]
    ) -> None:
        """``identity`` is the record's: encoding, settings, seed, classifier, the classes with a cell, versions."""
        self.search = search
        self.identity = identity
        self.settings = settings
        subtracts = settings.scoring_input == "mean-subtracted"
        self._classifier = classifier.with_mean_subtracted() if subtracts else classifier
        self._history: list[_Row] = []
        self._start_images: Tensor | None = None

    @property
    def generations_done(self) -> int:
        """Generations so far, the start counted as one."""
        return self._history[-1].generation + 1 if self._history else 0

    @property
    def is_done(self) -> bool:
        """Whether the budget is spent."""
        return self.generations_done > self.settings.generations

    @torch.inference_mode()
    def advance(self) -> None:
        """Score one more generation; the first is the random start."""
        generation = self.generations_done
        if generation == 0:
            self._score(self.settings.start, generation)
            self._start_images = self.archive.images.clone()
        if generation > 0 or self.settings.extra_batch:
            self._score(self.settings.offspring, generation)
        if self._history and not is_kept(self._history[-1].generation):
            self._history.pop()
        archive = self.archive
        row = _Row(generation, self.search.evaluations, archive.confidences.clone(), archive.log_odds.clone())
        self._history.append(row)

    @property
    def archive(self) -> Archive[G]:
        """The champions so far; there are none before the start."""
        assert self.search.archive is not None, "the run has not started"
        return self.search.archive

    def median_confidence(self) -> float:
        """The median over the classes of the champions' confidence."""
        return float(np.median(self.archive.confidences.cpu().numpy()))

    def record(self) -> RunRecord:
        """The run as it stands."""
        archive, entries = self.archive, self.search.entries
        assert self._start_images is not None
        arrays: dict[str, Any] = {name: _array(getattr(archive, name)) for name in _ARCHIVE}
        return RunRecord(
            **self.identity,
            **arrays,
            search=self.search.name,
            start_images=_array(self._start_images),
            genomes={name: _array(tensor) for name, tensor in archive.genomes.arrays().items()},
            history=History(
                generations=np.array([row.generation for row in self._history], dtype=np.int64),
                evaluations=np.array([row.evaluations for row in self._history], dtype=np.int64),
                confidences=_array(torch.stack([row.confidences for row in self._history])),
                log_odds=_array(torch.stack([row.log_odds for row in self._history])),
            ),
            lineage=Lineage(
                individual=np.array([entry[0] for entry in entries], dtype=np.int64),
                class_index=np.array([entry[1] for entry in entries], dtype=np.int64),
                generation=np.array([entry[2] for entry in entries], dtype=np.int64),
                parents=np.array([entry[3:5] for entry in entries], dtype=np.int64).reshape(-1, 2),
                confidence=np.array([entry[5] for entry in entries], dtype=np.float32),
            ),
        )

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Arrays and header from which :meth:`restore` goes on to the same bytes."""
        record = self.record()
        arrays = arrays_of(record)
        arrays |= {f"search/{name}": _array(tensor) for name, tensor in self.search.state().items()}
        arrays["generator"] = _array(self.search.generator.get_state())
        return arrays, header_of(record)

    def restore(self, arrays: Mapping[str, NDArray[Any]], header: Mapping[str, Any], *, source: object) -> None:
        """Take up the state that :meth:`state` gave; :class:`FoolingError`, naming the ``source``, for any other."""
        record = record_from(arrays, header, source=source)
        search, device = self.search, self.search.generator.device
        own = {name.removeprefix("search/"): array for name, array in arrays.items() if name.startswith("search/")}
        self._require_own(record, arrays, own, source=source)
        archive: dict[str, Any] = {name: _tensor(getattr(record, name), device) for name in _ARCHIVE}
        genomes = {name: _tensor(record.genomes[name], device) for name in search.encoding.layout}
        search.archive = Archive(**archive, genomes=search.encoding.genomes_from(genomes))
        lineage = record.lineage
        search.entries = [
            (individual, cell, generation, *parents, confidence)
            for individual, cell, generation, parents, confidence in zip(
                lineage.individual.tolist(),
                lineage.class_index.tolist(),
                lineage.generation.tolist(),
                lineage.parents.tolist(),
                lineage.confidence.tolist(),
                strict=True,
            )
        ]
        search.evaluations = int(record.history.evaluations[-1])
        search.generator.set_state(torch.from_numpy(arrays["generator"].copy()))
        search.restore({name: _tensor(own[name], device) for name in search.state_layout})
        history = record.history
        self._history = [
            _Row(generation, evaluations, confidences, log_odds)
            for generation, evaluations, confidences, log_odds in zip(
                history.generations.tolist(),
                history.evaluations.tolist(),
                _tensor(history.confidences, device),
                _tensor(history.log_odds, device),
                strict=True,
            )
        ]
        self._start_images = _tensor(record.start_images, device)

    def _require_own(
        self, record: RunRecord, arrays: Mapping[str, NDArray[Any]], own: Mapping[str, NDArray[Any]], *, source: object
    ) -> None:
        """Raise :class:`FoolingError` unless ``record`` and ``arrays``, and the search's ``own``, are of this run."""
        if header_of(record) != {"search": self.search.name, **self.identity}:
            remedy = "delete it: the run then starts again"
            raise FoolingError(f"{source} is the state of another run", found=record.search, remedy=remedy)
        encoding, generator = self.search.encoding, self.search.generator
        require_layout(record.genomes, encoding.layout, source=source, B=len(record.class_names))
        encoding.require_sound(record.genomes, source=source)
        require_layout(own, self.search.state_layout, source=source)
        if self.search.state_layout:
            encoding.require_sound(own, source=source)
        require_layout(arrays, {"generator": f"uint8 {len(generator.get_state())}"}, source=source)
        if (shape := record.images.shape[1:]) != encoding.image_shape:
            raise FoolingError(f"{source} is the state of another run", found=shape, expected=encoding.image_shape)

    def _score(self, count: int, generation: int) -> None:
        genomes = self.search.ask(count, generation=generation)
        images = self.search.encoding.render(genomes)
        self.search.tell(genomes, images, self._classifier.logits(images), generation=generation)


_ARCHIVE = ("confidences", "log_odds", "logits", "images", "generations", "individuals", "parents")


class _Row(NamedTuple):
    """The champions after one generation."""

    generation: int
    evaluations: int
    confidences: Tensor  # (K,) float32
    log_odds: Tensor  # (K,) float64


def _array(tensor: Tensor) -> NDArray[Any]:
    array: NDArray[Any] = tensor.cpu().numpy()
    return array


def _tensor(array: NDArray[Any], device: torch.device) -> Tensor:
    return torch.from_numpy(array.copy()).to(device)
