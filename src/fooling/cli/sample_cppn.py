"""Show a classifier single images painted by random CPPNs."""

from __future__ import annotations

from pathlib import Path

from fooling.cli.sampling import sample
from fooling.encodings.cppn.encoding import CppnEncoding
from fooling.encodings.cppn.settings import CppnSettings
from fooling.findings.sampling import EncodedSampleSettings
from fooling.settings import read_settings


def sample_cppn(*, classifier: Path, experiment: str, settings: str, output: Path, device: str = "auto") -> None:
    """Write top class and top confidence of random images in the CPPN encoding."""
    checked = read_settings(EncodedSampleSettings[CppnSettings], settings)
    sample(
        lambda shape, place: CppnEncoding(settings=checked.encoding, image_shape=shape, device=place),
        classifier=classifier,
        experiment=experiment,
        settings=checked,
        output=output,
        device=device,
    )
