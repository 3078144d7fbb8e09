"""Read and write files in every format of the study: atomically, checked when read, never unpickled.

Each safetensors file carries one JSON header: ``kind`` (what the file is), ``version`` (of its format), the keys that
its writer adds, and checksums of the header and of the arrays. The bytes depend only on the content: a file stores no
dates and no order of insertion.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import safetensors
import safetensors.numpy

from fooling.inputs import forget, parsed_json, remember, require_unchanged
from fooling.messages import REMEDY, FoolingError
from fooling.table import Table, escape_formulas, require_valid, stacked, unescape_formulas

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

HEADER_KEY = "fooling"
MOST_ROWS = 20_000_000  # rows in a table that is read
PART = ".part"
ARRAYS_SHA256, HEADER_SHA256 = "arrays_sha256", "header_sha256"  # keys of the header


@contextmanager
def written_atomically(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``, which replaces ``path`` once it is on disk.

    The temporary file is removed if anything fails. Temporary files of killed writers are removed too; a living writer
    holds a lock on its own. Raises :class:`FoolingError` if ``path`` is a folder, a device or a pipe, the disk is full,
    the folder is read-only, or the like.
    """
    _require_replaceable(path, stat.S_ISREG, "a file, or nothing yet")
    with _own_folder(path) as folder:
        temporary = folder / path.name
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.chmod(0o666 & ~_umask())
        forget(path)
        require_unchanged()
        temporary.replace(path)


def write_folder(path: Path, files: Mapping[str, bytes]) -> None:
    """Write the folder ``path`` with exactly these ``files`` (contents by path), replacing an old one at once.

    Raises :class:`FoolingError` if ``path`` is not a folder, or as in :func:`written_atomically`.
    """
    _require_replaceable(path, stat.S_ISDIR, "a folder, or nothing yet")
    with _own_folder(path) as folder:
        made = folder / path.name
        made.mkdir()
        for name, content in files.items():
            (made / name).parent.mkdir(parents=True, exist_ok=True)
            with (made / name).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        require_unchanged()
        if path.exists():
            path.rename(folder / "before")
        made.rename(path)


def write_bytes(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` atomically."""
    with written_atomically(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` in UTF-8 to ``path`` atomically."""
    with written_atomically(path) as temporary:
        temporary.write_bytes(text.encode())


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON with sorted keys, atomically."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n")


def read_bytes(path: Path) -> bytes:
    """Return the content of a file; raise :class:`FoolingError` if it is missing or unreadable."""
    require_file(path)
    try:
        remember(path)
        return path.read_bytes()
    except OSError as error:
        raise FoolingError(f"{path} cannot be read", found=error.strerror) from None


def read_json(path: Path) -> Any:
    """Return the content of a JSON file; raise :class:`FoolingError` if it is missing or invalid."""
    return parsed_json(read_bytes(path), source=str(path), remedy=REMEDY)


def write_table(path: Path, frame: pd.DataFrame, table: Table) -> None:
    """Write ``frame`` as :func:`write_tables` does."""
    write_tables((path, frame, table))


def write_tables(*written: tuple[Path, pd.DataFrame, Table]) -> None:
    """Write frames without their index as CSV or Parquet, by the ending of each path; equal frames give equal bytes.

    In CSV a text that a spreadsheet would run as a formula gets an apostrophe in front, which readers remove. Raises
    :class:`FoolingError`, and writes nothing, if a frame contradicts the declaration of its table.
    """
    for path, frame, table in written:
        require_valid(frame, table, source=f"the table computed for {path}")
    for path, frame, _ in written:
        with written_atomically(path) as temporary:
            if path.suffix == ".parquet":
                frame.to_parquet(temporary, index=False, engine="pyarrow", compression="zstd", write_page_checksum=True)
            else:
                escape_formulas(frame).to_csv(temporary, index=False, lineterminator="\n")


def read_table(path: Path, table: Table) -> pd.DataFrame:
    """Return the declared columns of the CSV or Parquet ``table`` in ``path``.

    Raises :class:`FoolingError` for a missing or broken file, and if the file contradicts the declaration.
    """
    return read_tables([path], table)


def read_tables(paths: Sequence[Path], table: Table) -> pd.DataFrame:
    """Return the parts of ``table`` in ``paths`` as one; raise :class:`FoolingError` as :func:`read_table` does."""
    return stacked(((path, _rows_of(path)) for path in paths), table)


def write_arrays(
    path: Path, arrays: Mapping[str, NDArray[Any]], *, kind: str, version: int, header: Mapping[str, Any]
) -> None:
    """Write named arrays and a JSON ``header`` as one safetensors file with checksums of both, atomically."""
    ordered = {name: np.asarray(arrays[name], order="C") for name in sorted(arrays)}
    described = {"kind": kind, "version": version, **header, ARRAYS_SHA256: _digest(ordered)}
    summed = described | {HEADER_SHA256: sha256_of(_as_json(described).encode())}
    with written_atomically(path) as temporary:
        safetensors.numpy.save_file(ordered, temporary, metadata={HEADER_KEY: _as_json(summed)})


def read_arrays(path: Path, *, kind: str, version: int) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Return the arrays and the header of a file that :func:`write_arrays` wrote.

    Raises :class:`FoolingError` if it is missing, truncated or damaged, or of another format, ``kind`` or ``version``.
    """
    header = read_header(path, kind=kind, version=version)
    try:
        arrays = safetensors.numpy.load_file(path, backend="pread")
    except (OSError, KeyError, ValueError, safetensors.SafetensorError) as error:
        raise _broken(path, kind, error) from None
    _require_checksum(path, "arrays", found=_digest(arrays), expected=header.pop(ARRAYS_SHA256, None))
    return arrays, header


def read_header(path: Path, *, kind: str, version: int) -> dict[str, Any]:
    """Return the header of such a file without reading its arrays; raise as :func:`read_arrays` does."""
    header = _header_in(path, expected=kind)
    if header.get("kind") != kind or header.get("version") != version:
        found = f"{header.get('kind')}, format version {header.get('version')}"
        raise FoolingError(f"{path} holds something else", found=found, expected=f"{kind}, format version {version}")
    expected = header.pop(HEADER_SHA256, None)
    _require_checksum(path, "header", found=sha256_of(_as_json(header).encode()), expected=expected)
    return header


def kind_of(path: Path) -> str:
    """Return the kind of a file that :func:`write_arrays` wrote; raise :class:`FoolingError` for any other file."""
    return str(_header_in(path, expected="a file of this study").get("kind"))


def require_file(path: Path) -> None:
    """Raise :class:`FoolingError` unless ``path`` is a file."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        found = "nothing there"
    except (OSError, ValueError) as error:  # the name is too long or contains a null character
        found = str(error)
    else:
        if stat.S_ISREG(mode):
            return
        found = _kind(mode)
    raise FoolingError(f"{path} cannot be read", found=found, expected="a file")


def sha256_of(content: bytes) -> str:
    """Return the SHA-256 of ``content`` in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def _header_in(path: Path, *, expected: str) -> dict[str, Any]:
    """Return the JSON header of a safetensors file; its values and checksum are not yet checked."""
    require_file(path)
    try:
        remember(path)
        with safetensors.safe_open(path, framework="numpy") as content:
            metadata = content.metadata() or {}
    except (OSError, safetensors.SafetensorError) as error:
        raise _broken(path, expected, error) from None
    if HEADER_KEY not in metadata:
        found = "a safetensors file without a header"
        raise FoolingError(f"{path} was not written by this study", found=found, expected=expected)
    header = parsed_json(metadata[HEADER_KEY], source=f"the header of {path}", remedy=REMEDY)
    return header if isinstance(header, dict) else {}


def _require_replaceable(path: Path, is_replaceable: Callable[[int], bool], expected: str) -> None:
    """Raise :class:`FoolingError` if ``path``, or the target of a link there, exists and may not be replaced."""
    with suppress(OSError, ValueError):  # nothing there, or not writable: the writer reports why
        if not is_replaceable(mode := path.stat().st_mode):
            remedy = "choose another path for the output"
            raise FoolingError(f"{path} cannot be written", found=_kind(mode), expected=expected, remedy=remedy)


def _kind(mode: int) -> str:
    """Return the kind of a path with this ``mode``, in words."""
    kinds = {stat.S_IFREG: "a file", stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")


def _as_json(header: Mapping[str, Any]) -> str:
    return json.dumps(header, sort_keys=True, allow_nan=False)


def _digest(arrays: Mapping[str, NDArray[Any]]) -> str:
    """Return the SHA-256 of the names, types, shapes and values of contiguous ``arrays``."""
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype} {array.shape}\n".encode())
        digest.update(array.data)
    return digest.hexdigest()


def _require_checksum(path: Path, part: str, *, found: str, expected: object) -> None:
    if found != expected:
        raise FoolingError(
            f"{path} is damaged",
            found=f"SHA-256 {found} of its {part}",
            expected=f"SHA-256 {expected}" if expected else "a file with checksums",
            remedy=REMEDY,
        )


def _rows_of(path: Path) -> pd.DataFrame:
    """Return all rows of a table; the cells of a CSV file are strings."""
    import pandas as pd
    import pyarrow as pa  # type: ignore[import-untyped]
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    require_file(path)
    if path.suffix != ".parquet":
        _require_whole_lines(path)
    try:
        remember(path)
        if path.suffix != ".parquet":
            return unescape_formulas(pd.read_csv(path, dtype=str, keep_default_na=False, compression=None))
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            if file.metadata.num_rows > MOST_ROWS:
                raise ValueError(f"{file.metadata.num_rows:,} rows, more than {MOST_ROWS:,}")
            rows: pd.DataFrame = file.read().to_pandas(ignore_metadata=True)
            return rows
    except (OSError, ValueError, pa.ArrowException) as error:
        raise FoolingError(f"{path} is not a readable table", found=error, remedy=REMEDY) from None


def _require_whole_lines(path: Path) -> None:
    """Raise :class:`FoolingError` if the last line of a text file has no line break: the file is truncated."""
    if not read_bytes(path).endswith(b"\n"):
        raise FoolingError(
            f"{path} is truncated", found="no line break at its end", remedy="delete it and make it again"
        )


def _broken(path: Path, kind: str, error: Exception) -> FoolingError:
    found = f"{path.stat().st_size} bytes; {error}"
    return FoolingError(f"{path} is truncated or not a safetensors file", found=found, expected=kind, remedy=REMEDY)


@contextmanager
def _own_folder(path: Path) -> Iterator[Path]:
    """Yield a hidden folder beside ``path`` for one writer and the temporary files of libraries, locked meanwhile.

    Folders of killed writers are removed. Raises :class:`FoolingError` if something cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(path)
        folder, lock = _locked_folder(path)
        try:
            with lock:
                yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except UnicodeEncodeError as error:
        raise FoolingError(
            f"{path} cannot be written",
            found=f"{error.object[max(error.start - 40, 0) : error.end + 40]!r}, which is not UTF-8",
            expected="names and texts in UTF-8",
            remedy="rename the file, folder or class with this name",
        ) from None
    except (OSError, safetensors.SafetensorError) as error:
        found = getattr(error, "strerror", None) or error
        remedy = "free disk space, or get write permission there"
        raise FoolingError(f"{path} cannot be written", found=found, remedy=remedy) from error


def _locked_folder(path: Path) -> tuple[Path, IO[str]]:
    while True:
        folder = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=PART))
        with suppress(FileNotFoundError):  # another writer removed it before it was locked
            lock = (folder / "lock").open("a")
            with suppress(OSError):  # a disk without locks: folders of killed writers stay there
                fcntl.flock(lock, fcntl.LOCK_EX)
            if (folder / "lock").exists():
                return folder, lock
            lock.close()


def _remove_abandoned(path: Path) -> None:
    for folder in path.parent.iterdir():
        if folder.name.startswith(f".{path.name}.") and folder.suffix == PART:
            with suppress(OSError):  # its writer is still running
                with (folder / "lock").open("a") as lock:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder, ignore_errors=True)
                shutil.rmtree(folder, ignore_errors=True)  # a shared disk keeps a folder while a file in it is open


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
