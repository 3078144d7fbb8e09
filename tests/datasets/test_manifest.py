import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fooling.artifacts import read_table, sha256_of, write_table
from fooling.datasets.manifest import FORM, manifest_of, picture_paths, require_same_pictures, verified_picture
from fooling.errors import FoolingError


@pytest.fixture
def folder(tmp_path):
    for path in ("cat/tom.png", "cat/kit.JPG", "dog/rex.png"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(path.encode())
    return tmp_path


def test_pictures_are_listed_class_by_class_and_other_files_passed_over(folder):
    for path in ("notes.txt", "cat/notes.txt", "cat/.hidden.png", ".cache"):
        (folder / path).write_text("no picture")
    assert list(picture_paths(folder)) == ["cat/kit.JPG", "cat/tom.png", "dog/rex.png"]


def test_a_manifest_holds_size_and_checksum(folder):
    manifest = manifest_of(folder, list(picture_paths(folder)))
    assert manifest.to_dict("list") == {
        "path": ["cat/kit.JPG", "cat/tom.png", "dog/rex.png"],
        "bytes": [11, 11, 11],
        "sha256": [sha256_of(path) for path in (b"cat/kit.JPG", b"cat/tom.png", b"dog/rex.png")],
    }


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0\r"), min_size=1, max_size=12)


@settings(max_examples=25)
@given(st.lists(NAMES, min_size=1, max_size=5, unique=True))
def test_any_file_name_survives_the_manifest_file(tmp_path_factory, names):
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "NA").mkdir()
    for name in names:
        (folder / "NA" / f"a{name}.png").write_bytes(name.encode())
    paths = list(picture_paths(folder))
    assert sorted(paths) == sorted(f"NA/a{name}.png" for name in names)
    write_table(folder / "manifest.csv", manifest_of(folder, paths))
    manifest = read_table(folder / "manifest.csv", FORM)
    require_same_pictures(folder, paths, manifest)
    for path, sha256 in zip(manifest["path"], manifest["sha256"], strict=True):
        verified_picture(folder, path, size=len(folder.joinpath(path).read_bytes()), sha256=sha256)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FoolingError, match=r"(?s)absent cannot be read.*No such file"):
        list(picture_paths(tmp_path / "absent"))


def test_a_folder_without_classes_is_named(tmp_path):
    (tmp_path / "loose.png").touch()
    with pytest.raises(FoolingError, match="has no subfolders"):
        list(picture_paths(tmp_path))


def test_a_class_without_pictures_is_named(folder):
    (folder / "fox").mkdir()
    with pytest.raises(FoolingError, match="fox holds no pictures"):
        list(picture_paths(folder))


def test_missing_pictures_are_named_with_their_checksums(folder):
    manifest = manifest_of(folder, list(picture_paths(folder)))
    (folder / "cat" / "tom.png").unlink()
    with pytest.raises(FoolingError) as caught:
        require_same_pictures(folder, list(picture_paths(folder)), manifest)
    assert "lacks 1 of the 3 pictures" in str(caught.value)
    assert f"cat/tom.png, SHA-256 {sha256_of(b'cat/tom.png')}" in str(caught.value)


def test_many_unknown_pictures_are_counted_and_some_named(folder):
    manifest = manifest_of(folder, list(picture_paths(folder)))
    for number in range(8):
        (folder / "dog" / f"new{number}.png").touch()
    with pytest.raises(FoolingError, match=r"(?s)holds 8 pictures.*dog/new4\.png\n.*and 3 more"):
        require_same_pictures(folder, list(picture_paths(folder)), manifest)


def test_a_manifest_cannot_reach_out_of_the_folder(folder):
    manifest = manifest_of(folder, list(picture_paths(folder)))
    manifest.loc[0, "path"] = "../../secret.png"
    with pytest.raises(FoolingError, match="lacks 1 of the 3"):
        require_same_pictures(folder, list(picture_paths(folder)), manifest)


def test_a_changed_picture_is_named_with_both_checksums(folder):
    expected = sha256_of(b"dog/rex.png")
    assert verified_picture(folder, "dog/rex.png", size=11, sha256=expected) == b"dog/rex.png"
    (folder / "dog" / "rex.png").write_bytes(b"dog/rex")
    with pytest.raises(FoolingError) as caught:
        verified_picture(folder, "dog/rex.png", size=11, sha256=expected)
    assert f"found: SHA-256 {sha256_of(b'dog/rex')} (7 bytes)" in str(caught.value)
    assert f"expected: SHA-256 {expected}" in str(caught.value)
    assert "to mend it: restore the picture" in str(caught.value)
