"""Derived seeds are stable, separate and in range."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fooling.seeding import derived_seed, numpy_generator


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
