"""Evolution and its controls: searches that score images on a classifier, generation by generation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fooling.attacks.evolution.record import (
    History,
    Lineage,
    RunRecord,
    arrays_of,
    header_of,
    record_from,
    save_run,
    save_runs,
)
from fooling.attacks.evolution.scoring import Bfloat16Scoring, Scoring, ScreenedScoring
from fooling.attacks.evolution.screening import images_to_measure, in_bfloat16, measured_bound
from fooling.attacks.evolution.searches import Archive, Drift, MapElites, RandomSearch, Search
from fooling.attacks.settings import EvolutionSettings, SearchSettings, is_kept
from fooling.classifiers.classifier import Classifier
from fooling.encodings.encoding import Genomes
from fooling.encodings.settings import encoding_for
from fooling.messages import FoolingError
from fooling.reproducibility import derived_seed
from fooling.schemas import require_schema
from fooling.settings import Settings

G = TypeVar("G", bound=Genomes)


class Evolution:
    """MAP-Elites over the classes, and as controls the same number of images at random or without selection."""

    settings_class: ClassVar[type[Settings]] = EvolutionSettings
    unit: ClassVar[str] = "generations"
    controls: ClassVar[tuple[str, ...]] = (RandomSearch.name, Drift.name)
    has_seeds: ClassVar[bool] = False

    def __init__(
        self,
        *,
        settings: EvolutionSettings,
        classifier: Classifier,
        identity: Mapping[str, Any],
        real: NDArray[np.uint8] | None = None,
    ) -> None:
        """Prepare runs; ``precision: screened`` needs ``real`` images (N, C, H, W) of the classifier's kind."""
        self._settings, self._classifier = settings, classifier
        self._new_scoring = _scoring(settings, _as_fed(classifier, settings.search), real)
        self._identity = {
            "encoding": settings.encoding.kind,
            "settings": settings.model_dump(mode="json"),
            "classifier": identity["classifier"],
            "class_names": classifier.targets,
            "versions": identity["versions"],
        }

    def run(self, seed: int | None, *, control: str = "") -> Run[Any]:
        """Return the run of MAP-Elites, or of a control, with this seed."""
        if seed is None:
            raise FoolingError("evolution needs a seed", remedy="give --seed")
        search = {kind.name: kind for kind in (MapElites, RandomSearch, Drift)}[control or MapElites.name]
        settings, classifier, device = self._settings, self._classifier, self._classifier.device
        encoding = encoding_for(settings.encoding, image_shape=classifier.input_shape, device=device)
        generator = torch.Generator(device).manual_seed(derived_seed(seed, "evolution", settings.encoding.kind))
        return Run(
            search=search(
                encoding=encoding,
                generator=generator,
                classes=len(classifier.targets),
                by_log_odds=settings.search.ties == "log-odds",
            ),
            classifier=classifier,
            settings=settings.search,
            identity={**self._identity, "seed": seed, "versions": {**self._identity["versions"], **encoding.versions}},
            scoring=self._new_scoring(),
        )

    save = staticmethod(save_run)
    save_many = staticmethod(save_runs)


class Run(Generic[G]):
    """A search on a classifier with the budget of its settings.

    The bytes of its record depend on the settings, the seed of the search's generator and the classifier alone:
    not on how often it was stopped and restored, nor on the number of threads.
    """

    def __init__(
        self,
        *,
        search: Search[G],
        classifier: Classifier,
        settings: SearchSettings,
        identity: Mapping[str, Any],
        scoring: Scoring | None = None,
    ) -> None:
        """Prepare a run.

        Args:
            search: The search.
            classifier: The classifier that it fools.
            settings: Budget, and how images are presented to the classifier.
            identity: The header of its record: encoding, settings, seed, classifier, versions.
            scoring: How images are scored; default: by the classifier, in float32.
        """
        self.search = search
        self.identity = identity
        self.settings = settings
        self._scoring = Scoring(_as_fed(classifier, settings)) if scoring is None else scoring
        self._history: list[_Row] = []
        self._start_images: Tensor | None = None

    @property
    def steps(self) -> int:
        """Generations in all, the start counted as one."""
        return self.settings.generations + 1

    @property
    def steps_done(self) -> int:
        """Generations so far, the start counted as one."""
        return self._history[-1].generation + 1 if self._history else 0

    @torch.inference_mode()
    def advance(self) -> None:
        """Score the next generation; the first one is the random start."""
        generation = self.steps_done
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
        """The champions so far; not defined before the start."""
        assert self.search.archive is not None, "the run has not started"
        return self.search.archive

    def median_confidence(self) -> float:
        """Return the median confidence of the champions."""
        return float(np.median(self.archive.confidences.cpu().numpy()))

    def record(self) -> RunRecord:
        """Return the run so far; all its confidences are float32's."""
        return self._scoring.recorded(self._searched())

    def summary(self) -> str:
        """Return what is to be printed about the scoring at the end; empty: nothing."""
        return self._scoring.summary()

    def _searched(self) -> RunRecord:
        """Return the run so far, with the confidences that decide the search."""
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
        """Return the arrays and the header from which :meth:`restore` resumes to the same bits."""
        record = self._searched()
        arrays = arrays_of(record)
        arrays |= {f"scoring/{name}": array for name, array in self._scoring.state().items()}
        arrays |= {f"search/{name}": _array(tensor) for name, tensor in self.search.state().items()}
        arrays["generator"] = _array(self.search.generator.get_state())
        return arrays, header_of(record)

    def restore(self, arrays: Mapping[str, NDArray[Any]], header: Mapping[str, Any], *, source: object) -> None:
        """Resume from a state; raise :class:`FoolingError`, naming its ``source``, if it is of another run."""
        record = record_from(arrays, header, source=source)
        search, device = self.search, self.search.generator.device
        own, scored = (
            {name.removeprefix(part): array for name, array in arrays.items() if name.startswith(part)}
            for part in ("search/", "scoring/")
        )
        self._require_own(record, arrays, own, source=source)
        archive: dict[str, Any] = {name: _tensor(getattr(record, name), device) for name in _ARCHIVE}
        genomes = {name: _tensor(record.genomes[name], device) for name in search.encoding.schema}
        found = search.encoding.genomes_from(genomes)
        search.archive = Archive(**archive, genomes=found, by_log_odds=search.by_log_odds)
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
        self._scoring.restore(scored, source=source)

    def _require_own(
        self, record: RunRecord, arrays: Mapping[str, NDArray[Any]], own: Mapping[str, NDArray[Any]], *, source: object
    ) -> None:
        """Raise :class:`FoolingError` unless ``record`` and ``arrays``, and the search's ``own``, are of this run."""
        header = {key: value for key, value in header_of(record).items() if key != "screening"}
        if header != {"search": self.search.name, **self.identity}:
            remedy = "delete it: the run then starts again"
            raise FoolingError(f"{source} is the state of another run", found=record.search, remedy=remedy)
        encoding, generator = self.search.encoding, self.search.generator
        require_schema(record.genomes, encoding.schema, source=source, B=len(record.class_names))
        encoding.require_sound(record.genomes, source=source)
        require_schema(own, self.search.state_layout, source=source)
        if self.search.state_layout:
            encoding.require_sound(own, source=source)
        require_schema(arrays, {"generator": f"uint8 {len(generator.get_state())}"}, source=source)
        if (shape := record.images.shape[1:]) != encoding.image_shape:
            raise FoolingError(f"{source} is the state of another run", found=shape, expected=encoding.image_shape)

    def _score(self, count: int, generation: int) -> None:
        genomes = self.search.ask(count, generation=generation)
        images = self.search.encoding.render(genomes)
        champions, entries = self.search.archive, len(self.search.entries)
        logits = self._scoring.logits(images, None if champions is None else champions.confidences)
        self.search.tell(genomes, images, logits, generation=generation)
        if cells := [entry[1] for entry in self.search.entries[entries:]]:
            self._scoring.note_champions(self.archive.images[cells], cells)


def _as_fed(classifier: Classifier, settings: SearchSettings) -> Classifier:
    """Return the classifier with the input that a run gives it."""
    return classifier.with_mean_subtracted() if settings.scoring_input == "mean-subtracted" else classifier


def _scoring(
    settings: EvolutionSettings, classifier: Classifier, real: NDArray[np.uint8] | None
) -> Callable[[], Scoring]:
    """Return a function that makes the scoring of one run, in the precision of its settings."""
    if settings.precision == "float32":
        return lambda: Scoring(classifier)
    reduced = in_bfloat16(classifier)
    if settings.precision == "bfloat16":
        return lambda: Bfloat16Scoring(classifier, reduced=reduced)
    if real is None:
        raise FoolingError(
            "precision: screened needs real images", remedy="give the data set of the network, --dataset"
        )

    @cache
    def bound() -> float:
        encoding = encoding_for(settings.encoding, image_shape=classifier.input_shape, device=classifier.device)
        return measured_bound(classifier, reduced, images_to_measure(classifier, encoding, real))

    return lambda: ScreenedScoring(classifier, reduced=reduced, bound=bound)


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
