"""Where a command computes, and what it leaves behind."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
import torch

from fooling.classifiers.devices import chosen_device, reproducible
from fooling.errors import FoolingError

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _two_gpus_pretended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv("FOOLING_DEVICE", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # put back after the test, whatever a lease makes of it


def test_auto_takes_a_gpu_when_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen_device("auto") == torch.device("cuda")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert chosen_device("auto") == CPU


def test_the_environment_decides_what_auto_means(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOLING_DEVICE", "cpu")
    assert chosen_device("auto") == CPU
    assert chosen_device("cuda") == torch.device("cuda")


@pytest.mark.parametrize("name", ["gpu", "cuda:2", "meta"])
def test_a_device_that_is_not_there_is_named(name: str) -> None:
    with pytest.raises(FoolingError, match=name):
        chosen_device(name)


def test_for_a_missing_gpu_the_setting_is_told() -> None:
    with pytest.raises(FoolingError, match=r"cuda:2 is not there(.|\n)*set machine.device .* to auto or cpu"):
        chosen_device("cuda:2")


@pytest.mark.parametrize(
    ("shown", "name", "seen"),
    [
        ("", "cuda:1", "1"),
        ("5,7", "cuda", "5"),
        ("5, 7", "cuda:1", "7"),
        ("MIG-a/1/0,MIG-a/2/0", "cuda:1", "MIG-a/2/0"),
    ],
)
def test_a_process_sees_its_gpu_alone(monkeypatch: pytest.MonkeyPatch, shown: str, name: str, seen: str) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", shown)
    assert chosen_device(name) == torch.device("cuda")
    assert os.environ["CUDA_VISIBLE_DEVICES"] == seen


def test_a_single_gpu_that_is_shown_needs_no_lease(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    assert chosen_device("cuda") == torch.device("cuda")
    assert list(tmp_path.iterdir()) == []


def test_reproducible_work_leaves_threads_and_random_numbers_alone() -> None:
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    with reproducible(CPU, threads=threads + 1):
        assert torch.get_num_threads() == threads + 1
        torch.manual_seed(1)
        torch.rand(3)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)
