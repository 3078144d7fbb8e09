"""Settings, tables and file formats write their own documentation, and the committed files are what they write."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Literal

import jsonschema
import numpy as np
import pytest
import safetensors
import yaml
from pydantic import Field

from checkout import ROOT
from fooling.artifacts import read_arrays, sha256_of
from fooling.attacks.adversarial.record import FORMAT as ADVERSARIAL
from fooling.attacks.adversarial.record import save_adversarial
from fooling.attacks.evolution.record import FORMAT, load_run
from fooling.attacks.label_only.record import FORMAT as LABEL_ONLY
from fooling.attacks.label_only.record import save_label_only
from fooling.attacks.record import FORMAT as ATTACK
from fooling.attacks.universal.record import FORMAT as UNIVERSAL
from fooling.attacks.universal.record import save_universal
from fooling.classifiers.architectures import build_network
from fooling.classifiers.assembly import assembled
from fooling.classifiers.classifier_file import save_classifier
from fooling.classifiers.header import FORMAT as CLASSIFIER
from fooling.cli.attack import attack
from fooling.cli.repository import write_config
from fooling.datasets.dataset import FORMAT as DATASET
from fooling.datasets.dataset import save_dataset
from fooling.encodings.cppn.genome import ARRAYS as GENOMES
from fooling.schemas import FileFormat
from fooling.settings import Settings, checked_settings, parse_exponents
from fooling.study.documentation import FORMATS, commented_yaml, files_documentation, settings_table
from fooling.study.settings import StudySettings, default_study
from fooling.training.settings import ClassifierSettings
from made_up_adversarial import made_adversarial
from made_up_bars import made_bars
from made_up_label_only import made_label_only
from made_up_universal import made_universal

WRITTEN = (
    "config/config.yaml",
    "config/schema.json",
    "docs/settings.md",
    "docs/claims.md",
    "docs/tables.md",
    "docs/files.md",
)


class Lens(Settings):
    """What light passes through."""

    focus: float = Field(default=50.0, gt=0)
    """Focal length in millimetres."""


class Camera(Settings):
    """Takes pictures."""

    name: str
    """What it is called."""
    film: Literal["grey", "colour"] = "grey"
    """What is put in."""
    lenses: tuple[Lens, ...] = ()
    """One or more."""


def test_the_first_of_a_kind_is_explained_and_later_ones_say_what_they_set() -> None:
    camera = Camera(name="box", lenses=(Lens(), Lens(focus=200.0)))
    assert commented_yaml(camera).splitlines() == [
        "# What it is called.",
        "name: box",
        "# What is put in. [grey or colour]",
        "film: grey",
        "# One or more.",
        "lenses:",
        "  # Focal length in millimetres. [number above 0]",
        "- focus: 50.0",
        "- focus: 200.0",
    ]


def test_the_table_names_what_is_allowed_and_the_default() -> None:
    table = settings_table(Camera)
    assert "| `film` | grey or colour | `grey` | What is put in. |" in table
    assert "| `name` | text | required | What it is called. |" in table
    assert "## `lenses`\nWhat light passes through." in table


@pytest.mark.parametrize("path", WRITTEN)
def test_committed_files_are_what_the_settings_write(path: str, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    shutil.copy(ROOT / "config" / "claims.yaml", tmp_path / "config")
    write_config(folder=tmp_path)
    assert (ROOT / path).read_text() == (tmp_path / path).read_text(), "run `fooling write-config`"


def test_the_written_default_study_is_the_default_study() -> None:
    values = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    assert checked_settings(StudySettings, values, source="config.yaml") == default_study()


LARGER_STUDIES = ("mnist", "mnist-chains", "imagenet", "imagenet-small")


@pytest.mark.parametrize(
    "path", [*(f"config/{name}.yaml" for name in ("config", *LARGER_STUDIES)), "config/test/smoke.yaml"]
)
def test_every_study_fits_the_schema(path: str) -> None:
    schema = json.loads((ROOT / "config/schema.json").read_text())
    jsonschema.validate(parse_exponents(yaml.safe_load((ROOT / path).read_text())), schema)


def test_every_key_has_a_meaning() -> None:
    missing = [line for line in (ROOT / "docs/settings.md").read_text().splitlines() if line.endswith("| None |")]
    assert not missing


PAGE = (ROOT / "docs/files.md").read_text()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set, a classifier, a run of each encoding, and images of each other attack."""
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
    save_adversarial(place / "adversarial.safetensors", made_adversarial())
    save_universal(place / "universal.safetensors", made_universal())
    save_label_only(place / "label-only.safetensors", made_label_only())
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
    [
        ("bars", DATASET),
        ("lenet", CLASSIFIER),
        ("seed1", FORMAT),
        ("direct", FORMAT),
        ("ascent", ATTACK),
        ("adversarial", ADVERSARIAL),
        ("universal", UNIVERSAL),
        ("label-only", LABEL_ONLY),
    ],
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
