"""docs/api.md: its examples run, and it lists the public names, each with a docstring."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import fooling
from checkout import ROOT

PAGE = ROOT / "docs/api.md"


def public() -> list[tuple[str, str]]:
    """Module and name of every row of the table."""
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| `([\w.]+)` \|", PAGE.read_text(), flags=re.MULTILINE)
    return [(module, name) for names, module in rows for name in re.findall(r"\w+", names)]


def test_the_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # A fence after the expected output would count as output.
    text = re.sub(r"^```.*$", "", PAGE.read_text(), flags=re.MULTILINE)
    examples = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, str(PAGE), 0)
    assert len(examples.examples) > 40
    said: list[str] = []
    assert doctest.DocTestRunner().run(examples, out=said.append).failed == 0, "".join(said)
    assert (tmp_path / "audit/index.html").is_file()


@pytest.mark.parametrize(("module", "name"), public())
def test_public_names_exist_and_are_described(module: str, name: str) -> None:
    found = getattr(importlib.import_module(module), name)
    first, *_ = (inspect.getdoc(found) or "").splitlines()
    assert first.endswith(".")
    assert found.__doc__ != Exception.__doc__


def test_the_page_lists_what_the_package_exports_and_the_stub_declares_it() -> None:
    exported = set(fooling.__all__) - {"__version__"}
    assert exported == {name for module, name in public() if module == "fooling"}
    stub = ast.parse((ROOT / "src/fooling/__init__.pyi").read_text())
    declared = {node.names[0].name: node.module for node in stub.body if isinstance(node, ast.ImportFrom)}
    assert declared == {name: getattr(fooling, name).__module__ for name in exported}
    assert exported <= set(dir(fooling))


def test_importing_the_package_alone_imports_nothing_else() -> None:
    code = "import fooling, sys; print(*(name for name in ('torch', 'numpy', 'pydantic') if name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "\n"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        fooling.nothing  # noqa: B018
