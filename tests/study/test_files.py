"""docs/files.md describes the files as they are written: its example reads them, and every array is declared."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import safetensors

from checkout import ROOT
from fooling.artifacts import read_arrays, sha256_of
from fooling.attacks.evolution.record import FORMAT, load_run
from fooling.attacks.record import FORMAT as ATTACK
from fooling.classifiers.architectures import build_network
from fooling.classifiers.assembly import assembled
from fooling.classifiers.classifier_file import save_classifier
from fooling.classifiers.header import FORMAT as CLASSIFIER
from fooling.cli.attack import attack
from fooling.datasets.dataset import FORMAT as DATASET
from fooling.datasets.dataset import save_dataset
from fooling.encodings.cppn.genome import ARRAYS as GENOMES
from fooling.schemas import FileFormat
from fooling.study.files import FORMATS, files_documentation
from fooling.training.settings import ClassifierSettings
from made_up_bars import made_bars

PAGE = (ROOT / "docs/files.md").read_text()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set, a classifier, a run of each encoding, and a gradient ascent."""
    import torch

    place, bars = tmp_path_factory.mktemp("files"), made_bars()
    save_dataset(place / "bars.safetensors", bars)
    network = build_network("lenet", input_shape=(1, 20, 20), classes=4, options={})
    made = assembled(network, name="lenet", settings=ClassifierSettings(), dataset=bars, device=torch.device("cpu"))
    save_classifier(place / "lenet.safetensors", made)
    search = '"search": {"start": 20, "offspring": 20, "generations": 2}'
    for name, kind, settings in (
        ("seed1", "evolution", f"{{{search}}}"),
        ("direct", "evolution", f'{{"encoding": {{"kind": "direct"}}, {search}}}'),
        ("ascent", "ascent", '{"steps": 2, "seeds": {"count": 1}}'),
    ):
        output, kept = place / f"{name}.safetensors", place / "checkpoints"
        attack(kind, classifier=place / "lenet.safetensors", settings=settings, output=output, checkpoints=kept)
    return place


def test_its_examples_read_the_champions(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    first, second = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    indented = "\n".join(f"    {line}" for line in second.splitlines())
    names: dict[str, object] = {}
    exec(f"{first}\n{indented}", names)
    run = load_run(Path("seed1.safetensors"))
    np.testing.assert_array_equal(names["images"], run.images)
    np.testing.assert_array_equal(names["confidences"], run.confidences)
    header = names["header"]
    assert isinstance(header, dict) and header["seed"] == 1
    assert {"kind", "version", "arrays_sha256", "header_sha256"} <= header.keys()


@pytest.mark.parametrize(
    ("name", "form"),
    [("bars", DATASET), ("lenet", CLASSIFIER), ("seed1", FORMAT), ("direct", FORMAT), ("ascent", ATTACK)],
)
def test_every_array_and_key_of_a_file_is_described(name: str, form: FileFormat, folder: Path) -> None:
    arrays, header = read_arrays(folder / f"{name}.safetensors", kind=form.kind, version=form.version)
    patterns = [re.escape(array.name).replace("<key>", ".*") for array in form.arrays]
    genomes = [f"genomes/{genome.name}" for genome in GENOMES] + ["genomes/genes"]
    undescribed = [each for each in arrays if not any(re.fullmatch(pattern, each) for pattern in [*patterns, *genomes])]
    assert not undescribed
    keys = {key.partition(".")[0].removesuffix("[]") for key in re.findall(r"^\| `([^`]+)`", PAGE, re.MULTILINE)}
    assert set(header) - {"kind", "version"} <= keys
    for array in form.arrays:
        if array.name in arrays:
            dtype, *lengths = array.form.split()
            assert (str(arrays[array.name].dtype), arrays[array.name].ndim) == (dtype, len(lengths))


def test_every_letter_is_explained() -> None:
    for form in FORMATS:
        letters = {
            part for array in form.arrays for part in array.form.split()[1:] if len(part) == 1 and part.isalpha()
        }
        assert letters == set(form.lengths), form.kind


def test_every_key_and_array_has_a_meaning() -> None:
    rows = [line for line in files_documentation().splitlines() if line.startswith("| `")]
    assert len(rows) > 80
    assert not [row for row in rows if re.search(r"\|\s*(None)?\s*\|$", row)]


def test_checksums_are_those_that_the_page_describes(folder: Path) -> None:
    import json

    with safetensors.safe_open(folder / "ascent.safetensors", framework="numpy") as file:
        header = json.loads(file.metadata()["fooling"])
    expected = header.pop("header_sha256")
    assert sha256_of(json.dumps(header, sort_keys=True).encode()) == expected
