"""Find images by gradient ascent on the confidence of a classifier; a killed run resumes."""

from __future__ import annotations

import platform
from pathlib import Path

import numpy
import torch

from fooling.ascent.choice import best_of, tried_settings
from fooling.ascent.climb import Climb
from fooling.ascent.record import load_ascent, save_ascent
from fooling.ascent.settings import AscentSettings
from fooling.checkpoints import CheckpointStore
from fooling.classifiers.architectures import architecture_modules
from fooling.classifiers.checkpoint import load_classifier
from fooling.classifiers.devices import chosen_device
from fooling.errors import FoolingError
from fooling.fingerprint import fingerprint
from fooling.inputs import digest_of
from fooling.progress import progress, say
from fooling.settings import read_settings

STATE = "climb"


def ascend(
    *,
    name: str,
    classifier: Path,
    settings: str,
    output: Path,
    architecture: list[str] | None = None,
    pilots: list[Path] | None = None,
    threshold: float = 0.9999,
    checkpoints: Path = Path("results/.checkpoints"),
    device: str = "auto",
) -> None:
    """Write the images that climbed for every class from every start, and their confidences on the way.

    With ``pilots``, climbs on other networks, the settings are the best of theirs; only the seeds are those given.

    Args:
        output: File to write: the images, and their confidences on the way.
        pilots: Files of gradient ascents on pilot networks, one setting each: the settings are the best of theirs, and
            `settings` gives the seeds alone.
        threshold: Confidence that the median class must reach; the best setting takes the fewest evaluations.
    """
    checked = read_settings(AscentSettings, settings)
    if pilots:
        checked = _chosen(pilots, checked, classifier=classifier, threshold=threshold)
    torch.set_num_threads(1)  # one thread a climb, many at once
    place = chosen_device(device)
    network = load_classifier(classifier, place, architecture or ())
    identity = {
        "name": name,
        "settings": checked.model_dump(mode="json"),
        "classifier": {"name": network.name, "sha256": digest_of(classifier)},
        "versions": {"python": platform.python_version(), "numpy": numpy.__version__, "torch": torch.__version__},
    }
    climb = Climb(classifier=network, settings=checked)
    code = fingerprint(__name__, *architecture_modules(network.architecture, network.options))
    decides = {"work": "gradient ascent", "device": place.type, **identity}
    with CheckpointStore(checkpoints, decides, code=code) as store:
        _finish(climb, store)
        record = climb.record(identity)
        save_ascent(output, record)
        store.clear()
    sure = int((record.confidences.astype(float) >= 0.9999).sum())
    say(
        f"{name} on {network.name}: median confidence {climb.median_confidence():.6f}, {sure} of {len(record.images)} "
        f"images at 99.99 % or more, after {checked.steps} steps; written to {output}"
    )


def _chosen(pilots: list[Path], settings: AscentSettings, *, classifier: Path, threshold: float) -> AscentSettings:
    """The best settings of the ``pilots``, none of them on the ``classifier``, with the seeds of ``settings``."""
    records = [load_ascent(path) for path in pilots]
    own = digest_of(classifier)
    if same := [str(path) for path, record in zip(pilots, records, strict=True) if record.classifier["sha256"] == own]:
        raise FoolingError(
            "the pilots include the network on which their choice is reported",
            found=f"{same[0]}, on the network of {classifier}",
            expected="climbs on other networks",
        )
    best = best_of(tried_settings(records, threshold=threshold))
    say(f"chosen on {best.runs} runs against pilot networks: {best.name}, {best.evaluations:,.0f} evaluations")
    return best.settings.model_copy(update={"seeds": settings.seeds})


def _finish(climb: Climb, store: CheckpointStore) -> None:
    """Bring ``climb`` to its end, from the state that the store holds of it."""
    if (state := store.load(STATE)) is not None:
        climb.restore(state[0], source=store.path(STATE))
        say(f"the climb goes on from step {climb.steps_done}")
    with progress(total=climb.settings.steps, done=climb.steps_done, description="climb") as counter:
        while not climb.is_done:
            climb.advance()
            counter.advance(note=lambda: f"median confidence {climb.median_confidence():.6f}")
            if store.is_due():
                store.save(STATE, climb.state(), {})
    store.save(STATE, climb.state(), {})
