"""Show a classifier single images of uniform noise."""

from __future__ import annotations

from pathlib import Path

from fooling.cli.sampling import sample
from fooling.encodings.direct import DirectEncoding
from fooling.encodings.direct_settings import DirectSettings
from fooling.findings.sampling import EncodedSampleSettings
from fooling.settings import read_settings


def sample_direct(*, classifier: Path, experiment: str, settings: str, output: Path, device: str = "auto") -> None:
    """Write top class and top confidence of random images in the direct encoding."""
    checked = read_settings(EncodedSampleSettings[DirectSettings], settings)
    sample(
        lambda shape, place: DirectEncoding(settings=checked.encoding, image_shape=shape, device=place),
        classifier=classifier,
        experiment=experiment,
        settings=checked,
        output=output,
        device=device,
    )
