"""What is taken out of an image: which pixels, in which order, and what is put in their place."""

from __future__ import annotations

import numpy as np
import pytest

from fooling.ablation.elements import FILLS, KINDS, Repetition, removals, without

#: Four copies of 2 x 3 pixels in an image of 6 x 8, the rest belongs to none.
COPIES = np.full((6, 8), -1)
COPIES[0:2, 0:3], COPIES[0:2, 4:7], COPIES[3:5, 0:3], COPIES[3:5, 4:7] = 0, 1, 2, 3
REPETITION = Repetition(shifts=((0, 4), (3, 0)), correlation=0.9, copies=COPIES)
IMAGE = np.random.default_rng(0).integers(0, 256, (3, 6, 8)).astype(np.uint8)
IMAGE[:, :3, :5] = np.array([10, 20, 30])[:, None, None]


def masks(kind="copy", *, most=9, seed=1, class_index=2, draw=0):
    return removals(REPETITION, most=most, kind=kind, seed=seed, class_index=class_index, draw=draw)


def test_copies_go_one_by_one_and_one_stays() -> None:
    found = masks()
    assert [int(mask.sum()) for mask in found] == [6, 12, 18]
    before = np.zeros((6, 8), bool)
    gone = []
    for mask in found:
        (number,) = set(COPIES[mask & ~before])
        gone.append(number)
        assert (mask >= before).all()
        before = mask
    assert len(set(gone)) == 3 and -1 not in gone


@pytest.mark.parametrize("kind", KINDS)
def test_a_smaller_number_takes_the_same_first(kind) -> None:
    assert all(np.array_equal(a, b) for a, b in zip(masks(kind, most=2), masks(kind), strict=False))
    assert len(masks(kind, most=2)) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_draws_seeds_and_classes_differ_and_the_same_one_does_not(kind) -> None:
    last = [masks(kind, **change)[0] for change in ({}, {}, {"draw": 1}, {"seed": 7}, {"class_index": 5}, {"draw": 2})]
    assert np.array_equal(last[0], last[1])
    assert len({mask.tobytes() for mask in last}) > 2


@pytest.mark.parametrize("draw", range(10))
def test_the_control_takes_as_much_and_spares_the_copies_while_it_can(draw: int) -> None:
    found = masks("control", draw=draw)
    assert [int(mask.sum()) for mask in found] == [6, 12, 18]
    assert not (found[2] & (COPIES >= 0)).any()  # 24 pixels are outside the copies
    assert (found[1] >= found[0]).all()
    rows, columns = np.nonzero(found[0])
    assert np.ptp(rows) + np.ptp(columns) < 10


def test_a_control_without_room_outside_takes_from_the_copies() -> None:
    full = Repetition(shifts=((0, 2),), correlation=1.0, copies=np.broadcast_to(np.arange(8) // 2, (6, 8)))
    found = removals(full, most=3, kind="control", seed=1, class_index=0, draw=0)
    assert [int(mask.sum()) for mask in found] == [12, 24, 36]


@pytest.mark.parametrize("fill", FILLS)
def test_only_what_is_gone_changes(fill) -> None:
    gone = COPIES == 3
    shown = without(IMAGE, gone, fill=fill, seed=1, class_index=0)
    assert np.array_equal(shown[:, ~gone], IMAGE[:, ~gone])
    assert not np.array_equal(shown[:, gone], IMAGE[:, gone])
    assert shown.dtype == np.uint8


def test_what_is_put_in_place() -> None:
    gone = COPIES == 3
    mean = without(IMAGE, gone, fill="mean", seed=1, class_index=0)[:, gone]
    assert (mean == IMAGE.reshape(3, -1).mean(axis=1).round()[:, None]).all()
    assert (without(IMAGE, gone, fill="background", seed=1, class_index=0)[:, gone].T == [10, 20, 30]).all()
    noise = without(IMAGE, gone, fill="noise", seed=1, class_index=0)[:, gone]
    own = {tuple(pixel) for pixel in IMAGE.reshape(3, -1).T}
    assert {tuple(pixel) for pixel in noise.T} <= own
    more = without(IMAGE, COPIES >= 2, fill="noise", seed=1, class_index=0)[:, gone]
    assert np.array_equal(noise, more)
