"""Machine code is kept on disk, and where that is impossible it is compiled in memory, always to the same bytes."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from llvmlite.binding import get_host_cpu_features

import fooling
from fooling.encodings.cppn import compiled
from fooling.encodings.cppn.compilation import FOLDER_VARIABLE, machine_code
from fooling.encodings.cppn.encoding import CppnEncoding
from fooling.encodings.cppn.genome import CppnGenomes
from fooling.encodings.settings import CppnSettings

PACKAGE = Path(fooling.__file__).parent

RENDER = """
import hashlib, sys
import torch
from safetensors.torch import load_file
from fooling.encodings.cppn.encoding import CppnEncoding
from fooling.encodings.settings import CppnSettings
encoding = CppnEncoding(settings=CppnSettings(), image_shape=(3, 13, 15))
images = encoding.render(encoding.genomes_from(load_file(sys.argv[1])))
print(hashlib.sha256(images.numpy().tobytes()).hexdigest())
"""


@pytest.fixture(scope="module")
def genomes(tmp_path_factory: pytest.TempPathFactory, colour_population: CppnGenomes) -> Path:
    from safetensors.torch import save_file

    path = tmp_path_factory.mktemp("genomes") / "genomes.safetensors"
    save_file(colour_population.arrays(), path)
    return path


@pytest.fixture(scope="module")
def expected(colour_population: CppnGenomes) -> str:
    encoding = CppnEncoding(settings=CppnSettings(), image_shape=(3, 13, 15))
    return hashlib.sha256(encoding.render(colour_population).numpy().tobytes()).hexdigest()


def started(genomes: Path, *, code: str = RENDER, **variables: str) -> subprocess.Popen[str]:
    """A process that renders the genomes and prints the digest of their images."""
    return subprocess.Popen(
        [sys.executable, "-c", code, str(genomes)],
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(process: subprocess.Popen[str]) -> tuple[str, str]:
    digest, messages = process.communicate(timeout=600)
    assert process.returncode == 0, messages
    return digest.strip(), messages


def kept_in(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.rglob("*.nb?")}


@pytest.mark.slow
def test_processes_that_compile_at_once_share_one_result(tmp_path: Path, genomes: Path, expected: str) -> None:
    processes = [started(genomes, **{FOLDER_VARIABLE: str(tmp_path)}) for _ in range(3)]
    assert [finished(process) for process in processes] == [(expected, "")] * 3
    kept = kept_in(tmp_path)
    assert sorted(Path(name).suffix for name in kept) == [".nbc", ".nbi"]
    assert finished(started(genomes, **{FOLDER_VARIABLE: str(tmp_path)})) == (expected, "")
    assert kept_in(tmp_path) == kept


@pytest.mark.slow
def test_without_a_folder_each_process_compiles_for_itself(tmp_path: Path, genomes: Path, expected: str) -> None:
    (tmp_path / "file").touch()
    digest, messages = finished(started(genomes, **{FOLDER_VARIABLE: str(tmp_path / "file")}))
    assert digest == expected
    assert f"machine code cannot be kept in {tmp_path / 'file'}" in messages
    assert "compiling fooling.encodings.cppn.compiled in memory" in messages


@pytest.mark.slow
def test_damaged_machine_code_is_not_used(tmp_path: Path, genomes: Path, expected: str) -> None:
    finished(started(genomes, **{FOLDER_VARIABLE: str(tmp_path)}))
    for path in tmp_path.rglob("*.nbc"):
        path.write_bytes(path.read_bytes()[:1000])
    digest, messages = finished(started(genomes, **{FOLDER_VARIABLE: str(tmp_path)}))
    assert digest == expected
    assert "machine code cannot be kept in" in messages


@pytest.mark.slow
def test_a_read_only_installation_uses_the_cache_of_the_user(tmp_path: Path, genomes: Path, expected: str) -> None:
    installed = tmp_path / "installed"
    shutil.copytree(PACKAGE, installed / "fooling", ignore=shutil.ignore_patterns("__pycache__"))
    caches = installed / "fooling/encodings/cppn/__pycache__"
    caches.mkdir()
    (caches / "machine-code").touch()  # no folder can be made here, not even by root
    caches.chmod(0o555)
    variables = {FOLDER_VARIABLE: "", "PYTHONPATH": str(installed), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    digest, messages = finished(started(genomes, **variables))
    assert digest == expected
    assert messages.count("machine code cannot be kept in") == 1
    kept = kept_in(tmp_path / "cache/fooling/machine-code")
    assert sorted(Path(name).suffix for name in kept) == [".nbc", ".nbi"]
    assert finished(started(genomes, **variables))[0] == expected
    assert kept_in(tmp_path / "cache/fooling/machine-code") == kept
    caches.chmod(0o755)


@pytest.mark.slow
@pytest.mark.parametrize(("lanes", "instructions"), [(8, ""), (16, ""), (16, "+fma,+avx2")])
def test_other_processors_render_the_same_bytes(
    lanes: int, instructions: str, tmp_path: Path, genomes: Path, expected: str
) -> None:
    """Without AVX2 vectors have four floats, and a fused multiply-add is the call of a library."""
    if instructions and not {"fma", "avx2"} <= {name for name, there in get_host_cpu_features().items() if there}:
        pytest.skip("this processor has no AVX2")
    host = f"""
from llvmlite import binding
binding.get_host_cpu_features = lambda: binding.FeatureMap(avx512f={lanes == 16})
"""
    check = f"from fooling.encodings.cppn.functions import LANES; assert LANES == {lanes}"
    variables = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": instructions}
    process = started(genomes, code=host + RENDER + check, **{FOLDER_VARIABLE: str(tmp_path)}, **variables)
    assert finished(process) == (expected, "")


@pytest.mark.slow
def test_numba_is_imported_only_to_render_on_a_cpu() -> None:
    code = """
import sys, torch
from fooling.encodings.cppn.encoding import CppnEncoding
from fooling.encodings.settings import CppnSettings
encoding = CppnEncoding(settings=CppnSettings(), image_shape=(1, 4, 4))
genomes = encoding.random(2, torch.Generator())
assert "numba" not in sys.modules
encoding.render(genomes)
assert "numba" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_compiled_code_is_loaded_once() -> None:
    assert machine_code(compiled) is machine_code(compiled)
