"""What the evolve commands share: a run and its controls, each resumable, written once all are done."""

from __future__ import annotations

import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy
import torch

from fooling.artifacts import sha256_of
from fooling.checkpoints import CheckpointStore
from fooling.classifiers.checkpoint import load_classifier
from fooling.classifiers.devices import chosen_device
from fooling.encodings.encoding import Encoding, Genomes
from fooling.errors import FoolingError
from fooling.evolution.record import save_run
from fooling.evolution.run import Run
from fooling.evolution.searches import Drift, MapElites, RandomSearch
from fooling.evolution.settings import EvolutionSettings
from fooling.progress import progress, say
from fooling.seeding import derived_seed
from fooling.settings import LARGEST_SEED, Settings, read_settings

G = TypeVar("G", bound=Genomes)
S = TypeVar("S", bound=Settings)
S_contra = TypeVar("S_contra", bound=Settings, contravariant=True)
G_co = TypeVar("G_co", bound=Genomes, covariant=True)


class EncodingMaker(Protocol[S_contra]):
    """An encoding's class, as a maker of encodings for images of one shape (C, H, W)."""

    def __call__(self, *, settings: S_contra, image_shape: tuple[int, int, int], device: torch.device) -> Encoding[Any]:
        """The encoding."""
        ...


def evolve_command(*, encoding: str, encoding_class: EncodingMaker[S], settings_class: type[S]) -> Callable[..., None]:
    """The command that evolves images in the encoding of this name."""

    def evolve(
        *,
        classifier: Path,
        settings: str,
        seed: int,
        output: Path,
        random_search: Path | None = None,
        drift: Path | None = None,
        checkpoints: Path = Path("results/.checkpoints"),
        device: str = "auto",
    ) -> None:
        if not 0 <= seed <= LARGEST_SEED:
            raise FoolingError("--seed is no seed", found=seed, expected=f"a number from 0 to {LARGEST_SEED:,}")
        checked = read_settings(EvolutionSettings[settings_class], settings)  # type: ignore[valid-type]
        torch.set_num_threads(1)  # one thread a run, many runs at once
        place = chosen_device(device)
        network = load_classifier(classifier, device=place)
        identity = {
            "encoding": encoding,
            "settings": checked.model_dump(mode="json"),
            "seed": seed,
            "classifier": {"name": network.name, "sha256": sha256_of(classifier.read_bytes())},
            "class_names": network.class_names,
            "versions": {"python": platform.python_version(), "numpy": numpy.__version__, "torch": torch.__version__},
        }
        with CheckpointStore(checkpoints, {"work": "evolution", "device": place.type, **identity}) as store:
            for search, path in ((MapElites, output), (RandomSearch, random_search), (Drift, drift)):
                if path is None:
                    continue
                made = encoding_class(settings=checked.encoding, image_shape=network.input_shape, device=place)
                generator = torch.Generator(place).manual_seed(derived_seed(seed, "evolution", encoding))
                run = Run(
                    search=search(encoding=made, generator=generator),
                    classifier=network,
                    settings=checked.search,
                    identity=identity,
                )
                _finish(run, store)
                save_run(path, run.record())
                say(_told(run, path))
            store.clear()

    return evolve


def _finish(run: Run[G], store: CheckpointStore) -> None:
    """Bring ``run`` to its end, from the state that the store holds of it."""
    name, generations = run.search.name, run.settings.generations + 1
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


def _told(run: Run[G], path: Path) -> str:
    confidences = run.archive.confidences.double()
    sure = int((confidences >= 0.9999).sum())
    return (
        f"{run.search.name}: median confidence {run.median_confidence():.6f}, {sure} of {len(confidences)} classes"
        f" at 99.99 % or more, after {run.search.evaluations} images; written to {path}"
    )
