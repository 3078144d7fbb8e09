"""What the sample commands share: random images of an encoding, shown one by one to a classifier."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch

from fooling.artifacts import write_table
from fooling.classifiers.checkpoint import load_classifier
from fooling.classifiers.devices import chosen_device
from fooling.encodings.encoding import EncodingMaker
from fooling.findings.sampling import START, EncodedSampleSettings, start_table
from fooling.progress import say
from fooling.seeding import derived_seed
from fooling.settings import Settings, read_settings

S = TypeVar("S", bound=Settings)


def sample_command(*, encoding_class: EncodingMaker[S], settings_class: type[S]) -> Callable[..., None]:
    """The command that shows random images in one encoding."""

    def sample(
        *,
        classifier: Path,
        experiment: str,
        settings: str,
        output: Path,
        architecture: list[str] | None = None,
        device: str = "auto",
    ) -> None:
        """Show random images to the classifier.

        Args:
            experiment: Name of the experiment whose encoding it is.
            output: Table of the images to write.
        """
        checked = read_settings(EncodedSampleSettings[settings_class], settings)  # type: ignore[valid-type]
        torch.set_num_threads(1)
        place = chosen_device(device)
        network = load_classifier(classifier, place, architecture or ())
        if checked.scoring_input == "mean-subtracted":
            network = network.with_mean_subtracted()
        encoding = encoding_class(settings=checked.encoding, image_shape=network.input_shape, device=place)
        generator = torch.Generator(place).manual_seed(derived_seed(checked.sample_seed, "sample", experiment))
        table = start_table(
            lambda count: encoding.render(encoding.random(count, generator)),
            network.confidences,
            images=checked.sample_images,
            classifier=network.name,
            experiment=experiment,
        )
        write_table(output, table, START)
        tops = table["top_confidence"].astype(float)
        say(
            f"{network.name}, {experiment}: {len(table)} random images; median top confidence {tops.median():.3f}, "
            f"{(tops > 0.5).mean():.0%} above .5; written to {output}"
        )

    return sample
