"""Read encoded pictures from a folder, or from a tar file in one pass without unpacking it."""

from __future__ import annotations

import gzip
import os
import sys
import tarfile
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path, PurePosixPath
from typing import IO, Protocol, Self, TypeVar

from fooling.artifacts import require_file
from fooling.messages import FoolingError

EXTENSIONS = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
MOST_BYTES = 500 * 2**20  # in an encoded picture
AHEAD = 4  # pictures queued for each thread before the first result is needed
BLOCK = 2**20  # bytes
NAMES = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE)
MOST_BYTES_OF_NAMES = 2**20
DEEPEST = 8  # levels of folders in which files are counted; links may form endless ones
SHOWN = 5  # extensions in one message

T = TypeVar("T")
#: Path of a picture below its folder or in its tar file, and a function that reads it, called once, on any thread.
Encoded = tuple[str, Callable[[], bytes]]


class Source(Protocol):
    """A folder or a tar file."""

    @property
    def path(self) -> Path:
        """The folder or file."""

    @property
    def count(self) -> int | None:
        """The number of pictures; None if it is known only at the end."""

    def skipped_files(self) -> Counter[str]:
        """Count the files that are not pictures by extension, without hidden ones; of a tar file, after it is read."""

    def pictures(
        self, *, check: Callable[[Sequence[str]], None], wanted: Callable[[str], bool] = lambda path: True
    ) -> Iterator[Encoded]:
        """Yield the ``wanted`` pictures in their stored order.

        ``check`` receives the paths of all: for a folder before the first picture is read, for a tar file after the
        last one.
        """


@dataclass(frozen=True)
class PictureFolder:
    """The pictures at these paths below a folder."""

    path: Path
    paths: Sequence[str]

    @property
    def count(self) -> int:
        """The number of pictures."""
        return len(self.paths)

    def skipped_files(self) -> Counter[str]:
        """See :class:`Source`; unreadable folders and deeply nested ones are left out."""
        listed, found = set(self.paths), Counter[str]()
        for folder, subfolders, names in os.walk(self.path, followlinks=True):
            parts = Path(folder).relative_to(self.path).parts
            subfolders[:] = [name for name in subfolders if not name.startswith(".") and len(parts) < DEEPEST]
            prefix = "".join(f"{part}/" for part in parts)
            found.update(
                extension_of(name) for name in names if not name.startswith(".") and f"{prefix}{name}" not in listed
            )
        return found

    def pictures(
        self, *, check: Callable[[Sequence[str]], None], wanted: Callable[[str], bool] = lambda path: True
    ) -> Iterator[Encoded]:
        """See :class:`Source`; raise :class:`FoolingError` for a picture outside the folder, or that is not a file."""
        check(self.paths)
        real_folder = cache(Path.resolve)
        for path in filter(wanted, self.paths):
            yield path, partial(self.content, path, real_folder)

    def content(self, path: str, real_folder: Callable[[Path], Path] = Path.resolve) -> bytes:
        """Return the bytes of the picture at ``path``; ``real_folder`` may cache what folders resolve to.

        Raises :class:`FoolingError` for a picture outside the folder, or that is not a file.
        """
        picture = self.path / path
        require_file(picture)
        real = picture.resolve() if picture.is_symlink() else real_folder(picture.parent)
        if not real.is_relative_to(real_folder(self.path)):
            raise FoolingError(f"{picture} leads out of {self.path}", found=real, remedy="copy the picture there")
        try:
            with picture.open("rb") as file:
                content = file.read(MOST_BYTES + 1)
        except OSError as error:
            raise FoolingError(f"{picture} cannot be read", found=error.strerror, expected="a picture") from None
        _require_size(len(content), picture)
        return content


@dataclass(frozen=True)
class PictureTar:
    """The pictures in a tar file, which may be compressed with gzip."""

    path: Path
    _skipped_files: Counter[str] = field(default_factory=Counter, init=False, compare=False)

    @property
    def count(self) -> None:
        """None: the number is known only at the end."""

    def skipped_files(self) -> Counter[str]:
        """See :class:`Source`."""
        return self._skipped_files

    def pictures(
        self, *, check: Callable[[Sequence[str]], None], wanted: Callable[[str], bool] = lambda path: True
    ) -> Iterator[Encoded]:
        """See :class:`Source`; raise :class:`FoolingError` for a broken file, and for paths that lead out of it."""
        found: set[str] = set()
        self._skipped_files.clear()
        with self._explained_errors(), self._opened() as stream:
            with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Member, encoding="utf-8") as archive:
                while (member := archive.next()) is not None:
                    archive.members.clear()  # type: ignore[attr-defined]  # a million would fill the memory
                    path = self._picture(member)
                    if path is None:
                        continue
                    if path in found:
                        raise FoolingError(f"{self.path} contains {path} twice", remedy="pack the pictures again")
                    found.add(path)
                    if wanted(path):
                        _require_size(member.size, self.path / path)
                        file = archive.extractfile(member)
                        assert file is not None, "only regular files get here"
                        content = file.read()
                        yield path, partial(bytes, content)
            while stream.read(BLOCK):  # to its end, where gzip keeps a checksum
                pass
        check(sorted(found))

    def _picture(self, member: tarfile.TarInfo) -> str | None:
        """Return the path of a member that is a picture; None for folders, hidden files and other files."""
        path = PurePosixPath(member.name)
        if path.is_absolute() or ".." in path.parts:
            raise FoolingError(f"{self.path} has a path out of itself", found=member.name, expected="paths within it")
        hidden = any(part.startswith(".") for part in path.parts)
        if member.isdir() or hidden:
            return None
        if path.suffix.lower() not in EXTENSIONS:
            self._skipped_files[extension_of(path.name)] += 1
            return None
        if not member.isreg() or member.issparse():
            found = f"a link to {member.linkname}" if member.linkname else "another kind of entry"
            raise FoolingError(
                f"{self.path / path} is not a regular file",
                found=found,
                remedy="pack the picture itself (tar --dereference)",
            )
        return require_utf8(str(path), self.path)

    @contextmanager
    def _opened(self) -> Iterator[IO[bytes] | gzip.GzipFile]:
        require_file(self.path)
        with self.path.open("rb") as file:
            is_gzip = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            if is_gzip:
                with gzip.open(file) as stream:
                    yield stream
            else:
                yield file

    @contextmanager
    def _explained_errors(self) -> Iterator[None]:
        try:
            yield
        except FoolingError:
            raise
        except Exception as error:  # tarfile and gzip raise many exceptions, from EOFError to RecursionError
            raise FoolingError(
                f"{self.path} is truncated or not a tar file",
                found=f"{self.path.stat().st_size} bytes; {error}" if self.path.exists() else error,
                expected="a folder, or a tar or tar.gz file",
                remedy="copy or download it again",
            ) from None


class _Member(tarfile.TarInfo):
    """An entry of a tar file; an unreadable entry is an error, while tarfile would take it for the end.

    Entries with the long names of others are bounded: a few megabytes of gzip may expand to gigabytes of them.
    """

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        member = super().frombuf(buf, encoding, errors)
        if member.type in NAMES and member.size > MOST_BYTES_OF_NAMES:  # tarfile takes them into memory whole
            raise tarfile.ReadError(f"a name or another extended header takes {member.size:,} bytes")
        return member

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(archive)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(f"no end: {error}") from None


def pictures_below(folder: Path, *, levels: int = 3) -> Iterator[str]:
    """Yield the paths of all pictures within so many ``levels`` of subfolders; skip hidden and other files.

    Raises :class:`FoolingError` for anything but a folder, and for names that are not UTF-8.
    """
    try:
        with os.scandir(folder) as entries:
            ordered = sorted((entry for entry in entries if not entry.name.startswith(".")), key=lambda one: one.name)
    except (OSError, ValueError) as error:
        raise FoolingError(f"{folder} cannot be read", found=error, expected="a folder") from None
    for entry in ordered:
        if entry.is_dir():
            if levels:
                below = pictures_below(Path(entry.path), levels=levels - 1)
                yield from (f"{entry.name}/{path}" for path in below)
        elif entry.name.lower().endswith(EXTENSIONS):
            yield require_utf8(entry.name, folder)


def extension_of(name: str) -> str:
    """Return the extension of a file in lower case, with its dot, or "without an extension"."""
    return PurePosixPath(name).suffix.lower() or "without an extension"


def format_counts(endings: Counter[str]) -> str:
    """Return how many files have each of these ``endings``, the most frequent first."""
    ordered = sorted(endings.items(), key=lambda item: (-item[1], item[0]))
    more = sum(count for _, count in ordered[SHOWN:])
    return ", ".join(
        [*(f"{count:,} {ending}" for ending, count in ordered[:SHOWN]), *[f"{more:,} others"] * (more > 0)]
    )


def map_pictures(
    pictures: Iterator[Encoded], work: Callable[[str, bytes], T], *, threads: int
) -> Iterator[tuple[str, T]]:
    """Yield each picture's path and the result of ``work`` on path and content, in order, using ``threads`` threads.

    Only a few pictures are in memory at a time. Threads suffice, because reading, hashing and decoding release Python's
    global lock.
    """
    pending: deque[tuple[str, Future[T]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for path, content in pictures:
                pending.append((path, pool.submit(_done, work, path, content)))
                if len(pending) >= AHEAD * threads:
                    first, future = pending.popleft()
                    yield first, future.result()
            for path, future in pending:
                yield path, future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def require_utf8(path: str, source: Path) -> str:
    """Return ``path``; raise :class:`FoolingError` if it is not UTF-8, because no table could store it."""
    try:
        path.encode()
    except UnicodeEncodeError:
        problem = f"a picture in {source} has a name that is not UTF-8"
        try:
            name = os.fsencode(path).decode()
        except UnicodeDecodeError:
            raise FoolingError(problem, found=repr(path), remedy="rename it") from None
        problem = f"Python reads file names as {sys.getfilesystemencoding()} here, and cannot read all of them"
        raise FoolingError(problem, found=name, remedy="unset PYTHONUTF8, or set it to 1, and run it again") from None
    return path


def _done(work: Callable[[str, bytes], T], path: str, content: Callable[[], bytes]) -> T:
    return work(path, content())


def _require_size(size: int, picture: Path) -> None:
    if size > MOST_BYTES:
        found = f"more than {MOST_BYTES:,} bytes"
        raise FoolingError(f"{picture} is too large", found=found, expected="a picture")
