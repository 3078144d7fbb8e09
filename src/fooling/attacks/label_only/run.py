"""Evolve images with the labels of a classifier alone: MAP-Elites for images whose label survives noise.

An image is labelled, and competes in the cell of its label. Noisy copies of it are labelled then, at the level of noise
that the cell's champion survives, and at higher ones as long as most copies keep the label. The loop, the archive and
the encodings are those of evolution; only the score differs. Confidences are revealed after the last query.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fooling.attacks.attack import SeededBySettings
from fooling.attacks.evolution.run import Run
from fooling.attacks.evolution.scoring import Scoring
from fooling.attacks.evolution.searches import MapElites, RandomSearch
from fooling.attacks.label_only.record import Entries, LabelOnlyRecord, below, checked_entries, record_of
from fooling.attacks.label_only.record import save_label_only as save
from fooling.attacks.settings import LabelOnlySettings, SearchSettings
from fooling.classifiers.classifier import Classifier, confidences_of, log_odds_of
from fooling.classifiers.wrapped import LabelsAlone, kind_of_scores
from fooling.encodings.encoding import Genomes
from fooling.encodings.settings import encoding_for
from fooling.messages import REMEDY, FoolingError, percent
from fooling.reproducibility import derived_seed
from fooling.schemas import require_range, require_schema
from fooling.settings import Settings

G = TypeVar("G", bound=Genomes)

LEVELS = 255
#: Logit of the classes that an image was not labelled as: their confidence underflows to 0, that of an empty cell.
NEVER = -1e4
#: Values of noisy copies that are in memory at once.
MOST_VALUES = 2**24


class LabelOnly(SeededBySettings):
    """The attack with labels alone, with its settings."""

    settings_class: ClassVar[type[Settings]] = LabelOnlySettings
    title: ClassVar[str] = "label-only"
    unit: ClassVar[str] = "queries"
    controls: ClassVar[tuple[str, ...]] = ()
    has_seeds: ClassVar[bool] = True

    def __init__(self, *, settings: LabelOnlySettings, classifier: Classifier, identity: Mapping[str, Any]) -> None:
        self._settings, self._classifier = settings, classifier
        encoding = encoding_for(settings.encoding, image_shape=classifier.input_shape, device=classifier.device)
        self._identity = {
            "name": identity["name"],
            "settings": settings.model_dump(mode="json"),
            "classifier": identity["classifier"],
            "class_names": classifier.targets,
            "versions": {**identity["versions"], **encoding.versions},
        }

    def _run(self) -> LabelOnlyRun:
        """Return the runs of all searches with all seeds, one after the other."""
        return LabelOnlyRun(classifier=self._classifier, settings=self._settings, identity=self._identity)

    save = staticmethod(save)


class LabelElites(MapElites[G]):
    """MAP-Elites whose parents are the champions of the labels that were given so far; random genomes if none was."""

    def _next(self, count: int, generation: int) -> G:
        assert self.archive is not None
        filled = self.archive.confidences.nonzero()[:, 0]
        if len(filled) == 0:
            self._asked_parents = None
            return self.encoding.random(count, self.generator)
        return self._children(self.archive.genomes.take(filled), self.archive.individuals[filled], count, generation)


class LabelScoring(Scoring):
    """Score images by the noise that their label survives, within a budget of queries.

    An image with the label of class c, whose label most copies keep at the first ``level`` of L levels of noise, and
    ``kept`` of N copies at the next one, has the rank ``level * (N + 1) + kept + 1`` in class c; at the last level,
    ``kept`` is the number there. An image that does not survive the level of its champion has no rank, because it
    cannot replace it. The noise is the same for all images of a run. Ranks are passed on as logits whose softmax grows
    with the rank, with one more class that takes the rest.
    """

    layout: ClassVar[Mapping[str, str]] = {"images": "uint8 m C H W", "queries": "int64 m", "spent": "int64 1"}

    def __init__(self, classifier: Classifier, *, settings: LabelOnlySettings, seed: int) -> None:
        super().__init__(classifier)
        self.spent = 0
        """Queries so far."""
        self.images: list[Tensor] = []
        """The images (C, H, W) of all entries, in the order of the lineage."""
        self.queries: list[int] = []
        """Queries until the end of the batch of each entry."""
        self._settings, self._ask = settings, LabelsAlone(classifier)
        generator = torch.Generator().manual_seed(derived_seed(seed, "label-only noise"))
        noise = torch.randn(settings.copies, *classifier.input_shape, generator=generator)
        self._noise = noise.to(classifier.device)

    @property
    def left(self) -> int:
        """Queries of the budget that are left."""
        return self._settings.queries - self.spent

    @property
    def is_spent(self) -> bool:
        """Whether the budget does not suffice for one more image and its copies."""
        return self.left < 1 + self._settings.copies

    def logits(self, images: Tensor, champions: Tensor | None) -> Tensor:
        """Return logits (B, K + 1) whose softmax in the class of an image's label grows with its rank."""
        classes = len(self.classifier.targets)
        known = torch.zeros(classes, dtype=torch.int64) if champions is None else self.ranks(champions)
        labels, ranks = self._measured(images, known)
        logits = torch.full((len(images), classes + 1), NEVER)
        logits[:, -1] = 0
        rows = ranks.nonzero()[:, 0]
        logits[rows, labels[rows]] = torch.logit(ranks[rows].double() / self._ranks).float()
        return logits.to(images.device)

    def ranks(self, confidences: Tensor) -> Tensor:
        """Return the ranks (B,) that have these ``confidences`` in the softmax of the logits; 0: an empty cell."""
        return (confidences.cpu().double() * self._ranks).round().long()

    def level_and_kept(self, ranks: Tensor) -> tuple[Tensor, Tensor]:
        """Return the levels and the numbers of copies of ``ranks`` (B,) above 0."""
        places, last = ranks - 1, len(self._settings.noise)
        level = (places // (self._settings.copies + 1)).clamp(max=last)
        return level, places - level * (self._settings.copies + 1)

    def note_champions(self, images: Tensor, cells: list[int]) -> None:
        """Keep the images that entered cells, whose confidences are revealed later."""
        self.images += images.cpu().unbind()
        self.queries += [self.spent] * len(cells)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the images of all entries, and the queries so far."""
        return {
            "images": torch.stack(self.images).numpy(),
            "queries": np.array(self.queries, dtype=np.int64),
            "spent": np.array([self.spent], dtype=np.int64),
        }

    def restore(self, arrays: Mapping[str, NDArray[Any]], *, source: object) -> None:
        """Resume with these images and numbers of queries."""
        channels, height, width = self.classifier.input_shape
        require_schema(arrays, self.layout, source=source, C=channels, H=height, W=width)
        for name in ("queries", "spent"):
            require_range(name, arrays[name], least=1, most=self._settings.queries, source=source)
        self.images = list(torch.from_numpy(arrays["images"].copy()).unbind())
        self.queries, self.spent = arrays["queries"].tolist(), int(arrays["spent"][0])

    @property
    def _ranks(self) -> int:
        """One more than the largest rank."""
        return (len(self._settings.noise) + 1) * (self._settings.copies + 1) + 1

    def _labels(self, images: Tensor) -> Tensor:
        """Return the labels (B,) of images, and count the queries."""
        self.spent += len(images)
        return self._ask(images).cpu()

    def _measured(self, images: Tensor, champions: Tensor) -> tuple[Tensor, Tensor]:
        """Return the labels (B,) of ``images``, and their ranks, 0 for none; ``champions`` are the ranks (K,) to beat.

        What the budget does not suffice for is not asked.
        """
        settings, last = self._settings, len(self._settings.noise)
        labels, ranks = torch.zeros(2, len(images), dtype=torch.int64)
        asked = min(len(images), self.left // (1 + settings.copies))
        labels[:asked] = self._labels(images[:asked])
        active = (labels[:asked] < len(champions)).nonzero()[:, 0]
        labels[labels >= len(champions)] = 0  # without a rank: a class without a cell, such as a fooling class
        first = self.level_and_kept(champions.clamp(min=1))[0][labels].clamp(min=1)
        levels = first.clone()  # the level of noise, from 1, that is measured next
        while len(active):
            # What is known of an image before the next level is measured.
            shown = (levels[active] > first[active]) | (levels[active] == 1)
            ranks[active] = torch.where(shown, (levels[active] - 1) * (settings.copies + 1) + 1, 0)
            affordable = self.left // settings.copies
            active, shown = active[:affordable], shown[:affordable]
            kept = self._kept(images, labels, levels, active)
            survives = kept > settings.most * settings.copies
            ranks[active[~survives & shown]] += kept[~survives & shown]
            at_last = survives & (levels[active] == last)
            ranks[active[at_last]] = last * (settings.copies + 1) + 1 + kept[at_last]
            active = active[survives & ~at_last]
            levels[active] += 1
        return labels, ranks

    def _kept(self, images: Tensor, labels: Tensor, levels: Tensor, rows: Tensor) -> Tensor:
        """Return how many noisy copies (M,) of each image in ``rows`` (M,) keep its label at its level."""
        copies, size = self._settings.copies, self._noise[0].numel()
        found = torch.zeros(len(rows), dtype=torch.int64)
        block = max(1, MOST_VALUES // (copies * size))
        deviations = torch.tensor(self._settings.noise, dtype=torch.float32)
        for start in range(0, len(rows), block):
            part = rows[start : start + block]
            scale = deviations[levels[part] - 1].to(images.device).view(-1, 1, 1, 1, 1)
            noisy = images[part.to(images.device)].float()[:, None] + scale * self._noise
            shown = noisy.round_().clamp_(0, LEVELS).to(torch.uint8).flatten(0, 1)
            given = self._labels(shown).view(len(part), copies)
            found[start : start + block] = (given == labels[part, None]).sum(dim=1)
        return found


class LabelOnlyRun:
    """The runs of all searches and seeds, one after the other; a step of progress is a query.

    The bytes of the record depend on the settings and the classifier alone, not on how often the work was stopped.
    """

    def __init__(self, *, classifier: Classifier, settings: LabelOnlySettings, identity: Mapping[str, Any]) -> None:
        self.steps = settings.queries * len(settings.runs)
        self._classifier, self._settings, self._identity = classifier, settings, identity
        self._spent: list[int] = []  # of the finished runs
        self._finished: list[dict[str, NDArray[Any]]] = []  # entries of each of them
        self._current, self._scoring = self._started()
        self._record: LabelOnlyRecord | None = None

    @property
    def steps_done(self) -> int:
        """Queries so far; those that a finished run left over count as well."""
        return len(self._spent) * self._settings.queries + self._scoring.spent

    def advance(self) -> None:
        """Make the next generation of the current run, and start the next run if the budget is used up."""
        self._current.advance()
        if self._scoring.is_spent:
            self._finished.append(self._entries())
            self._spent.append(self._scoring.spent)
            self._current, self._scoring = self._started()

    def median_confidence(self) -> float:
        """Return NaN: confidences are revealed after the last query."""
        return float("nan")

    def summary(self) -> str:
        """Return the queries, the classes with an image and the median confidence of each search."""
        record = self.record()
        parts = []
        for search in self._settings.searches:
            runs = [run for run, (name, _) in enumerate(record.runs) if name == search]
            rows = np.concatenate([record.champions(run) for run in runs])
            found, classes = rows[rows >= 0], len(record.class_names)
            median = percent(float(np.median(record.entries.confidences[found])))
            given = f"{len(found)} of {len(runs) * classes} classes" if len(runs) > 1 else f"{len(found)} of {classes}"
            parts.append(f"{search} {given} given as a label, median confidence {median}")
        return f"{self._settings.queries:,} queries a run: {'; '.join(parts)}"

    def record(self) -> LabelOnlyRecord:
        """Reveal the confidences of all images, and return the record."""
        if self._record is None:
            names = self._finished[0]
            arrays = {name: np.concatenate([part[name] for part in self._finished]) for name in names}
            revealed = kind_of_scores(self._classifier) != "label"
            logits = self._classifier.logits(torch.from_numpy(arrays["images"])).cpu()
            rows = torch.arange(len(logits)), torch.from_numpy(arrays["class_index"])
            confidences = confidences_of(logits)[rows].numpy()
            log_odds = log_odds_of(logits)[rows].numpy()
            if not revealed:
                confidences, log_odds = np.full_like(confidences, np.nan), np.full_like(log_odds, np.nan)
            entries = Entries(**arrays, confidences=confidences, log_odds=log_odds)
            self._record = record_of(entries, {**self._identity, "revealed": revealed, "spent": tuple(self._spent)})
        return self._record

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Return the entries of the finished runs and the state of the current one, if it has begun."""
        arrays = {
            f"finished/{place}/{name}": array
            for place, part in enumerate(self._finished)
            for name, array in part.items()
        }
        header: dict[str, Any] = {"spent": self._spent}
        if self._scoring.spent:
            current, header["current"] = self._current.state()
            arrays |= {f"current/{name}": array for name, array in current.items()}
        return arrays, header

    def restore(self, arrays: Mapping[str, NDArray[Any]], header: Mapping[str, Any], *, source: object) -> None:
        """Resume from a state; raise :class:`FoolingError`, naming the ``source``, for that of other work."""
        spent, settings = header.get("spent"), self._settings
        is_list = isinstance(spent, list) and len(spent) <= len(settings.runs)
        if not is_list or not all(type(count) is int and 0 < count <= settings.queries for count in spent or []):
            raise FoolingError(f"{source} is no state of this work", found=f"spent: {spent}", remedy=REMEDY)
        self._spent = list(spent or [])
        self._finished = [
            checked_entries(
                below(f"finished/{place}/", arrays),
                settings,
                run=place,
                classes=len(self._classifier.targets),
                image_shape=self._classifier.input_shape,
                source=source,
            )
            for place in range(len(self._spent))
        ]
        self._current, self._scoring = self._started()
        if "current" in header:
            self._current.restore(below("current/", arrays), header["current"], source=source)

    def _started(self) -> tuple[Run[Any], LabelScoring]:
        """Return the next run before its first step; after the last one, a run that is not made."""
        settings, classifier = self._settings, self._classifier
        name, seed = settings.runs[min(len(self._spent), len(settings.runs) - 1)]
        encoding = encoding_for(settings.encoding, image_shape=classifier.input_shape, device=classifier.device)
        purpose = (seed, "label-only", settings.encoding.kind)
        generator = torch.Generator(classifier.device).manual_seed(derived_seed(*purpose))
        kind: Any = LabelElites if name == MapElites.name else RandomSearch
        scoring = LabelScoring(classifier, settings=settings, seed=seed)
        identity = {key: value for key, value in self._identity.items() if key != "name"}
        run: Run[Any] = Run(
            search=kind(encoding=encoding, generator=generator, classes=len(classifier.targets)),
            classifier=classifier,
            settings=SearchSettings(start=settings.start, offspring=settings.offspring),
            identity={**identity, "encoding": settings.encoding.kind, "seed": seed},
            scoring=scoring,
        )
        return run, scoring

    def _entries(self) -> dict[str, NDArray[Any]]:
        """Return the entries of the current run, apart from the images that fill empty cells."""
        lineage, scoring = self._current.record().lineage, self._scoring
        ranks = scoring.ranks(torch.from_numpy(lineage.confidence))
        rows = ranks.numpy() > 0
        level, kept = (part.numpy()[rows] for part in scoring.level_and_kept(ranks))
        return {
            "run": np.full(int(rows.sum()), len(self._spent), dtype=np.int64),
            "class_index": lineage.class_index[rows],
            "generation": lineage.generation[rows],
            "queries": np.array(scoring.queries, dtype=np.int64)[rows],
            "level": level,
            "kept": kept,
            "images": torch.stack(scoring.images).numpy()[rows],
        }
