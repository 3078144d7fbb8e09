"""The champions of a finished run at some of its generations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fooling.attacks.evolution.record import load_run
from fooling.attacks.evolution.replay import generations_shown, replayed, save_replay
from fooling.attacks.evolution.run import Evolution
from fooling.attacks.evolution.settings import EvolutionSettings
from fooling.cli._files import open_classifier
from fooling.errors import FoolingError
from fooling.inputs import digest_of
from fooling.progress import say
from fooling.settings import checked_settings

PANEL = "Report"


def replay(
    run: Path,
    *,
    classifier: Path,
    output: Path,
    count: int = 12,
    architecture: list[str] | None = None,
    device: str = "auto",
) -> None:
    """Repeat a run of evolution, and keep its champions at some generations.

    A run file holds only the champions of the random start and of the end. The repetition scores in float32.

    Args:
        run: Run file that `attack evolution` wrote.
        classifier: Classifier file of the network that the run fooled.
        count: Number of generations to keep, from the random start to the end; at most so many.
    """
    if count < 2:
        raise FoolingError("--count must include the start and the end", found=count, expected="2 or more")
    record = load_run(run)
    if (digest := digest_of(classifier)) != record.classifier["sha256"]:
        remedy = f"give the file of {record.classifier['name']} with which the run was made"
        raise FoolingError(f"{classifier} is not the classifier of {run}", found=f"SHA-256 {digest}", remedy=remedy)
    network = open_classifier(classifier, device=device, architecture=architecture)
    settings = checked_settings(EvolutionSettings, {**record.settings, "precision": "float32"}, source=str(run))
    identity = {"classifier": record.classifier, "versions": record.versions}
    control = "" if record.search == "map-elites" else record.search
    repeated = Evolution(settings=settings, classifier=network, identity=identity).run(record.seed, control=control)

    def champions() -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        archive = repeated.archive
        return archive.confidences.cpu().numpy().copy(), archive.images.cpu().numpy().copy()

    shown = generations_shown(int(record.history.generations[-1]), count)
    found = replayed(record, repeated.advance, champions, generations=shown)
    save_replay(output, found)
    same = "the same confidences as the run" if found.is_same else "other confidences than the run, on another machine"
    say(f"{len(shown)} generations of {run}, with {same}; written to {output}")
