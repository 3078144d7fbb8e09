"""Which picture of ImageNet is of which class and part, as the folders tell in which it lies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Literal

from fooling.datasets.class_list import WORDNET_ID, ClassList
from fooling.datasets.manifest import named
from fooling.errors import FoolingError

Part = Literal["train", "test"]
ByClass = dict[str, list[str]]  # WordNet id: paths of its pictures

PARTS: dict[str, Part] = {"train": "train", "val": "test"}  # folders
LAYOUTS = "train/<WordNet id>/<picture> and val/<WordNet id>/<picture>, or <WordNet id>/<picture> alone"
SORTING = (
    "sort the pictures into one folder for every class, called by its WordNet id; for the 50,000 validation pictures "
    "ILSVRC2012_validation_ground_truth.txt in the development kit says which is of which class (many scripts called "
    "valprep.sh do this)"
)
UNPACKING = "unpack the archive of every class, such as n01440764.tar, into a folder called n01440764"


def pictures_by_class(
    paths: Sequence[str], *, source: Path, classes: ClassList, every_class: bool, training: bool
) -> dict[Part, ByClass]:
    """The pictures at ``paths`` by part and class; without ``training`` those in a training part are left out.

    Pictures in no such part are test pictures. Raises :class:`FoolingError`, naming the ``source``, for another layout,
    for a class that is not among ``classes``, and unless a training and a test part have the same classes: all of them
    where ``every_class`` has to be there.
    """
    folders = _by_folder(paths, source)
    divided = any(folder[0] in PARTS for folder in folders)
    if wrong := sorted("/".join(folder) for folder in folders if not _is_of_class(folder, divided=divided)):
        raise FoolingError(
            f"{source} holds folders that are no classes of ImageNet",
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
            remedy="set train_pictures: 0, and the pictures are only tested on",
        )
    if not found["test"]:
        raise FoolingError(f"{source} has no part val", expected=LAYOUTS)
    if divided:
        _require_classes(found, source=source, classes=classes if every_class else None)
    return found


def _by_folder(paths: Sequence[str], source: Path) -> dict[tuple[str, ...], list[str]]:
    """The pictures by the folders around them; none lies outside of all folders."""
    folders = defaultdict(list)
    for path in paths:
        folders[tuple(path.split("/")[:-1])].append(path)
    if not folders:
        raise FoolingError(f"{source} holds no pictures", expected=LAYOUTS, remedy=UNPACKING)
    if loose := folders.get(()):
        raise FoolingError(
            f"{source} holds {len(loose):,} pictures that lie in no class folder",
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
            f"{source} holds {len(unknown)} classes that are not in the list of classes",
            found=named(unknown),
            expected=f"the {len(known):,} classes of that list, {classes.wnids[0]} to {classes.wnids[-1]}",
            remedy="remove their folders, or give the list of your classes as class_list",
        )


def _require_classes(found: dict[Part, ByClass], *, source: Path, classes: ClassList | None) -> None:
    """Raise :class:`FoolingError` unless every part has these ``classes``; without any, all that another part has."""
    parts = {part: set(pictures) for part, pictures in found.items() if pictures}
    wanted: Collection[str] = set().union(*parts.values()) if classes is None else classes.wnids
    for folder, part in PARTS.items():
        if part in parts and (missing := sorted(set(wanted) - parts[part])):
            raise FoolingError(
                f"{source / folder} lacks {len(missing):,} of {len(wanted):,} classes",
                found=f"no pictures in\n{named(missing)}",
                expected="pictures of every class",
                remedy="complete it" + ("" if classes is None else ", or set classes: present to do with those there"),
            )
