"""Few of many, at even distances."""

from hypothesis import given
from hypothesis import strategies as st

from fooling.spread import evenly_spread


def test_four_of_a_thousand() -> None:
    assert evenly_spread(1000, 4) == [0, 250, 500, 750]
    assert evenly_spread(3, None) == evenly_spread(3, 7) == [0, 1, 2]


@given(count=st.integers(1, 2000), most=st.integers(1, 2000) | st.none())
def test_at_most_so_many_in_order_with_gaps_that_differ_by_one_at_most(count: int, most: int | None) -> None:
    places = evenly_spread(count, most)
    assert len(places) == (count if most is None else min(count, most))
    assert places[0] == 0
    assert places[-1] < count
    gaps = {right - left for left, right in zip(places, [*places[1:], count], strict=True)}
    assert min(gaps) >= 1
    assert max(gaps) - min(gaps) <= 1
