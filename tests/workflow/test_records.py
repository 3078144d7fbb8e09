"""What Snakemake recorded is found where Snakemake keeps it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from snakemake.persistence.file import FilePersistence

from rules.records import RECORDS, record_path


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
