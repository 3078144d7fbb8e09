"""What Snakemake recorded of every result. A result without its record is not made again when a setting changes."""

from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

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
    return {_output_of(path): _content(path) for path in RECORDS.rglob("*") if path.is_file()}


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


def _output_of(record: Path) -> str:
    """The file that a record is about."""
    name = "".join(part.removeprefix("@") for part in record.relative_to(RECORDS).parts)
    return base64.urlsafe_b64decode(name).decode()


def _content(record: Path) -> dict[str, Any]:
    """A record; empty where Snakemake was killed while it wrote it."""
    try:
        content: dict[str, Any] = json.loads(record.read_bytes())
    except ValueError:
        return {}
    return content


if __name__ == "__main__":
    try:
        require_records()
    except FoolingError as error:
        say(str(error))
        sys.exit(2)
