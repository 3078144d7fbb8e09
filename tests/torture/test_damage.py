"""A file cut short, emptied or deleted behind the study's back: it is made again, or named with what to do about it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from checkout import MAKE_RUN, Checkout, differing

pytestmark = pytest.mark.slow

NETWORK = "results/smoke/classifiers/lenet.safetensors"
RUN = "results/smoke/evolution/lenet/cppn/seed1.safetensors"
DATASET = "results/datasets/smoke-digits.safetensors"
PARQUET = "results/smoke/findings/history/cppn.parquet"
CSV = "results/smoke/findings/classifiers.csv"
PAGE = "results/smoke/claims.md"

Damage = Callable[[Path], None]


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _made_again(checkout: Checkout) -> set[str]:
    """What had to be deleted, since the messages said so, before `make run` came to its end."""
    deleted: set[str] = set()
    for _ in range(4):
        done = checkout.attempt(*MAKE_RUN)
        if done.returncode == 0:
            break
        assert "Traceback" not in done.stdout, done.stdout
        named = re.findall(
            r"^\s*fooling [a-z-]+: (results/\S+) is .*\n(?:  .*\n)*?  to fix it: delete it", done.stdout, re.M
        )
        assert named, done.stdout
        for name in set(named):
            (checkout.folder / name).unlink(missing_ok=True)
        deleted |= set(named)
    return deleted


def _assert_fixed(checkout: Checkout, tiny: Checkout) -> None:
    for study in ("smoke", "datasets"):
        assert differing(tiny.digests(study), checkout.digests(study)) == set()
    assert checkout.is_up_to_date()


@pytest.mark.parametrize(
    ("names", "damage"),
    [
        pytest.param({CSV}, _cut),
        pytest.param({PARQUET, CSV}, _cut, marks=pytest.mark.torture),
        pytest.param({PARQUET, CSV}, _empty, marks=pytest.mark.torture),
        pytest.param({NETWORK, RUN}, _cut, marks=pytest.mark.torture),
        pytest.param({NETWORK, RUN}, _empty, marks=pytest.mark.torture),
        pytest.param({DATASET}, _cut, marks=pytest.mark.torture),
    ],
)
def test_damaged_files_are_named_and_made_again_once_deleted(
    changed_tiny: Checkout, tiny: Checkout, names: set[str], damage: Damage
) -> None:
    for name in names:
        damage(changed_tiny.folder / name)
    assert _made_again(changed_tiny) == names
    _assert_fixed(changed_tiny, tiny)


@pytest.mark.torture
def test_deleted_tables_are_made_again(changed_tiny: Checkout, tiny: Checkout) -> None:
    for name in (PARQUET, CSV):
        (changed_tiny.folder / name).unlink()
    assert _made_again(changed_tiny) == set()
    _assert_fixed(changed_tiny, tiny)


def test_results_without_their_records_are_named_and_made_again_once_deleted(
    changed_tiny: Checkout, tiny: Checkout
) -> None:
    for name, damage in ((CSV, _cut), (PAGE, _empty), (PARQUET, Path.unlink)):
        damage(changed_tiny.record_of(name))
    done = changed_tiny.attempt(*MAKE_RUN)
    assert done.returncode != 0
    assert re.search("\\n".join([r"found:", *(rf"\s+{name}" for name in sorted((PAGE, PARQUET, CSV)))]), done.stdout), (
        done.stdout
    )
    assert "to fix it: delete these results, and type make run again" in done.stdout
    for name in (PARQUET, CSV, PAGE):
        (changed_tiny.folder / name).unlink()
    changed_tiny.run(*MAKE_RUN)
    _assert_fixed(changed_tiny, tiny)


@pytest.mark.torture
def test_deleted_inputs_of_long_steps_are_made_again(changed_tiny: Checkout, tiny: Checkout) -> None:
    for name in (DATASET, NETWORK, RUN):
        (changed_tiny.folder / name).unlink()
    assert _made_again(changed_tiny) == set()
    _assert_fixed(changed_tiny, tiny)
