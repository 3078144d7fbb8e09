"""The pack of records: nothing is lost in it, and nothing in it reaches beyond the results and logs."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooling.messages import FoolingError
from sharing import provenance
from sharing.records import record_path, recorded

PACK = Path("results/study/provenance.json.gz")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two results, their records and logs."""
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        result, log = Path(f"results/study/{name}.csv"), Path(f"logs/study/{name}.log")
        for path in (result, log, log.with_suffix(".tsv")):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{path}")
        record(result, {"rule": name, "log": [str(log)]})
    return tmp_path


def record(result: Path, content: dict[str, object]) -> None:
    path = record_path(str(result))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def packed(*names: str) -> None:
    PACK.write_bytes(provenance.pack([Path(f"results/study/{name}.csv") for name in names]))


def forget() -> None:
    for name in ("a", "b"):
        record_path(f"results/study/{name}.csv").unlink()
        Path(f"logs/study/{name}.log").unlink()


def rules() -> dict[str, str | None]:
    found = {name: recorded(Path(f"results/study/{name}.csv")) for name in ("a", "b")}
    return {name: None if content is None else content["rule"] for name, content in found.items()}


def test_packed_records_and_logs_are_imported_once(folder: Path) -> None:
    packed("a", "b")
    forget()
    assert provenance.import_records(PACK) == 2
    assert rules() == {"a": "a", "b": "b"}
    assert Path("logs/study/a.log").read_text() == "logs/study/a.log"
    assert provenance.import_records(PACK) == 0


def test_files_of_a_folder_have_the_record_of_the_folder(folder: Path) -> None:
    for name in ("one", "two"):
        Path(f"results/study/pictures/{name}.png").parent.mkdir(exist_ok=True)
        Path(f"results/study/pictures/{name}.png").write_text(name)
    files = sorted(Path("results/study/pictures").iterdir())
    record(Path("results/study/pictures"), {"rule": "paint"})
    PACK.write_bytes(provenance.pack(files))
    record_path("results/study/pictures").unlink()
    assert provenance.import_records(PACK) == 2
    assert [(recorded(path) or {})["rule"] for path in files] == ["paint", "paint"]


def test_the_same_records_give_the_same_bytes(folder: Path) -> None:
    results = [Path("results/study/a.csv"), Path("results/study/b.csv")]
    assert provenance.pack(results) == provenance.pack(results[::-1])


def test_the_record_of_another_version_of_a_file_is_left(folder: Path) -> None:
    packed("a", "b")
    Path("results/study/a.csv").write_text("made here since")
    record(Path("results/study/a.csv"), {"rule": "newer"})
    assert provenance.import_records(PACK) == 1
    assert rules() == {"a": "newer", "b": "b"}


def test_a_file_that_comes_later_gets_its_record_then(folder: Path) -> None:
    packed("a", "b")
    forget()
    text = Path("results/study/b.csv").read_text()
    Path("results/study/b.csv").unlink()
    assert provenance.import_records(PACK) == 1
    assert rules() == {"a": "a", "b": None}
    Path("results/study/b.csv").write_text(text)
    assert provenance.import_records(PACK) == 1
    assert rules() == {"a": "a", "b": "b"}


def test_results_without_a_record_are_named(folder: Path) -> None:
    record_path("results/study/b.csv").write_text('{"rule": ')  # Snakemake was killed while it wrote
    with pytest.raises(FoolingError, match=r"results/study/b\.csv"):
        packed("a", "b")


@pytest.mark.parametrize(
    "path", ["../outside.csv", "/etc/passwd", "results/../../outside", "src/fooling/messages.py", ""]
)
@pytest.mark.parametrize("part", ["results", "logs"])
def test_no_path_of_a_pack_leaves_its_folders(folder: Path, path: str, part: str) -> None:
    packed("a")
    content = json.loads(gzip.decompress(PACK.read_bytes()))
    content[part][path] = next(iter(content[part].values()))
    PACK.write_bytes(gzip.compress(json.dumps(content).encode()))
    before = sorted(folder.rglob("*"))
    with pytest.raises(FoolingError, match=r"provenance\.json\.gz"):
        provenance.import_records(PACK)
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize(
    "wrong",
    [{"log": 5}, {"log": [5]}, {"input": 7}, {"params": "x"}, {"starttime": "noon"}, {"input_checksums": []}],
    ids=str,
)
def test_a_record_that_snakemake_could_not_read_is_refused(folder: Path, wrong: dict[str, object]) -> None:
    packed("a", "b")
    content = json.loads(gzip.decompress(PACK.read_bytes()))
    content["results"]["results/study/b.csv"]["record"] |= wrong
    PACK.write_bytes(gzip.compress(json.dumps(content).encode()))
    forget()
    with pytest.raises(FoolingError, match=r"provenance\.json\.gz(.|\n)*results\.results/study/b\.csv\.record"):
        provenance.import_records(PACK)
    assert rules() == {"a": None, "b": None}
    record(Path("results/study/b.csv"), wrong)
    with pytest.raises(FoolingError, match=r"no metadata record(.|\n)*results/study/b\.csv"):
        provenance.pack([Path("results/study/b.csv")])


@pytest.mark.parametrize("log", ["", ".", "..", "logs", "logs/..", "/etc/hostname", "../secret", "results/\0", "src/x"])
def test_no_log_of_a_record_leads_elsewhere(folder: Path, log: str) -> None:
    Path("src").mkdir()
    for secret in (Path("src/x"), Path("..", "secret")):
        secret.write_text("secret")
    record(Path("results/study/a.csv"), {"rule": "a", "log": [log]})
    packed("a")
    assert json.loads(gzip.decompress(PACK.read_bytes()))["logs"] == {}
    record_path("results/study/a.csv").unlink()
    assert provenance.import_records(PACK) == 1


def test_a_pack_of_gigabytes_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the first bytes are uncompressed; a pack that would be refused is never written."""
    uncompressed = 0

    class Counted(gzip.GzipFile):
        def read(self, size: int | None = -1) -> bytes:
            nonlocal uncompressed
            content = super().read(size)
            uncompressed += len(content)
            return content

    packed("a", "b")
    text = json.dumps({"version": 1, "results": {}, "logs": {"logs/a.log": "0" * 10_000_000}})
    PACK.write_bytes(gzip.compress(text.encode()))
    monkeypatch.setattr(provenance, "MOST_BYTES", 100)
    monkeypatch.setattr(gzip, "GzipFile", Counted)
    with pytest.raises(FoolingError, match="more than 100 bytes when uncompressed"):
        provenance.import_records(PACK)
    assert uncompressed == 101
    with pytest.raises(FoolingError, match="too long for one pack"):
        packed("a", "b")


def test_a_log_in_a_pack_replaces_no_result(folder: Path) -> None:
    packed("a")
    content = json.loads(gzip.decompress(PACK.read_bytes()))
    content["results"]["results/study/a.csv"]["record"]["log"] = ["results/study/b.csv"]
    content["logs"]["results/study/b.csv"] = "not what was found"
    PACK.write_bytes(gzip.compress(json.dumps(content).encode()))
    with pytest.raises(FoolingError, match=r"paths below logs/, not 'results/study/b\.csv'"):
        provenance.import_records(PACK)
    assert Path("results/study/b.csv").read_text() == "results/study/b.csv"


@pytest.mark.parametrize("other", ["results/study/b.csv", "results/other", "results", "", "results/study/..", "logs"])
def test_the_folder_of_a_result_is_one_that_holds_it(folder: Path, other: str) -> None:
    packed("a")
    content = json.loads(gzip.decompress(PACK.read_bytes()))
    content["results"]["results/study/a.csv"]["folder"] = other
    PACK.write_bytes(gzip.compress(json.dumps(content).encode()))
    before = recorded("results/study/b.csv")
    with pytest.raises(FoolingError, match=r"a folder in which 'results/study/a\.csv' lies"):
        provenance.import_records(PACK)
    assert recorded("results/study/b.csv") == before


@given(damage=st.binary(max_size=60), position=st.integers(0, 400))
def test_a_damaged_pack_is_refused_or_harmless(damage: bytes, position: int, tmp_path_factory) -> None:
    path = tmp_path_factory.mktemp("pack") / "provenance.json.gz"
    whole = gzip.compress(json.dumps({"version": 1, "results": {}, "logs": {"logs/a.log": "text"}}).encode())
    path.write_bytes(whole[:position] + damage + whole[position + len(damage) :])
    try:
        assert provenance.unpacked(path.read_bytes(), source=path).logs == {"logs/a.log": "text"}
    except FoolingError as error:
        assert str(path) in str(error)
