"""Freeze the claims, and reserve seeds for the runs that test them."""

from __future__ import annotations

import datetime
from pathlib import Path

from fooling.artifacts import write_json
from fooling.claims.claim import Claims
from fooling.claims.freeze import ESTIMANDS, freeze, seeds_of
from fooling.fingerprint import fingerprint
from fooling.progress import say
from fooling.settings import SeedRange, checked_settings, read_settings
from fooling.study.settings import StudySettings


def freeze_claims(*, declared: Path, studies: list[Path], first_seed: int, seeds: int, output: Path) -> None:
    """Write the lock of the claims that ``declared`` holds, with a block of seeds that no study uses.

    Args:
        declared: YAML file that declares the claims.
        studies: Study files whose seeds are used already; give the option once for each.
        first_seed: First of the seeds to reserve.
        seeds: How many seeds to reserve.
        output: Lock to write.
    """
    block = checked_settings(SeedRange, {"first": first_seed, "count": seeds}, source="--first-seed, --seeds")
    lock = freeze(
        read_settings(Claims, str(declared)),
        estimands=fingerprint(ESTIMANDS),
        seeds=block,
        used={seed for study in studies for seed in seeds_of(read_settings(StudySettings, str(study)))},
        today=datetime.datetime.now(tz=datetime.UTC).date(),
    )
    write_json(output, lock.model_dump(mode="json"))
    last = block.first + block.count - 1
    say(f"{len(lock.claims)} claims frozen, seeds {block.first} to {last} reserved; written to {output}")
