"""An input that changes while a command runs is an error; what the command writes itself is not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fooling.artifacts import read_json, sha256_of, write_bytes, write_json
from fooling.inputs import digest_of, forget, remember, require_unchanged, watched
from fooling.messages import FoolingError


@pytest.fixture
def given(tmp_path: Path) -> Path:
    path = tmp_path / "input.json"
    path.write_text('{"a": 1}')
    return path


def test_the_digest_is_that_of_the_content(given: Path) -> None:
    assert digest_of(given) == sha256_of(b'{"a": 1}')
    given.write_text("other")
    assert digest_of(given) == sha256_of(b"other")


def test_a_file_without_a_digest_is_named(tmp_path: Path) -> None:
    for name in ("missing.json", "nul\0.json"):
        with pytest.raises(FoolingError, match="cannot be read"):
            digest_of(tmp_path / name)


@pytest.mark.parametrize("how", ["rewritten", "replaced", "removed"])
def test_an_input_that_changes_is_named(given: Path, how: str) -> None:
    def change() -> None:
        read_json(given)
        if how == "rewritten":
            given.write_text('{"a": 2}')
        elif how == "replaced":
            given.with_suffix(".new").write_text('{"a": 2}')
            given.with_suffix(".new").replace(given)
        else:
            given.unlink()

    with pytest.raises(FoolingError, match=r"changed while the command ran(.|\n)*input\.json"), watched():
        change()


def test_nothing_is_written_once_an_input_has_changed(given: Path, tmp_path: Path) -> None:
    output = tmp_path / "output.json"
    with pytest.raises(FoolingError, match="changed while the command ran"), watched():
        read_json(given)
        given.write_text('{"a": 2}')
        write_json(output, {})
    assert [path.name for path in tmp_path.iterdir()] == ["input.json"]


def test_the_date_alone_counts_for_nothing(given: Path) -> None:
    with watched():
        read_json(given)
        os.utime(given)
        given.with_suffix(".copy").write_bytes(given.read_bytes())
        given.with_suffix(".copy").replace(given)


def test_what_the_command_writes_or_removes_itself_may_change(given: Path, tmp_path: Path) -> None:
    with watched():
        read_json(given)
        write_bytes(given, b"new")
        state = tmp_path / "state"
        state.write_text("1")
        remember(state)
        forget(state)
        state.unlink()


def test_a_file_that_changed_before_it_is_read_again_is_still_known_as_it_was(given: Path) -> None:
    with pytest.raises(FoolingError), watched():
        digest_of(given)
        given.write_text('{"a": 2}')
        digest_of(given)


def test_outside_a_command_nothing_is_remembered(given: Path) -> None:
    read_json(given)
    given.write_text('{"a": 2}')
    require_unchanged()
    with watched():
        require_unchanged()
