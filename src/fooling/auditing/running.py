"""Run an audit: of a classifier with checkpoints, or of any network from Python."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import torch
from torch import nn

from fooling.attacks.attack import finish
from fooling.attacks.evolution.screening import in_bfloat16, lacking_bfloat16
from fooling.attacks.settings import Precision
from fooling.auditing.audit import AuditResult, completed, planned, result_of
from fooling.auditing.further_attacks import FurtherAttacks, labels_alone, one_perturbation, small_changes
from fooling.auditing.real_images import RealImages, real_images
from fooling.auditing.settings import LEAST_BUDGET, OFFSPRING, AuditSettings, OpeningSettings
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.gradients import has_gradients
from fooling.classifiers.header import Outputs
from fooling.classifiers.settings import InputSettings
from fooling.classifiers.wrapped import Scorer, wrapped
from fooling.images import noise_images
from fooling.messages import FoolingError, say
from fooling.reproducibility import CheckpointStore, software_versions
from fooling.settings import checked_settings

#: Gain of bfloat16 from which screening pays with the CPPN encoding, a quarter of whose images is scored again.
LEAST_GAIN = 1.5
ARGUMENTS = "the arguments of audit"


def audit(
    model: nn.Module | Scorer,
    *,
    input_shape: tuple[int, int, int],
    classes: Sequence[str] | None = None,
    divisor: float = 255.0,
    mean: Sequence[float] | float = (),
    std: Sequence[float] | float = (),
    outputs: Outputs | None = None,
    budget: int = AuditSettings().budget,
    seed: int = 1,
    threshold: float = AuditSettings().threshold,
    test_images: tuple[object, object] | None = None,
    precision: Precision | Literal["auto"] = "float32",
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
        mean: One number, or one for each channel; default: none.
        std: One number, or one for each channel; default: none.
        outputs: Whether the scores are ``logits`` or ``probabilities``; default: found by scoring noise.
        budget: Images that each search scores.
        seed: Seed of all searches: the same seed on the same kind of machine gives the same images.
        threshold: Confidence from which an image counts as fooling the network.
        test_images: Images (N, C, H, W), uint8, and the index (N,) of the class of each, as arrays or tensors. They
            give test error, calibration, and how many fooling images are left if uncertain images are refused.
        precision: Number format of the search: see :func:`chosen_precision`.
        chunk_size: How many images are scored at once; default: 32.
        device: Where the network computes: ``cpu`` or ``cuda``.
        name: Name of the network; default: that of its class or of the function.

    Returns:
        The result: ``result.sentences()``, ``result.searches``, ``result.save(folder)``.

    Raises:
        FoolingError: The settings are invalid, or the model cannot be audited: see :func:`fooling.classifiers.wrapped`.
    """
    values = {"budget": budget, "seed": seed, "threshold": threshold}
    if precision not in (*get_args(Precision), "auto"):
        expected = f"one of {', '.join((*get_args(Precision), 'auto'))}"
        raise FoolingError("precision is invalid", found=repr(precision), expected=expected)
    settings = checked_settings(AuditSettings, values, source=ARGUMENTS)
    if isinstance(model, Mapping):
        remedy = "network.load_state_dict(state), then audit(network, ...)"
        raise FoolingError("audit needs a network", found="a state dict", expected="an nn.Module", remedy=remedy)
    shape = checked_settings(OpeningSettings, {"input_shape": input_shape}, source=ARGUMENTS).input_shape
    assert shape is not None
    by_channel = {"mean": _by_channel(mean, shape[0]), "std": _by_channel(std, shape[0])}
    given = checked_settings(InputSettings, {"divisor": divisor, **by_channel}, source=ARGUMENTS)
    default = type(model).__name__ if isinstance(model, nn.Module) else getattr(model, "__name__", "function")
    classifier = wrapped(
        copy.deepcopy(model) if isinstance(model, nn.Module) else model,
        name=name or default,
        input_shape=shape,
        class_names=classes,
        input_settings=given,
        outputs=outputs,
        chunk_size=chunk_size,
        device=torch.device(device),
    )
    real = None if test_images is None else real_images(*test_images, classifier, source="test_images")
    settings = settings.model_copy(update={"precision": chosen_precision(classifier, precision)})
    return audited(classifier, settings, real=real)


def _by_channel(numbers: Sequence[float] | float, channels: int) -> list[float]:
    """Return one number for each channel; a single one is that of all."""
    found = [numbers] if isinstance(numbers, int | float) else list(numbers)
    return found * channels if len(found) == 1 else found


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


def chosen_precision(classifier: Classifier, wanted: Precision | Literal["auto"]) -> Precision:
    """Return the number format in which an audit searches, and print why it is another one than ``wanted``.

    ``screened`` finds the same images as ``float32``. ``auto`` chooses it if bfloat16 scores noise at least
    :data:`LEAST_GAIN` times as fast, and if the scores of an image do not depend, even in their last bits, on its place
    in a chunk. Processors without units for bfloat16 compute in float32.
    """
    if wanted == "float32":
        return "float32"
    if (lacking := lacking_bfloat16(classifier.device)) is not None:
        say(f"precision: float32 instead of {wanted}, because {lacking}")
        return "float32"
    if wanted != "auto":
        return wanted
    images = torch.from_numpy(noise_images(classifier.input_shape, classifier.chunk_size))
    if not torch.equal(classifier.logits(images.roll(1, dims=0)).roll(-1, dims=0), classifier.logits(images)):
        say("precision: float32, because the last bits of scores depend on the place of an image among others")
        return "float32"
    gain = seconds_per_image(classifier) / seconds_per_image(in_bfloat16(classifier))
    precision: Precision = "screened" if gain >= LEAST_GAIN else "float32"
    say(f"precision: {precision}, because bfloat16 is {gain:.1f} times as fast as float32 (--precision {precision})")
    return precision


def audited(
    classifier: Classifier,
    settings: AuditSettings,
    *,
    real: RealImages | None = None,
    store: CheckpointStore | None = None,
    sha256: str = "",
) -> AuditResult:
    """Run all searches and further attacks of an audit of ``classifier``.

    Args:
        classifier: The classifier.
        settings: Settings of the audit.
        real: Test images; None: there are none.
        store: Holds checkpoints, from which an interrupted audit resumes to the same bytes; None: no checkpoints.
        sha256: Digest of what defines the classifier.
    """
    found = []
    for search in planned(classifier, settings, real=real, sha256=sha256):
        run = search.run()
        finish(run, store=store, name=search.name, unit=search.unit)
        found.append(result_of(search, run.record()))
        if summary := run.summary():
            say(f"{search.name}: {summary}")
    further = further_attacks(classifier, settings, real=real, store=store, sha256=sha256)
    provenance = {**classifier.provenance, "versions": software_versions()}
    return completed(classifier, settings, searches=found, further=further, real=real, provenance=provenance)


def further_attacks(
    classifier: Classifier,
    settings: AuditSettings,
    *,
    real: RealImages | None = None,
    store: CheckpointStore | None = None,
    sha256: str = "",
) -> FurtherAttacks:
    """Run the attacks of an audit besides its searches.

    Args:
        classifier: The classifier.
        settings: Settings of the audit: each attack gets a share of the budget of a search.
        real: Test images; None: there are none.
        store: Holds checkpoints of the perturbation and of the searches with labels alone; None: no checkpoints.
        sha256: Digest of what defines the classifier.
    """
    differentiable = has_gradients(classifier)
    return FurtherAttacks(
        small=small_changes(classifier, real, has_gradients=differentiable, budget=settings.budget, seed=settings.seed),
        universal=one_perturbation(classifier, settings, real, store=store, sha256=sha256)
        if differentiable
        else "needs a network with gradients",
        labels=labels_alone(classifier, settings, store=store, sha256=sha256),
    )
