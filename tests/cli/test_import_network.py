"""The example of docs/your-own-network.md, run by hand as it says there."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest
import torch
import yaml

from fooling.classifiers.checkpoint import load_classifier
from fooling.classifiers.settings import ImportSettings
from fooling.cli.fetch_digits import fetch_digits
from fooling.cli.import_network import import_network
from fooling.errors import FoolingError

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "your_network"


@pytest.fixture
def digits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data set in a folder that looks like the repository."""
    monkeypatch.chdir(tmp_path)
    Path("examples").symlink_to(ROOT / "examples")
    path = Path("results/datasets/digits.safetensors")
    fetch_digits(output=path)
    return path


def test_the_example_works(digits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = ImportSettings.model_validate(yaml.safe_load((EXAMPLE / "import.yaml").read_text()))
    settings.weights.parent.mkdir(parents=True)
    monkeypatch.setattr(sys, "argv", ["train.py", str(digits), str(settings.weights)])
    monkeypatch.syspath_prepend(str(EXAMPLE))
    runpy.run_path(str(EXAMPLE / "train.py"), run_name="__main__")
    output = Path("results/mine/classifiers/mine.safetensors")
    import_network(dataset=digits, settings="examples/your_network/import.yaml", name="mine", output=output)
    classifier = load_classifier(output, torch.device("cpu"), ["examples/your_network/network.py:build"])
    assert classifier.architecture == "examples/your_network/network.py:build"
    assert classifier.chunk_size == 50
    assert classifier.provenance["test_error"] < 0.08
    assert classifier.provenance["weights"]["file"] == "weights.safetensors"


def test_weights_that_are_not_there_are_named(digits: Path) -> None:
    with pytest.raises(FoolingError, match=r"results/mine/weights.safetensors is not there"):
        import_network(
            dataset=digits, settings="examples/your_network/import.yaml", name="mine", output=Path("mine.safetensors")
        )


def test_the_page_shows_the_example_as_it_is() -> None:
    page = (ROOT / "docs" / "your-own-network.md").read_text()
    shown = yaml.safe_load((EXAMPLE / "import.yaml").read_text())
    blocks = [yaml.safe_load(block.split("```")[0]) for block in page.split("```yaml\n")[1:]]
    assert shown in blocks
    (entry,) = next(block["classifiers"] for block in blocks if "classifiers" in block)
    assert shown.items() <= entry.items()
