"""The classes of ImageNet in their order: an index, a WordNet id and the synonyms of each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pandas as pd

from fooling.errors import FoolingError
from fooling.table import COUNT, TEXT, Column, Table

IMAGENET_CLASSES = Table(
    name="imagenet_classes",
    path=None,
    commands=(),
    columns=(
        Column("index", COUNT, doc="Index of the class, from 0 up in order."),
        Column("wnid", TEXT, doc="WordNet id of the class: n and eight digits, ascending."),
        Column("name", TEXT, doc="Its synonyms, divided by commas; the first one names the class."),
    ),
    key=("index",),
    doc="One row for each class of ImageNet. The settings of a data set name this file as `class_list`; no command "
    "writes it.",
)
#: A noun of WordNet 3.0: its place in that lexicon.
WORDNET_ID = re.compile(r"n\d{8}")


@dataclass(frozen=True, kw_only=True)
class ClassList:
    """Classes in the order of their indices."""

    wnids: tuple[str, ...]
    names: tuple[str, ...]  # readable and unique, also where two classes share a word

    def part(self, wnids: Collection[str]) -> Self:
        """These classes alone, in the same order."""
        kept = [place for place, wnid in enumerate(self.wnids) if wnid in wnids]
        names, ids = (tuple(given[place] for place in kept) for given in (self.names, self.wnids))
        return type(self)(wnids=ids, names=names)


def class_list(table: pd.DataFrame, *, source: Path) -> ClassList:
    """The classes in a ``table`` of the :data:`IMAGENET_CLASSES`; a class is called by the first of its synonyms.

    Raises :class:`FoolingError`, naming the ``source``, unless the indices go from 0 up in order, the ids are WordNet
    ids in ascending order, and every class has a name.
    """
    wnids = tuple(table["wnid"])
    names = tuple(name.strip() for name in table["name"])
    for row, (index, wnid, name) in enumerate(zip(table["index"], wnids, names, strict=True), start=1):
        if index != row - 1:
            raise _refused(source, row, f"index {index}", f"index {row - 1}: from 0 up, in order")
        if not WORDNET_ID.fullmatch(wnid):
            raise _refused(source, row, f"wnid {wnid!r}", "a WordNet id: n and eight digits")
        if row > 1 and wnid <= wnids[row - 2]:
            raise _refused(source, row, f"{wnid} after {wnids[row - 2]}", "every id once, in ascending order")
        if not _first_synonym(name):
            raise _refused(source, row, f"name {name!r}", "a name, or several divided by commas")
    return ClassList(wnids=wnids, names=_unique_names(wnids, names))


def _unique_names(wnids: tuple[str, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    """First synonyms; of classes that share theirs the whole names, and where these are the same too, with the id."""
    first, whole = Counter(map(_first_synonym, names)), Counter(names)
    return tuple(
        _first_synonym(name) if first[_first_synonym(name)] == 1 else name if whole[name] == 1 else f"{name} ({wnid})"
        for wnid, name in zip(wnids, names, strict=True)
    )


def _first_synonym(name: str) -> str:
    return name.partition(",")[0].strip()


def _refused(source: Path, row: int, found: str, expected: str) -> FoolingError:
    remedy = "use the list of the ILSVRC2012 classes in the order of their ids, with the columns index, wnid and name"
    return FoolingError(f"{source}: class {row} is not as it should be", found=found, expected=expected, remedy=remedy)
