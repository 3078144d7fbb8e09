"""What the page relies on in the file that `run-info` writes."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from fooling.contents import Header

Amount = Annotated[float, Field(ge=0, le=1e12)]
Count = Annotated[int, Field(ge=0, le=10**12)]
Share = Annotated[float, Field(ge=0, le=1)]


class MachineInformation(Header):
    """The machine."""

    system: str
    processor: str
    cores: Count
    memory_mb: Count
    python: str
    device: str


class NetworkInformation(Header):
    """A network and its errors; the seed of one that others trained is not known."""

    classifier: str
    dataset: str
    architecture: str
    seed: int | None
    test_images: Count
    test_error: Share
    test_error_low: Share
    test_error_high: Share
    top5_error: Share | None
    top5_error_low: Share | None
    top5_error_high: Share | None
    published_error: Share | None
    published_top5_error: Share | None
    published_source: str | None


class ExperimentInformation(Header):
    """An experiment."""

    experiment: str
    classifiers: tuple[str, ...]
    seeds: tuple[int, ...]


class StepInformation(Header):
    """All jobs of one command."""

    step: str
    jobs: Count
    wall_seconds: Amount
    longest_seconds: Amount
    peak_memory_mb: Count


class RunInformation(Header):
    """How a study was run."""

    machine: MachineInformation
    packages: dict[str, str]
    classifiers: tuple[NetworkInformation, ...]
    experiments: tuple[ExperimentInformation, ...]
    steps: tuple[StepInformation, ...]
    jobs: tuple[Any, ...]
