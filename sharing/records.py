"""What Snakemake recorded of every result. A result without its record is not made again when a setting changes."""

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
from fooling.errors import FoolingError
from fooling.progress import say

RECORDS = Path(".snakemake/metadata")


def unrecorded() -> list[str]:
    """The files below results/ whose record cannot be read, and those that recorded jobs used and nobody recorded."""
    known = records()
    used = {name for record in known.values() for name in record.get("input") or []}
    unreadable = {name for name, record in known.items() if not record}
    return sorted(
        name for name in unreadable | (used - known.keys()) if name.startswith("results/") and Path(name).is_file()
    )


def records() -> dict[str, dict[str, Any]]:
    """All records by their output; one that cannot be read is empty."""
    return {output: _content(path) for output, path in _records()}


def write_record(output: str | Path, record: Mapping[str, Any]) -> None:
    """Write the record of ``output`` where Snakemake keeps it."""
    write_bytes(record_path(output), json.dumps(record).encode())


def require_records() -> None:
    """Raise :class:`FoolingError` that names the results without a record, if there are any."""
    if names := unrecorded():
        raise FoolingError(
            "Snakemake cannot know when to make these results again: how they were made is not recorded any more",
            found="\n".join(names),
            expected=f"a readable record of each in {RECORDS}",
            remedy="delete these results, and type make run again",
        )


def refuse_broken_records() -> None:
    """Raise :class:`FoolingError` that names the records at which Snakemake would end in a traceback."""
    broken = []
    for output, path in _records():
        if content := _parsed(path):
            try:
                record_in(content)
            except ValueError:
                broken.append(f"{path}, of {output}")
    if broken:
        raise FoolingError(
            "Snakemake cannot read what it recorded of some results",
            found="\n".join(broken),
            expected="records as Snakemake writes them",
            remedy="delete these records and the results that they are of, and type make run again",
        )


def recorded(output: str | Path) -> dict[str, Any] | None:
    """What Snakemake recorded of the job that made ``output``; None where it recorded nothing that can be read.

    Of a file in a folder that a job made as a whole, the record is that of the folder.
    """
    made = made_by_a_job(output)
    return None if made is None else (_content(record_path(made)) or None)


def made_by_a_job(output: str | Path) -> Path | None:
    """The output of a job that ``output`` is, or lies in where the job made a folder; None without a record of any."""
    return next((path for path in (Path(output), *Path(output).parents) if record_path(path).is_file()), None)


def record_path(output: str | Path) -> Path:
    """Where Snakemake keeps the record of ``output``: its name in base64, in pieces that a file name can hold."""
    name = base64.urlsafe_b64encode(str(output).encode()).decode()
    longest = os.pathconf(".", "PC_NAME_MAX") - 1
    pieces = [name[start : start + longest] for start in range(0, len(name), longest)]
    return RECORDS.joinpath(*(f"@{piece}" for piece in pieces[:-1]), pieces[-1])


def record_in(content: Any) -> dict[str, Any]:
    """``content`` as a record; :class:`ValueError` for what Snakemake cannot read as one."""
    MetadataRecord.model_validate(content)
    record: dict[str, Any] = content
    return record


def _records() -> Iterator[tuple[str, Path]]:
    """Every output with the file of its record; files that are no records, such as `.nfs1`, are left out."""
    for path in RECORDS.rglob("*"):
        name = "".join(part.removeprefix("@") for part in path.relative_to(RECORDS).parts)
        try:
            output = base64.urlsafe_b64decode(name).decode()
        except ValueError:  # no base64, or of no text
            continue
        if output and record_path(output) == path and path.is_file():
            yield output, path


def _content(record: Path) -> dict[str, Any]:
    """A record; empty where it is none, as when Snakemake was killed while it wrote it.

    Raises :class:`FoolingError` for one that may not be read.
    """
    try:
        return record_in(_parsed(record))
    except ValueError:
        return {}


def _parsed(record: Path) -> Any:
    """The value in the file of a record; None where Snakemake was killed while it wrote it."""
    try:
        return json.loads(record.read_bytes())
    except OSError as error:
        raise FoolingError(
            f"{record} cannot be read",
            found=error.strerror,
            expected="Snakemake's record of a result",
            remedy=f"give yourself the right to read it: chmod u+r {record}",
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
