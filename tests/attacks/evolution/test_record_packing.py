"""Packed images: the same images come back, equal ones take no room, and no damage passes for images."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from fooling.attacks.evolution.record import packed, unpacked
from fooling.messages import FoolingError

IMAGES = arrays(np.uint8, array_shapes(min_dims=4, max_dims=4, max_side=5))


@given(images=IMAGES, again=st.data())
def test_images_come_back(images: NDArray[np.uint8], again: st.DataObject) -> None:
    several = images[again.draw(st.lists(st.integers(0, len(images) - 1), min_size=1, max_size=9))]
    assert np.array_equal(unpacked(packed(several), source="here"), several)


def test_equal_images_are_stored_once() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (1, 3, 64, 64), dtype=np.uint8)
    assert len(packed(noise.repeat(50, axis=0))["bytes"]) == len(packed(noise)["bytes"])


def test_a_smooth_image_takes_a_fraction_of_its_size() -> None:
    smooth = np.linspace(0, 255, 256).astype(np.uint8)[None, None, None].repeat(3, axis=1).repeat(256, axis=2)
    assert len(packed(smooth)["bytes"]) < smooth.nbytes / 20


@pytest.mark.parametrize(
    ("name", "values", "found"),
    [
        ("index", [0, 3], "index of the images: 3"),
        ("ends", [9, 5], "bytes for"),
        ("ends", [5, 10**9], "ends of the images: 1000000000"),
        ("shape", [1, 2, 3], "broken image"),
        ("shape", [2**30, 2**30, 2**30], "bytes for"),
        ("shape", [0, 2, 2], "shape of the images: 0"),
        ("bytes", [0] * 30, "bytes for|broken image"),
    ],
)
def test_damage_is_named(name: str, values: list[int], found: str) -> None:
    arrays = packed(np.arange(8, dtype=np.uint8).reshape(2, 1, 2, 2))
    arrays[name] = np.array(values, dtype=arrays[name].dtype)
    with pytest.raises(FoolingError, match=f"the file .*\n?.*({found})"):
        unpacked(arrays, source="the file")


def test_a_stream_of_more_than_one_image_is_refused() -> None:
    arrays = packed(np.zeros((1, 1, 2, 2), np.uint8))
    arrays["bytes"] = np.concatenate((arrays["bytes"], arrays["bytes"]))
    arrays["ends"] *= 2
    with pytest.raises(FoolingError, match="broken image"):
        unpacked(arrays, source="the file")
