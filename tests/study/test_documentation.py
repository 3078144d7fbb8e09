"""The settings classes write their own documentation, and the committed files are what they write."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Literal

import jsonschema
import pytest
import yaml
from pydantic import Field

from fooling.cli.repository import write_config
from fooling.settings import Settings, checked_settings, parse_exponents
from fooling.study.default import default_study
from fooling.study.documentation import commented_yaml, settings_table
from fooling.study.settings import StudySettings

ROOT = Path(__file__).parents[2]
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
