"""What the tests of data sets share."""

from __future__ import annotations

import io
import os
import shlex
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from fooling.datasets.fetching import MIRROR_VARIABLE


@pytest.fixture
def real_data() -> Path:
    """The folder of real data files that the environment names; without one the test is skipped."""
    folder = os.environ.get(MIRROR_VARIABLE)
    if not folder:
        pytest.skip(f"{MIRROR_VARIABLE} names no folder of real data")
    return Path(folder)


def packed(files: Mapping[str, bytes], *, prefix: str = "package/") -> bytes:
    """Return an npm package with these files, as ``npm pack`` writes it: a tar.gz file."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as archive:
        for path, content in files.items():
            entry = tarfile.TarInfo(f"{prefix}{path}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return written.getvalue()


@pytest.fixture
def stand_in_npm(tmp_path, monkeypatch) -> Callable[..., Path]:
    """A function that puts a made-up ``npm`` alone on the PATH, and returns the file to which it appends its calls.

    Without an ``archive`` the command fails with the text ``error``.
    """

    def put(archive: bytes | None = None, *, error: str = "npm error 404 Not Found") -> Path:
        folder, calls = tmp_path / "npm", tmp_path / "npm" / "calls"
        folder.mkdir()
        if archive is None:
            ending = f"echo {shlex.quote(error)} >&2\nexit 1\n"
        else:
            (folder / "package.tgz").write_bytes(archive)
            ending = f"exec /bin/cp {folder}/package.tgz package.tgz\n"
        command = folder / "npm"
        command.write_text(f'#!/bin/sh\necho "$@" >> {calls}\n{ending}')
        command.chmod(0o755)
        monkeypatch.setenv("PATH", str(folder))
        return calls

    return put
