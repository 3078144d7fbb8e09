"""What Snakemake recorded is found where Snakemake keeps it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from snakemake.persistence.file import FilePersistence

from fooling.messages import FoolingError
from repository import bound_by_rights
from sharing.records import RECORDS, record_path, refuse_broken_records, require_records, unrecorded


@pytest.fixture(scope="module", autouse=True)
def folder_with_records(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Snakemake asks the folder of its records how long a name can be."""
    with contextlib.chdir(tmp_path_factory.mktemp("study")):
        RECORDS.mkdir(parents=True)
        yield


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=400))
def test_records_lie_where_snakemake_looks_for_them(output: str) -> None:
    persistence = FilePersistence.__new__(FilePersistence)
    persistence._max_len = None
    assert str(record_path(output)) == persistence._record_path(str(RECORDS), output)


@pytest.fixture
def result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished study of one result, with its record."""
    monkeypatch.chdir(tmp_path)
    path = Path("results/study/a.csv")
    path.parent.mkdir(parents=True)
    path.touch()
    RECORDS.mkdir(parents=True)
    record_path(path).write_text(json.dumps({"rule": "a", "input": ["results/study/gone.csv"]}))
    return path


@pytest.mark.parametrize("name", [".nfs1", ".nfs000000000123", "abcd", "=", "notes.txt", "@", "a@b", "\udcff", "_w=="])
@pytest.mark.parametrize("content", [b"", b"x", b'{"input": 7}'])
def test_a_file_that_is_no_record_is_passed_over(result: Path, name: str, content: bytes) -> None:
    (RECORDS / name).write_bytes(content)
    require_records()


@pytest.mark.parametrize(
    "content", ['{"rule": ', "", "5", "null", "[]", "{}", '{"input": 7}', '{"input": [7]}', "[" * 9**5]
)
def test_a_result_whose_record_is_none_is_named(result: Path, content: str) -> None:
    record_path(result).write_text(content)
    assert unrecorded() == [str(result)]


@pytest.mark.parametrize("content", ["5", "[1]", '{"input": 7}', '{"starttime": "noon"}', "[" * 9**5])
def test_a_record_that_ends_snakemake_is_named(result: Path, content: str) -> None:
    refuse_broken_records()
    record_path(result).write_text(content)
    with pytest.raises(FoolingError, match=f"found: {record_path(result)}, of {result}\n"):
        refuse_broken_records()


@pytest.mark.parametrize("content", ['{"rule": ', "", "null", "[]", "{}"])
def test_a_record_that_snakemake_passes_over_ends_nothing(result: Path, content: str) -> None:
    record_path(result).write_text(content)
    refuse_broken_records()


def test_a_record_that_may_not_be_read_is_named(result: Path) -> None:
    if (prefix := bound_by_rights()) is None:
        pytest.skip("root reads everything here")
    record_path(result).chmod(0)
    command = [*prefix, sys.executable, "-m", "sharing.records"]
    root = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": f"{root}:{root / 'src'}"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert f"{record_path(result)} cannot be read\n  found: Permission denied" in done.stderr
