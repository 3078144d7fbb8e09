import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fooling.artifacts import read_table, sha256_of, write_table
from fooling.datasets.manifest import MANIFEST, manifest_of, picture_paths, require_same_pictures, require_unchanged
from fooling.datasets.sources import PictureFolder
from fooling.errors import FoolingError


@pytest.fixture
def folder(tmp_path):
    for path in ("cat/tom.png", "cat/kit.JPG", "dog/rex.png"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(path.encode())
    return tmp_path


def listed(folder):
    return manifest_of(PictureFolder(folder, list(picture_paths(folder))))


def test_pictures_are_listed_class_by_class_and_other_files_skipped_files(folder):
    for path in ("notes.txt", "cat/notes.txt", "cat/.hidden.png", ".cache"):
        (folder / path).write_text("no picture")
    assert list(picture_paths(folder)) == ["cat/kit.JPG", "cat/tom.png", "dog/rex.png"]


def test_a_manifest_holds_size_and_checksum(folder):
    manifest = listed(folder)
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
    write_table(folder / "manifest.csv", listed(folder), MANIFEST)
    manifest = read_table(folder / "manifest.csv", MANIFEST)
    require_same_pictures(folder, paths, manifest)
    for path, size, sha256 in manifest.itertuples(index=False):
        require_unchanged(folder.joinpath(path).read_bytes(), size=size, sha256=sha256, source=folder / path)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FoolingError, match=r"(?s)absent cannot be read.*No such file"):
        list(picture_paths(tmp_path / "absent"))


def test_a_folder_without_classes_is_named(tmp_path):
    (tmp_path / "loose.png").touch()
    with pytest.raises(FoolingError, match="has no subfolders"):
        list(picture_paths(tmp_path))


def test_a_class_without_pictures_is_named(folder):
    (folder / "fox" / "sub").mkdir(parents=True)
    with pytest.raises(FoolingError, match="fox has no pictures\n  found: no files"):
        list(picture_paths(folder))
    for name in ("a.avif", "b.AVIF", "c.svg"):
        (folder / "fox" / name).touch()
    with pytest.raises(
        FoolingError, match=r"fox has no pictures\n  found: 2 \.avif, 1 \.svg\n  expected: files ending"
    ):
        list(picture_paths(folder))


def test_missing_pictures_are_named_with_their_checksums(folder):
    manifest = listed(folder)
    (folder / "cat" / "tom.png").unlink()
    with pytest.raises(FoolingError) as caught:
        require_same_pictures(folder, list(picture_paths(folder)), manifest)
    assert "lacks 1 of the 3 pictures" in str(caught.value)
    assert f"cat/tom.png, SHA-256 {sha256_of(b'cat/tom.png')}" in str(caught.value)


def test_many_unknown_pictures_are_counted_and_some_named(folder):
    manifest = listed(folder)
    for number in range(8):
        (folder / "dog" / f"new{number}.png").touch()
    with pytest.raises(FoolingError, match=r"(?s)has 8 pictures.*dog/new4\.png\n.*and 3 more"):
        require_same_pictures(folder, list(picture_paths(folder)), manifest)


def test_a_manifest_cannot_reach_out_of_the_folder(folder):
    manifest = listed(folder)
    manifest.loc[0, "path"] = "../../secret.png"
    with pytest.raises(FoolingError, match="lacks 1 of the 3"):
        require_same_pictures(folder, list(picture_paths(folder)), manifest)


def test_a_changed_picture_is_named_with_both_checksums(folder):
    expected, picture = sha256_of(b"dog/rex.png"), folder / "dog" / "rex.png"
    require_unchanged(b"dog/rex.png", size=11, sha256=expected, source=picture)
    with pytest.raises(FoolingError) as caught:
        require_unchanged(b"dog/rex", size=11, sha256=expected, source=picture)
    assert f"{picture} differs from the manifest" in str(caught.value)
    assert f"found: SHA-256 {sha256_of(b'dog/rex')} (7 bytes)" in str(caught.value)
    assert f"expected: SHA-256 {expected} (11 bytes)" in str(caught.value)
    assert "to fix it: restore the picture" in str(caught.value)


def test_any_number_of_threads_makes_the_same_manifest(folder):
    source = PictureFolder(folder, list(picture_paths(folder)))
    calls = []
    manifest = manifest_of(source, threads=5, after_picture=lambda: calls.append(1))
    assert manifest.equals(listed(folder))
    assert len(calls) == 3
