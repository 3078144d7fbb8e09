"""Files are written whole or not at all, and a bad one is named."""

from __future__ import annotations

import csv
import os
import signal
import stat
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from safetensors.numpy import save_file

from fooling import artifacts
from fooling.findings import registry
from fooling.messages import FoolingError
from fooling.table import COUNT, NUMBER, TEXT, Column, Table, Values


def table_of(*key: str, **values: Values) -> Table:
    """A table with these columns."""
    columns = tuple(Column(name, each) for name, each in values.items())
    return Table(name="some", path=None, commands=(), columns=columns, key=key)


TABLE = table_of("who", who=TEXT, value=NUMBER.or_nothing, count=COUNT)


def _write(path: Path) -> None:
    artifacts.write_arrays(path, {"b": np.arange(6.0), "a": np.eye(2)}, kind="thing", version=3, header={"x": [1, 2]})


@given(array=arrays_of.arrays(np.float32, arrays_of.array_shapes(min_dims=0, max_dims=3)), number=st.integers())
@settings(max_examples=20)
def test_arrays_and_header_survive(tmp_path_factory: pytest.TempPathFactory, array: np.ndarray, number: int) -> None:
    path = tmp_path_factory.mktemp("arrays") / "file.safetensors"
    artifacts.write_arrays(path, {"array": array}, kind="thing", version=1, header={"number": number})
    arrays, header = artifacts.read_arrays(path, kind="thing", version=1)
    np.testing.assert_array_equal(arrays["array"], array)
    assert header["number"] == number


def test_bytes_depend_on_the_content_alone(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    artifacts.write_arrays(one, {"a": np.eye(2), "b": np.eye(3)}, kind="k", version=1, header={"x": 1, "y": 2})
    artifacts.write_arrays(other, {"b": np.eye(3), "a": np.eye(2)}, kind="k", version=1, header={"y": 2, "x": 1})
    assert one.read_bytes() == other.read_bytes()


def test_arrays_of_any_layout_are_stored_by_their_values(tmp_path: Path) -> None:
    path = tmp_path / "file.safetensors"
    turned = np.arange(6).reshape(2, 3).T
    artifacts.write_arrays(path, {"turned": turned}, kind="k", version=1, header={})
    np.testing.assert_array_equal(artifacts.read_arrays(path, kind="k", version=1)[0]["turned"], turned)


@pytest.mark.parametrize("cut", [0, 4, 50, -1])
def test_a_truncated_file_is_named(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "file.safetensors"
    _write(path)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(FoolingError, match=r"file\.safetensors is truncated"):
        artifacts.read_arrays(path, kind="thing", version=3)


@pytest.mark.parametrize("part", ["arrays", "header"])
def test_a_flipped_bit_is_seen(tmp_path: Path, part: str) -> None:
    path = tmp_path / "file.safetensors"
    _write(path)
    content = bytearray(path.read_bytes())
    content[-1 if part == "arrays" else content.index(b"[1, 2]") + 1] ^= 2
    path.write_bytes(content)
    with pytest.raises(FoolingError, match=rf"file\.safetensors is damaged(.|\n)*SHA-256 \w+ of its {part}"):
        artifacts.read_arrays(path, kind="thing", version=3)


@pytest.mark.parametrize("header", ["[1]", "{", "NaN", "[" * 100_000, '{"kind": "thing", "version": 3}'])
def test_a_header_of_another_form_is_refused(tmp_path: Path, header: str) -> None:
    path = tmp_path / "file.safetensors"
    import safetensors.numpy

    safetensors.numpy.save_file({"a": np.eye(2)}, path, metadata={"fooling": header})
    with pytest.raises(FoolingError, match=r"file\.safetensors"):
        artifacts.read_header(path, kind="thing", version=3)


def test_another_kind_version_or_origin_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file.safetensors"
    _write(path)
    with pytest.raises(FoolingError, match="expected: other, format version 3"):
        artifacts.read_arrays(path, kind="other", version=3)
    with pytest.raises(FoolingError, match="found: thing, format version 3"):
        artifacts.read_header(path, kind="thing", version=4)
    import safetensors.numpy

    safetensors.numpy.save_file({"a": np.eye(2)}, path)
    with pytest.raises(FoolingError, match="without a header"):
        artifacts.read_arrays(path, kind="thing", version=3)


def test_the_kind_of_a_file_is_read_from_its_header(tmp_path: Path) -> None:
    _write(tmp_path / "file")
    assert artifacts.kind_of(tmp_path / "file") == "thing"
    save_file({"a": np.eye(2)}, tmp_path / "other")
    with pytest.raises(FoolingError, match="was not written by this study"):
        artifacts.kind_of(tmp_path / "other")
    (tmp_path / "text").write_text("text")
    with pytest.raises(FoolingError, match="not a safetensors file"):
        artifacts.kind_of(tmp_path / "text")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    artifacts.write_text(path, "old")
    with pytest.raises(RuntimeError), artifacts.written_atomically(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_killed_writer_leaves_the_old_file_and_the_next_one_tidies_up(tmp_path: Path) -> None:
    path, neighbour = tmp_path / "file.txt", tmp_path / ".other.txt.abc.part"
    artifacts.write_text(path, "old")
    neighbour.mkdir()
    code = (
        "import os, pathlib, signal, sys; from fooling.artifacts import written_atomically\n"
        "with written_atomically(pathlib.Path(sys.argv[1])) as temporary:\n"
        "    temporary.write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)]).returncode == -signal.SIGKILL
    assert path.read_text() == "old"
    assert [part.read_text() for part in tmp_path.glob(".file.txt.*.part/file.txt")] == ["half"]
    artifacts.write_text(path, "new")
    assert path.read_text() == "new"
    assert set(tmp_path.iterdir()) == {path, neighbour}


def test_a_write_leaves_nothing_beside_its_folder_at_any_moment(tmp_path: Path) -> None:
    code = (
        "import os, pathlib, signal, sys; import numpy, safetensors.numpy; from fooling import artifacts\n"
        "save = safetensors.numpy.save_file\n"
        "def killed(*words, **options): save(*words, **options); os.kill(os.getpid(), signal.SIGKILL)\n"
        "safetensors.numpy.save_file = killed\n"
        "artifacts.write_arrays(pathlib.Path(sys.argv[1]), {'a': numpy.eye(3)}, kind='k', version=1, header={})\n"
    )
    path = tmp_path / "file.safetensors"
    assert subprocess.run([sys.executable, "-c", code, str(path)]).returncode == -signal.SIGKILL
    assert [left.suffix for left in tmp_path.iterdir()] == [".part"]
    _write(path)
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    artifacts.write_folder(folder, {"one.png": b"1", "two.png": b"2"})
    artifacts.write_folder(folder, {"two.png": b"22", "more/three.png": b"3"})
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert files == {"two.png": b"22", "more/three.png": b"3"}
    assert list(tmp_path.iterdir()) == [folder]


def test_a_folder_that_cannot_be_written_stays_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    artifacts.write_folder(folder, {"one.png": b"1"})
    with pytest.raises(FoolingError, match="pictures cannot be written"):
        artifacts.write_folder(folder, {"one.png": b"11", "one.png/two.png": b"2"})
    assert {path.name: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == {"one.png": b"1"}


def test_writers_of_one_file_let_each_other_live(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    with artifacts.written_atomically(path) as slow:
        slow.write_text("slow")
        artifacts.write_text(path, "quick")
        assert path.read_text() == "quick"
    assert path.read_text() == "slow"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(FoolingError, match="taken cannot be written"):
        artifacts.write_text(tmp_path / "taken", "text")
    with pytest.raises(FoolingError, match="found: a folder"):
        artifacts.read_json(tmp_path / "taken")


@pytest.mark.parametrize("link", [False, True])
@pytest.mark.parametrize("kind", ["pipe", "socket", "device"])
def test_no_pipe_socket_or_device_is_replaced(tmp_path: Path, kind: str, link: bool) -> None:
    taken = path = tmp_path / "taken"
    if kind == "pipe":
        os.mkfifo(taken)
    elif kind == "socket":
        os.mknod(taken, stat.S_IFSOCK | 0o600)
    else:
        taken = Path(os.devnull)
    if link or kind == "device":
        path = tmp_path / "link"
        path.symlink_to(taken)
    before = path.lstat().st_ino, taken.stat().st_ino
    with pytest.raises(FoolingError, match=f"{path.name} cannot be written\n  found: a {kind}\n  expected: a file"):
        artifacts.write_text(path, "text")
    with pytest.raises(FoolingError, match=f"{path.name} cannot be written\n  found: a {kind}\n  expected: a folder"):
        artifacts.write_folder(path, {"one.png": b"1"})
    assert (path.lstat().st_ino, taken.stat().st_ino) == before


def test_a_file_is_no_folder_to_be_replaced(tmp_path: Path) -> None:
    artifacts.write_text(tmp_path / "mine.txt", "mine")
    with pytest.raises(FoolingError, match=r"mine\.txt cannot be written\n  found: a file"):
        artifacts.write_folder(tmp_path / "mine.txt", {"one.png": b"1"})
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_a_link_gives_way_and_its_file_stays(tmp_path: Path) -> None:
    artifacts.write_text(tmp_path / "stored", "stored")
    for name, target in (("link", "stored"), ("dangling", "nowhere")):
        (tmp_path / name).symlink_to(target)
        artifacts.write_text(tmp_path / name, "new")
        assert not (tmp_path / name).is_symlink()
        assert (tmp_path / name).read_text() == "new"
    assert (tmp_path / "stored").read_text() == "stored"


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").touch()
    for path, found in (
        (tmp_path, "a folder"),
        (tmp_path / "pipe", "a pipe"),
        (tmp_path / "file" / "below", "nothing there"),
        (tmp_path / ("x" * 300), "File name too long"),
        (tmp_path / "null\0", "null"),
    ):
        with pytest.raises(FoolingError, match=f"cannot be read\n  found: .*{found}"):
            artifacts.require_file(path)


@pytest.mark.parametrize("name", ["table.csv", "table.parquet"])
def test_tables_survive_and_repeat_to_the_byte(tmp_path: Path, name: str) -> None:
    table = pd.DataFrame({"who": ["a", "b"], "value": [0.1, np.nan], "count": [1, 2]})
    path = tmp_path / name
    artifacts.write_table(path, table, TABLE)
    first = path.read_bytes()
    artifacts.write_table(path, table, TABLE)
    assert path.read_bytes() == first
    pd.testing.assert_frame_equal(artifacts.read_table(path, TABLE), table)
    with pytest.raises(FoolingError, match=f"{name} and .*{name} has duplicate rows"):
        artifacts.read_tables([path, path], TABLE)


@given(st.lists(st.text("'=+-@\ta1é", max_size=5), min_size=1, max_size=6, unique=True))
@settings(max_examples=60)
def test_no_text_of_a_csv_table_is_a_formula_and_every_text_survives(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    path = tmp_path_factory.mktemp("tables") / "table.csv"
    declared = table_of("who", who=TEXT.or_nothing, value=NUMBER)
    table = pd.DataFrame({"who": texts, "value": -1.5})
    artifacts.write_table(path, table, declared)
    with path.open(newline="") as file:
        cells = list(csv.reader(file))[1:]
    assert not [who for who, _ in cells if len(who) > 1 and who.startswith(("=", "+", "-", "@", "\t"))]
    assert {value for _, value in cells} == {"-1.5"}
    assert [text or "" for text in artifacts.read_table(path, declared)["who"].fillna("")] == texts


@pytest.mark.parametrize("dtype", ["object", "string", "category"])
def test_formulas_are_marked_in_columns_of_any_type(tmp_path: Path, dtype: str) -> None:
    names = pd.Series(["=1+1", "a", None], dtype=dtype)
    declared = table_of("who", who=TEXT.or_nothing, mixed=TEXT)
    artifacts.write_table(tmp_path / "table.csv", pd.DataFrame({"who": names, "mixed": ["1", "-1", "-"]}), declared)
    assert (tmp_path / "table.csv").read_text() == "who,mixed\n'=1+1,1\na,'-1\n,-\n"


def test_other_tables_are_as_pandas_writes_them(tmp_path: Path) -> None:
    table = pd.DataFrame({"who": ["it's", "'s-Gravenhage", "a=b", ""], "value": [-1.0, 0.1, np.nan, 3], "n": [-1] * 4})
    declared = table_of("who", who=TEXT.or_nothing, value=NUMBER.or_nothing, n=NUMBER)
    artifacts.write_table(tmp_path / "table.csv", table, declared)
    assert (tmp_path / "table.csv").read_text() == table.to_csv(index=False, lineterminator="\n")


@pytest.mark.parametrize("name", ["table.csv", "table.parquet", "text.txt"])
def test_a_text_that_is_no_utf8_is_named_and_nothing_written(tmp_path: Path, name: str) -> None:
    text = os.fsdecode(b"caf\xe9.csv")
    with pytest.raises(
        FoolingError, match=rf"{name} cannot be written\n  found: 'caf\\udce9.csv.*', which is not UTF-8"
    ):
        if name == "text.txt":
            artifacts.write_text(tmp_path / name, text)
        else:
            artifacts.write_table(tmp_path / name, pd.DataFrame({"who": [text]}), table_of("who", who=TEXT))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["table.parquet", "table.csv", "value.json"])
def test_a_broken_or_missing_file_is_named(tmp_path: Path, name: str) -> None:
    read = artifacts.read_json if name.endswith("json") else partial(artifacts.read_table, table=TABLE)
    with pytest.raises(FoolingError, match="nothing there"):
        read(tmp_path / name)
    (tmp_path / name).write_bytes(b'"\xff\x00{')
    with pytest.raises(FoolingError, match=name.replace(".", r"\.")):
        read(tmp_path / name)


def test_a_table_cut_within_a_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    artifacts.write_table(path, pd.DataFrame({"who": ["a"], "value": [0.5], "count": [3]}), TABLE)
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(FoolingError, match=r"table\.csv is truncated"):
        artifacts.read_table(path, TABLE)


def test_a_flipped_bit_of_a_parquet_table_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    artifacts.write_table(path, pd.DataFrame({"who": ["a"], "value": [0.5], "count": [3]}), TABLE)
    content = bytearray(path.read_bytes())
    content[content.index(np.float64(0.5).tobytes()) + 3] ^= 1
    path.write_bytes(content)
    with pytest.raises(FoolingError, match=r"table\.parquet is not a readable table\n  found: .*CRC"):
        artifacts.read_table(path, TABLE)


def test_a_table_that_claims_to_be_endless_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "table.parquet"
    artifacts.write_table(path, pd.DataFrame({"who": list("abc"), "value": [0.5] * 3, "count": [3] * 3}), TABLE)
    monkeypatch.setattr(artifacts, "MOST_ROWS", 2)
    with pytest.raises(FoolingError, match="3 rows, more than 2"):
        artifacts.read_table(path, TABLE)


def test_of_several_tables_none_is_written_if_one_is_invalid(tmp_path: Path) -> None:
    right = pd.DataFrame({"who": ["a"], "value": [0.5], "count": [3]})
    first, second = tmp_path / "first.csv", tmp_path / "second.parquet"
    with pytest.raises(FoolingError, match=r"the table computed for .*second\.parquet: column count, row 1 has"):
        artifacts.write_tables((first, right, TABLE), (second, right.assign(count=-1), TABLE))
    assert not list(tmp_path.iterdir())
    artifacts.write_tables((first, right, TABLE), (second, right, TABLE))
    pd.testing.assert_frame_equal(artifacts.read_tables([first], TABLE), artifacts.read_tables([second], TABLE))


@pytest.mark.parametrize("rows", [1, 3, 7, 20])
def test_joined_tables_have_the_bytes_of_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    monkeypatch.setattr(registry, "ROW_GROUP", 8)
    names = [f"name {place % 5}" for place in range(20)]
    table = table_of("count", who=TEXT, value=NUMBER.or_nothing, count=COUNT)
    whole = pd.DataFrame({"who": names, "value": [np.nan, *np.arange(1, 20) / 3], "count": np.arange(20)})
    parts = [tmp_path / f"{first}.parquet" for first in range(0, 20, rows)]
    for path in parts:
        artifacts.write_table(path, whole.iloc[int(path.stem) : int(path.stem) + rows], table)
    assert registry.join_tables(parts, tmp_path / "joined.parquet", table) == 20
    options = {"compression": "zstd", "write_page_checksum": True, "row_group_size": 8}
    whole.to_parquet(tmp_path / "whole.parquet", index=False, engine="pyarrow", **options)
    assert (tmp_path / "joined.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()


def test_parts_that_do_not_fit_are_named_and_nothing_is_written(tmp_path: Path) -> None:
    artifacts.write_table(tmp_path / "a.parquet", pd.DataFrame({"who": ["a"], "value": [0.5], "count": [1]}), TABLE)
    pd.DataFrame({"who": ["b"], "value": [1], "count": [1]}).to_parquet(tmp_path / "b.parquet", index=False)
    (tmp_path / "c.parquet").write_bytes(b"nothing")
    for name, found in (("b", "other columns than"), ("c", "not a readable table")):
        with pytest.raises(FoolingError, match=f"{name}.parquet .*{found}"):
            registry.join_tables(
                [tmp_path / "a.parquet", tmp_path / f"{name}.parquet"], tmp_path / "out.parquet", TABLE
            )
    with pytest.raises(FoolingError, match="has no parts"):
        registry.join_tables([], tmp_path / "out.parquet", TABLE)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.parquet", "b.parquet", "c.parquet"]
