"""The command ``audit`` with what it can do beside its searches."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from fooling.cli.audit import audit
from fooling.messages import FoolingError

SOURCE = """
from torch import nn


def build():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
"""


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the command on a network of three classes, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text(SOURCE)
    torch.manual_seed(3)
    layer = torch.nn.Linear(64, 3)
    torch.save({f"1.{key}": value for key, value in layer.state_dict().items()}, "weights.pth")

    def run(**options: Any) -> None:
        audit(
            "net.py:build", weights=Path("weights.pth"), input_shape="1x8x8", classes="a,b,c", threshold=0.6, **options
        )

    return run


def pictures(folder: Path) -> Path:
    generator = np.random.default_rng(0)
    for number in range(30):
        place = folder / "abc"[number % 3]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (8, 8), dtype=np.uint8)).save(place / f"{number}.png")
    return folder


def test_an_audit_with_test_images_and_an_export_and_then_a_first_look(command, capsys) -> None:
    command(budget=400, test_images=pictures(Path("pictures")), export="list")
    content = json.loads(Path("audit/audit.json").read_text())
    assert content["test_images"]["images"] == 30
    assert Path("audit/export/list.txt").is_file()
    assert "Done: open audit/index.html" in capsys.readouterr().err
    command(probe=Path("audit"))
    said = capsys.readouterr().err
    probe = json.loads(Path("probe/probe.json").read_text())
    assert "\n".join(probe["summary"]) in said
    assert "Done: open probe/index.html" in said
    assert Path("audit/audit.json").is_file()


@pytest.mark.parametrize("options", [{"budget": 400}, {"minutes": 2.0}, {"test_images": Path("x")}, {"export": "list"}])
def test_a_first_look_takes_no_options_of_searches(command, options) -> None:
    (option,) = options
    with pytest.raises(FoolingError, match=f"--{option.replace('_', '-')} has no effect"):
        command(probe=Path("audit"), **options)


def test_a_folder_with_other_files_is_refused_before_any_search(command, tmp_path, capsys) -> None:
    with pytest.raises(FoolingError, match="would be lost"):
        command(budget=400, output=tmp_path)
    assert "evolution" not in capsys.readouterr().err
