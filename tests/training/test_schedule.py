"""Which images are shown when: each pass a permutation of its own, and the same from wherever one begins."""

from __future__ import annotations

import itertools

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from fooling.seeding import derived_seed, numpy_generator
from fooling.training.schedule import Schedule, Shown
from fooling.training.settings import ClassifierSettings

SHAPE = (3, 10, 12)


def schedule(*, count: int, batch_size: int, iterations: int, crop: int | None = 9) -> Schedule:
    values = {"seed": 4, "input": {"crop": crop}, "training": {"iterations": iterations, "batch_size": batch_size}}
    return Schedule(settings=ClassifierSettings.model_validate(values), count=count, shape=SHAPE)


def same(one: Shown, other: Shown) -> bool:
    return np.array_equal(one.indices, other.indices) and np.array_equal(one.places, other.places)


sizes = {"count": st.integers(1, 12), "batch_size": st.integers(1, 30), "iterations": st.integers(1, 12)}


@given(**sizes)
def test_the_images_are_permutation_after_permutation(count: int, batch_size: int, iterations: int) -> None:
    shown = schedule(count=count, batch_size=batch_size, iterations=iterations).batches(0)
    found = np.concatenate([batch.indices for batch in shown])
    passes = [numpy_generator(4, "order", number).permutation(count) for number in range(-(-len(found) // count))]
    assert len(found) == iterations * batch_size
    np.testing.assert_array_equal(found, np.concatenate(passes)[: len(found)])


@given(**sizes, start=st.integers(0, 11))
def test_it_goes_on_alike_from_wherever_one_begins(count: int, batch_size: int, iterations: int, start: int) -> None:
    whole = schedule(count=count, batch_size=batch_size, iterations=iterations)
    rest = itertools.islice(whole.batches(0), start, None)
    assert all(itertools.starmap(same, zip(rest, whole.batches(start), strict=True)))


@given(**sizes)
def test_a_pass_ends_with_the_batch_that_uses_its_last_image(count: int, batch_size: int, iterations: int) -> None:
    whole = schedule(count=count, batch_size=batch_size, iterations=iterations)
    ends = {min(-(-number * count // batch_size), iterations) for number in range(1, iterations * batch_size + 1)}
    met, iteration = set(), 0
    while iteration < iterations:
        assert whole.begins_pass(iteration)
        iteration = whole.end_of_pass(whole.pass_at(iteration))
        met.add(iteration)
    assert met == ends


def test_crops_are_drawn_anew_in_every_pass_whatever_the_order_of_the_images() -> None:
    batches = list(schedule(count=10, batch_size=4, iterations=6).batches(0))
    for number, of_pass in enumerate((batches[:3], batches[3:5], batches[5:])):
        generator = torch.Generator().manual_seed(derived_seed(4, "crops", number))
        for batch in of_pass:
            drawn = [torch.randint(limit, (4, 1), generator=generator) for limit in (2, 4, 2)]
            np.testing.assert_array_equal(batch.places, torch.cat(drawn, dim=1))


def test_the_parts_of_a_batch_are_the_batch() -> None:
    (batch,) = schedule(count=10, batch_size=6, iterations=1).batches(0)
    parts = [batch.part(number, 3) for number in range(3)]
    assert {len(part.indices) for part in parts} == {2}
    joined = Shown(np.concatenate([part.indices for part in parts]), 9, np.concatenate([part.places for part in parts]))
    assert same(joined, batch)
