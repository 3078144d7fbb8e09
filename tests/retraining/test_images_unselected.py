"""Images that no network selected, and how often real images are seen beside them."""

from __future__ import annotations

import pytest
import torch

from fooling.encodings.cppn.encoding import CppnEncoding
from fooling.encodings.direct import DirectEncoding
from fooling.encodings.encoding import Encoding
from fooling.encodings.settings import CppnSettings, DirectSettings
from fooling.retraining.images import unselected_images
from fooling.retraining.plan import at_equal_passes
from fooling.training.settings import ClassifierSettings

ENCODINGS = {
    "direct": DirectEncoding(settings=DirectSettings(), image_shape=(1, 8, 8)),
    "cppn": CppnEncoding(settings=CppnSettings(), image_shape=(1, 8, 8)),
}


def drawn(encoding: Encoding, count: int, generations: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return unselected_images(encoding, count, generations=generations, generator=generator)


@pytest.mark.parametrize("kind", ENCODINGS)
def test_without_generations_all_are_random_genomes(kind: str) -> None:
    encoding = ENCODINGS[kind]
    random = encoding.render(encoding.random(6, torch.Generator().manual_seed(1)))
    assert torch.equal(drawn(encoding, 6, 0), random)


@pytest.mark.parametrize("kind", ENCODINGS)
@pytest.mark.parametrize("count", [10, 12])
def test_every_second_image_has_drifted(kind: str, count: int) -> None:
    encoding = ENCODINGS[kind]
    few, many = drawn(encoding, count, 1), drawn(encoding, count, 8)
    assert few.shape == (count, 1, 8, 8)
    assert torch.equal(few[::2], many[::2])
    assert not torch.equal(few[1::2], many[1::2])


def test_drift_loses_no_line() -> None:
    assert len({image.numpy().tobytes() for image in drawn(ENCODINGS["direct"], 40, 20)}) == 40


def test_passes_over_real_images_stay_equal() -> None:
    settings = ClassifierSettings()
    longer = at_equal_passes(settings, real=60_000, fooling=19_000)
    assert longer.training.iterations == round(10_000 * 79_000 / 60_000) == 13_167
    assert longer.model_copy(update={"training": settings.training}) == settings
    assert at_equal_passes(settings, real=60_000, fooling=0) == settings
