"""What the sample commands share: random images of an encoding, shown one by one to a classifier."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch

from fooling.artifacts import write_table
from fooling.classifiers.checkpoint import load_classifier
from fooling.classifiers.devices import chosen_device
from fooling.encodings.encoding import Encoding, Genomes
from fooling.findings.sampling import EncodedSampleSettings, start_table
from fooling.progress import say
from fooling.seeding import derived_seed
from fooling.settings import Settings

G = TypeVar("G", bound=Genomes)
S = TypeVar("S", bound=Settings)


def sample(
    make_encoding: Callable[[tuple[int, int, int], torch.device], Encoding[G]],
    *,
    classifier: Path,
    experiment: str,
    settings: EncodedSampleSettings[S],
    output: Path,
    device: str,
) -> None:
    """Write what the classifier says of random images; ``make_encoding`` takes an image shape and a device."""
    torch.set_num_threads(1)
    chosen = chosen_device(device)
    network = load_classifier(classifier, device=chosen)
    if settings.scoring_input == "mean-subtracted":
        network = network.with_mean_subtracted()
    encoding = make_encoding(network.input_shape, chosen)
    generator = torch.Generator(chosen).manual_seed(derived_seed(settings.sample_seed, "sample", experiment))
    table = start_table(
        lambda count: encoding.render(encoding.random(count, generator)),
        network.confidences,
        images=settings.sample_images,
        classifier=network.name,
        experiment=experiment,
    )
    write_table(output, table)
    tops = table["top_confidence"].astype(float)
    say(
        f"{network.name}, {experiment}: {len(table)} random images; median top confidence {tops.median():.3f}, "
        f"{(tops > 0.5).mean():.0%} above .5; written to {output}"
    )
