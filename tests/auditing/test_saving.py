"""The files of an audit: read back, documented key by key, and exported as other programs read them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydantic import BaseModel
from torch import nn

from checkout import ROOT
from fooling.auditing.known_images import ProbeFile
from fooling.auditing.running import audit
from fooling.auditing.saving import AuditFile, as_file, read_audit, require_replaceable
from fooling.messages import FoolingError
from fooling.settings import described_fields, models_in
from fooling.torchvision_import import ensure_operators

SHAPE = (3, 6, 6)
NAMES = ("tench, Tinca tinca", "b/c d", "猫")


@pytest.fixture(scope="module")
def result():
    generator = np.random.default_rng(0)
    shown = (generator.integers(0, 256, (40, *SHAPE), dtype=np.uint8), generator.integers(0, 3, 40))
    network = nn.Sequential(nn.Flatten(), nn.Linear(108, 3))
    return audit(network, input_shape=SHAPE, classes=NAMES, budget=400, threshold=0.5, test_images=shown, name="mine")


def test_an_audit_is_read_back(result, tmp_path) -> None:
    result.save(tmp_path / "audit")
    read = read_audit(tmp_path / "audit")
    assert read == as_file(result)
    assert read.test_images == result.real
    assert read.settings == result.settings
    for search, found in zip(read.searches, result.searches, strict=True):
        assert [image.log_odds for image in search.images] == found.log_odds.tolist()


def test_without_test_images_their_keys_are_null(tmp_path) -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(108, 3))
    audit(network, input_shape=SHAPE, budget=400).save(tmp_path / "audit")
    content = json.loads((tmp_path / "audit/audit.json").read_text())
    assert content["test_images"] is None
    assert content["other_preprocessing"] is None


def test_other_versions_are_refused(result, tmp_path) -> None:
    result.save(tmp_path / "audit")
    path = tmp_path / "audit/audit.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": 1}))
    with pytest.raises(FoolingError, match=r"audit.json(.|\n)*version"):
        read_audit(tmp_path / "audit")


def test_an_audit_of_the_version_before_is_read(result, tmp_path) -> None:
    result.save(tmp_path / "audit")
    path = tmp_path / "audit/audit.json"
    content = json.loads(path.read_text())
    former = {key: value for key, value in content.items() if key not in ("universal", "labels_alone")}
    path.write_text(json.dumps(former | {"version": 2}))
    read = read_audit(tmp_path / "audit")
    assert (read.version, read.universal, read.labels_alone) == (2, None, None)
    assert read.searches == as_file(result).searches


def keys(model: type[BaseModel], before: str = "") -> Iterator[str]:
    """Rows of a table in Markdown with every key of a file and its meaning."""
    for name, field in described_fields(model).items():
        several = "[]" if str(field.annotation).startswith("tuple") and models_in(field.annotation) else ""
        if field.description:
            yield f"| `{before}{name}{several}` | {field.description} |"
        for part in models_in(field.annotation):
            yield from keys(part, f"{before}{name}{several}.")


@pytest.mark.parametrize("model", [AuditFile, ProbeFile])
def test_every_key_is_documented(model) -> None:
    documented = (ROOT / "docs/audit.md").read_text()
    table = "\n".join(keys(model)) + "\n\n"
    assert table in documented, f"docs/audit.md needs this table:\n\n{table}"


def test_an_exported_folder_is_read_by_torchvision_in_the_networks_order(result, tmp_path) -> None:
    ensure_operators()
    folders = pytest.importorskip("torchvision.datasets.folder")
    result.save(tmp_path / "audit", export="imagefolder")
    read = folders.DatasetFolder(tmp_path / "audit/export", folders.default_loader, extensions=(".png",))
    assert [name.partition("-")[0] for name in read.classes] == ["0000", "0001", "0002"]
    images = {Path(path).relative_to(tmp_path / "audit/export").as_posix(): label for path, label in read.samples}
    exported = [found for found in result.searches if not found.is_control]
    assert [found.name for found in exported] == ["evolution-cppn", "evolution-direct", "ascent"]
    assert len(images) == sum(len(found.images) for found in exported)
    for found in exported:
        for image, label in zip(found.images, found.classes, strict=True):
            (path,) = (path for path, own in images.items() if own == label and found.name in path)
            pixels = np.asarray(Image.open(tmp_path / "audit/export" / path))
            np.testing.assert_array_equal(np.moveaxis(pixels, -1, 0), image)


def test_an_exported_list_names_every_image_with_the_label_of_no_class(result, tmp_path) -> None:
    result.save(tmp_path / "audit", export="list")
    folder = tmp_path / "audit/export"
    listed = {}
    for line in (folder / "list.txt").read_text().splitlines():
        path, label = line.split(" ", 1)  # as OpenOOD parses it
        listed[path] = int(label)
    assert set(listed.values()) == {-1}
    assert {folder / path for path in listed} == set(folder.rglob("*.png"))


def test_a_folder_with_other_files_is_not_replaced(result, tmp_path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(FoolingError, match=r"would be lost(.|\n)*--output"):
        result.save(tmp_path)
    assert (tmp_path / "thesis.txt").exists()
    (tmp_path / "empty").mkdir()
    require_replaceable(tmp_path / "empty")
    result.save(tmp_path / "empty")
    result.save(tmp_path / "empty")  # an earlier audit is replaced
