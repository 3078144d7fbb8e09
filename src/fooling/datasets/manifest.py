"""The manifest of an image folder: every picture with its size and SHA-256, so that a change never goes unnoticed.

The pictures stay where they are. A manifest is a table with one row per picture, in the order of their paths.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from fooling.artifacts import require_file, sha256_of
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
        for picture in pictures:
            yield _utf8(f"{class_folder.name}/{picture}", folder)


def manifest_of(folder: Path, paths: list[str]) -> pd.DataFrame:
    """The manifest of the pictures at these ``paths`` below ``folder``."""
    rows = []
    for path in sorted(paths):
        with _opened(folder, path) as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            rows.append((path, file.tell(), sha256))
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


def verified_picture(folder: Path, path: str, *, size: int, sha256: str) -> bytes:
    """The content of one picture; :class:`FoolingError` unless size and SHA-256 are those of the manifest."""
    with _opened(folder, path) as file:
        content = file.read(size + 1)
    if sha256_of(content) != sha256:
        told = f"SHA-256 {sha256_of(content)} ({len(content)} bytes)"
        raise FoolingError(
            f"{folder / path} is not the picture in the manifest",
            found=f"more than {size} bytes" if len(content) > size else told,
            expected=f"SHA-256 {sha256} ({size} bytes)",
            remedy="restore the picture, or list the pictures again",
        )
    return content


def _utf8(path: str, folder: Path) -> str:
    """``path``, which no table could hold if it were not UTF-8."""
    try:
        path.encode()
    except UnicodeEncodeError:
        problem = f"a picture in {folder} has a name that is not UTF-8"
        raise FoolingError(problem, found=repr(path), remedy="rename it") from None
    return path


def _entries(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if not path.name.startswith(".")]
    except (OSError, ValueError) as error:  # a path with a null character is a ValueError
        raise FoolingError(f"{folder} cannot be read", found=error, expected="a folder") from None


@contextmanager
def _opened(folder: Path, path: str) -> Iterator[io.BufferedReader]:
    """The picture at ``path`` below ``folder``, open; :class:`FoolingError` if it lies elsewhere or is no file."""
    picture = folder / path
    require_file(picture)
    if not (real := picture.resolve()).is_relative_to(folder.resolve()):
        raise FoolingError(f"{picture} leads out of {folder}", found=real, remedy="put the picture itself there")
    try:
        with picture.open("rb") as file:
            yield file
    except OSError as error:
        raise FoolingError(f"{picture} cannot be read", found=error.strerror, expected="a picture") from None


def _named(items: list[str]) -> str:
    more = [f"and {len(items) - NAMED} more"] if len(items) > NAMED else []
    return "\n".join(items[:NAMED] + more)
