import gzip
import io
import tarfile

import pytest

from datasets.conftest import packed
from fooling.datasets import npm
from fooling.datasets.npm import NpmPackage, packed_files
from fooling.errors import FoolingError

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
    monkeypatch.setattr(npm, "EXCESS", 20_000)
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
    monkeypatch.setattr(npm, "TIMEOUT", 0.2)
    with pytest.raises(FoolingError, match=r"within 0\.2 s"):
        _ = NpmPackage("made-up@1.0.0", sizes=SIZES).files
