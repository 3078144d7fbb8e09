"""Audit any network: one command from weights to an answer."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from fooling.auditing.doors import files_of, kind_of, opened
from fooling.auditing.known_images import PROBE_FILE, known_images, probed
from fooling.auditing.real_images import read_real_images
from fooling.auditing.running import audited, chosen_precision, seconds_per_image
from fooling.auditing.saving import require_replaceable
from fooling.auditing.settings import (
    AuditSettings,
    CommandSettings,
    Opening,
    OpeningSettings,
    ServiceOptions,
    formula_of,
)
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.wrapped import kind_of_scores
from fooling.cli._files import device_with_one_thread
from fooling.datasets.fetching import mirror_folder
from fooling.encodings.settings import NAMED_MODULES
from fooling.fingerprint import fingerprint
from fooling.inputs import digest_of
from fooling.messages import FoolingError, say
from fooling.reproducibility import CheckpointStore
from fooling.settings import checked_settings, read_settings

PANEL = "Networks"

MOST_MINUTES = 100_000
PLANNED_SHARE = 0.9  # of the time that is left: the rest is for a machine that becomes slower meanwhile


def audit(
    network: str,
    *,
    name: str = "",
    settings: str = "{}",
    weights: Path | None = None,
    input_shape: str = "",
    classes: str = "",
    mean: list[str] | None = None,
    std: list[str] | None = None,
    divisor: float | None = None,
    outputs: Literal["", "logits", "probabilities"] = "",
    colour: Literal["", "rgb", "bgr"] = "",
    prompts: list[str] | None = None,
    black_box: bool = False,
    queries: int | None = None,
    rate: float | None = None,
    answers: Path = ServiceOptions.answers,
    budget: int | None = None,
    minutes: float | None = None,
    seed: int | None = None,
    threshold: float | None = None,
    test_images: Path | None = None,
    probe: Path | None = None,
    export: Literal["", "imagefolder", "list"] = "",
    precision: Literal["", "auto", "float32", "bfloat16", "screened"] = "",
    chunk_size: int | None = None,
    output: Path | None = None,
    mirror: Path | None = None,
    checkpoints: Path = Path("results/.checkpoints"),
    device: str = "auto",
) -> None:
    """Find out how easily a network is fooled: one command from weights to an answer.

    Search for images of every class with evolution in both encodings, with random search at the same budget beside it,
    and with gradient ascent if the network has gradients. No data set is needed. An interrupted audit resumes.

    Args:
        network: The network: path/to/file.py:function, torchvision:<name>, timm:<name>, open_clip:<name>, a file in
            ONNX, of torch.jit.save or of torch.export.save, the folder of a Hugging Face image classifier, the https
            address of a service, or a classifier file of this project. A file that is not here is looked for below the
            mirror folder.
        name: Name of the network on the page. Default: that of its file or its own.
        settings: Options about the network and the searches, in one JSON object or a YAML file, with underscores for
            hyphens; an option that is also given counts.
        weights: File with the weights: safetensors, or a state dict that torch.save wrote.
        input_shape: Size of the images: channels x height x width, such as 1x28x28. Default: as the network states it.
        classes: Number of classes, their names with commas between them, or a file, in the network's own order: a name
            on each line, or a CSV table with the columns index and name.
        mean: Mean of the channels, subtracted after the division: one number for all, or one for each with commas
            between them, red first, such as .485,.456,.406.
        std: Standard deviation of the channels, by which the result is divided: one number for all, or one for each.
        divisor: Number by which levels from 0 to 255 are divided first. Default: 255.
        outputs: What the network gives: logits or probabilities. Default: found out by scoring noise.
        colour: Order of the colours in the input of an ONNX network. Default: rgb.
        prompts: Sentence for each class of an open_clip network, with {} for the name; once for each sentence. Default:
            'a photo of a {}.'.
        black_box: Use the probabilities of the network alone, without logits and gradients. A service gives no more.
        queries: Images that are sent to a service at most. Without --budget it decides the budget of the searches.
        rate: Requests that are sent to a service in a second at most.
        answers: Folder in which the answers of a service are kept, so that no image is sent twice.
        budget: Number of images that each search scores, at least 400. Default: 40,200.
        minutes: Choose the budget so that the audit takes about so long on this machine, instead of --budget.
        seed: Seed of all searches: the same seed on the same kind of machine gives the same images. Default: 1.
        threshold: Confidence from which an image counts as fooling the network. Default: .9999.
        test_images: Test images of the network: a folder with a subfolder for each class, named by the class or its
            index, or a data set file. They give test error, calibration and refusal, and a test of the preprocessing.
        probe: Take a first look in seconds instead: show these known fooling images to the network, without any search.
            The folder of an earlier audit, a run file of this project, or any folder of pictures.
        export: Write the best images also for other programs, to export/ in the folder of the audit: as an imagefolder
            with a subfolder for each class, or with a list of paths and the label -1 beside it.
        precision: Number format of evolution and random search. Default: float32, in which all confidences are
            reported. `screened` finds the same images as `float32`; `auto` measures which of the two is faster.
        chunk_size: How many images are scored at once. Default: 32.
        output: Folder to write; an older audit there is replaced. Default: audit, or probe with --probe.
    """
    started = time.monotonic()
    options = {
        **{"weights": weights, "input_shape": input_shape, "classes": classes, "outputs": outputs, "colour": colour},
        **{"divisor": divisor, "mean": _split(mean), "std": _split(std), "chunk_size": chunk_size, "prompts": prompts},
        **{"budget": budget, "seed": seed, "threshold": threshold},
    }
    values = read_settings(CommandSettings, settings).model_dump(mode="json", exclude_unset=True)
    values |= {key: value for key, value in options.items() if value not in (None, "", [])}
    values |= {"black_box": True} if black_box else {}
    if "budget" in values and minutes is not None:
        raise FoolingError("--budget and --minutes exclude each other", remedy="give one of them")
    if minutes is not None and not 0 < minutes < MOST_MINUTES:
        expected = f"a number of minutes between 0 and {MOST_MINUTES:,}"
        raise FoolingError("--minutes is invalid", found=minutes, expected=expected)
    if minutes is not None and kind_of(network) == "service":
        remedy = "give --budget, or --queries with the number of images to send at most"
        raise FoolingError("--minutes cannot be used with a service, whose known answers take no time", remedy=remedy)
    for option, value in (("--queries", queries), ("--rate", rate)):
        if value is not None and not value > 0:
            raise FoolingError(f"{option} is invalid", found=value, expected="a number above 0")
    if probe is not None and (other := _of_searches(budget, minutes, test_images, export)):
        raise FoolingError(f"--probe runs no search, so {other} has no effect", remedy=f"leave out {other} or --probe")
    stated = checked_settings(CommandSettings, values, source="the options of audit")
    spent = AuditSettings.model_validate(stated.model_dump(include=set(AuditSettings.model_fields)))
    asked = ServiceOptions(answers=answers, queries=queries, rate=rate)
    known = stated.model_dump(include=set(OpeningSettings.model_fields))
    opening = Opening.model_validate({**known, "mirror": mirror_folder(mirror), "service": asked})
    place = device_with_one_thread(device)
    classifier = opened(network, opening, device=place)
    classifier = dataclasses.replace(classifier, name=name or classifier.name)
    shape = "x".join(map(str, classifier.input_shape))
    say(f"{classifier.name}: {len(classifier.targets)} classes, images of {shape}, {kind_of_scores(classifier)}")
    if formula := formula_of(classifier.provenance.get("input", {})):
        say(f"{classifier.name}: levels from 0 to 255 become its input as {formula}")
    if probe is not None:
        _probe(classifier, probe, threshold=spent.threshold, output=output or Path("probe"))
        return
    folder = output or Path("audit")
    require_replaceable(folder)
    real = None if test_images is None else read_real_images(test_images, classifier)
    if queries is not None and "budget" not in values:
        spent = spent.within(queries, per_image=1, seed=spent.seed, threshold=spent.threshold)
        say(f"budget for {queries:,} queries: {spent.budget:,} images a search")
    if minutes is not None:
        per_image = seconds_per_image(classifier)
        left = PLANNED_SHARE * (60 * minutes - (time.monotonic() - started))
        spent = spent.within(left, per_image=per_image, seed=spent.seed, threshold=spent.threshold)
        chosen = f"{spent.budget:,} images a search; --budget {spent.budget} repeats or resumes it"
        say(f"budget for {minutes:g} minutes on this machine: {chosen}")
    spent = spent.model_copy(update={"precision": chosen_precision(classifier, precision or spent.precision)})
    place_of_network, located = opening.located(network)
    digests = {path.name: digest_of(path) for path in files_of(place_of_network, located)}
    decides = {
        "work": "audit",
        "network": network,
        "name": classifier.name,
        "files": digests,
        "opening": located.deciding(),
        "settings": spent.model_dump(mode="json"),
        "device": place.type,
    }
    with CheckpointStore(checkpoints, decides, code=fingerprint(f"{__name__}:audit", *NAMED_MODULES)) as store:
        result = audited(classifier, spent, real=real, store=store, sha256=" ".join(digests.values()))
        result.save(folder, export=export or None)
        store.clear()
    _say_result([*result.remarks, *result.sentences()], folder)


def _probe(classifier: Classifier, source: Path, *, threshold: float, output: Path) -> None:
    """Show the known fooling images at ``source`` to ``classifier``, and write what it calls them."""
    require_replaceable(output, PROBE_FILE)
    result = probed(classifier, known_images(source), source=source.resolve().name, threshold=threshold)
    result.save(output)
    _say_result([*result.file.remarks, *result.file.summary], output)


def _say_result(sentences: Sequence[str], folder: Path) -> None:
    for sentence in sentences:
        say(sentence)
    say(f"Done: open {folder / 'index.html'}")


def _split(given: list[str] | None) -> list[str]:
    """Return the values of an option that is given several times, or with commas between its values."""
    return [value for text in given or () for value in text.split(",")]


def _of_searches(budget: int | None, minutes: float | None, test_images: Path | None, export: str) -> str:
    """Return the options that only searches need and that are given, as they are typed."""
    given = {"--budget": budget, "--minutes": minutes, "--test-images": test_images, "--export": export or None}
    return " and ".join(option for option, value in given.items() if value is not None)
