"""List pictures in a manifest, each with its size and SHA-256, so that every change is noticed.

The pictures stay in their folder. A manifest is a table with one row per picture, in the order of their paths.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import pandas as pd

from fooling.artifacts import sha256_of
from fooling.datasets.sources import EXTENSIONS, Source, extension_of, format_counts, map_pictures, require_utf8
from fooling.errors import FoolingError
from fooling.table import COUNT, TEXT, Column, Table

MANIFEST = Table(
    name="pictures",
    path=None,
    commands=("list-folder", "list-imagenet"),
    columns=(
        Column("path", TEXT, doc="Path of the picture in its folder or tar file."),
        Column("bytes", COUNT, unit="bytes", doc="Size of the file."),
        Column("sha256", TEXT, doc="SHA-256 of the file in hexadecimal."),
    ),
    key=("path",),
    doc="One row for each picture of a data set that is read from a folder, in the order of their paths: the manifest "
    "against which the pictures are checked. It is `results/datasets/<dataset>.pictures.csv`, one for all studies.",
)
NAMED = 5  # items in one message


def picture_paths(folder: Path) -> Iterator[str]:
    """Yield the paths ``class/picture`` of the pictures in the subfolders of ``folder``; skip hidden and other files.

    Raises :class:`FoolingError` if the folder is missing, or has no subfolder or a subfolder without pictures.
    """
    class_folders = sorted(path for path in _entries(folder) if path.is_dir())
    if not class_folders:
        raise FoolingError(f"{folder} has no subfolders", expected="one subfolder of pictures per class")
    for class_folder in class_folders:
        entries = _entries(class_folder)
        pictures = sorted(path.name for path in entries if extension_of(path.name) in EXTENSIONS)
        if not pictures:
            raise FoolingError(
                f"{class_folder} has no pictures",
                found=format_counts(Counter(extension_of(path.name) for path in entries if not path.is_dir()))
                or "no files",
                expected=f"files ending in {', '.join(EXTENSIONS)}",
                remedy="remove the folder; if its subfolders are the classes of a part, set test_fraction: null",
            )
        for picture in pictures:
            yield require_utf8(f"{class_folder.name}/{picture}", folder)


def manifest_of(
    source: Source,
    *,
    check: Callable[[Sequence[str]], None] = lambda paths: None,
    wanted: Callable[[str], bool] = lambda path: True,
    threads: int = 1,
    after_picture: Callable[[], None] = lambda: None,
) -> pd.DataFrame:
    """Return the manifest of the ``wanted`` pictures of a folder or tar file; ``check`` receives the paths of all."""
    rows = []
    pictures = source.pictures(check=check, wanted=wanted)
    for path, digest in map_pictures(pictures, lambda _, content: (len(content), sha256_of(content)), threads=threads):
        rows.append((path, *digest))
        after_picture()
    return pd.DataFrame(sorted(rows), columns=MANIFEST.names)


def content_sha256(manifest: pd.DataFrame) -> str:
    """Return the SHA-256 of a ``manifest``, which depends on all pictures in it."""
    return sha256_of(manifest.to_csv(index=False, lineterminator="\n").encode())


def require_same_pictures(source: Path, paths: Iterable[str], manifest: pd.DataFrame) -> None:
    """Raise :class:`FoolingError` unless ``source`` has pictures at exactly the paths of the ``manifest``."""
    found, expected = set(paths), dict(zip(manifest["path"], manifest["sha256"], strict=True))
    if missing := sorted(expected.keys() - found):
        raise FoolingError(
            f"{source} lacks {len(missing)} of the {len(expected)} pictures in its manifest",
            expected=named([f"{path}, SHA-256 {expected[path]}" for path in missing]),
            remedy="restore them, or list the pictures again",
        )
    if unknown := sorted(found - expected.keys()):
        raise FoolingError(
            f"{source} has {len(unknown)} pictures that are not in its manifest",
            found=named(unknown),
            remedy="remove them, or list the pictures again",
        )


def require_unchanged(content: bytes, *, size: int, sha256: str, source: Path) -> None:
    """Raise :class:`FoolingError`, naming the ``source``, unless size and SHA-256 are those of the manifest."""
    if (found := sha256_of(content)) != sha256:
        raise FoolingError(
            f"{source} differs from the manifest",
            found=f"SHA-256 {found} ({len(content)} bytes)",
            expected=f"SHA-256 {sha256} ({size} bytes)",
            remedy="restore the picture, or list the pictures again",
        )


def named(items: Sequence[str]) -> str:
    """Return the first few ``items``, a line each, and how many more there are."""
    more = [f"and {len(items) - NAMED} more"] if len(items) > NAMED else []
    return "\n".join([*items[:NAMED], *more])


def _entries(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if not path.name.startswith(".")]
    except (OSError, ValueError) as error:  # ValueError: the path contains a null character
        raise FoolingError(f"{folder} cannot be read", found=error, expected="a folder") from None
