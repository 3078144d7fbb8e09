"""The number format of an audit's search: confidences of the stored images in float32, whichever it is."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from fooling.auditing import running
from fooling.auditing.running import audit, chosen_precision
from fooling.classifiers.classifier import Classifier
from fooling.classifiers.wrapped import wrapped
from fooling.messages import FoolingError

SHAPE = (1, 8, 8)


def network() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 3))


@pytest.fixture
def capable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor that is said to compute in bfloat16; this one emulates it."""
    monkeypatch.setattr(running, "lacking_bfloat16", lambda device: None)


@pytest.fixture
def speeds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that the next measurements take."""
    left: list[float] = []
    monkeypatch.setattr(running, "seconds_per_image", lambda classifier: left.pop(0))
    return left


def audited(precision: str):
    return audit(network(), input_shape=SHAPE, budget=1000, precision=precision, name="mine")


@pytest.mark.parametrize("precision", ["bfloat16", "screened"])
def test_every_reported_confidence_is_that_of_the_stored_image_in_float32(capable, precision) -> None:
    built = network()
    for search in audited(precision).searches:
        with torch.no_grad():
            exact = built(torch.from_numpy(search.images.astype(np.float32) / 255)).softmax(dim=1).numpy()
        own = exact[np.arange(len(search.classes)), search.classes]
        np.testing.assert_allclose(search.confidences, own, atol=1e-6)  # bfloat16 differs by 1e-3
        np.testing.assert_allclose(search.history[-1], own, atol=1e-6)


@pytest.mark.slow
def test_screening_finds_the_images_of_float32(capable) -> None:
    for one, other in zip(audited("screened").searches, audited("float32").searches, strict=True):
        np.testing.assert_array_equal(one.images, other.images)
        np.testing.assert_array_equal(one.history, other.history)


def classifier() -> Classifier:
    return wrapped(network(), name="mine", input_shape=SHAPE)


@pytest.mark.parametrize(("gain", "chosen"), [(2.0, "screened"), (1.2, "float32")])
def test_auto_chooses_by_a_measurement_and_says_so(capable, speeds, capsys, gain, chosen) -> None:
    speeds += [gain, 1.0]
    assert chosen_precision(classifier(), "auto") == chosen
    assert capsys.readouterr().err == (
        f"precision: {chosen}, because bfloat16 is {gain:.1f} times as fast as float32 (--precision {chosen})\n"
    )


def test_auto_does_not_screen_where_the_place_of_an_image_counts(capable, capsys) -> None:
    class Placed(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            place = torch.arange(len(x))[:, None] * 1e-7
            return x.flatten(1)[:, :3] * (1 + place)

    placed = wrapped(Placed(), name="mine", input_shape=SHAPE)
    assert chosen_precision(placed, "auto") == "float32"
    assert "depend on the place" in capsys.readouterr().err


@pytest.mark.parametrize("wanted", ["auto", "bfloat16", "screened"])
def test_processors_without_bfloat16_compute_in_float32_and_say_so(monkeypatch, capsys, wanted) -> None:
    monkeypatch.setattr(running, "lacking_bfloat16", lambda device: "this processor is old")
    assert chosen_precision(classifier(), wanted) == "float32"
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"precision: float32 instead of {wanted}, because this processor is old"


def test_unknown_formats_are_refused() -> None:
    with pytest.raises(FoolingError, match=r"precision(.|\n)*float16(.|\n)*float32, bfloat16, screened, auto"):
        audited("float16")
