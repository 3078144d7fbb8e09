"""What several tables have in common: which run, which class, which search."""

from __future__ import annotations

from fooling.columns import COUNT, TEXT, Column, one_of

ENCODING = one_of("direct", "cppn")
SEARCHES = ("map-elites", "random-search", "drift")
SEARCH = one_of(*SEARCHES)
TARGET = one_of("median", "all")
#: A number of a result; the time of what never happens is infinite.
FOUND = Column(kind="number", may_be_infinite=True).or_nothing
RUN = {"classifier": TEXT, "experiment": TEXT, "encoding": ENCODING, "search": SEARCH, "seed": COUNT}
CLASS = {"class_index": COUNT, "class_name": TEXT}
