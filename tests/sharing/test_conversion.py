"""Records that name source files become records with fingerprints, where those files are the ones of their commit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fooling.artifacts import sha256_of
from fooling.fingerprint import Fingerprints
from sharing.conversion import converted

FILES = {
    "src/fooling/cli/draw.py": "NAMED_MODULES = ('fooling.figures.*',)",
    "src/fooling/figures/gallery.py": "import fooling.figures.style",
    "src/fooling/figures/style.py": "DATA_FILES = ('style.mplstyle',)",
    "src/fooling/figures/style.mplstyle": "font.size: 7",
    "src/fooling/cli/survey_sample.py": "",
    "envs/figures.yaml": "dependencies: [numpy==1]",
}


@pytest.fixture
def code(tmp_path: Path) -> Fingerprints:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return Fingerprints(tmp_path / "src/fooling")


def before(name: str) -> str | None:
    return sha256_of(FILES[name].encode()) if name in FILES else None


def record(command: str, *inputs: str) -> dict[str, Any]:
    names = ["results/table.csv", *inputs]
    checksums = {name: f"sha256:{before(name) or 'of a result'}" for name in names}
    return {
        "rule": "draw",
        "input": names,
        "input_checksums": checksums,
        "params": ["'{}'"],
        "shellcmd": f"fooling {command} --png a.png 2> log",
    }


def convert(given: dict[str, Any], code: Fingerprints) -> dict[str, Any] | None:
    return converted(given, before=before, code=code, packages=lambda name: f"packages of {name}")


def test_source_files_give_way_to_the_fingerprint_and_everything_else_stays(code: Fingerprints) -> None:
    inputs = [name for name in FILES if "survey" not in name]
    given = record("draw gallery", *inputs)
    expected = code.of("fooling.cli.draw", "fooling.figures.gallery")
    assert convert(given, code) == {
        **given,
        "input": ["results/table.csv"],
        "input_checksums": {"results/table.csv": "sha256:of a result"},
        "params": sorted(["'{}'", repr(expected), "'packages of envs/figures.yaml'"]),
    }


def test_a_command_of_a_group_is_found(code: Fingerprints) -> None:
    found = convert(record("survey sample", "src/fooling/cli/survey_sample.py"), code)
    assert found is not None and repr(code.of("fooling.cli.survey_sample")) in found["params"]


def test_a_record_of_other_files_is_left(code: Fingerprints) -> None:
    given = record("draw gallery", "src/fooling/cli/draw.py", "src/fooling/figures/gallery.py")
    given["input_checksums"]["src/fooling/figures/gallery.py"] = "sha256:of an edited file"
    assert convert(given, code) is None
    del given["input_checksums"]["src/fooling/figures/gallery.py"]
    assert convert(given, code) is None
    assert convert(record("draw gallery", "src/fooling/cli/gone.py"), code) is None
