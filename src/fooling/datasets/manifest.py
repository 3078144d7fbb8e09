"""The manifest of an image folder: every picture with its size and SHA-256, so that a change never goes unnoticed.

The pictures stay where they are. A manifest is a table with one row per picture, in the order of their paths.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from fooling.artifacts import sha256_of
from fooling.columns import COUNT, TEXT, Form
from fooling.errors import FoolingError

FORM = Form(columns={"path": TEXT, "bytes": COUNT, "sha256": TEXT}, keys=("path",))
ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
NAMED = 5  # pictures named in one message


def picture_paths(folder: Path) -> Iterator[str]:
    """Paths ``class/picture`` of the pictures in the subfolders of ``folder``; hidden and other files are passed over.

    Raises :class:`FoolingError` when there is no such folder, no subfolder, or one without pictures.
    """
    class_folders = sorted(path for path in _entries(folder) if path.is_dir())
    if not class_folders:
        raise FoolingError(f"{folder} has no subfolders", expected="one subfolder of pictures for every class")
    for class_folder in class_folders:
        pictures = sorted(path.name for path in _entries(class_folder) if path.suffix.lower() in ENDINGS)
        if not pictures:
            raise FoolingError(
                f"{class_folder} holds no pictures",
                expected=f"files ending in {', '.join(ENDINGS)}",
                remedy="remove the folder; if it holds the classes of a training or test part, set test_fraction: null",
            )
        yield from (f"{class_folder.name}/{picture}" for picture in pictures)


def manifest_of(folder: Path, paths: list[str]) -> pd.DataFrame:
    """The manifest of the pictures at these ``paths`` below ``folder``."""
    rows = []
    for path in sorted(paths):
        content = _content(folder / path)
        rows.append((path, len(content), sha256_of(content)))
    return pd.DataFrame(rows, columns=list(FORM.columns))


def require_same_pictures(folder: Path, paths: list[str], manifest: pd.DataFrame) -> None:
    """Raise :class:`FoolingError` unless ``folder`` holds pictures at exactly the paths of the ``manifest``."""
    found, expected = set(paths), dict(zip(manifest["path"], manifest["sha256"], strict=True))
    if missing := sorted(expected.keys() - found):
        raise FoolingError(
            f"{folder} lacks {len(missing)} of the {len(expected)} pictures in its manifest",
            expected=_named([f"{path}, SHA-256 {expected[path]}" for path in missing]),
            remedy="put them back, or list the pictures again",
        )
    if unknown := sorted(found - expected.keys()):
        raise FoolingError(
            f"{folder} holds {len(unknown)} pictures that are not in its manifest",
            found=_named(unknown),
            remedy="remove them, or list the pictures again",
        )


def verified_picture(folder: Path, path: str, *, sha256: str) -> bytes:
    """The content of one picture; :class:`FoolingError` unless its SHA-256 is that of the manifest."""
    content = _content(folder / path)
    if sha256_of(content) != sha256:
        raise FoolingError(
            f"{folder / path} is not the picture in the manifest",
            found=f"SHA-256 {sha256_of(content)} ({len(content)} bytes)",
            expected=f"SHA-256 {sha256}",
            remedy="restore the picture, or list the pictures again",
        )
    return content


def _entries(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if not path.name.startswith(".")]
    except OSError as error:
        raise FoolingError(f"{folder} cannot be read", found=error.strerror, expected="a folder") from None


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FoolingError(f"{path} cannot be read", found=error.strerror, expected="a picture") from None


def _named(items: list[str]) -> str:
    more = [f"and {len(items) - NAMED} more"] if len(items) > NAMED else []
    return "\n".join(items[:NAMED] + more)
