import io

import numpy as np
import pytest
from PIL import Image

from fooling.cli.data_sets import fetch_folder, list_folder
from fooling.datasets.dataset import load_dataset
from fooling.datasets.folder import FolderSettings, class_named, folder_source, make_folder
from fooling.datasets.pictures import manifest_of
from fooling.messages import FoolingError

COLOURS = {"blue": (0, 0, 255), "red": (255, 0, 0)}


def encoded(picture: Image.Image, ending: str = "png", **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format={"jpg": "jpeg"}.get(ending, ending), **options)
    return buffer.getvalue()


def fill(folder, *, count: int) -> None:
    """``count`` pictures of slightly different sizes for each of two classes."""
    for name, colour in COLOURS.items():
        (folder / name).mkdir(parents=True)
        for number in range(count):
            picture = Image.new("RGB", (20 + number, 30), colour)
            (folder / name / f"{number:02}.png").write_bytes(encoded(picture))


@pytest.fixture
def flat(tmp_path):
    fill(tmp_path / "pictures", count=10)
    return FolderSettings(path=tmp_path / "pictures", size=16, test_fraction=0.2)


@pytest.fixture
def divided(tmp_path):
    fill(tmp_path / "pictures" / "train", count=4)
    fill(tmp_path / "pictures" / "val", count=2)
    return FolderSettings(path=tmp_path / "pictures", size=16, test_fraction=None)


def listed(settings):
    return manifest_of(folder_source(settings))


def made(settings):
    return make_folder(settings, name="mine", manifest=listed(settings))


def test_subfolders_are_classes_and_the_seed_draws_the_test_set(flat):
    dataset = made(flat)
    assert dataset.class_names == ("blue", "red")
    assert dataset.summary == "16 training and 4 test images, RGB 16x16, 2 classes"
    np.testing.assert_array_equal(np.bincount(dataset.test_labels), [2, 2])
    for images, labels in ((dataset.train_images, dataset.train_labels), (dataset.test_images, dataset.test_labels)):
        for image, label in zip(images, labels, strict=True):
            np.testing.assert_array_equal(image[:, 3, 5], COLOURS[dataset.class_names[label]])


def test_a_training_and_a_test_folder_are_kept_apart(divided):
    dataset = made(divided)
    assert dataset.summary == "8 training and 4 test images, RGB 16x16, 2 classes"
    np.testing.assert_array_equal(dataset.test_labels, [0, 0, 1, 1])


@pytest.mark.parametrize("part", ["flat", "divided"])
def test_a_class_list_decides_the_order_of_the_classes(part, request, tmp_path):
    settings = request.getfixturevalue(part)
    (tmp_path / "classes.csv").write_text("index,name\n1,blue\n0,red\n")
    dataset = made(settings.model_copy(update={"class_list": tmp_path / "classes.csv"}))
    assert dataset.class_names == ("red", "blue")
    for image, label in zip(dataset.test_images, dataset.test_labels, strict=True):
        np.testing.assert_array_equal(image[:, 3, 5], COLOURS[dataset.class_names[label]])
    assert made(settings).class_names == ("blue", "red")


def test_folders_that_are_not_in_the_class_list_are_named(flat, tmp_path):
    (tmp_path / "classes.txt").write_text("red\ngreen\nyellow\n")
    settings = flat.model_copy(update={"class_list": tmp_path / "classes.txt"})
    with pytest.raises(FoolingError, match=r"(?s)not in the list: blue.*no folder: green\n *yellow") as refused:
        listed(settings)
    assert "rename the folders, or correct the list" in str(refused.value)


def test_a_class_list_is_found_in_the_mirror_and_must_be_there(flat, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    given = {"settings": '{"path": "pictures", "size": 16, "class_list": "classes.txt"}', "mirror": tmp_path}
    with pytest.raises(FoolingError, match=r"classes\.txt does not exist"):
        list_folder(**given, output=tmp_path / "manifest.csv")
    (tmp_path / "classes.txt").write_text("red\nblue\n")
    list_folder(**given, output=tmp_path / "manifest.csv")
    fetch_folder(**given, manifest=tmp_path / "manifest.csv", output=tmp_path / "mine.safetensors", name="mine")
    assert load_dataset(tmp_path / "mine.safetensors").class_names == ("red", "blue")


def test_the_same_pictures_elsewhere_make_the_same_data_set(flat, tmp_path):
    dataset = made(flat)
    flat.path.rename(tmp_path / "moved")
    moved = made(flat.model_copy(update={"path": tmp_path / "moved"}))
    np.testing.assert_array_equal(moved.train_images, dataset.train_images)
    assert moved.provenance == dataset.provenance


def test_every_picture_is_reported(flat):
    calls = []
    make_folder(flat, name="mine", manifest=listed(flat), after_picture=lambda: calls.append(1))
    assert len(calls) == 20


def test_grey_images_have_one_channel(flat):
    dataset = made(flat.model_copy(update={"colour": "grey"}))
    assert dataset.image_shape == (1, 16, 16)


def test_the_commands_leave_the_pictures_where_they_are(flat, tmp_path):
    before = {path: path.stat().st_mtime_ns for path in flat.path.rglob("*")}
    settings = flat.model_dump_json()
    list_folder(settings=settings, output=tmp_path / "manifest.csv")
    output = tmp_path / "mine.safetensors"
    fetch_folder(settings=settings, manifest=tmp_path / "manifest.csv", output=output, name="mine")
    assert load_dataset(output).class_names == ("blue", "red")
    assert {path: path.stat().st_mtime_ns for path in flat.path.rglob("*")} == before


def test_files_skipped_files_are_said(flat, tmp_path, capsys):
    list_folder(settings=flat.model_dump_json(), output=tmp_path / "manifest.csv")
    assert "passed over" not in capsys.readouterr().err
    for name in ("red/1.avif", "blue/2.svg", "red/3.avif"):
        (flat.path / name).touch()
    list_folder(settings=flat.model_dump_json(), output=tmp_path / "manifest.csv")
    assert (
        "\n3 files ignored, because their endings are not those of pictures: 2 .avif, 1 .svg\n"
        in capsys.readouterr().err
    )


def test_a_folder_that_is_not_here_is_found_in_the_mirror(flat, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    given = {"settings": '{"path": "pictures", "size": 16}', "mirror": tmp_path, "threads": 3}
    list_folder(**given, output=tmp_path / "manifest.csv")
    fetch_folder(**given, manifest=tmp_path / "manifest.csv", output=tmp_path / "mine.safetensors", name="mine")
    np.testing.assert_array_equal(load_dataset(tmp_path / "mine.safetensors").test_images, made(flat).test_images)


def test_nothing_is_written_when_a_picture_has_changed(flat, tmp_path):
    list_folder(settings=flat.model_dump_json(), output=tmp_path / "manifest.csv")
    changed = flat.path / "red" / "03.png"
    changed.write_bytes(changed.read_bytes()[:-9])
    output = tmp_path / "results" / "mine.safetensors"
    with pytest.raises(FoolingError, match=r"red/03\.png differs from the manifest"):
        fetch_folder(settings=flat.model_dump_json(), manifest=tmp_path / "manifest.csv", output=output, name="mine")
    assert not output.parent.exists()


def test_a_manifest_that_is_none_is_named(flat, tmp_path):
    (tmp_path / "manifest.csv").write_text("a,b\n1,2\n")
    with pytest.raises(FoolingError, match=r"manifest\.csv lacks path, bytes, sha256"):
        fetch_folder(
            settings=flat.model_dump_json(),
            manifest=tmp_path / "manifest.csv",
            output=tmp_path / "mine.safetensors",
            name="mine",
        )


@pytest.mark.parametrize("content", [b"", b"no picture at all", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_picture_is_named(flat, content):
    (flat.path / "red" / "03.png").write_bytes(content)
    with pytest.raises(FoolingError, match=r"red/03\.png cannot be read as a picture"):
        made(flat)


def test_parts_with_different_classes_are_refused(divided):
    (divided.path / "val" / "red").rename(divided.path / "val" / "green")
    with pytest.raises(FoolingError, match="only in one of them: green, red"):
        made(divided)


def test_a_folder_without_a_test_part_is_told_how_to_split(flat):
    with pytest.raises(FoolingError, match=r"not divided.*(?s:.*)set test_fraction"):
        made(flat.model_copy(update={"test_fraction": None}))


def test_a_divided_folder_is_told_how_to_say_so(divided):
    with pytest.raises(FoolingError, match=r"(?s)train has no pictures.*test_fraction: null"):
        made(divided.model_copy(update={"test_fraction": 0.2}))


def test_too_few_pictures_cannot_be_split(tmp_path):
    fill(tmp_path / "pictures", count=1)
    with pytest.raises(FoolingError, match="too few pictures"):
        made(FolderSettings(path=tmp_path / "pictures"))


@pytest.mark.parametrize("part", ["flat", "divided"])
def test_pictures_of_one_class_are_refused_before_they_are_listed(part, request, tmp_path):
    settings = request.getfixturevalue(part)
    for folder in sorted(settings.path.rglob("red")):
        folder.rename(tmp_path / f"red of {folder.parent.name}")
    with pytest.raises(FoolingError, match=r"pictures has too few classes for a classifier\n  found: blue\n"):
        listed(settings)


@pytest.mark.parametrize(
    ("text", "names", "index"),
    [
        ("safe", ("nsfw", "safe"), 1),
        ("1", ("nsfw", "safe"), 1),
        ("2", ("nsfw", "safe"), None),
        ("07", tuple("0123456789"), 7),
        ("7", tuple("9876543210"), 2),  # the name, not the index
        ("07", tuple("9876543210"), None),  # the names are other numbers, so that an index would be ambiguous
        ("tench-tinca-tinca", ("goldfish", "tench, Tinca tinca"), 1),
        ("0001-tench", ("goldfish", "tench, Tinca tinca"), 1),
        ("0000-tench", ("goldfish", "tench, Tinca tinca"), None),
        ("A-B", ("a b", "a/b"), None),
        ("猫", ("犬", "猫"), 1),
        ("-", ("?", "!"), None),
    ],
)
def test_a_folder_names_a_class_by_its_name_or_its_index(text, names, index):
    assert class_named(text, names) == index
