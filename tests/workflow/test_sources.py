"""The files that decide a step are found by reading imports, and are those that Python really imports."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from checkout import ROOT
from rules import sources as finder

FILES = {
    "__init__.py": "__version__ = '1'",
    "a.py": "import fooling\nfrom fooling.room import door\nfrom .b import thing",
    "b.py": """
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    import fooling.never
else:
    import fooling.other
""",
    "never.py": "",
    "other.py": "def f():\n    from . import late",
    "late.py": "import numpy",
    "room/__init__.py": "",
    "room/door.py": "from ..b import something\nfrom .window import glass",
    "room/window.py": "",
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name, text in FILES.items():
        path = tmp_path / "src/fooling" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.chdir(tmp_path)
    finder._imported.cache_clear()
    yield tmp_path
    finder._imported.cache_clear()


def test_imports_are_followed_wherever_they_stand(package: Path) -> None:
    found = {Path(path).relative_to("src/fooling").as_posix() for path in finder.sources("fooling.a")}
    assert found == {"a.py", "b.py", "other.py", "late.py", "room/__init__.py", "room/door.py", "room/window.py"}


def test_a_module_that_is_not_there_is_named(package: Path) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"fooling\.nothing"):
        finder.sources("fooling.nothing")


def test_a_file_outside_the_package_stands_for_itself(package: Path) -> None:
    own = package / "network.py"
    own.write_text("import fooling.a")
    assert finder.sources_of_file(own) == [str(own)]
    assert finder.sources_of_file(package / "src/fooling/b.py") == finder.sources("fooling.b")


@pytest.mark.parametrize("command", ["evolve_cppn", "claims", "report"])
def test_what_python_imports_is_among_them(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    code = (
        f"import sys, fooling.cli.{command}\n"
        "print(*(module.__file__ for name, module in sys.modules.items() if name.startswith('fooling.')), sep='\\n')"
    )
    listed = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, check=True, cwd=ROOT)
    imported = {str(Path(line).relative_to(ROOT)) for line in listed.stdout.split()}
    assert imported
    assert imported <= set(finder.sources(f"fooling.cli.{command}"))
