"""What the evolve commands share: runs, each resumable, written once all are done."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy
import torch

from fooling.checkpoints import CheckpointStore
from fooling.classifiers.architectures import architecture_modules
from fooling.classifiers.checkpoint import load_classifier
from fooling.classifiers.devices import chosen_device
from fooling.encodings.encoding import EncodingMaker, Genomes
from fooling.errors import FoolingError
from fooling.evolution.batch import save_runs
from fooling.evolution.record import RunRecord, save_run
from fooling.evolution.run import Run
from fooling.evolution.searches import Drift, MapElites, RandomSearch, Search
from fooling.evolution.settings import EvolutionSettings
from fooling.fingerprint import fingerprint
from fooling.inputs import digest_of
from fooling.progress import progress, say
from fooling.seeding import derived_seed
from fooling.settings import LARGEST_SEED, Settings, read_settings

G = TypeVar("G", bound=Genomes)
S = TypeVar("S", bound=Settings)


def evolve_command(
    module: str, *, encoding: str, encoding_class: EncodingMaker[S], settings_class: type[S]
) -> Callable[..., None]:
    """The command in ``module`` that makes a run, with its controls, in the encoding of this name."""

    def evolve(
        *,
        classifier: Path,
        settings: str,
        seed: int,
        output: Path,
        random_search: Path | None = None,
        drift: Path | None = None,
        architecture: list[str] | None = None,
        checkpoints: Path = Path("results/.checkpoints"),
        device: str = "auto",
    ) -> None:
        """Make a run, with its controls if they are asked for.

        Args:
            output: Run file to write: the archive of champions with its history and lineage.
            random_search: Also search at random with the same number of evaluations, and write that run here.
            drift: Also let genomes drift without selection as long, and write that run here.
        """
        _require_seeds("--seed", seed, last=seed)
        evolution = _Evolution(
            module, encoding, encoding_class, settings_class, classifier, settings, device, architecture
        )
        with evolution.store(checkpoints, seed=seed) as store:
            for search, path in ((MapElites, output), (RandomSearch, random_search), (Drift, drift)):
                if path is not None:
                    run = evolution.run(search, seed)
                    _finish(run, store, name=search.name)
                    save_run(path, run.record())
                    say(f"{_told(run)}; written to {path}")
            store.clear()

    return evolve


def evolve_many_command(
    module: str, *, encoding: str, encoding_class: EncodingMaker[S], settings_class: type[S]
) -> Callable[..., None]:
    """The command in ``module`` that makes several runs, which differ in their seeds alone, in this encoding."""

    def evolve_many(
        *,
        classifier: Path,
        settings: str,
        first_seed: int,
        runs: int,
        output: Path,
        architecture: list[str] | None = None,
        checkpoints: Path = Path("results/.checkpoints"),
        device: str = "auto",
    ) -> None:
        """Make several runs.

        Args:
            first_seed: Seed of the first run; the next ones follow.
            runs: How many runs.
            output: File of runs to write.
        """
        _require_seeds("--first-seed and --runs", first_seed, last=first_seed + runs - 1)
        evolution = _Evolution(
            module, encoding, encoding_class, settings_class, classifier, settings, device, architecture
        )
        with evolution.store(checkpoints, first_seed=first_seed, runs=runs) as store:
            records: list[RunRecord] = []
            for seed in range(first_seed, first_seed + runs):
                run = evolution.run(MapElites, seed)
                _finish(run, store, name=f"seed{seed}")
                records.append(run.record())
                say(f"seed {seed}, {_told(run)}")
            save_runs(output, records)
            say(f"{len(records)} runs written to {output}")
            store.clear()

    return evolve_many


class _Evolution(Generic[S]):
    """Everything that decides a run but its search and its seed."""

    def __init__(
        self,
        module: str,
        encoding: str,
        encoding_class: EncodingMaker[S],
        settings_class: type[S],
        classifier: Path,
        settings: str,
        device: str,
        architectures: Sequence[str] | None,
    ) -> None:
        self._checked = read_settings(EvolutionSettings[settings_class], settings)  # type: ignore[valid-type]
        torch.set_num_threads(1)  # one thread a run, many runs at once
        self._device = chosen_device(device)
        self._network = load_classifier(classifier, self._device, architectures or ())
        self._encoding, self._encoding_class = encoding, encoding_class
        self._code = fingerprint(module, *architecture_modules(self._network.architecture, self._network.options))
        self._identity = {
            "encoding": encoding,
            "settings": self._checked.model_dump(mode="json"),
            "classifier": {"name": self._network.name, "sha256": digest_of(classifier)},
            "class_names": self._network.targets,
            "versions": {"python": platform.python_version(), "numpy": numpy.__version__, "torch": torch.__version__},
        }

    def store(self, parent: Path, **seeds: int) -> CheckpointStore:
        """The checkpoints of the runs with these seeds."""
        identity = {"work": "evolution", "device": self._device.type, **self._identity, **seeds}
        return CheckpointStore(parent, identity, code=self._code)

    def run(self, search: type[Search[Any]], seed: int) -> Run[Any]:
        """A run at its start."""
        encoding = self._encoding_class(
            settings=self._checked.encoding, image_shape=self._network.input_shape, device=self._device
        )
        generator = torch.Generator(self._device).manual_seed(derived_seed(seed, "evolution", self._encoding))
        return Run(
            search=search(encoding=encoding, generator=generator, classes=len(self._network.targets)),
            classifier=self._network,
            settings=self._checked.search,
            identity={**self._identity, "seed": seed},
        )


def _require_seeds(options: str, first: int, *, last: int) -> None:
    if not 0 <= first <= last <= LARGEST_SEED:
        raise FoolingError(
            f"{options} give no seeds", found=f"{first} to {last}", expected=f"numbers from 0 to {LARGEST_SEED:,}"
        )


def _finish(run: Run[G], store: CheckpointStore, *, name: str) -> None:
    """Bring ``run`` to its end, from the state that the store holds of it under ``name``."""
    generations = run.settings.generations + 1
    if (state := store.load(name)) is not None:
        run.restore(*state, source=store.path(name))
        say(f"{name} goes on from generation {run.generations_done - 1}")
    with progress(total=generations, done=run.generations_done, description=name, unit="generations") as counter:
        while not run.is_done:
            run.advance()
            counter.advance(note=lambda: f"median confidence {run.median_confidence():.6f}")
            if store.is_due():
                store.save(name, *run.state())
    store.save(name, *run.state())


def _told(run: Run[G]) -> str:
    confidences = run.archive.confidences.double()
    sure = int((confidences >= 0.9999).sum())
    return (
        f"{run.search.name}: median confidence {run.median_confidence():.6f}, {sure} of {len(confidences)} classes"
        f" at 99.99 % or more, after {run.search.evaluations} images"
    )
