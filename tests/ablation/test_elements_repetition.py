"""Repeated structure in images made with a known period, count and position."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooling.ablation.elements import background_of, repetition_of, shifted_correlations

SIDE = 28


def stripes(period: float, *, turned: bool = False, phase: float = 0.3) -> np.ndarray:
    wave = 127 + 120 * np.sin(2 * np.pi * np.arange(SIDE) / period + phase)
    image = np.broadcast_to(wave.astype(np.uint8), (1, SIDE, SIDE))
    return np.ascontiguousarray(image.swapaxes(1, 2) if turned else image)


def blobs(down: int, right: int, *, size: int = 3, first: tuple[int, int] = (2, 1), colours: int = 1) -> np.ndarray:
    image = np.zeros((colours, SIDE, SIDE), np.uint8)
    for y in range(first[0], SIDE - size + 1, down):
        for x in range(first[1], SIDE - size + 1, right):
            image[:, y : y + size, x : x + size] = 200
    return image


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("period", [2, 4, 5, 7, 9, 13])
def test_stripes_repeat_by_their_period(period: int, turned: bool) -> None:
    found = repetition_of(stripes(period, turned=turned))
    assert found is not None
    assert found.shifts == (((period, 0) if turned else (0, period)),)
    assert found.correlation == pytest.approx(1)
    assert found.count in (SIDE // period, SIDE // period + 1)
    of_line = found.copies[:, 0] if turned else found.copies[0]
    assert (found.copies == (of_line[:, None] if turned else of_line)).all()
    assert (np.bincount(of_line[of_line >= 0])[1:-1] == period).all()


@pytest.mark.parametrize("down", [6, 7, 9, 12])
@pytest.mark.parametrize("right", [5, 8, 13])
@pytest.mark.parametrize("colours", [1, 3])
def test_every_blob_is_a_copy_whole_and_in_order(down: int, right: int, colours: int) -> None:
    image = blobs(down, right, colours=colours)
    found = repetition_of(image)
    assert found is not None
    assert set(found.shifts) == {(down, 0), (0, right)}
    starts = [(y, x) for y in range(2, SIDE - 2, down) for x in range(1, SIDE - 2, right)]
    assert found.count == len(starts)
    for number, (y, x) in enumerate(starts):
        assert (found.copies[y : y + 3, x : x + 3] == number).all(), f"blob {number} is cut"


def test_slanted_stripes_repeat_across_themselves() -> None:
    y, x = np.indices((SIDE, SIDE))
    image = (127 + 120 * np.sin(2 * np.pi * (x + y) / 8))[None].astype(np.uint8)
    found = repetition_of(image)
    assert found is not None
    assert found.shifts == ((4, 4),)
    along = [found.copies[10 + step, 10 - step] for step in range(-6, 7)]
    assert len(set(along)) == 1


def test_brightness_and_contrast_do_not_count() -> None:
    image = blobs(9, 8)
    faint = (40 + image // 10).astype(np.uint8)
    found, other = repetition_of(image), repetition_of(faint)
    assert found is not None and other is not None
    assert np.array_equal(found.copies, other.copies)


def test_a_lattice_under_noise_is_found() -> None:
    noise = np.random.default_rng(1).integers(-30, 31, (1, SIDE, SIDE))
    found = repetition_of(np.clip(blobs(9, 8).astype(int) + noise, 0, 255).astype(np.uint8))
    assert found is not None
    assert set(found.shifts) == {(9, 0), (0, 8)}


@pytest.mark.parametrize("seed", range(20))
def test_noise_does_not_repeat(seed: int) -> None:
    assert repetition_of(np.random.default_rng(seed).integers(0, 256, (1, SIDE, SIDE)).astype(np.uint8)) is None


def test_neither_do_one_level_a_ramp_one_blob_and_one_edge() -> None:
    y, x = np.indices((SIDE, SIDE))
    one = np.where(np.hypot(y - 9, x - 17) < 6, 255, 0)
    for image in (0 * x, 255 + 0 * x, 9 * x, one, 255 * (x > y)):
        assert repetition_of(image[None].astype(np.uint8)) is None


def test_correlations_are_pearsons_of_the_shared_pixels() -> None:
    image = np.random.default_rng(0).integers(0, 256, (3, 8, 9)).astype(np.uint8)
    related = shifted_correlations(image)
    assert related.shape == (9, 9)
    assert related[4, 4] == pytest.approx(1)
    for y, x in ((0, 1), (3, 0), (2, -3), (4, 4)):
        here = image[:, y:, max(x, 0) : 9 + min(x, 0)].ravel()
        there = image[:, : 8 - y, max(-x, 0) : 9 - max(x, 0)].ravel()
        assert related[4 + y, 4 + x] == pytest.approx(np.corrcoef(here, there)[0, 1])
        assert related[4 - y, 4 - x] == related[4 + y, 4 + x]


def test_the_background_is_the_most_frequent_pixel() -> None:
    image = np.zeros((3, 4, 4), np.uint8)
    image[:, :3] = np.array([9, 0, 7])[:, None, None]
    assert background_of(image).tolist() == [9, 0, 7]


@given(period=st.integers(3, 12), seed=st.integers(0, 1000))
def test_any_tile_repeats_by_its_side_or_less(period: int, seed: int) -> None:
    tile = np.random.default_rng(seed).integers(0, 2, (period, period)).astype(np.uint8) * 255
    image = np.tile(tile, (SIDE // period + 1, SIDE // period + 1))[None, :SIDE, :SIDE]
    found = repetition_of(image)
    if tile.min() < tile.max():
        assert found is not None
        assert np.hypot(*found.shifts[0]) <= period
