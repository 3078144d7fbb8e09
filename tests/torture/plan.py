"""Which kills a torture is to hold: for each the step that is met, the moment, and what is killed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum


class Moment(StrEnum):
    """What the victim is at when it is killed."""

    COMPUTING = "computing"
    RESUMABLE = "computing, a checkpoint saved"
    SAVING = "writing a checkpoint"
    WRITING = "writing its output"
    LOCKING = "Snakemake locks the folder"
    MARKING = "Snakemake marks a job as begun"
    RECORDING = "Snakemake records a job"
    CLEARING = "Snakemake clears the mark of a job"


class Victim(StrEnum):
    """What is killed."""

    TREE = "everything"
    SNAKEMAKE = "all but the job"
    JOB = "the job alone"


COMPUTING = {Moment.COMPUTING, Moment.RESUMABLE}
BOOKKEEPING = [Moment.LOCKING, Moment.MARKING, Moment.RECORDING, Moment.CLEARING]
SNAKEMAKE = "snakemake"  # stands for the step where Snakemake itself is met


@dataclass(frozen=True)
class Kill:
    """One kill that is to be held."""

    step: str
    moment: Moment
    victim: Victim = Victim.TREE


#: The commands that work longest in the smoke study; the first five keep checkpoints.
LONG = (
    "train",
    "evolve",
    "evolve-many",
    "retrain",
    "attack",
    "examine",
    "calibrate",
    "sample",
    "draw",
    "audit",
)
RESUMABLE = LONG[:5]
#: Late commands: when one is killed alone, nothing else is left to be done, and the run ends by itself.
LATE = ("claims", "run-info", "report")


def whole_plan(draw: random.Random) -> list[Kill]:
    """At least 50 kills: every long step five times while it computes, and all other moments."""
    plan = []
    for step in LONG:
        victims = [Victim.TREE, Victim.TREE, Victim.TREE, Victim.JOB, Victim.SNAKEMAKE]
        moments = [Moment.RESUMABLE if step in RESUMABLE and n < 3 else Moment.COMPUTING for n in range(5)]
        plan += [Kill(step, *met) for met in zip(moments, draw.sample(victims, k=5), strict=True)]
        plan.append(Kill(step, Moment.WRITING, draw.choice(list(Victim))))
    plan += [Kill(step, Moment.SAVING, draw.choice(list(Victim))) for step in RESUMABLE]
    plan += [
        Kill(step, Moment.WRITING)
        for step in ("train", "evolve", "tabulate", "compare", "match-refusal", "tabulate-refusal")
    ]
    plan += [Kill(step, Moment.COMPUTING, Victim.JOB) for step in LATE]
    plan += [Kill(SNAKEMAKE, moment) for moment in BOOKKEEPING * 2]
    draw.shuffle(plan)
    return plan


def small_plan(draw: random.Random) -> list[Kill]:
    """A kill of every kind."""
    plan = [
        Kill("train", Moment.RESUMABLE),
        Kill("train", Moment.COMPUTING, Victim.SNAKEMAKE),
        Kill("evolve", Moment.WRITING),
        Kill("evolve", Moment.RESUMABLE),
        Kill("claims", Moment.COMPUTING, Victim.JOB),
        Kill(SNAKEMAKE, draw.choice([Moment.MARKING, Moment.RECORDING, Moment.CLEARING])),
    ]
    draw.shuffle(plan)
    return plan
