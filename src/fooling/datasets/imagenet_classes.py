"""Read lists of classes, and assign ImageNet's pictures to classes and parts by the folders that contain them."""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import pandas as pd

from fooling.artifacts import read_table
from fooling.datasets.pictures import named
from fooling.inputs import read_text
from fooling.messages import FoolingError
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
#: Identifies a noun of WordNet 3.0.
WORDNET_ID = re.compile(r"n\d{8}")


@dataclass(frozen=True, kw_only=True)
class ClassList:
    """Classes in the order of their indices."""

    wnids: tuple[str, ...]
    names: tuple[str, ...]  # readable and unique, even if two classes share a word

    def part(self, wnids: Collection[str]) -> Self:
        """Return only these classes, in the same order."""
        kept = [place for place, wnid in enumerate(self.wnids) if wnid in wnids]
        names, ids = (tuple(given[place] for place in kept) for given in (self.names, self.wnids))
        return type(self)(wnids=ids, names=names)


def class_list(table: pd.DataFrame, *, source: Path) -> ClassList:
    """Return the classes in a ``table`` of the :data:`IMAGENET_CLASSES`; the first synonym names a class.

    Raises :class:`FoolingError`, naming the ``source``, unless the indices ascend from 0 without gaps, the ids are
    WordNet ids in ascending order, and every class has a name.
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


def class_names_in(path: Path) -> tuple[str, ...]:
    """Return the names of the classes in a file, in the order of their indices.

    The file has a name on each line, or is a CSV table (``.csv``) with the column ``name``, and ``index`` from 0 up if
    its rows are in another order. The list of ImageNet's classes, with the column ``wnid``, is read as for a data set.

    Raises:
        FoolingError: The file is unreadable, has fewer than two names, a name twice, or other indices than 0 to K - 1.
    """
    lines = [line for line in read_text(path).removeprefix("\ufeff").splitlines() if line.strip()]
    if path.suffix != ".csv":
        names = [line.strip() for line in lines]
    else:
        table = csv.DictReader(lines, skipinitialspace=True)
        columns = [name.strip() for name in table.fieldnames or ()]
        if set(columns) == {column.name for column in IMAGENET_CLASSES.columns}:
            return class_list(read_table(path, IMAGENET_CLASSES), source=path).names
        if "name" not in columns or len(set(columns)) < len(columns):
            raise FoolingError(
                f"{path} is not a list of classes",
                found=f"the columns {', '.join(columns) or 'of an empty file'}",
                expected="a first line with the column name, or index,name",
                remedy="add that line, or rename the file to .txt if it has a name on each line",
            )
        table.fieldnames = columns
        rows = [{key: (value or "").strip() for key, value in row.items() if isinstance(key, str)} for row in table]
        names = _in_order(rows, source=path) if "index" in columns else [row["name"] for row in rows]
    if repeated := [f"{name!r} ({count} times)" for name, count in Counter(names).items() if count > 1 or not name]:
        remedy = "give each class another name, such as with its number"
        raise FoolingError(f"{path} has a name twice, or an empty one", found=named(repeated), remedy=remedy)
    if len(names) < 2:
        raise FoolingError(f"{path} is not a list of classes", found=f"{len(names)} names", expected="at least two")
    return tuple(names)


def _in_order(rows: Sequence[dict[str, str]], *, source: Path) -> list[str]:
    """Return the names of ``rows`` in the order of their indices; raise unless these are 0 to K - 1."""
    by_index = {row["index"]: row["name"] for row in rows}
    wanted = list(map(str, range(len(rows))))
    if unknown := [index for index in by_index if index not in wanted] or len(by_index) < len(rows):
        found = f"index {unknown[0]!r}" if isinstance(unknown, list) else "an index twice"
        raise FoolingError(
            f"{source} has other indices than its rows need", found=found, expected=f"0 to {len(rows) - 1}, each once"
        )
    return [by_index[index] for index in wanted]


def _unique_names(wnids: tuple[str, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    """Return first synonyms; for classes that share one, all synonyms, and if these are equal too, with the id."""
    first, whole = Counter(map(_first_synonym, names)), Counter(names)
    return tuple(
        _first_synonym(name) if first[_first_synonym(name)] == 1 else name if whole[name] == 1 else f"{name} ({wnid})"
        for wnid, name in zip(wnids, names, strict=True)
    )


def _first_synonym(name: str) -> str:
    return name.partition(",")[0].strip()


def _refused(source: Path, row: int, found: str, expected: str) -> FoolingError:
    remedy = "use the list of the ILSVRC2012 classes in the order of their ids, with the columns index, wnid and name"
    return FoolingError(f"{source}: class {row} is invalid", found=found, expected=expected, remedy=remedy)


Part = Literal["train", "test"]
ByClass = dict[str, list[str]]  # WordNet id: paths of its pictures

PARTS: dict[str, Part] = {"train": "train", "val": "test"}  # folders
LAYOUTS = "train/<WordNet id>/<picture> and val/<WordNet id>/<picture>, or <WordNet id>/<picture> alone"
SORTING = (
    "sort the pictures into one folder per class, named by its WordNet id; ILSVRC2012_validation_ground_truth.txt in "
    "the development kit lists the classes of the 50,000 validation pictures (many scripts called valprep.sh do this)"
)
UNPACKING = "unpack the archive of each class, such as n01440764.tar, into a folder named n01440764"


def pictures_by_class(
    paths: Sequence[str], *, source: Path, classes: ClassList, every_class: bool, training: bool
) -> dict[Part, ByClass]:
    """Return the pictures at ``paths`` by part and class.

    Args:
        paths: Paths of pictures. Those outside the parts are test pictures.
        source: The folder or tar file, for messages.
        classes: The known classes.
        every_class: Whether each part must have all ``classes``; otherwise all parts must have the same classes.
        training: Whether to include the training part.

    Raises:
        FoolingError: The folder structure is another one, a class is unknown, or a part lacks a class.
    """
    folders = _by_folder(paths, source)
    divided = any(folder[0] in PARTS for folder in folders)
    if wrong := sorted("/".join(folder) for folder in folders if not _is_of_class(folder, divided=divided)):
        raise FoolingError(
            f"{source} has folders that are not classes of ImageNet",
            found=named(wrong),
            expected=LAYOUTS,
            remedy="remove them, or rename every class folder to its WordNet id: n and eight digits",
        )
    found: dict[Part, ByClass] = {"train": {}, "test": {}}
    for (*part, wnid), pictures in folders.items():
        found[PARTS[part[0]] if part else "test"][wnid] = pictures
    _require_known(found, source=source, classes=classes)
    if not training:
        found["train"] = {}
    elif not found["train"]:
        raise FoolingError(
            f"{source} has no training part",
            expected=LAYOUTS,
            remedy="set train_pictures: 0 to use the pictures only for tests",
        )
    if not found["test"]:
        raise FoolingError(f"{source} has no part val", expected=LAYOUTS)
    if divided:
        _require_classes(found, source=source, classes=classes if every_class else None)
    return found


def _by_folder(paths: Sequence[str], source: Path) -> dict[tuple[str, ...], list[str]]:
    """Return the pictures by their folders; raise :class:`FoolingError` if a picture is in no folder."""
    folders = defaultdict(list)
    for path in paths:
        folders[tuple(path.split("/")[:-1])].append(path)
    if not folders:
        raise FoolingError(f"{source} has no pictures", expected=LAYOUTS, remedy=UNPACKING)
    if loose := folders.get(()):
        raise FoolingError(
            f"{source} has {len(loose):,} pictures outside class folders",
            found=named(loose),
            expected=LAYOUTS,
            remedy=SORTING,
        )
    return folders


def _is_of_class(folder: tuple[str, ...], *, divided: bool) -> bool:
    *part, wnid = folder
    return WORDNET_ID.fullmatch(wnid) is not None and (part in [[name] for name in PARTS] if divided else not part)


def _require_known(found: dict[Part, ByClass], *, source: Path, classes: ClassList) -> None:
    known = set(classes.wnids)
    if unknown := sorted({wnid for pictures in found.values() for wnid in pictures} - known):
        raise FoolingError(
            f"{source} has {len(unknown)} classes that are not in the list of classes",
            found=named(unknown),
            expected=f"the {len(known):,} classes of that list, {classes.wnids[0]} to {classes.wnids[-1]}",
            remedy="remove their folders, or set class_list to the list of your classes",
        )


def _require_classes(found: dict[Part, ByClass], *, source: Path, classes: ClassList | None) -> None:
    """Raise :class:`FoolingError` unless each part has these ``classes``; None: all classes of any part."""
    parts = {part: set(pictures) for part, pictures in found.items() if pictures}
    wanted: Collection[str] = set().union(*parts.values()) if classes is None else classes.wnids
    for folder, part in PARTS.items():
        if part in parts and (missing := sorted(set(wanted) - parts[part])):
            raise FoolingError(
                f"{source / folder} lacks {len(missing):,} of {len(wanted):,} classes",
                found=f"no pictures in\n{named(missing)}",
                expected="pictures of every class",
                remedy="complete it" + ("" if classes is None else ", or set classes: present to use only those there"),
            )
