"""`fooling audit`: options and settings mean the same, and files are found here or in the mirror."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import torch
from torch import nn

from fooling.auditing.settings import AuditSettings, OpeningSettings, formula_of
from fooling.cli.audit import audit
from fooling.messages import FoolingError

SOURCE = """
from torch import nn


def build():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
"""


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the code, the weights and the class names of a network; the working directory is another one."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    (folder / "net.py").write_text(SOURCE)
    (folder / "names.txt").write_text("a\nb, c\nd\n")
    torch.manual_seed(7)
    torch.save(nn.Sequential(nn.Flatten(), nn.Linear(64, 3)).state_dict(), folder / "net.pth")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return folder


def audited(output: str, **arguments: Any) -> dict[str, Any]:
    audit("net.py:build", output=Path(output), checkpoints=Path("checkpoints"), **arguments)
    found: dict[str, Any] = json.loads((Path(output) / "audit.json").read_text())
    return found


def test_options_and_settings_give_the_same_audit_and_options_count(mirror: Path) -> None:
    stated = {"weights": "net.pth", "input_shape": "1x8x8", "classes": "names.txt", "mean": [0.5], "std": [0.5]}
    settings = json.dumps({**stated, "budget": 400, "seed": 3, "threshold": 0.9})
    by_settings = audited("one", settings=settings, mirror=mirror, name="mine")
    by_options = audited(
        "two", weights=Path("net.pth"), input_shape="1x8x8", classes="names.txt", mean=["0.5"], std=[".5"],
        budget=400, seed=3, threshold=0.9, mirror=mirror, name="mine",
    )  # fmt: skip
    assert by_settings == by_options
    assert by_settings["network"] == "mine"
    assert by_settings["classes"] == ["a", "b, c", "d"]
    assert by_settings["settings"]["seed"] == 3
    assert str(mirror) not in json.dumps(by_settings), "a result does not depend on where its files are"
    other = audited("three", settings=settings, seed=4, mirror=mirror, name="mine")
    assert other["settings"] == {**by_settings["settings"], "seed": 4}


@pytest.mark.parametrize("given", [["0.1,0.2,0.3"], ["0.1", "0.2", "0.3"], ["0.1,0.2", "0.3"]])
def test_numbers_of_channels_are_given_with_commas_or_one_by_one(
    mirror: Path, given: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (mirror / "net.py").write_text(SOURCE.replace("64", "192"))
    audited("one", input_shape="3x8x8", mean=given, std=["0.5"], budget=400, mirror=mirror)
    assert "become its input as (level / 255 - [0.1, 0.2, 0.3]) / 0.5" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "message"), [("0.1,", r"mean\[1\]"), ("a", r"mean\[0\]"), ("0.1,0.2", "expected: 1")]
)
def test_other_numbers_of_channels_are_refused(mirror: Path, given: str, message: str) -> None:
    with pytest.raises(FoolingError, match=message):
        audited("one", input_shape="1x8x8", mean=[given], budget=400, mirror=mirror)


def test_a_network_without_weights_is_remarked_on(mirror: Path, capsys: pytest.CaptureFixture[str]) -> None:
    without = audited("one", input_shape="1x8x8", mean=["0.5"], budget=400, mirror=mirror)
    assert any("no weights were given" in remark for remark in without["remarks"])
    assert "levels from 0 to 255 become its input as level / 255 - 0.5" in capsys.readouterr().err
    given = audited("two", weights=Path("net.pth"), input_shape="1x8x8", budget=400, mirror=mirror)
    assert not any("weights" in remark for remark in given["remarks"])


@pytest.mark.parametrize(
    ("seen", "formula"),
    [
        ({}, ""),
        ({"levels": "0 to 255"}, ""),
        ({"divisor": 1.0}, "level"),
        (
            {"divisor": 255.0, "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.5, 0.25]},
            "(level / 255 - 0.5) / [0.25, 0.5, 0.25]",
        ),
    ],
)
def test_the_preprocessing_is_shown_as_a_formula(seen: dict[str, Any], formula: str) -> None:
    assert formula_of(seen) == formula


def test_networks_compute_with_one_thread_whatever_the_machine_offers(mirror: Path) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        audited("one", weights=Path("net.pth"), input_shape="1x8x8", classes="3", budget=400, mirror=mirror)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


def test_every_setting_is_an_option(mirror: Path) -> None:
    """``single_images`` follows from --minutes."""
    settings = {*AuditSettings.model_fields, *OpeningSettings.model_fields} - {"single_images"}
    assert settings <= set(get_type_hints(audit))


def test_wrong_settings_and_files_are_named(mirror: Path) -> None:
    shape = {"input_shape": "1x8x8"}
    for arguments, message in (
        ({"settings": '{"weigths": "net.pth"}'}, r"weigths(.|\n)*corrected:\n    weights: net.pth"),
        ({"input_shape": "8x8"}, r"the options of audit(.|\n)*input_shape(.|\n)*such as 1x28x28"),
        ({"weights": Path("other.pth"), **shape}, r"other\.pth does not exist(.|\n)*mirror/other\.pth: nothing there"),
        ({"classes": "cat", **shape}, "cat does not exist"),
        ({"settings": '{"budget": 800}', "minutes": 2}, "--budget and --minutes exclude each other"),
    ):
        with pytest.raises(FoolingError, match=message):
            audit("net.py:build", mirror=mirror, **arguments)
    with pytest.raises(FoolingError, match=r"net\.py does not exist"):
        audit("net.py:build", **shape)
