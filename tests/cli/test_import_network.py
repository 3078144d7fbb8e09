"""The example of docs/classifiers.md, run by hand as it says there."""

from __future__ import annotations

import json
import re
import runpy
import sys
from pathlib import Path

import pytest
import safetensors.torch
import torch
import yaml

from fooling.classifiers.classifier_file import load_classifier
from fooling.classifiers.settings import ImportSettings
from fooling.cli.attack import attack
from fooling.cli.classifiers import import_network
from fooling.cli.data_sets import fetch_digits
from fooling.messages import FoolingError

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
    with pytest.raises(FoolingError, match=r"results/mine/weights.safetensors does not exist"):
        import_network(
            dataset=digits, settings="examples/your_network/import.yaml", name="mine", output=Path("mine.safetensors")
        )


OWN = """
from torch import nn, no_grad

class Frozen(nn.Sequential):
    def forward(self, x):
        with no_grad():
            x = self[0](x)
        return self[1](x.view(len(x), -1))

def build(*, input_shape, classes):
    return Frozen(nn.Conv2d(1, 3, 3), nn.Linear(3 * (input_shape[1] - 2) * (input_shape[2] - 2), classes))
"""


def test_a_network_without_gradients_is_imported_and_refused_by_gradient_ascent(
    digits: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("own.py").write_text(OWN)
    network = runpy.run_path("own.py")["build"](input_shape=(1, 28, 28), classes=10)
    safetensors.torch.save_file(network.state_dict(), "own.safetensors")
    settings = json.dumps({"architecture": "own.py:build", "weights": "own.safetensors", "input": {"mean": [99]}})
    output = Path("mine.safetensors")
    import_network(dataset=digits, settings=settings, name="mine", output=output)
    printed = capsys.readouterr().err
    assert re.search(r"mine: no gradients: gradient attacks are skipped \(.*\)\n", printed)
    assert re.search(r"mine: the test error of .* is no better than guessing \(.*\): check `input`.*\n", printed)
    with pytest.raises(FoolingError, match=r"mine has no gradients(.|\n)*remove it from the `classifiers`"):
        attack(
            "ascent",
            name="plain",
            classifier=output,
            architecture=["own.py:build"],
            settings="{}",
            output=Path("ascent.safetensors"),
        )
    assert not Path("ascent.safetensors").exists()


def test_the_page_shows_the_example_as_it_is() -> None:
    page = (ROOT / "docs" / "classifiers.md").read_text()
    shown = yaml.safe_load((EXAMPLE / "import.yaml").read_text())
    blocks = [yaml.safe_load(block.split("```")[0]) for block in page.split("```yaml\n")[1:]]
    assert shown in blocks
    (entry,) = next(block["classifiers"] for block in blocks if "classifiers" in block)
    assert shown.items() <= entry.items()
