"""Damaged tar files of ImageNet, damaged lists of its classes, and damaged manifests."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooling.datasets.dataset import load_dataset

from .commands import Outcome, called, case, holds
from .damage import PLACES, broken_bytes, broken_table, near_the_start
from .profile import fuzzed
from .test_pictures import picture

WNIDS = ("n01440764", "n02099601")


def put_imagenet(folder: Path) -> Path:
    """Pictures of two classes in a tar file, and the list of three classes; the tar file."""
    (folder / "classes.csv").write_text(
        'index,wnid,name\n0,n01440764,"tench, Tinca tinca"\n1,n02099601,golden retriever\n2,n03028079,church\n'
    )
    path = folder / "pictures.tar"
    with tarfile.open(path, "w") as archive:
        for wnid in WNIDS:
            for number in range(3):
                content = picture("png", number)
                member = tarfile.TarInfo(f"{wnid}/{number}.png")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return path


def settings(folder: Path) -> str:
    values = {"path": folder / "pictures.tar", "class_list": folder / "classes.csv", "size": 8, "train_pictures": 0}
    return json.dumps(values | {"test_pictures": 2}, default=str)


def listed(folder: Path) -> Outcome:
    return called("list-imagenet", "--settings", settings(folder), "--output", folder / "manifest.csv")


def fetch(folder: Path) -> tuple[list[object], list[Path]]:
    """The arguments of `fetch-imagenet` and its output."""
    made = [folder / "out" / "imagenet.safetensors"]
    words = ["--settings", settings(folder), "--manifest", folder / "manifest.csv", "--name", "imagenet"]
    return ["fetch-imagenet", *words, "--output", made[0]], made


@given(data=st.data())
@fuzzed
def test_a_damaged_tar_file_is_read_or_named(data: st.DataObject) -> None:
    with case() as folder:
        damaged = put_imagenet(folder)
        content = damaged.read_bytes()
        damaged.write_bytes(data.draw(st.one_of(broken_bytes(content), near_the_start(content, 3000))))
        outcome = listed(folder)
        if not outcome.succeeded:
            assert str(damaged) in outcome.message
            return
        arguments, made = fetch(folder)
        if holds(folder, *arguments, outputs=made, named=[damaged]).succeeded:
            assert load_dataset(made[0]).image_shape == (3, 8, 8)


@given(data=st.data())
@fuzzed
def test_a_tar_file_damaged_after_it_was_listed_is_never_used_as_it_is(data: st.DataObject) -> None:
    with case() as folder:
        damaged = put_imagenet(folder)
        assert listed(folder).succeeded
        arguments, made = fetch(folder)
        assert holds(folder, *arguments, outputs=made, named=[]).succeeded
        expected = made[0].read_bytes()
        made[0].unlink()
        damaged.write_bytes(data.draw(broken_bytes(damaged.read_bytes())))
        if holds(folder, *arguments, outputs=made, named=[damaged]).succeeded:
            assert made[0].read_bytes() == expected


@given(data=st.data())
@fuzzed
def test_a_damaged_list_of_classes_is_used_or_named(data: st.DataObject) -> None:
    with case() as folder:
        put_imagenet(folder)
        assert listed(folder).succeeded
        path = folder / "classes.csv"
        data.draw(broken_table(path))(path)
        arguments, made = fetch(folder)
        holds(folder, *arguments, outputs=made, named=[path, folder / "pictures.tar"])


@given(data=st.data())
@fuzzed
def test_a_damaged_manifest_of_a_tar_file_is_used_or_named(data: st.DataObject) -> None:
    with case() as folder:
        put_imagenet(folder)
        assert listed(folder).succeeded
        path = folder / "manifest.csv"
        data.draw(broken_table(path))(path)
        arguments, made = fetch(folder)
        holds(folder, *arguments, outputs=made, named=[path, folder / "pictures.tar"])


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("file", ["pictures.tar", "classes.csv"])
def test_what_is_no_such_file_is_named(tmp_path: Path, file: str, place: str) -> None:
    put_imagenet(tmp_path)
    assert listed(tmp_path).succeeded
    replaced = tmp_path / file
    replaced.rename(tmp_path / "real")
    PLACES[place](replaced, tmp_path / "real")
    arguments, made = fetch(tmp_path)
    outcome = holds(tmp_path, *arguments, outputs=made, named=[replaced])
    assert outcome.succeeded == (place == "a link to the real file")
