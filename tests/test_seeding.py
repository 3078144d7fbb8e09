"""Derived seeds are stable, separate and in range."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fooling.seeding import derived_seed, evenly_spaced, numpy_generator


def test_the_same_on_every_machine() -> None:
    # SHA-256 of "1<US>evolution<US>cppn", its first eight bytes read little-endian, halved: computed by hand once.
    assert derived_seed(1, "evolution", "cppn") == 3202511945133205803


@given(seed=st.integers(0), words=st.lists(st.text(max_size=5), max_size=3))
def test_in_range_and_different_for_another_purpose(seed: int, words: list[str]) -> None:
    derived = derived_seed(seed, *words)
    assert 0 <= derived < 2**63
    assert derived != derived_seed(seed, *words, "more")
    assert derived != derived_seed(seed + 1, *words)


def test_generators_repeat() -> None:
    assert numpy_generator(5, "a").random() == numpy_generator(5, "a").random() != numpy_generator(5, "b").random()


def test_four_of_a_thousand() -> None:
    assert evenly_spaced(1000, 4) == [0, 250, 500, 750]
    assert evenly_spaced(3, None) == evenly_spaced(3, 7) == [0, 1, 2]


@given(count=st.integers(1, 2000), most=st.integers(1, 2000) | st.none())
def test_at_most_so_many_in_order_with_gaps_that_differ_by_one_at_most(count: int, most: int | None) -> None:
    places = evenly_spaced(count, most)
    assert len(places) == (count if most is None else min(count, most))
    assert places[0] == 0
    assert places[-1] < count
    gaps = {right - left for left, right in zip(places, [*places[1:], count], strict=True)}
    assert min(gaps) >= 1
    assert max(gaps) - min(gaps) <= 1
