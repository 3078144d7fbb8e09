"""Which few of many stand for all: those at even distances."""

from __future__ import annotations


def evenly_spread(count: int, most: int | None) -> list[int]:
    """At most ``most`` of the first ``count`` numbers from 0 on, at even distances and in order; None: all of them."""
    if most is None or most >= count:
        return list(range(count))
    return [place * count // most for place in range(most)]
