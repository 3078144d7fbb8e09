"""Read, check and write Snakemake's metadata records.

A result without a record is not made again when a setting changes.
"""

from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from snakemake.persistence import MetadataRecord  # type: ignore[import-untyped]

from fooling.artifacts import write_bytes
from fooling.messages import FoolingError, say

RECORDS = Path(".snakemake/metadata")


def unrecorded() -> list[str]:
    """Return the files below results/ without a readable record.

    These are the files whose record is unreadable, and the inputs of recorded jobs that have no record themselves.
    """
    known = records()
    used = {name for record in known.values() for name in record.get("input") or []}
    unreadable = {name for name, record in known.items() if not record}
    return sorted(
        name for name in unreadable | (used - known.keys()) if name.startswith("results/") and Path(name).is_file()
    )


def records() -> dict[str, dict[str, Any]]:
    """Return all records by output; an unreadable record is empty."""
    return {output: _content(path) for output, path in _records()}


def write_record(output: str | Path, record: Mapping[str, Any]) -> None:
    """Write the record of ``output`` where Snakemake looks for it."""
    write_bytes(record_path(output), json.dumps(record).encode())


def require_records() -> None:
    """Raise :class:`FoolingError`, naming the results, if some have no record."""
    if names := unrecorded():
        raise FoolingError(
            "Snakemake cannot know when to make these results again: their metadata records are missing or unreadable",
            found="\n".join(names),
            expected=f"a readable record of each in {RECORDS}",
            remedy="delete these results, and type make run again",
        )


def refuse_broken_records() -> None:
    """Raise :class:`FoolingError`, naming them, if Snakemake cannot read some records.

    Snakemake itself would end with a traceback.
    """
    broken = []
    for output, path in _records():
        if content := _parsed(path):
            try:
                checked_record(content)
            except ValueError:
                broken.append(f"{path}, of {output}")
    if broken:
        raise FoolingError(
            "Snakemake cannot read the metadata records of some results",
            found="\n".join(broken),
            expected="records as Snakemake writes them",
            remedy="delete these records and their results, and type make run again",
        )


def recorded(output: str | Path) -> dict[str, Any] | None:
    """Return the record of the job that made ``output``; None without a readable one.

    If the output of the job is a folder that contains ``output``, this is the record of the folder.
    """
    made = job_output(output)
    return None if made is None else (_content(record_path(made)) or None)


def job_output(output: str | Path) -> Path | None:
    """Return the path with a record: ``output`` or a folder above it; None if none has one."""
    return next((path for path in (Path(output), *Path(output).parents) if record_path(path).is_file()), None)


def record_path(output: str | Path) -> Path:
    """Return the path of the record of ``output``.

    Snakemake encodes the output in base64, split into pieces that fit into a file name.
    """
    name = base64.urlsafe_b64encode(str(output).encode()).decode()
    longest = os.pathconf(".", "PC_NAME_MAX") - 1
    pieces = [name[start : start + longest] for start in range(0, len(name), longest)]
    return RECORDS.joinpath(*(f"@{piece}" for piece in pieces[:-1]), pieces[-1])


def checked_record(content: Any) -> dict[str, Any]:
    """Return ``content`` if it is a valid record; raise :class:`ValueError` otherwise."""
    MetadataRecord.model_validate(content)
    record: dict[str, Any] = content
    return record


def _records() -> Iterator[tuple[str, Path]]:
    """Yield every output with its record file; skip other files, such as `.nfs1`."""
    for path in RECORDS.rglob("*"):
        name = "".join(part.removeprefix("@") for part in path.relative_to(RECORDS).parts)
        try:
            output = base64.urlsafe_b64decode(name).decode()
        except ValueError:  # not the base64 of a text
            continue
        if output and record_path(output) == path and path.is_file():
            yield output, path


def _content(record: Path) -> dict[str, Any]:
    """Return the content of a record; empty if it is invalid.

    A record is invalid if Snakemake was killed while writing it. Raises :class:`FoolingError` if you may not read it.
    """
    try:
        return checked_record(_parsed(record))
    except ValueError:
        return {}


def _parsed(record: Path) -> Any:
    """Return the value in the file of a record; None if it is not JSON."""
    try:
        return json.loads(record.read_bytes())
    except OSError as error:
        raise FoolingError(
            f"{record} cannot be read",
            found=error.strerror,
            expected="Snakemake's record of a result",
            remedy=f"make it readable: chmod u+r {record}",
        ) from None
    except RecursionError:
        return "too many levels"
    except ValueError:
        return None


if __name__ == "__main__":
    try:
        require_records()
    except FoolingError as error:
        say(str(error))
        sys.exit(2)
