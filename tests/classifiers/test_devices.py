"""Where a command computes, and what it leaves behind."""

from __future__ import annotations

import pytest
import torch

from fooling.classifiers.devices import chosen_device, reproducible
from fooling.errors import FoolingError

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _two_gpus_pretended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.delenv("FOOLING_DEVICE", raising=False)


def test_auto_takes_a_gpu_when_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen_device("auto") == torch.device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert chosen_device("auto") == CPU


def test_the_environment_decides_what_auto_means(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOLING_DEVICE", "cpu")
    assert chosen_device("auto") == CPU
    assert chosen_device("cuda:1") == torch.device("cuda:1")


@pytest.mark.parametrize("name", ["gpu", "cuda:2", "meta"])
def test_a_device_that_is_not_there_is_named(name: str) -> None:
    with pytest.raises(FoolingError, match=name):
        chosen_device(name)


def test_reproducible_work_leaves_threads_and_random_numbers_alone() -> None:
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    with reproducible(CPU, threads=threads + 1):
        assert torch.get_num_threads() == threads + 1
        torch.manual_seed(1)
        torch.rand(3)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)
