"""Run an audit: of a classifier with checkpoints, or of any network from Python."""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence

import torch
from torch import nn

from fooling.attacks.attack import finish
from fooling.auditing.audit import AuditResult, completed, planned, result_of
from fooling.auditing.settings import LEAST_BUDGET, OFFSPRING, AuditSettings
from fooling.checkpoints import CheckpointStore
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.header import Outputs
from fooling.classifiers.settings import InputSettings
from fooling.classifiers.wrapped import Scorer, wrapped
from fooling.seeding import software_versions
from fooling.settings import checked_settings


def audit(
    model: nn.Module | Scorer,
    *,
    input_shape: tuple[int, int, int],
    classes: Sequence[str] | None = None,
    divisor: float = 255.0,
    mean: Sequence[float] = (),
    std: Sequence[float] = (),
    outputs: Outputs | None = None,
    budget: int = AuditSettings().budget,
    seed: int = 1,
    threshold: float = AuditSettings().threshold,
    chunk_size: int | None = None,
    device: str = "cpu",
    name: str | None = None,
) -> AuditResult:
    """Audit a network: search for images of every class with evolution, random search and gradient ascent.

    Args:
        model: A trained network, or a function of uint8 images (B, C, H, W), a NumPy array. For each image it returns
            the scores of all classes (B, K), or in a list a mapping of the likeliest labels to their probabilities, or
            one label. A label is the name or the index of a class. ``fooling.auditing.services.Service`` is such a
            function.
        input_shape: Shape (C, H, W) of the images; C is 1 for grey and 3 for RGB.
        classes: Names of the classes in the network's own order, needed for labels; default: their numbers.
        divisor: A network sees ``(level / divisor - mean) / std`` of levels from 0 to 255; a function sees the levels.
        mean: One number per channel; default: none.
        std: One number per channel; default: none.
        outputs: Whether the scores are ``logits`` or ``probabilities``; default: found by scoring noise.
        budget: Images that each search scores.
        seed: Seed of all searches: the same seed on the same kind of machine gives the same images.
        threshold: Confidence from which an image counts as fooling the network.
        chunk_size: How many images are scored at once; default: 32.
        device: Where the network computes: ``cpu`` or ``cuda``.
        name: Name of the network; default: that of its class or of the function.

    Returns:
        The result: ``result.sentences()``, ``result.searches``, ``result.save(folder)``.

    Raises:
        FoolingError: The settings are invalid, or the model cannot be audited: see :func:`fooling.classifiers.wrapped`.
    """
    values = {"budget": budget, "seed": seed, "threshold": threshold}
    settings = checked_settings(AuditSettings, values, source="the arguments of audit")
    given = {"divisor": divisor, "mean": list(mean), "std": list(std)}
    default = type(model).__name__ if isinstance(model, nn.Module) else getattr(model, "__name__", "function")
    classifier = wrapped(
        copy.deepcopy(model) if isinstance(model, nn.Module) else model,
        name=name or default,
        input_shape=input_shape,
        class_names=classes,
        input_settings=checked_settings(InputSettings, given, source="the arguments of audit"),
        outputs=outputs,
        chunk_size=chunk_size,
        device=torch.device(device),
    )
    return audited(classifier, settings)


def seconds_per_image(classifier: Classifier) -> float:
    """Measure how many seconds evolution takes for an image: to vary, render and score it, in the mean of encodings.

    The second generation of each encoding is timed; 800 images are scored in all.
    """
    seconds = 0.0
    evolutions = [search.run() for search in planned(classifier, AuditSettings(budget=LEAST_BUDGET)) if search.control]
    for evolution in evolutions:
        evolution.advance()
        started = time.perf_counter()
        evolution.advance()
        seconds += time.perf_counter() - started
    return seconds / (OFFSPRING * len(evolutions))


def audited(
    classifier: Classifier, settings: AuditSettings, *, store: CheckpointStore | None = None, sha256: str = ""
) -> AuditResult:
    """Run all searches of an audit of ``classifier``.

    Args:
        classifier: The classifier.
        settings: Settings of the audit.
        store: Holds checkpoints, from which an interrupted audit resumes to the same bytes; None: no checkpoints.
        sha256: Digest of what defines the classifier.
    """
    found = []
    for search in planned(classifier, settings, sha256=sha256):
        run = search.run()
        finish(run, store=store, name=search.name, unit=search.unit)
        found.append(result_of(search, run.record()))
    provenance = {**classifier.provenance, "versions": software_versions()}
    return completed(classifier, settings, searches=found, provenance=provenance)
