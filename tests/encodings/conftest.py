"""What the tests of the encodings share: generators, and evolved populations of CPPNs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from fooling.encodings.cppn.encoding import CppnEncoding
from fooling.encodings.cppn.genome import CppnGenomes
from fooling.encodings.settings import CppnSettings


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Small tensors gain nothing from threads that wait for each other on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(20141205)


@pytest.fixture(scope="session")
def grey_population() -> CppnGenomes:
    """120 grey genomes after 40 generations of unselected mutation."""
    return _drifted(CppnEncoding(settings=CppnSettings(), image_shape=(1, 8, 8)), count=120, generations=40)


@pytest.fixture(scope="session")
def colour_population() -> CppnGenomes:
    """40 colour genomes after 40 generations of unselected mutation."""
    return _drifted(CppnEncoding(settings=CppnSettings(), image_shape=(3, 8, 8)), count=40, generations=40)


def _drifted(encoding: CppnEncoding, *, count: int, generations: int) -> CppnGenomes:
    generator = torch.Generator().manual_seed(7)
    genomes = encoding.random(count, generator)
    for generation in range(1, generations + 1):
        genomes = encoding.vary(genomes, generation, generator)
    return genomes
