import gzip
import io
import os
import subprocess
import sys
import tarfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooling.datasets import sources
from fooling.datasets.pictures import picture_paths
from fooling.datasets.sources import PictureFolder, PictureTar, map_pictures, pictures_below
from fooling.messages import FoolingError

CONTENTS = {f"{name}/{number}.png": f"{name} {number}".encode() * 400 for name in ("cat", "dog") for number in range(3)}


def packed(contents, *, links=(), mode="w") -> bytes:
    """A tar file of these contents by path, and of symbolic or hard links (path, target, kind)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for path, content in contents.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for path, target, kind in links:
            member = tarfile.TarInfo(path)
            member.type, member.linkname = kind, target
            archive.addfile(member)
    return buffer.getvalue()


def put(folder, content: bytes) -> PictureTar:
    path = folder / "pictures.tar"
    path.write_bytes(content)
    return PictureTar(path)


def read(source, **options):
    return {path: content() for path, content in source.pictures(**{"check": lambda paths: None} | options)}


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_a_tar_file_holds_what_a_folder_holds(tmp_path, mode):
    for path, content in CONTENTS.items():
        (tmp_path / "folder" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "folder" / path).write_bytes(content)
    folder = PictureFolder(tmp_path / "folder", list(pictures_below(tmp_path / "folder")))
    seen = []
    assert read(put(tmp_path, packed(CONTENTS, mode=mode)), check=seen.append) == read(folder, check=seen.append)
    assert seen == [list(CONTENTS)] * 2


def test_only_what_is_wanted_is_read_and_all_is_checked(tmp_path):
    seen = []
    found = read(put(tmp_path, packed(CONTENTS)), wanted={"dog/1.png"}.__contains__, check=seen.append)
    assert found == {"dog/1.png": CONTENTS["dog/1.png"]}
    assert seen == [sorted(CONTENTS)]


@pytest.mark.parametrize("kind", ["folder", "tar"])
def test_files_that_are_no_pictures_are_counted(tmp_path, kind):
    others = [
        "cat/1.avif",
        "dog/2.AVIF",
        "dog/3.svg",
        "readme",
        "cat/deeper/4.gz",
        ".hidden",
        "cat/._1",
        ".cache/5.svg",
    ]
    contents = CONTENTS | dict.fromkeys(others, b"")
    for path, content in contents.items():
        (tmp_path / "folder" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "folder" / path).write_bytes(content)
    folder = PictureFolder(tmp_path / "folder", list(pictures_below(tmp_path / "folder")))
    source = folder if kind == "folder" else put(tmp_path, packed(contents))
    for _ in range(2):
        read(source)
        assert source.skipped_files() == {".avif": 2, ".svg": 1, ".gz": 1, "without an extension": 1}
    assert sources.format_counts(source.skipped_files()) == "2 .avif, 1 .gz, 1 .svg, 1 without an extension"


def test_pictures_that_no_class_holds_are_counted(tmp_path):
    (tmp_path / "cat" / "deeper").mkdir(parents=True)
    for path in ("cat/1.png", "loose.png", "cat/deeper/2.png"):
        (tmp_path / path).touch()
    assert PictureFolder(tmp_path, list(picture_paths(tmp_path))).skipped_files() == {".png": 2}


def test_folders_that_link_to_themselves_end(tmp_path):
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "again").symlink_to(tmp_path)
    (tmp_path / "cat" / "1.png").touch()
    assert PictureFolder(tmp_path, list(picture_paths(tmp_path))).skipped_files()[".png"] >= 1


def test_of_many_endings_the_most_frequent_are_named():
    assert sources.format_counts(Counter("aabbbcdefg")) == "3 b, 2 a, 1 c, 1 d, 1 e, 2 others"


@pytest.mark.parametrize("kind", sources.NAMES)
def test_a_name_that_unfolds_to_gigabytes_is_refused(tmp_path, kind):
    """The file ends before the name does: whoever reads all of it finds another mistake."""
    member = tarfile.TarInfo("long")
    member.type, member.size = kind, 3 * 2**30
    path = tmp_path / "pictures.tar.gz"
    path.write_bytes(gzip.compress(member.tobuf(tarfile.GNU_FORMAT) + b"a" * 2**20))
    with pytest.raises(
        FoolingError, match=r"pictures\.tar\.gz is truncated or not a tar file\n.*takes 3,221,225,472 bytes"
    ):
        read(PictureTar(path))


def test_long_names_are_read(tmp_path):
    contents = {f"{'cat' * 60}/{'long' * 40}.png": b"content"}
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        with tarfile.open(tmp_path / "pictures.tar", "w", format=form) as archive:
            for path in contents:
                member = tarfile.TarInfo(path)
                member.size = 7
                archive.addfile(member, io.BytesIO(b"content"))
        assert read(PictureTar(tmp_path / "pictures.tar")) == contents


def test_paths_are_brought_to_one_form_and_other_files_skipped_files(tmp_path):
    others = {"./cat/notes.txt": b"", "cat/._1.png": b"", ".cache/1.png": b"", "readme": b""}
    contents = {f"./{path}": content for path, content in CONTENTS.items()} | others
    assert read(put(tmp_path, packed(contents))) == CONTENTS


@pytest.mark.parametrize("path", ["../cat.png", "cat/../../etc/hostname", "/etc/cat.png", "cat/../1.png"])
def test_a_path_that_leads_out_of_the_tar_file_is_refused(tmp_path, path):
    with pytest.raises(FoolingError, match=r"(?s)pictures\.tar has a path out of itself.*found: .*cat"):
        read(put(tmp_path, packed({path: b"secret"})))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_a_link_in_a_tar_file_is_refused(tmp_path, kind):
    content = packed(CONTENTS, links=[("dog/9.png", "/etc/hostname", kind)])
    with pytest.raises(
        FoolingError, match=r"(?s)dog/9\.png is not a regular file.*a link to /etc/hostname.*dereference"
    ):
        read(put(tmp_path, content))


def test_a_device_in_a_tar_file_is_refused(tmp_path):
    with pytest.raises(FoolingError, match=r"(?s)dog/9\.png is not a regular file.*another kind of entry"):
        read(put(tmp_path, packed(CONTENTS, links=[("dog/9.png", "", tarfile.CHRTYPE)])))


def test_a_picture_that_stands_there_twice_is_refused(tmp_path):
    with pytest.raises(FoolingError, match=r"contains cat/1\.png twice"):
        read(put(tmp_path, packed(CONTENTS | {"./cat/1.png": b"again"})))


@pytest.mark.parametrize("mode", ["w", "w:gz"])
@given(data=st.data())
def test_a_tar_file_that_is_cut_short_anywhere_is_told(tmp_path_factory, mode, data):
    content = packed(CONTENTS, mode=mode)
    # A tar file ends with two empty blocks and padding; with the first of them nothing is lost.
    whole = 512 + sum(512 + -(-len(one) // 512) * 512 for one in CONTENTS.values())
    length = data.draw(st.integers(0, (len(content) if mode == "w:gz" else whole) - 1))
    source = put(tmp_path_factory.mktemp("cut"), content[:length])
    with pytest.raises(FoolingError, match=r"pictures\.tar is truncated or not a tar file"):
        read(source)


def test_a_damaged_head_in_the_middle_is_told(tmp_path):
    content = bytearray(packed(CONTENTS))
    second = content.index(b"cat/1.png")
    content[second + 150] ^= 1  # in its checksum
    with pytest.raises(FoolingError, match=r"(?s)truncated or not a tar file.*bad checksum"):
        read(put(tmp_path, bytes(content)))


def test_a_damaged_end_of_a_gzip_file_is_told(tmp_path):
    content = gzip.compress(packed(CONTENTS))
    with pytest.raises(FoolingError, match=r"(?s)truncated or not a tar file.*CRC"):
        read(put(tmp_path, content[:-8] + b"\0" * 4 + content[-4:]))


@pytest.mark.parametrize(
    "content", [b"", b"no tar file", b"\x1f\x8b", gzip.compress(b"no tar file", mtime=0), bytes(100)]
)
def test_what_is_no_tar_file_is_told(tmp_path, content):
    with pytest.raises(FoolingError, match="is truncated or not a tar file"):
        read(put(tmp_path, content))


@pytest.mark.parametrize("as_tar", [True, False])
def test_a_picture_of_absurd_length_is_refused(tmp_path, monkeypatch, as_tar):
    monkeypatch.setattr(sources, "MOST_BYTES", 1000)
    (tmp_path / "long.png").write_bytes(bytes(1001))
    folder = PictureFolder(tmp_path, ["long.png"])
    with pytest.raises(FoolingError, match=r"long\.png is too large"):
        read(put(tmp_path, packed({"long.png": bytes(1001)})) if as_tar else folder)


def test_pictures_are_found_some_levels_down(tmp_path):
    for path in ("a.PNG", "b/c.jpeg", "b/d/e/f.png", "b/d/e/g/too_deep.png", ".h/i.png", "b/.j.png", "b/k.txt"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    assert list(pictures_below(tmp_path)) == ["a.PNG", "b/c.jpeg", "b/d/e/f.png"]


def test_what_is_no_folder_is_told(tmp_path):
    with pytest.raises(FoolingError, match=r"(?s)absent cannot be read.*No such file"):
        list(pictures_below(tmp_path / "absent"))


@given(count=st.integers(0, 40), threads=st.integers(1, 6))
def test_work_comes_back_in_order_and_little_of_it_waits(count, threads):
    handed_out, taken_back = [], []

    def pictures():
        for number in range(count):
            handed_out.append(number)
            assert len(handed_out) - len(taken_back) <= sources.AHEAD * threads
            yield str(number), lambda number=number: bytes([number])

    for path, done in map_pictures(pictures(), lambda path, content: (path, content), threads=threads):
        taken_back.append(path)
        assert done == (path, bytes([int(path)]))
    assert taken_back == [str(number) for number in range(count)]


def test_what_fails_stops_the_work():
    begun = []

    def work(path, content):
        begun.append(path)
        raise FoolingError(f"{path} is broken")

    pictures = ((str(number), bytes) for number in range(1000))
    with pytest.raises(FoolingError, match="0 is broken"):
        list(map_pictures(pictures, work, threads=2))
    assert len(begun) <= 2 * sources.AHEAD


def test_a_name_in_utf8_is_not_blamed_where_python_reads_names_as_ascii(tmp_path: Path) -> None:
    (tmp_path / "Käse.png").touch()
    code = (
        "import sys; from pathlib import Path; from fooling.datasets.sources import pictures_below;"
        "print(*pictures_below(Path(sys.argv[1])))"
    )
    variables = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=variables, capture_output=True, text=True)
    assert "Python reads file names as ascii here" in done.stderr
    assert "set it to 1" in done.stderr
