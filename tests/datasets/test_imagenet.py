import io
import json
import tarfile

import numpy as np
import pytest
from PIL import Image

from fooling.artifacts import read_table
from fooling.cli.data_sets import fetch_imagenet, list_imagenet
from fooling.datasets.dataset import load_dataset
from fooling.datasets.imagenet import ImagenetSettings, imagenet_manifest, imagenet_source, kept_pictures, make_imagenet
from fooling.datasets.imagenet_classes import ClassList
from fooling.datasets.pictures import MANIFEST
from fooling.messages import FoolingError

WNIDS = ("n01440764", "n02099601", "n03028079")
CLASSES = ClassList(wnids=WNIDS, names=("tench", "golden retriever", "church"))
LIST = 'index,wnid,name\n0,n01440764,"tench, Tinca tinca"\n1,n02099601,golden retriever\n2,n03028079,church\n'


def fill(folder, *, count, wnids=WNIDS) -> None:
    """``count`` pictures for each of these classes; of the class ``k`` and number ``i`` all pixels are ``10 k + i``."""
    for wnid in wnids:
        (folder / wnid).mkdir(parents=True)
        for number in range(count):
            buffer = io.BytesIO()
            Image.new("RGB", (24, 20), (10 * WNIDS.index(wnid) + number,) * 3).save(buffer, format="png")
            (folder / wnid / f"{wnid}_{number}.JPEG").write_bytes(buffer.getvalue())


@pytest.fixture
def divided(tmp_path):
    fill(tmp_path / "pictures" / "train", count=5)
    fill(tmp_path / "pictures" / "val", count=2)
    return ImagenetSettings(path=tmp_path / "pictures", size=16)


@pytest.fixture
def flat(tmp_path):
    fill(tmp_path / "pictures", count=3, wnids=(WNIDS[0], WNIDS[2]))
    return ImagenetSettings(path=tmp_path / "pictures", size=16, train_pictures=0)


def changed(settings, **changes):
    return ImagenetSettings.model_validate(settings.model_dump() | changes)


def made(settings, *, threads=1, classes=CLASSES):
    source = imagenet_source(settings)
    manifest = imagenet_manifest(settings, source, classes=classes, threads=threads)
    kept = kept_pictures(settings, manifest, classes)
    return make_imagenet(settings, source, name="mine", manifest=manifest, kept=kept, threads=threads)


def refusal(settings) -> str:
    with pytest.raises(FoolingError) as refused:
        made(settings)
    return str(refused.value)


def in_tar(settings, mode="w:gz"):
    """The same pictures packed, and the settings that name the tar file."""
    path = settings.path.parent / "pictures.tar"
    with tarfile.open(path, mode) as archive:
        archive.add(settings.path, arcname=".")
    return changed(settings, path=path)


def test_two_parts_are_training_and_test(divided):
    dataset = made(divided)
    assert dataset.class_names == ("tench", "golden retriever", "church")
    assert dataset.summary == "15 training and 6 test images, RGB 16x16, 3 classes"
    assert dataset.train_images[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 4, 10, 11, 12, 13, 14, 20, 21, 22, 23, 24]
    assert dataset.train_labels.tolist() == [0] * 5 + [1] * 5 + [2] * 5
    assert dataset.test_labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert dataset.provenance["wnids"] == list(WNIDS)


def test_classes_alone_are_only_tested_on(flat):
    dataset = made(flat)
    assert dataset.summary == "no training and 6 test images, RGB 16x16, 3 classes"
    assert dataset.test_labels.tolist() == [0, 0, 0, 2, 2, 2]


def test_the_classes_may_be_those_that_are_present(flat):
    dataset = made(changed(flat, classes="present"))
    assert dataset.class_names == ("tench", "church")
    assert dataset.test_labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert dataset.provenance["wnids"] == [WNIDS[0], WNIDS[2]]


def test_the_training_part_may_be_left_out(divided):
    dataset = made(changed(divided, train_pictures=0))
    assert dataset.summary == "no training and 6 test images, RGB 16x16, 3 classes"


@pytest.mark.parametrize("mode", ["w", "w:gz"])
@pytest.mark.parametrize("threads", [1, 3])
def test_a_tar_file_makes_the_same_data_set_as_the_folder(divided, mode, threads):
    settings = changed(divided, train_pictures=2)
    expected, dataset = made(settings), made(in_tar(settings, mode), threads=threads)
    np.testing.assert_array_equal(dataset.train_images, expected.train_images)
    np.testing.assert_array_equal(dataset.test_images, expected.test_images)
    assert dataset.provenance == expected.provenance


def test_a_sample_is_drawn_by_seed_and_grows(divided):
    samples = {count: made(changed(divided, train_pictures=count)) for count in (2, 3, 5)}
    shown = {count: set(dataset.train_images[:, 0, 0, 0].tolist()) for count, dataset in samples.items()}
    assert [len(samples[count].train_images) for count in (2, 3, 5)] == [6, 9, 15]
    assert shown[2] < shown[3] < shown[5]
    assert samples[2].train_labels.tolist() == [0, 0, 1, 1, 2, 2]
    np.testing.assert_array_equal(samples[5].train_images, made(divided).train_images)
    others = [set(made(changed(divided, train_pictures=2, seed=seed)).train_images[:, 0, 0, 0]) for seed in range(2, 8)]
    assert any(other != shown[2] for other in others)


def test_too_few_pictures_for_a_sample_are_told(divided):
    message = refusal(changed(divided, test_pictures=3))
    assert "too few pictures of n01440764" in message
    assert "2 in its test part" in message
    assert "lower test_pictures" in message


def loose(settings):
    """The published validation pictures as they are unpacked: no folders."""
    for number, path in enumerate(sorted(settings.path.rglob("*.JPEG"))):
        path.rename(settings.path / f"ILSVRC2012_val_{number:08}.JPEG")
    for folder in sorted(settings.path.rglob("*"), reverse=True):
        if folder.is_dir():
            folder.rmdir()


def with_inner_archives(settings):
    """The published training pictures as they are unpacked: an archive for every class."""
    loose(settings)
    for path in settings.path.iterdir():
        path.rename(path.with_suffix(".tar"))


def with_names(settings):
    (settings.path / WNIDS[0]).rename(settings.path / "tench")


def with_an_unknown_class(settings):
    fill(settings.path / "more", count=1, wnids=WNIDS[:1])
    (settings.path / "more" / WNIDS[0]).rename(settings.path / "n09999999")


def too_deep(settings):
    (settings.path / "ILSVRC").mkdir()
    (settings.path / WNIDS[0]).rename(settings.path / "ILSVRC" / WNIDS[0])


@pytest.mark.parametrize("as_tar", [False, True])
@pytest.mark.parametrize(
    ("disturbed", "told"),
    [
        (loose, ["has 6 pictures outside class folders", "ILSVRC2012_val_00000000.JPEG", "valprep.sh"]),
        (with_inner_archives, ["has no pictures", "unpack the archive of each class"]),
        (with_names, ["folders that are not classes of ImageNet", "tench", "n and eight digits"]),
        (too_deep, ["folders that are not classes of ImageNet", "ILSVRC/n01440764"]),
        (with_an_unknown_class, ["1 classes that are not in the list", "n09999999", "class_list"]),
    ],
)
def test_another_layout_is_told_with_what_fixes_it(flat, disturbed, told, as_tar):
    disturbed(flat)
    message = refusal(in_tar(flat) if as_tar else flat)
    assert all(words in message for words in told), message


def test_without_a_training_part_there_is_nothing_to_train_on(flat):
    assert "set train_pictures: 0" in refusal(changed(flat, train_pictures=None))


def test_a_training_part_alone_is_refused(divided):
    for path in sorted((divided.path / "val").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    assert "has no part val" in refusal(divided)


@pytest.mark.parametrize("classes", ["all", "present"])
def test_a_part_that_lacks_classes_is_told(divided, classes):
    for path in (divided.path / "val" / WNIDS[1]).iterdir():
        path.unlink()
    message = refusal(changed(divided, classes=classes))
    assert "val lacks 1 of 3 classes" in message
    assert WNIDS[1] in message
    assert ("classes: present" in message) == (classes == "all")


def test_all_classes_are_wanted_of_a_divided_folder(divided):
    for part in ("train", "val"):
        for path in (divided.path / part / WNIDS[1]).iterdir():
            path.unlink()
    assert "train lacks 1 of 3 classes" in refusal(divided)
    assert made(changed(divided, classes="present")).class_names == ("tench", "church")


@pytest.mark.parametrize("as_tar", [False, True])
def test_pictures_that_are_new_missing_or_changed_since_they_were_listed_are_named(divided, as_tar):
    manifest = imagenet_manifest(divided, imagenet_source(divided), classes=CLASSES)
    kept = kept_pictures(divided, manifest, CLASSES)
    picture = divided.path / "val" / WNIDS[0] / f"{WNIDS[0]}_1.JPEG"
    content = picture.read_bytes()

    def told():
        settings = in_tar(divided) if as_tar else divided
        with pytest.raises(FoolingError) as refused:
            make_imagenet(settings, imagenet_source(settings), name="mine", manifest=manifest, kept=kept)
        return str(refused.value)

    picture.write_bytes(content + b"!")
    assert f"val/{WNIDS[0]}/{WNIDS[0]}_1.JPEG differs from the manifest" in told()
    picture.unlink()
    assert "lacks 1 of the 21 pictures in its manifest" in told()
    picture.write_bytes(content)
    picture.with_stem("another").write_bytes(content)
    assert "has 1 pictures that are not in its manifest" in told()


@pytest.mark.parametrize("as_tar", [False, True])
def test_a_broken_picture_is_named(divided, as_tar):
    (divided.path / "val" / WNIDS[0] / f"{WNIDS[0]}_1.JPEG").write_bytes(b"no picture")
    message = refusal(in_tar(divided) if as_tar else divided)
    assert f"val/{WNIDS[0]}/{WNIDS[0]}_1.JPEG cannot be read as a picture" in message


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A mirror folder with a class list, and a working folder without anything."""
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "imagenet_classes.csv").write_text(LIST)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "mirror"


@pytest.mark.usefixtures("divided")
def test_the_commands_find_everything_in_the_mirror_folder(tmp_path, mirror, capsys):
    (tmp_path / "pictures").rename(mirror / "pictures")
    settings = json.dumps({"path": "pictures", "size": 16, "train_pictures": 2})
    given = {"settings": settings, "mirror": mirror, "threads": 2}
    list_imagenet(**given, output=tmp_path / "manifest.csv")
    assert len(read_table(tmp_path / "manifest.csv", MANIFEST)) == 21
    assert "21 pictures of 3 classes" in capsys.readouterr().err
    fetch_imagenet(**given, manifest=tmp_path / "manifest.csv", output=tmp_path / "mine.safetensors", name="mine")
    assert load_dataset(tmp_path / "mine.safetensors").summary.startswith("6 training and 6 test images")


def test_the_layout_is_checked_before_any_picture_is_read(divided):
    (divided.path / "val" / "cats").mkdir()
    (divided.path / "val" / "cats" / "1.jpg").touch()
    read = []
    with pytest.raises(FoolingError, match="not classes of ImageNet"):
        imagenet_manifest(divided, imagenet_source(divided), classes=CLASSES, after_picture=lambda: read.append(1))
    assert not read


def test_pictures_that_are_nowhere_are_told(tmp_path, mirror):
    with pytest.raises(FoolingError, match="ILSVRC2012 does not exist"):
        list_imagenet(settings='{"path": "ILSVRC2012"}', output=tmp_path / "manifest.csv", mirror=mirror)
    with pytest.raises(FoolingError, match=r"absent cannot be read"):
        list_imagenet(settings=json.dumps({"path": str(tmp_path / "absent")}), output=tmp_path / "out", mirror=mirror)


def test_the_thousand_samples_are_one_picture_of_every_class(real_data, tmp_path):
    given = {"settings": '{"path": "imagenet_samples/imagenet_samples_256.tar.gz", "train_pictures": 0}'}
    list_imagenet(**given, mirror=real_data, output=tmp_path / "manifest.csv")
    output = tmp_path / "samples.safetensors"
    fetch_imagenet(**given, mirror=real_data, manifest=tmp_path / "manifest.csv", output=output, name="samples")
    dataset = load_dataset(output)
    assert dataset.summary == "no training and 1000 test images, RGB 256x256, 1000 classes"
    assert dataset.test_labels.tolist() == list(range(1000))
    with tarfile.open(real_data / "imagenet_samples" / "imagenet_samples_256.tar.gz") as archive:
        wnid = dataset.provenance["wnids"][207]
        file = archive.extractfile(f"{wnid}/{wnid}.jpg")
        np.testing.assert_array_equal(np.moveaxis(dataset.test_images[207], 0, -1), np.asarray(Image.open(file)))


def test_the_ten_class_subset_is_training_and_test(real_data, tmp_path):
    values = {"path": "imagenette128/imagenette128_subset.tar.gz", "classes": "present", "size": 128}
    given = {"settings": json.dumps(values | {"train_pictures": 3, "test_pictures": 2}), "mirror": real_data}
    list_imagenet(**given, output=tmp_path / "manifest.csv")
    manifest = read_table(tmp_path / "manifest.csv", MANIFEST)
    assert manifest["path"].str.startswith("train/").sum() == 2500
    assert len(manifest) == 3100
    output = tmp_path / "ten.safetensors"
    fetch_imagenet(**given, manifest=tmp_path / "manifest.csv", output=output, name="ten", threads=2)
    dataset = load_dataset(output)
    assert dataset.summary == "30 training and 20 test images, RGB 128x128, 10 classes"
    assert dataset.class_names[:3] == ("tench", "English springer", "cassette player")
