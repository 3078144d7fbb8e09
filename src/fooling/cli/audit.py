"""Audit any network: one command from weights to an answer."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Literal

from fooling.auditing.doors import Opening, opened
from fooling.auditing.running import audited, seconds_per_image
from fooling.auditing.settings import AuditSettings, CommandSettings, OpeningSettings
from fooling.checkpoints import CheckpointStore
from fooling.classifiers.devices import chosen_device
from fooling.datasets.fetching import found_path, mirror_folder
from fooling.encodings.settings import NAMED_MODULES
from fooling.errors import FoolingError
from fooling.fingerprint import fingerprint
from fooling.inputs import digest_of
from fooling.progress import say
from fooling.settings import checked_settings, read_settings

PANEL = "Networks"

MOST_MINUTES = 100_000


def audit(
    network: str,
    *,
    name: str = "",
    settings: str = "{}",
    weights: Path | None = None,
    input_shape: str = "",
    classes: str = "",
    mean: list[float] | None = None,
    std: list[float] | None = None,
    divisor: float | None = None,
    outputs: Literal["", "logits", "probabilities"] = "",
    colour: Literal["", "rgb", "bgr"] = "",
    budget: int | None = None,
    minutes: float | None = None,
    seed: int | None = None,
    threshold: float | None = None,
    chunk_size: int | None = None,
    output: Path = Path("audit"),
    mirror: Path | None = None,
    checkpoints: Path = Path("results/.checkpoints"),
    device: str = "auto",
) -> None:
    """Find out how easily a network is fooled: one command from weights to an answer.

    Search for images of every class with evolution in both encodings, with random search at the same budget beside it,
    and with gradient ascent if the network has gradients. No data set is needed. An interrupted audit resumes.

    Args:
        network: The network: path/to/file.py:function, torchvision:<name>, timm:<name>, path/to/network.onnx, or a
            classifier file of this project. A file that is not here is looked for below the mirror folder.
        name: Name of the network on the page. Default: that of its file or its own.
        settings: The options below except --minutes, in one JSON object or a YAML file, with underscores for hyphens;
            an option that is also given counts.
        weights: File with the weights: safetensors, or a state dict that torch.save wrote.
        input_shape: Size of the images: channels x height x width, such as 1x28x28. Default: as the network states it.
        classes: Number of classes, their names with commas between them, or a file with one name on each line, in the
            network's own order.
        mean: Mean of each channel, subtracted after the division; give the option once for each channel.
        std: Standard deviation of each channel, by which the result is divided; once for each channel.
        divisor: Number by which levels from 0 to 255 are divided first. Default: 255.
        outputs: What the network gives: logits or probabilities. Default: found out by scoring noise.
        colour: Order of the colours in the input of an ONNX network. Default: rgb.
        budget: Number of images that each search scores. Default: 40,200.
        minutes: Choose the budget so that the audit takes about so long on this machine, instead of --budget.
        seed: Seed of all searches: the same seed on the same kind of machine gives the same images. Default: 1.
        threshold: Confidence from which an image counts as fooling the network. Default: .9999.
        chunk_size: How many images are scored at once. Default: 32.
        output: Folder to write; an older audit there is replaced.
    """
    options = {
        **{"weights": weights, "input_shape": input_shape, "classes": classes, "outputs": outputs, "colour": colour},
        **{"divisor": divisor, "mean": mean, "std": std, "chunk_size": chunk_size},
        **{"budget": budget, "seed": seed, "threshold": threshold},
    }
    values = read_settings(CommandSettings, settings).model_dump(mode="json", exclude_unset=True)
    values |= {key: value for key, value in options.items() if value not in (None, "", [])}
    if "budget" in values and minutes is not None:
        raise FoolingError("--budget and --minutes exclude each other", remedy="give one of them")
    if minutes is not None and not 0 < minutes < MOST_MINUTES:
        expected = f"a number of minutes between 0 and {MOST_MINUTES:,}"
        raise FoolingError("--minutes is invalid", found=minutes, expected=expected)
    stated = checked_settings(CommandSettings, values, source="the options of audit")
    spent = AuditSettings.model_validate(stated.model_dump(include=set(AuditSettings.model_fields)))
    known = stated.model_dump(include=set(OpeningSettings.model_fields))
    opening = Opening.model_validate({**known, "mirror": mirror_folder(mirror)})
    place = chosen_device(device)
    classifier = opened(network, opening, device=place)
    classifier = dataclasses.replace(classifier, name=name or classifier.name)
    shape = "x".join(map(str, classifier.input_shape))
    say(f"{classifier.name}: {len(classifier.class_names)} classes, images of {shape}, {classifier.outputs}")
    if minutes is not None:
        spent = spent.within(
            60 * minutes, per_image=seconds_per_image(classifier), seed=spent.seed, threshold=spent.threshold
        )
        chosen = f"{spent.budget:,} images a search; --budget {spent.budget} repeats or resumes it"
        say(f"budget for {minutes:g} minutes on this machine: {chosen}")
    digests = {key: digest_of(found_path(path, opening.mirror)) for key, path in opening.files(network).items()}
    decides = {
        "work": "audit",
        "network": network,
        "name": classifier.name,
        "files": digests,
        "opening": stated.model_dump(mode="json", include=set(OpeningSettings.model_fields)),
        "settings": spent.model_dump(mode="json"),
        "device": place.type,
    }
    with CheckpointStore(checkpoints, decides, code=fingerprint(f"{__name__}:audit", *NAMED_MODULES)) as store:
        result = audited(classifier, spent, store=store, sha256=" ".join(digests.values()))
        result.save(output)
        store.clear()
    for remark in result.remarks:
        say(remark)
    for sentence in result.sentences():
        say(sentence)
    say(f"Done: open {output / 'index.html'}")
