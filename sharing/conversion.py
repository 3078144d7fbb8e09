"""Convert records that name source files as inputs to records with fingerprints.

Up to :data:`BEFORE`, the source files of a step and its file of pinned packages were inputs with checksums. Now their
digests are params. A record is converted if all of these checksums are those of that commit's files. Its params are
then those of the commit that added this module: both commits give the same results. Code that has changed after that
commit is noticed as usual.
"""

from __future__ import annotations

import shlex
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

from fooling.artifacts import read_bytes, sha256_of, write_bytes
from fooling.fingerprint import Fingerprints
from fooling.messages import FoolingError
from rules.steps import packages_digest
from sharing.commands import git
from sharing.provenance import Provenance, one_per_line, packed, unpacked
from sharing.records import records, write_record

#: The last commit whose rules name source files as inputs.
BEFORE = "f6737528061640a534469152a9da7fcf6305cd46"

CODE = ("src/", "envs/")  # prefixes of paths that are no longer inputs
Record = Mapping[str, Any]


def convert() -> str:
    """Convert all records here and in the packs of studies; return a summary.

    Raises :class:`FoolingError` if git does not hold the two commits.
    """
    packs = {
        path: unpacked(read_bytes(path), source=path) for path in sorted(Path("results").glob("*/provenance.json.gz"))
    }
    with _converter() as convert_record:
        here = {name: convert_record(record) for name, record in records().items() if _is_old(record)}
        for name, record in here.items():
            if record is not None:
                write_record(name, record)
        for path, provenance in packs.items():
            write_bytes(path, packed(_converted_pack(provenance, convert_record)))
    left = sorted(name for name, record in here.items() if record is None)
    done = f"{len(here) - len(left)} records converted"
    if not left:
        return done
    return f"{done}; not converted, because their code or packages differ from {BEFORE[:7]}:\n{one_per_line(left)}"


def converted(
    record: Record, *, before: Callable[[str], str | None], code: Fingerprints, packages: Callable[[str], str]
) -> dict[str, Any] | None:
    """Return ``record`` with fingerprints instead of files; None if files differ.

    Args:
        record: The record that Snakemake wrote.
        before: Returns the SHA-256 of a file in the commit :data:`BEFORE`; None if the commit does not have the file.
        code: The fingerprints of the commit that gives the same results.
        packages: Returns the digest of the packages in an environment file, given its path.
    """
    old = [name for name in record["input"] if name.startswith(CODE)]
    checksums = record.get("input_checksums") or {}
    if any(before(name) is None or checksums.get(name) != f"sha256:{before(name)}" for name in old):
        return None
    environments = [packages(name) for name in old if name.startswith("envs/")]
    modules = {_module(name) for name in old if name.endswith(".py")}
    return {
        **record,
        "input": [name for name in record["input"] if name not in old],
        "input_checksums": {name: checksum for name, checksum in checksums.items() if name not in old},
        "params": sorted([*record["params"], *map(repr, [_fingerprint(record, modules, code), *environments])]),
    }


def _fingerprint(record: Record, modules: set[str], code: Fingerprints) -> str:
    """Return the fingerprint of the command in a record.

    The modules that the command imports by name are among ``modules``.
    """
    words = shlex.split(record["shellcmd"])[1:]
    name = "_".join(words[: 2 if words[0] == "survey" else 1]).replace("-", "_")
    command = f"fooling.cli.{name}"  # in that commit, each command has its own module
    patterns = code.named_modules(command)
    named = sorted(module for module in modules if any(fnmatchcase(module, pattern) for pattern in patterns))
    return code.of(command, *named)


def _module(file: str) -> str:
    parts = PurePosixPath(file).relative_to("src").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _is_old(record: Record) -> bool:
    return any(name.startswith(CODE) for name in record.get("input") or ())


def _converted_pack(provenance: Provenance, convert_record: Callable[[Record], Record | None]) -> Provenance:
    results = {
        name: result.model_copy(update={"record": convert_record(result.record) or result.record})
        if _is_old(result.record)
        else result
        for name, result in provenance.results.items()
    }
    return provenance.model_copy(update={"results": results})


@contextmanager
def _converter() -> Iterator[Callable[[Record], dict[str, Any] | None]]:
    """Yield the function that converts a record, with both commits checked out."""
    added = git("log", "--diff-filter=A", "--format=%H", "--", "sharing/conversion.py").split()
    if not added or git("cat-file", "-t", BEFORE).strip() != "commit":
        raise FoolingError("the history of this repository is incomplete", remedy="git fetch --unshallow")
    with _files_of(BEFORE) as old, _files_of(added[-1]) as new:
        code = Fingerprints(new / "src/fooling")
        yield lambda record: converted(
            record,
            before=lambda name: sha256_of((old / name).read_bytes()) if (old / name).is_file() else None,
            code=code,
            packages=lambda name: packages_digest((new / name).read_text(encoding="utf-8"), source=name),
        )


@contextmanager
def _files_of(commit: str) -> Iterator[Path]:
    """Yield a temporary folder with the code and the environments of a commit."""
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder, "files.tar")
        git("archive", f"--output={archive}", commit, "src", "envs")
        with tarfile.open(archive) as content:
            content.extractall(folder, filter="data")
        yield Path(folder)
