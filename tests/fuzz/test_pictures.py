"""Damaged pictures of an image folder, and damaged manifests of one."""

from __future__ import annotations

import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fooling.datasets.dataset import load_dataset

from .commands import Outcome, called, case, holds
from .conftest import fooling
from .damage import PLACES, broken_bytes, broken_table, near_the_start, pickled
from .profile import fuzzed

FORMATS = {"png": "PNG", "jpg": "JPEG", "gif": "GIF", "bmp": "BMP", "tif": "TIFF", "webp": "WEBP", "ppm": "PPM"}


OWN_NETWORK = """
from torch import nn

def build(*, input_shape, classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(192, classes))
"""


def picture(ending: str, seed: int) -> bytes:
    """A small picture in the format of this ending."""
    pixels = np.random.default_rng(seed).integers(0, 256, (9, 12, 3)).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format=FORMATS[ending])
    return buffer.getvalue()


def settings(folder: Path) -> str:
    return json.dumps({"path": str(folder / "pictures"), "size": 8, "test_fraction": 0.5})


def put_pictures(folder: Path) -> Path:
    """Pictures of two classes, of every format; the manifest of them."""
    for name in ("cat", "dog"):
        (folder / "pictures" / name).mkdir(parents=True)
        for seed, ending in enumerate(FORMATS):
            (folder / "pictures" / name / f"{seed}.{ending}").write_bytes(picture(ending, seed))
    return folder / "manifest.csv"


def listed(folder: Path) -> Outcome:
    return called("list-folder", "--settings", settings(folder), "--output", folder / "manifest.csv")


def fetch(folder: Path, manifest: Path) -> tuple[list[object], list[Path]]:
    """The arguments of `fetch-folder` and its output."""
    made = [folder / "out" / "pictures.safetensors"]
    words = ["--settings", settings(folder), "--manifest", manifest, "--name", "pictures", "--output", made[0]]
    return ["fetch-folder", *words], made


@given(data=st.data())
@fuzzed
def test_a_damaged_picture_is_taken_or_named(data: st.DataObject) -> None:
    ending = data.draw(st.sampled_from(sorted(FORMATS)))
    with case() as folder:
        put_pictures(folder)
        damaged = next((folder / "pictures" / "dog").glob(f"*.{ending}"))
        content = damaged.read_bytes()
        damaged.write_bytes(data.draw(st.one_of(broken_bytes(content), near_the_start(content, 60))))
        if listed(folder).succeeded:
            arguments, made = fetch(folder, folder / "manifest.csv")
            if holds(folder, *arguments, outputs=made, named=[damaged]).succeeded:
                assert load_dataset(made[0]).image_shape == (3, 8, 8)


@given(data=st.data())
@fuzzed
def test_a_picture_damaged_after_it_was_listed_is_never_used(data: st.DataObject) -> None:
    with case() as folder:
        manifest = put_pictures(folder)
        assert listed(folder).succeeded
        damaged = data.draw(st.sampled_from(sorted((folder / "pictures").rglob("*.*"))))
        content = damaged.read_bytes()
        damaged.write_bytes(data.draw(broken_bytes(content)))
        arguments, made = fetch(folder, manifest)
        outcome = holds(folder, *arguments, outputs=made, named=[damaged])
        assert outcome.succeeded == (damaged.read_bytes() == content)


@given(data=st.data())
@fuzzed
def test_a_damaged_manifest_is_used_or_named(data: st.DataObject) -> None:
    with case() as folder:
        manifest = put_pictures(folder)
        assert listed(folder).succeeded
        data.draw(broken_table(manifest))(manifest)
        arguments, made = fetch(folder, manifest)
        holds(folder, *arguments, outputs=made, named=[manifest, folder / "pictures"])


@given(data=st.data())
@fuzzed
def test_no_network_is_trained_on_a_damaged_manifest(data: st.DataObject) -> None:
    with case() as folder:
        manifest, sound = put_pictures(folder), folder / "sound.csv"
        assert listed(folder).succeeded
        sound.write_bytes(manifest.read_bytes())
        arguments, (dataset,) = fetch(folder, sound)
        assert called(*arguments).succeeded
        data.draw(broken_table(manifest))(manifest)
        (folder / "own.py").write_text(OWN_NETWORK)
        training = {"iterations": 2, "batch_size": 4, "pictures": "all"}
        network = json.dumps({"architecture": f"{folder / 'own.py'}:build", "training": training})
        pictures = json.dumps({"dataset": {"kind": "folder", **json.loads(settings(folder))}})
        made = folder / "out" / "network.safetensors"
        words = ["--dataset", dataset, "--settings", network, "--pictures", pictures, "--manifest", manifest]
        kept = ["--output", made, "--checkpoints", folder / "checkpoints"]
        holds(folder, "train", "--name", "made", *words, *kept, outputs=[made], named=[manifest])


@pytest.mark.parametrize("place", PLACES)
def test_what_is_no_picture_is_named(tmp_path: Path, place: str) -> None:
    manifest = put_pictures(tmp_path)
    fooling("list-folder", "--settings", settings(tmp_path), "--output", manifest)
    replaced = tmp_path / "pictures" / "dog" / "0.png"
    replaced.rename(tmp_path / "0.png")
    PLACES[place](replaced, tmp_path / "0.png")
    arguments, made = fetch(tmp_path, manifest)
    assert not holds(tmp_path, *arguments, outputs=made, named=[replaced, "dog/0.png"]).succeeded


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_bomb(side: int) -> bytes:
    """A few kilobytes that claim to be a square of ``side`` black pixels."""
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(10_000_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [9_500, 12_000, 60_000, 2**31 - 1])
def test_a_picture_that_claims_to_be_enormous_is_refused(tmp_path: Path, side: int) -> None:
    manifest = put_pictures(tmp_path)
    bomb = tmp_path / "pictures" / "dog" / "bomb.png"
    bomb.write_bytes(png_bomb(side))
    assert listed(tmp_path).succeeded
    arguments, made = fetch(tmp_path, manifest)
    outcome = holds(tmp_path, *arguments, outputs=made, named=[bomb])
    assert not outcome.succeeded


def test_other_formats_are_not_decoded_whatever_they_are_called(tmp_path: Path) -> None:
    manifest = put_pictures(tmp_path)
    hidden = tmp_path / "pictures" / "dog" / "hidden.png"
    Image.new("RGB", (9, 9)).save(hidden, format="EPS")
    assert listed(tmp_path).succeeded
    arguments, made = fetch(tmp_path, manifest)
    assert not holds(tmp_path, *arguments, outputs=made, named=[hidden]).succeeded


@pytest.mark.parametrize("link", ["picture", "class"])
def test_a_link_out_of_the_folder_is_refused(tmp_path: Path, link: str) -> None:
    put_pictures(tmp_path)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.png").write_bytes(picture("png", 9))
    if link == "picture":
        (tmp_path / "pictures" / "dog" / "secret.png").symlink_to(outside / "secret.png")
    else:
        (tmp_path / "pictures" / "eel").symlink_to(outside)
    outcome = listed(tmp_path)
    assert not outcome.succeeded
    assert f"leads out of {tmp_path / 'pictures'}" in outcome.message
    assert not (tmp_path / "manifest.csv").exists()


def test_links_within_the_folder_and_to_it_are_followed(tmp_path: Path) -> None:
    put_pictures(tmp_path / "real")
    (tmp_path / "pictures").symlink_to(tmp_path / "real" / "pictures")
    (tmp_path / "pictures" / "dog" / "again.png").symlink_to("0.png")
    assert listed(tmp_path).succeeded
    arguments, made = fetch(tmp_path, tmp_path / "manifest.csv")
    assert holds(tmp_path, *arguments, outputs=made, named=[]).succeeded


@pytest.mark.parametrize(
    "name", ["../outside/secret.png", "dog/../../outside/secret.png", "/etc/hostname", "{outside}"]
)
def test_no_path_in_a_manifest_leaves_the_folder(tmp_path: Path, name: str) -> None:
    manifest = put_pictures(tmp_path)
    (tmp_path / "outside").mkdir()
    secret = tmp_path / "outside" / "secret.png"
    secret.write_bytes(pickled(tmp_path / "mine"))
    assert listed(tmp_path).succeeded
    text = manifest.read_text().replace("dog/0.png", name.format(outside=secret))
    manifest.write_text(text)
    arguments, made = fetch(tmp_path, manifest)
    outcome = holds(tmp_path, *arguments, outputs=made, named=[tmp_path / "pictures"])
    assert not outcome.succeeded
    assert "in its manifest" in outcome.message


def test_a_name_that_is_no_text_is_told(tmp_path: Path) -> None:
    put_pictures(tmp_path)
    odd = (tmp_path / "pictures" / "dog").as_posix().encode() + b"/\xff.png"
    Path(odd.decode(errors="surrogateescape")).write_bytes(picture("png", 1))
    outcome = listed(tmp_path)
    assert not outcome.succeeded
    assert "not UTF-8" in outcome.message
