"""Killed at any moment, by anyone: the study goes on where it stood, to the same bytes."""

from __future__ import annotations

import os
import random
import secrets
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from checkout import SMOKE, Checkout, differing, hidden_in
from torture.killer import Death, Killer
from torture.plan import COMPUTING, LONG, SNAKEMAKE, Kill, Moment, Victim, small_plan, whole_plan

pytestmark = pytest.mark.slow

Say = Callable[[str], None]


def _held(
    plan: list[Kill], seed: int, fresh: Checkout, reference: Checkout, folder: Path, say: Say
) -> tuple[list[Death], int]:
    """All kills of the plan, held while the study is made from nothing, as often as it takes; and how many resumed."""
    killer = Killer(fresh, reference, plan, random.Random(seed), say)
    for number in range(10):
        killer.checkout = fresh.copy(folder / str(number))
        killer.make_study()
        _assert_undisturbed(killer.checkout, reference)
        assert {kill.step for kill in plan} <= killer.seen, "the study has no such step"
        if not killer.plan:
            break
    assert not killer.plan, "these moments were never met"
    return killer.deaths, killer.resumed


def _assert_undisturbed(checkout: Checkout, reference: Checkout) -> None:
    assert len(reference.digests()) > 30
    for study in ("smoke", "datasets"):
        assert differing(reference.digests(study), checkout.digests(study)) == set()
    assert hidden_in(checkout.folder / "results") == [".checkpoints"]
    assert not list((checkout.folder / "results/.checkpoints").iterdir())
    assert checkout.is_up_to_date()


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Says a line at once, and whether the test passes or not: it takes long."""

    def said(line: str) -> None:
        with capsys.disabled():
            print(line, flush=True)

    return said


@pytest.fixture
def seed(say: Say) -> int:
    """The seed of the plan, said so that it can be given again."""
    seed = int(os.environ.get("TORTURE_SEED") or secrets.randbelow(10**6))
    say(f"\nTORTURE_SEED={seed}")
    return seed


def test_a_few_kills_change_no_byte(
    seed: int, fresh_checkout: Checkout, tiny: Checkout, tmp_path: Path, say: Say
) -> None:
    """A kill of every kind, in the tiny study; `make torture` kills at every long step of the smoke study."""
    fresh = fresh_checkout.copy(tmp_path / "fresh")
    shutil.copy(tiny.folder / SMOKE, fresh.folder / SMOKE)
    deaths, resumed = _held(small_plan(random.Random(seed)), seed, fresh, tiny, tmp_path, say)
    assert len(deaths) == 6
    assert resumed >= 2


@pytest.mark.torture
def test_many_kills_change_no_byte(
    seed: int, fresh_checkout: Checkout, smoke: Checkout, tmp_path: Path, say: Say
) -> None:
    deaths, resumed = _held(whole_plan(random.Random(seed)), seed, fresh_checkout, smoke, tmp_path, say)
    say(f"{resumed} jobs went on from a checkpoint")
    assert len(deaths) >= 50
    computing = Counter(death.kill.step for death in deaths if death.kill.moment in COMPUTING)
    assert all(computing[step] >= 5 for step in LONG)
    moments = Counter(death.kill.moment for death in deaths)
    assert all(moments[moment] >= 2 for moment in Moment)
    assert moments[Moment.WRITING] >= len(LONG)
    assert Counter(death.kill.step for death in deaths)[SNAKEMAKE] >= 8
    assert all(Counter(death.kill.victim for death in deaths)[victim] >= 5 for victim in Victim)
    assert resumed >= 5
