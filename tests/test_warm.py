"""Commands that are forked from a warm process do what new processes do."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from checkout import Checkout

CALLS = [("fooling", "--version"), ("fooling", "nonsense"), ("snakemake", "--version"), ("python", "-c", "1 / 0")]


@pytest.mark.parametrize("command", CALLS, ids=" ".join)
def test_a_command_ends_and_says_the_same(fresh_checkout: Checkout, command: tuple[str, ...]) -> None:
    real = subprocess.run(
        command, cwd=fresh_checkout.folder, env=fresh_checkout.environment(), capture_output=True, text=True
    )
    warm = subprocess.run(
        command, cwd=fresh_checkout.folder, env=fresh_checkout.warm_environment(), capture_output=True, text=True
    )
    assert (warm.returncode, warm.stdout, warm.stderr) == (real.returncode, real.stdout, real.stderr)


def test_a_command_runs_the_code_of_its_checkout(fresh_checkout: Checkout, tmp_path: Path) -> None:
    changed = fresh_checkout.copy(tmp_path / "repository")
    assert fresh_checkout.run("fooling", "--version") != "changed\n"
    (changed.folder / "src/fooling/__init__.py").write_text("__version__ = 'changed'\n")
    assert changed.run("fooling", "--version") == "changed\n"


def test_a_module_reads_its_input_here_and_starts_others_warm(fresh_checkout: Checkout, tmp_path: Path) -> None:
    package = tmp_path / "sharing"
    package.mkdir()
    started = "subprocess.run([sys.executable, '-m', 'sharing', 'nested'])"
    (package / "__main__.py").write_text(
        "import subprocess, sys\n"
        "print(sys.stdin.read(), 'dvc.cli' in sys.modules, *sys.argv[1:], flush=True)\n"
        f"if len(sys.argv) == 1: {started}\n"
        "sys.exit(len(sys.argv))\n"
    )
    done = subprocess.run(
        ["python", "-m", "sharing"],
        cwd=tmp_path,
        env=fresh_checkout.warm_environment(),
        input="given",
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (1, "given True\n True nested\n", "")
