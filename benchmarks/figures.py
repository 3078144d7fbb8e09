"""The figures of the benchmark: which contestant is compared with which, and what is to be reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.interleaving import Contestant
from benchmarks.material import OFFSPRING

IMAGENET_RUN = 400 * 5001  # images of the paper's CPPN runs: a start and 5000 generations


@dataclass(frozen=True, kw_only=True)
class Figure:
    """How many times as fast ``ours`` is as ``theirs``, both keys of contestants; without ``theirs``, its rate."""

    key: str
    what: str
    ours: str
    theirs: str | None
    goal: float
    goal_itself_suffices: bool = True
    rate: str = "images per second"
    images_per_unit: int = 1
    """How many images the unit of the rate stands for."""
    projected_images: int | None = None
    """Images of a whole run, whose time is projected."""

    def measured(
        self, contestants: Mapping[str, Contestant], seconds: Mapping[str, NDArray[np.float64]]
    ) -> dict[str, Any]:
        """The figure as JSON values, from every contestant's CPU seconds an image in each round.

        Its value is the median of the rounds' ratios, or rates; the spreads are quartiles.
        """
        reference = 1.0 if self.theirs is None else seconds[self.theirs]
        ratios: NDArray[np.float64] = reference / seconds[self.ours]
        value = float(np.median(ratios))
        return (
            self._told(value)
            | {
                "quartiles": _quartiles(ratios),
                "rounds": len(ratios),
                "rate": self.rate,
                "rates": {
                    contestants[key].what: {
                        "median": float(np.median(1 / (seconds[key] * self.images_per_unit))),
                        "quartiles": _quartiles(1 / (seconds[key] * self.images_per_unit)),
                    }
                    for key in self.contestants
                },
            }
            | self._projected(float(np.median(seconds[self.ours])))
        )

    @property
    def contestants(self) -> tuple[str, ...]:
        """The keys of the contestants that the figure needs."""
        return (self.ours,) if self.theirs is None else (self.ours, self.theirs)

    def _projected(self, seconds: float) -> dict[str, Any]:
        """What a whole run takes in minutes, at so many seconds an image."""
        images = self.projected_images
        return {} if images is None else {"projected_minutes": images * seconds / 60}

    def not_measured(self, reason: str) -> dict[str, Any]:
        """The figure as JSON values when a contestant could not take part."""
        return self._told(None) | {"not_measured": reason}

    def _told(self, value: float | None) -> dict[str, Any]:
        met = None if value is None else value > self.goal or (self.goal_itself_suffices and value == self.goal)
        goal_is = "at least" if self.goal_itself_suffices else "above"
        unit = "times" if self.theirs is not None else self.rate
        return {"what": self.what, "unit": unit, "value": value, "goal": self.goal, "goal_is": goal_is, "met": met}


FIGURES = (
    Figure(
        key="loop_direct",
        what="whole evolution loop, direct encoding, over scoring alone",
        ours="evolution_direct",
        theirs="scoring",
        goal=0.85,
    ),
    Figure(
        key="loop_cppn",
        what="whole evolution loop, CPPN encoding, over scoring alone",
        ours="evolution_cppn",
        theirs="scoring",
        goal=0.85,
    ),
    Figure(
        key="scoring",
        what="scoring over plain eager batch-200 NCHW scoring",
        ours="scoring",
        theirs="scoring_plain",
        goal=2.0,
    ),
    Figure(
        key="render_rate",
        what="CPPN renderer, offspring of an evolved run, one core",
        ours="rendering",
        theirs=None,
        goal=150_000.0,
    ),
    Figure(
        key="render_vs_neat_python",
        what="CPPN renderer over neat-python, pixel by pixel",
        ours="rendering",
        theirs="rendering_neat_python",
        goal=200.0,
    ),
    Figure(
        key="render_vs_numpy",
        what="CPPN renderer over numpy, one genome at a time",
        ours="rendering",
        theirs="rendering_numpy",
        goal=10.0,
    ),
    Figure(
        key="vs_pyribs",
        what="evolution, direct encoding, over pyribs",
        ours="evolution_direct",
        theirs="evolution_pyribs",
        goal=1.0,
        goal_itself_suffices=False,
        rate="generations per second",
        images_per_unit=OFFSPRING,
    ),
    Figure(
        key="vs_qdax",
        what="evolution, direct encoding, over QDax",
        ours="evolution_direct",
        theirs="evolution_qdax",
        goal=1.0,
        goal_itself_suffices=False,
        rate="generations per second",
        images_per_unit=OFFSPRING,
    ),
    Figure(
        key="render_256",
        what="CPPN renderer at 256x256 in colour over AlexNet, one crop",
        ours="pictures_rendering",
        theirs="pictures_scoring",
        goal=8.0,
    ),
    *(
        Figure(
            key=f"bf16_{network}",
            what=f"scoring in bfloat16 over float32, {name}",
            ours=f"network_{network}_bfloat16",
            theirs=f"network_{network}_float32",
            goal=goal,
        )
        for network, name, goal in (
            ("lenet", "LeNet", 1.5),
            ("alexnet", "AlexNet, one crop", 2.5),
            ("squeezenet", "SqueezeNet 1.1, one crop", 1.8),
        )
    ),
    Figure(
        key="screened_cppn",
        what="whole evolution loop, CPPN encoding, screened in bfloat16, over the same in float32",
        ours="evolution_precision_screened",
        theirs="evolution_precision_float32",
        goal=1.0,
        goal_itself_suffices=False,
    ),
    Figure(
        key="gpu_loop_one_crop",
        what="whole ImageNet evolution on a GPU, CPPN, over scoring alone, one crop",
        ours="gpu_evolution_centre",
        theirs="gpu_scoring_centre",
        goal=0.8,
        projected_images=IMAGENET_RUN,
    ),
    Figure(
        key="gpu_loop_ten_crops",
        what="whole ImageNet evolution on a GPU, CPPN, over scoring alone, ten crops",
        ours="gpu_evolution_ten",
        theirs="gpu_scoring_ten",
        goal=0.9,
        projected_images=IMAGENET_RUN,
    ),
)


def _quartiles(values: NDArray[np.float64]) -> list[float]:
    return [float(quartile) for quartile in np.quantile(values, (0.25, 0.75))]
