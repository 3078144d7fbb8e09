"""Audit any network: one command from weights to an answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from fooling.auditing.doors import files_of, kind_of, opened
from fooling.auditing.known_images import PROBE_FILE, known_images, probed
from fooling.auditing.real_images import read_real_images
from fooling.auditing.running import audited, chosen_precision, seconds_per_image
from fooling.auditing.saving import require_replaceable
from fooling.auditing.services import ServiceOptions
from fooling.auditing.settings import AuditSettings, Opening
from fooling.checkpoints import CheckpointStore
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.devices import chosen_device
from fooling.classifiers.header import Outputs
from fooling.classifiers.wrapped import kind_of_scores
from fooling.datasets.fetching import mirror_folder
from fooling.datasets.imagenet_classes import class_names_in
from fooling.errors import FoolingError
from fooling.fingerprint import fingerprint
from fooling.inputs import digest_of
from fooling.progress import say
from fooling.settings import checked_settings

PANEL = "Networks"

MOST_MINUTES = 100_000


def audit(
    network: str,
    *,
    weights: Path | None = None,
    input_shape: str = "",
    classes: str = "",
    mean: list[float] | None = None,
    std: list[float] | None = None,
    divisor: float | None = None,
    outputs: Literal["", "logits", "probabilities"] = "",
    colour: Literal["rgb", "bgr"] = "rgb",
    prompt: list[str] | None = None,
    black_box: bool = False,
    queries: int | None = None,
    rate: float | None = None,
    answers: Path = ServiceOptions.answers,
    budget: int | None = None,
    minutes: float | None = None,
    seed: int = 1,
    threshold: float = AuditSettings().threshold,
    test_images: Path | None = None,
    probe: Path | None = None,
    export: Literal["", "imagefolder", "list"] = "",
    precision: Literal["auto", "float32", "bfloat16", "screened"] = "float32",
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
            address of a service, or a classifier file of this project.
        weights: File with the weights: safetensors, or a state dict that torch.save wrote.
        input_shape: Size of the images: channels x height x width, such as 1x28x28. Default: as the network states it.
        classes: Number of classes, their names with commas between them, or a file, in the network's own order: a name
            on each line, or a CSV table with the columns index and name.
        mean: Mean of the channels, subtracted after the division: once for all, or once for each, red first.
        std: Standard deviation of the channels, by which the result is divided: once for all, or once for each.
        divisor: Number by which levels from 0 to 255 are divided first. Default: 255.
        outputs: What the network gives: logits or probabilities. Default: found out by scoring noise.
        colour: Order of the colours in the input of an ONNX network.
        prompt: Sentence for each class of an open_clip network, with {} for the name; once for each sentence. Default:
            'a photo of a {}.'.
        black_box: Use the probabilities of the network alone, without logits and gradients. A service gives no more.
        queries: Images that are sent to a service at most. Without --budget it decides the budget of the searches.
        rate: Requests that are sent to a service in a second at most.
        answers: Folder in which the answers of a service are kept, so that no image is sent twice.
        budget: Number of images that each search scores. Default: 40,200.
        minutes: Choose the budget so that the audit takes about so long on this machine, instead of --budget.
        threshold: Confidence from which an image counts as fooling the network.
        test_images: Test images of the network: a folder with a subfolder for each class, named by the class or its
            index, or a data set file. They give test error, calibration and refusal, and a test of the preprocessing.
        probe: Take a first look in seconds instead: show these known fooling images to the network, without any search.
            The folder of an earlier audit, a run file of this project, or any folder of pictures.
        export: Write the best images also for other programs, to export/ in the folder of the audit: as an imagefolder
            with a subfolder for each class, or with a list of paths and the label -1 beside it.
        precision: Number format of evolution and random search. All reported confidences are those of float32.
            `screened` finds the same images as `float32`; `auto` measures which of the two is faster.
        chunk_size: How many images are scored at once. Default: 32.
        output: Folder to write; an older audit there is replaced. Default: audit, or probe with --probe.
    """
    if budget is not None and minutes is not None:
        raise FoolingError("--budget and --minutes exclude each other", remedy="give one of them")
    if minutes is not None and not 0 < minutes < MOST_MINUTES:
        expected = f"a number of minutes between 0 and {MOST_MINUTES:,}"
        raise FoolingError("--minutes is invalid", found=minutes, expected=expected)
    values = {"seed": seed, "threshold": threshold, **({} if budget is None else {"budget": budget})}
    settings = checked_settings(AuditSettings, values, source="the options of audit")
    if minutes is not None and kind_of(network) == "service":
        remedy = "give --budget, or --queries with the number of images to send at most"
        raise FoolingError("--minutes cannot be used with a service, whose known answers take no time", remedy=remedy)
    for option, value in (("--queries", queries), ("--rate", rate)):
        if value is not None and not value > 0:
            raise FoolingError(f"{option} is invalid", found=value, expected="a number above 0")
    opening = Opening(
        weights=weights,
        input_shape=_shape(input_shape),
        class_names=_class_names(classes),
        divisor=divisor,
        mean=tuple(mean) if mean else None,
        std=tuple(std) if std else None,
        outputs=_outputs(outputs),
        colour=colour,
        chunk_size=chunk_size,
        mirror=mirror_folder(mirror),
        prompts=tuple(prompt) if prompt else Opening.prompts,
        black_box=black_box,
        service=ServiceOptions(answers=answers, queries=queries, rate=rate),
    )
    if probe is not None and (other := _of_searches(budget, minutes, test_images, export)):
        raise FoolingError(f"--probe runs no search, so {other} has no effect", remedy=f"leave out {other} or --probe")
    place = chosen_device(device)
    classifier = opened(network, opening, device=place)
    shape = "x".join(map(str, classifier.input_shape))
    say(f"{classifier.name}: {len(classifier.targets)} classes, images of {shape}, {kind_of_scores(classifier)}")
    if probe is not None:
        _probe(classifier, probe, threshold=threshold, output=output or Path("probe"))
        return
    folder = output or Path("audit")
    require_replaceable(folder)
    real = None if test_images is None else read_real_images(test_images, classifier)
    if queries is not None and budget is None:
        settings = settings.within(queries, per_image=1, seed=seed, threshold=threshold)
        say(f"budget for {queries:,} queries: {settings.budget:,} images a search")
    if minutes is not None:
        settings = settings.within(
            60 * minutes, per_image=seconds_per_image(classifier), seed=seed, threshold=threshold
        )
        chosen = f"{settings.budget:,} images a search; --budget {settings.budget} repeats or resumes it"
        say(f"budget for {minutes:g} minutes on this machine: {chosen}")
    settings = settings.model_copy(update={"precision": chosen_precision(classifier, precision)})
    digests = {path.name: digest_of(path) for path in files_of(network, opening)}
    decides = {
        "work": "audit",
        "network": network,
        "files": digests,
        "opening": opening.deciding(),
        "settings": settings.model_dump(mode="json"),
        "device": place.type,
    }
    with CheckpointStore(checkpoints, decides, code=fingerprint(f"{__name__}:audit")) as store:
        result = audited(classifier, settings, real=real, store=store, sha256=" ".join(digests.values()))
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


def _of_searches(budget: int | None, minutes: float | None, test_images: Path | None, export: str) -> str:
    """Return the options that only searches need and that are given, as they are typed."""
    given = {"--budget": budget, "--minutes": minutes, "--test-images": test_images, "--export": export or None}
    return " and ".join(option for option, value in given.items() if value is not None)


def _shape(text: str) -> tuple[int, int, int] | None:
    if not text:
        return None
    found = re.fullmatch(r"([13])x(\d{1,5})x(\d{1,5})", text)
    if found is None:
        raise FoolingError(
            "--input-shape is invalid",
            found=repr(text),
            expected="channels x height x width with 1 or 3 channels, such as 1x28x28 or 3x224x224",
        )
    channels, height, width = map(int, found.groups())
    return channels, height, width


def _class_names(text: str) -> tuple[str, ...] | None:
    """Return the names in a file, those between commas, or the numbers below a count."""
    if not text:
        return None
    if text.isdigit():
        return tuple(map(str, range(int(text))))
    if Path(text).is_file():
        return class_names_in(Path(text))
    names = tuple(name.strip() for name in text.split(","))
    if len(names) < 2:
        raise FoolingError(
            "--classes is neither a number, nor a list, nor a file",
            found=repr(text),
            expected="such as 10, or cat,dog, or names.csv",
        )
    return names


def _outputs(text: str) -> Outputs | None:
    return {"logits": "logits", "probabilities": "probabilities"}.get(text)  # type: ignore[return-value]
