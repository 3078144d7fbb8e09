"""The notebooks for teachers run, use the public interface alone, and are committed without outputs."""

from __future__ import annotations

import ast
import copy
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from checkout import ROOT
from sharing.citation import citation, notebook_text, repository_in, with_address
from test_api import public

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)

#: Packages that the cells may import, beside the standard library: those of the extra `notebooks`.
IMPORTED = {"fooling", "matplotlib", "numpy", "sklearn", "torch"}


def cells(path: Path, kind: str) -> list[dict[str, Any]]:
    return [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == kind]


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def test_there_are_two() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["can-it-be-taught", "fool-a-network"]


@each_notebook
def test_they_are_committed_without_outputs(path: Path) -> None:
    text = path.read_text()
    nbformat.validate(json.loads(text))
    for cell in cells(path, "code"):
        assert cell["outputs"] == [] and cell["execution_count"] is None, "clear all outputs before you commit"
    assert json.loads(text)["metadata"].keys() == {"kernelspec", "language_info"}
    assert text == notebook_text(json.loads(text)), "run python -m sharing describe"
    assert len(text) < 40_000


@each_notebook
def test_they_import_public_names_alone(path: Path) -> None:
    allowed = set(public())
    code = "\n".join(source(cell) for cell in cells(path, "code"))
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom):
            assert node.module is not None and node.module.partition(".")[0] in IMPORTED, node.module
            if node.module.partition(".")[0] == "fooling":
                assert {(node.module, alias.name) for alias in node.names} <= allowed, node.module
        elif isinstance(node, ast.Import):
            for alias in node.names:
                assert alias.name.partition(".")[0] in (IMPORTED - {"fooling"}) | sys.stdlib_module_names, alias.name


@each_notebook
def test_all_randomness_has_a_seed(path: Path) -> None:
    code = "\n".join(source(cell) for cell in cells(path, "code"))
    for call in re.findall(r"torch\.rand\w*\(.*", code):
        assert "generator=" in call or "torch.manual_seed(seed)" in code, call
    assert not re.findall(r"np\.random\.(?!default_rng\(\d)\w+", code)


@each_notebook
def test_each_has_exercises_with_hints(path: Path) -> None:
    text = "\n".join(source(cell) for cell in cells(path, "markdown"))
    exercises = text.partition("## Exercises")[2]
    assert (
        len(re.findall(r"^\*\*\d\. ", exercises, flags=re.MULTILINE)) == exercises.count("<summary>Hint</summary>") == 5
    )
    assert text.count("## ") >= 6


@each_notebook
def test_they_name_the_address_of_the_citation_and_no_other(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    notebook = json.loads(path.read_text())
    assert notebook == with_address(notebook, name=path.name, repository=repository_in(citation()))


def test_a_declared_address_gives_a_badge_and_an_installation() -> None:
    path = NOTEBOOKS[0]
    plain = with_address(json.loads(path.read_text()), name=path.name, repository="")
    before = copy.deepcopy(plain)
    hosted = with_address(plain, name=path.name, repository="https://github.com/someone/study")
    first, _, rest = source(hosted["cells"][0]).partition("\n\n")
    place = f"https://colab.research.google.com/github/someone/study/blob/main/notebooks/{path.name}"
    assert first.startswith("[![Open in Colab]") and first.endswith(f"({place})")
    assert rest.startswith("# ")
    assert 'REPOSITORY = "https://github.com/someone/study"' in source(hosted["cells"][1])
    assert with_address(hosted, name=path.name, repository="https://github.com/someone/study") == hosted
    elsewhere = with_address(hosted, name=path.name, repository="https://example.org/study.git")
    assert "Open in Colab" not in source(elsewhere["cells"][0])
    assert 'REPOSITORY = "https://example.org/study.git"' in source(elsewhere["cells"][1])
    assert with_address(hosted, name=path.name, repository="") == plain == before


def test_without_the_package_the_first_cell_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    install = source(cells(NOTEBOOKS[0], "code")[0])
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(RuntimeError, match=r"pip install '.\[notebooks\]'"):
        exec(re.sub(r'REPOSITORY = ".*"', 'REPOSITORY = ""', install), {})


@pytest.mark.slow
@each_notebook
def test_they_run(path: Path, tmp_path: Path) -> None:
    copied = tmp_path / path.name
    copied.write_text(path.read_text())
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--nbmake",
        "--nbmake-timeout=300",
        "-p",
        "no:cacheprovider",
        str(copied),
    ]
    variables = {"PYTHONPATH": str(ROOT / "src"), "MPLBACKEND": "agg", "JUPYTER_PLATFORM_DIRS": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=os.environ | variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
