"""What Snakemake recorded is found where Snakemake keeps it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from snakemake.persistence.file import FilePersistence

from rules.records import record_path


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=400))
def test_records_lie_where_snakemake_looks_for_them(output: str) -> None:
    persistence = FilePersistence.__new__(FilePersistence)
    persistence._max_len = None
    assert str(record_path(output)) == persistence._record_path(".snakemake/metadata", output)
