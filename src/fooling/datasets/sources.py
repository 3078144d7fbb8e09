"""Where encoded pictures lie: in a folder, or in a tar file that is read from its beginning and never unpacked."""

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
from fooling.errors import FoolingError

ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
MOST_BYTES = 500 * 2**20  # of an encoded picture
AHEAD = 4  # pictures handed to each thread before the first of them is asked back
BLOCK = 2**20  # bytes
NAMES = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE)
MOST_BYTES_OF_NAMES = 2**20
DEEPEST = 8  # levels of folders in which files are counted; links may make endless ones
SHOWN = 5  # endings of files that are passed over, in one message

T = TypeVar("T")
#: Path of a picture below its folder or in its tar file, and what reads it, to be called once, on any thread.
Encoded = tuple[str, Callable[[], bytes]]


class Source(Protocol):
    """A folder or a tar file."""

    @property
    def path(self) -> Path:
        """The folder or file."""

    @property
    def count(self) -> int | None:
        """How many pictures there are; None where that is known only at the end."""

    def passed_over(self) -> Counter[str]:
        """How many files are no pictures, by their ending; hidden ones do not count. Of a tar file, once it is read."""

    def pictures(
        self, *, check: Callable[[Sequence[str]], None], wanted: Callable[[str], bool] = lambda path: True
    ) -> Iterator[Encoded]:
        """The ``wanted`` pictures, in the order in which they lie.

        ``check`` is given the paths of all: of a folder before the first picture is read, of a tar file after the last.
        """


@dataclass(frozen=True)
class PictureFolder:
    """The pictures at these paths below a folder."""

    path: Path
    paths: Sequence[str]

    @property
    def count(self) -> int:
        """How many pictures there are."""
        return len(self.paths)

    def passed_over(self) -> Counter[str]:
        """See :class:`Source`; what cannot be read is left out, and so is what lies deeper than any layout."""
        listed, found = set(self.paths), Counter[str]()
        for folder, subfolders, names in os.walk(self.path, followlinks=True):
            parts = Path(folder).relative_to(self.path).parts
            subfolders[:] = [name for name in subfolders if not name.startswith(".") and len(parts) < DEEPEST]
            prefix = "".join(f"{part}/" for part in parts)
            found.update(ending(name) for name in names if not name.startswith(".") and f"{prefix}{name}" not in listed)
        return found

    def pictures(
        self, *, check: Callable[[Sequence[str]], None], wanted: Callable[[str], bool] = lambda path: True
    ) -> Iterator[Encoded]:
        """See :class:`Source`; raises :class:`FoolingError` for what lies elsewhere or is no file."""
        check(self.paths)
        real_folder = cache(Path.resolve)
        for path in filter(wanted, self.paths):
            yield path, partial(self.content, path, real_folder)

    def content(self, path: str, real_folder: Callable[[Path], Path] = Path.resolve) -> bytes:
        """The bytes of the picture at ``path``; :class:`FoolingError` for what lies elsewhere or is no file.

        ``real_folder`` may remember what folders resolve to.
        """
        picture = self.path / path
        require_file(picture)
        real = picture.resolve() if picture.is_symlink() else real_folder(picture.parent)
        if not real.is_relative_to(real_folder(self.path)):
            raise FoolingError(f"{picture} leads out of {self.path}", found=real, remedy="put the picture itself there")
        try:
            with picture.open("rb") as file:
                content = file.read(MOST_BYTES + 1)
        except OSError as error:
            raise FoolingError(f"{picture} cannot be read", found=error.strerror, expected="a picture") from None
        _require_size(len(content), picture)
        return content


@dataclass(frozen=True)
class PictureTar:
    """The pictures in a tar file, which may be compressed by gzip."""

    path: Path
    _passed_over: Counter[str] = field(default_factory=Counter, init=False, compare=False)

    @property
    def count(self) -> None:
        """Nobody knows before the end."""

    def passed_over(self) -> Counter[str]:
        """See :class:`Source`."""
        return self._passed_over

    def pictures(
        self, *, check: Callable[[Sequence[str]], None], wanted: Callable[[str], bool] = lambda path: True
    ) -> Iterator[Encoded]:
        """See :class:`Source`; raises :class:`FoolingError` for a broken file, and for what leads out of it."""
        found: set[str] = set()
        self._passed_over.clear()
        with self._broken_told(), self._opened() as stream:
            with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Member, encoding="utf-8") as archive:
                while (member := archive.next()) is not None:
                    archive.members.clear()  # type: ignore[attr-defined]  # a million would fill the memory
                    path = self._picture(member)
                    if path is None:
                        continue
                    if path in found:
                        raise FoolingError(f"{self.path} holds {path} twice", remedy="pack the pictures again")
                    found.add(path)
                    if wanted(path):
                        _require_size(member.size, self.path / path)
                        file = archive.extractfile(member)
                        assert file is not None, "only regular files come so far"
                        content = file.read()
                        yield path, partial(bytes, content)
            while stream.read(BLOCK):  # to its end, where gzip keeps a checksum
                pass
        check(sorted(found))

    def _picture(self, member: tarfile.TarInfo) -> str | None:
        """The path of the picture that a member is; None for a folder, a hidden file and what is no picture."""
        path = PurePosixPath(member.name)
        if path.is_absolute() or ".." in path.parts:
            raise FoolingError(f"{self.path} leads out of itself", found=member.name, expected="paths within it")
        hidden = any(part.startswith(".") for part in path.parts)
        if member.isdir() or hidden:
            return None
        if path.suffix.lower() not in ENDINGS:
            self._passed_over[ending(path.name)] += 1
            return None
        if not member.isreg() or member.issparse():
            found = f"a link to {member.linkname}" if member.linkname else "another kind of entry"
            raise FoolingError(
                f"{self.path / path} is no plain file",
                found=found,
                remedy="pack the picture itself (tar --dereference)",
            )
        return utf8(str(path), self.path)

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
    def _broken_told(self) -> Iterator[None]:
        try:
            yield
        except FoolingError:
            raise
        except Exception as error:  # tarfile and gzip fail in many ways, from EOFError to RecursionError
            raise FoolingError(
                f"{self.path} is truncated or no tar file",
                found=f"{self.path.stat().st_size} bytes; {error}" if self.path.exists() else error,
                expected="a folder, or a tar or tar.gz file",
                remedy="copy or download it again",
            ) from None


class _Member(tarfile.TarInfo):
    """An entry of a tar file; where its head cannot be read the file is broken, which tarfile takes for its end.

    Entries that hold the long names of others are bounded: a few megabytes of gzip may unfold to gigabytes of them.
    """

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        member = super().frombuf(buf, encoding, errors)
        if member.type in NAMES and member.size > MOST_BYTES_OF_NAMES:  # tarfile takes them into memory whole
            raise tarfile.ReadError(f"a name or its like takes {member.size:,} bytes")
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
    """Paths of all pictures in so many ``levels`` of subfolders; hidden and other files are passed over.

    Raises :class:`FoolingError` for what is no folder, and for names that are not UTF-8.
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
        elif entry.name.lower().endswith(ENDINGS):
            yield utf8(entry.name, folder)


def ending(name: str) -> str:
    """The ending of a file in lower case, with its dot; in words where it has none."""
    return PurePosixPath(name).suffix.lower() or "without an ending"


def counted(endings: Counter[str]) -> str:
    """How many files have each of these ``endings``, the most frequent first."""
    ordered = sorted(endings.items(), key=lambda item: (-item[1], item[0]))
    more = sum(count for _, count in ordered[SHOWN:])
    return ", ".join(
        [*(f"{count:,} {ending}" for ending, count in ordered[:SHOWN]), *[f"{more:,} others"] * (more > 0)]
    )


def worked_on(pictures: Iterator[Encoded], work: Callable[[str, bytes], T], *, threads: int) -> Iterator[tuple[str, T]]:
    """Every picture's path and what ``work`` makes of path and content, in their order, on so many ``threads``.

    Only a few pictures are in memory at a time. Threads do, for reading, hashing and decoding leave Python's lock.
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


def utf8(path: str, source: Path) -> str:
    """``path``, which no table could hold if it were not UTF-8."""
    try:
        path.encode()
    except UnicodeEncodeError:
        problem = f"a picture in {source} has a name that is not UTF-8"
        try:
            name = os.fsencode(path).decode()
        except UnicodeDecodeError:
            raise FoolingError(problem, found=repr(path), remedy="rename it") from None
        problem = f"Python reads the names of files as {sys.getfilesystemencoding()} here, and cannot read all"
        raise FoolingError(problem, found=name, remedy="unset PYTHONUTF8, or set it to 1, and call it again") from None
    return path


def _done(work: Callable[[str, bytes], T], path: str, content: Callable[[], bytes]) -> T:
    return work(path, content())


def _require_size(size: int, picture: Path) -> None:
    if size > MOST_BYTES:
        found = f"more than {MOST_BYTES:,} bytes"
        raise FoolingError(f"{picture} is too large", found=found, expected="a picture")
